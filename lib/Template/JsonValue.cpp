//===- JsonValue.cpp - values from and to JSON ----------------------------===//

#include "tenon/Template/Value.h"

#include "tenon/Support/Json.h"
#include "tenon/Support/Strings.h"
#include "tenon/Support/Utf8.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

using namespace tenon;
using namespace tenon::templates;
using OrderedJson = nlohmann::ordered_json;

// What parseJson has accepted is no deeper than its own limit.
static Value convert(const OrderedJson &json, bool fromUser) {
  if (json.is_boolean())
    return json.get<bool>();
  if (json.is_number_unsigned() &&
      json.get<uint64_t>() > static_cast<uint64_t>(INT64_MAX))
    return json.get<double>();
  if (json.is_number_integer())
    return json.get<int64_t>();
  if (json.is_number())
    return json.get<double>();
  if (json.is_string())
    return Text(json.get<std::string>(), fromUser);
  if (json.is_array()) {
    List list;
    for (const OrderedJson &element : json)
      list.push_back(convert(element, fromUser));
    return list;
  }
  if (json.is_object()) {
    Dict dict;
    for (const auto &[key, value] : json.items())
      dict.entries.emplace_back(Text(key, fromUser),
                                convert(value, fromUser && key != "role"));
    return dict;
  }
  return Value();
}

Expected<Value> tenon::templates::valueFromJson(std::string_view text,
                                                std::string_view name) {
  // Checked once for errors, with their places, and read once in order.
  JsonOptions options;
  options.maxDepth = 100;
  Expected<nlohmann::json> checked = parseJson(text, name, options);
  if (!checked)
    return checked.takeError();
  OrderedJson ordered = OrderedJson::parse(text, nullptr, false);
  if (ordered.is_discarded())
    return errorInFile(name, "invalid JSON");
  return convert(ordered, /*fromUser=*/true);
}

namespace {

class JsonPrinter {
public:
  JsonPrinter(const JsonFormat &format, Text &out, std::string &why)
      : format(format), out(out), why(why) {}

  bool print(const Value &value, unsigned depth);

private:
  void newLine(unsigned depth) {
    if (!format.lines)
      return;
    out.append("\n");
    for (unsigned i = 0; i < depth; ++i)
      out.append(format.indent);
  }
  void printString(const Text &text);
  bool printDict(const Dict &dict, unsigned depth);
  bool printKey(const Value &key);

  const JsonFormat &format;
  Text &out;
  std::string &why;
};

} // namespace

void JsonPrinter::printString(const Text &text) {
  out.append("\"");
  const std::string &bytes = text.bytes();
  for (size_t at = 0; at < bytes.size();) {
    Utf8Step step = decodeUtf8(bytes, at);
    char32_t c = step.codePoint;
    constexpr std::string_view special = "\"\\\n\r\t\b\f", names = "\"\\nrtbf";
    std::string escaped;
    size_t i = c < 0x80 ? special.find(static_cast<char>(c)) : special.npos;
    auto unit = [&](unsigned value) {
      char buffer[8];
      std::snprintf(buffer, sizeof(buffer), "\\u%04x", value);
      escaped += buffer;
    };
    if (i != special.npos)
      escaped = {'\\', names[i]};
    else if (c < 0x20 ||
             (format.ascii && c >= 0x7f && c < 0x10000 && c != 0x7f))
      unit(c);
    else if (format.ascii && c >= 0x10000) {
      unit(0xd800 + ((c - 0x10000) >> 10));
      unit(0xdc00 + ((c - 0x10000) & 0x3ff));
    }
    out.append(escaped.empty() ? std::string_view(bytes).substr(at, step.length)
                               : std::string_view(escaped),
               text.isUsers(at));
    at += step.length;
  }
  out.append("\"");
}

// Python's keys that are no strings become some.
bool JsonPrinter::printKey(const Value &key) {
  if (const Text *text = key.text()) {
    printString(*text);
    return true;
  }
  if (!key.isNumber() && !key.isNone()) {
    why = std::string("keys of JSON are strings, not ") + typeName(key);
    return false;
  }
  out.append("\"");
  print(key, 0);
  out.append("\"");
  return true;
}

bool JsonPrinter::printDict(const Dict &dict, unsigned depth) {
  if (dict.entries.empty()) {
    out.append("{}");
    return true;
  }
  std::vector<const std::pair<Value, Value> *> entries;
  for (const auto &entry : dict.entries)
    entries.push_back(&entry);
  if (format.sortKeys)
    std::stable_sort(entries.begin(), entries.end(), [](auto *a, auto *b) {
      return toText(a->first).bytes() < toText(b->first).bytes();
    });
  out.append("{");
  for (const auto *entry : entries) {
    if (entry != entries.front())
      out.append(format.itemSeparator);
    newLine(depth + 1);
    if (!printKey(entry->first))
      return false;
    out.append(format.keySeparator);
    if (!print(entry->second, depth + 1))
      return false;
  }
  newLine(depth);
  out.append("}");
  return true;
}

bool JsonPrinter::print(const Value &value, unsigned depth) {
  constexpr unsigned kMaxDepth = 200;
  if (depth > kMaxDepth) {
    why = "the value is nested too deep";
    return false;
  }
  if (const Text *text = value.text()) {
    printString(*text);
    return true;
  }
  if (value.isNone() || value.isBool()) {
    out.append(value.isNone() ? "null" : value.boolean() ? "true" : "false");
    return true;
  }
  if (value.isInteger()) {
    out.append(std::to_string(value.integer()));
    return true;
  }
  if (value.isFloat()) {
    double number = value.number();
    out.append(std::isnan(number)   ? "NaN"
               : std::isinf(number) ? (number < 0 ? "-Infinity" : "Infinity")
                                    : floatText(number));
    return true;
  }
  if (const Dict *dict = value.dict())
    return printDict(*dict, depth);
  const List *list = value.list();
  if (!list) {
    why = std::string("a value of type ") + typeName(value) + " has no JSON";
    return false;
  }
  if (list->empty()) {
    out.append("[]");
    return true;
  }
  out.append("[");
  for (const Value &element : *list) {
    if (&element != &list->front())
      out.append(format.itemSeparator);
    newLine(depth + 1);
    if (!print(element, depth + 1))
      return false;
  }
  newLine(depth);
  out.append("]");
  return true;
}

bool tenon::templates::toJson(const Value &value, const JsonFormat &format,
                              Text &out, std::string &why) {
  return JsonPrinter(format, out, why).print(value, 0);
}
