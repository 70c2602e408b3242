//===- Value.cpp - what a template computes with --------------------------===//

#include "tenon/Template/Value.h"

#include "Characters.h"
#include "Unicode.h"

#include "tenon/Support/Utf8.h"

#include <charconv>
#include <cmath>
#include <cstdio>

using namespace tenon;
using namespace tenon::templates;

Object::~Object() = default;

//===----------------------------------------------------------------------===//
// Text
//===----------------------------------------------------------------------===//

void Text::append(std::string_view bytes, bool fromUser) {
  if (fromUser)
    marks.resize(content.size(), '\0');
  content += bytes;
  if (!marks.empty() || fromUser)
    marks.resize(content.size(), fromUser ? '\1' : '\0');
}

void Text::append(const Text &other) {
  if (!other.marks.empty()) {
    marks.resize(content.size(), '\0');
    marks += other.marks;
  }
  content += other.content;
  if (!marks.empty())
    marks.resize(content.size(), '\0');
}

Text Text::substr(size_t at, size_t count) const {
  Text part;
  part.content = content.substr(at, count);
  if (!marks.empty())
    part.marks = marks.substr(at, count);
  if (part.marks.find('\1') == std::string::npos)
    part.marks.clear();
  return part;
}

//===----------------------------------------------------------------------===//
// Value
//===----------------------------------------------------------------------===//

Value::Value(Dict dict) : data(std::make_shared<const Dict>(std::move(dict))) {}

const Text *Value::text() const {
  auto *held = std::get_if<std::shared_ptr<const Text>>(&data);
  return held ? held->get() : nullptr;
}

const List *Value::list() const {
  auto *held = std::get_if<Sequence>(&data);
  return held ? held->elements.get() : nullptr;
}

bool Value::isTuple() const {
  auto *held = std::get_if<Sequence>(&data);
  return held && held->isTuple;
}

const Dict *Value::dict() const {
  auto *held = std::get_if<std::shared_ptr<const Dict>>(&data);
  return held ? held->get() : nullptr;
}

Object *Value::object() const {
  auto *held = std::get_if<std::shared_ptr<Object>>(&data);
  return held ? held->get() : nullptr;
}

int64_t Value::integer() const {
  if (auto *flag = std::get_if<bool>(&data))
    return *flag;
  return std::get<int64_t>(data);
}

double Value::number() const {
  if (auto *real = std::get_if<double>(&data))
    return *real;
  return static_cast<double>(integer());
}

const Value *Dict::find(const Value &key) const {
  for (const auto &[known, value] : entries)
    if (equals(known, key))
      return &value;
  return nullptr;
}

const Value *Dict::find(std::string_view key) const {
  for (const auto &[known, value] : entries)
    if (const Text *text = known.text(); text && text->bytes() == key)
      return &value;
  return nullptr;
}

void Dict::set(Value key, Value value) {
  for (auto &[known, old] : entries)
    if (equals(known, key)) {
      old = std::move(value);
      return;
    }
  entries.emplace_back(std::move(key), std::move(value));
}

bool tenon::templates::equals(const Value &a, const Value &b) {
  if (a.isNumber() && b.isNumber())
    return a.isFloat() || b.isFloat() ? a.number() == b.number()
                                      : a.integer() == b.integer();
  if (a.text() && b.text())
    return a.text()->bytes() == b.text()->bytes();
  if (a.list() && b.list()) {
    const List &x = *a.list(), &y = *b.list();
    if (a.isTuple() != b.isTuple() || x.size() != y.size())
      return false;
    for (size_t i = 0; i < x.size(); ++i)
      if (!equals(x[i], y[i]))
        return false;
    return true;
  }
  if (a.dict() && b.dict()) {
    const Dict &x = *a.dict(), &y = *b.dict();
    if (x.entries.size() != y.entries.size())
      return false;
    for (const auto &[key, value] : x.entries) {
      const Value *other = y.find(key);
      if (!other || !equals(value, *other))
        return false;
    }
    return true;
  }
  if (a.object() && b.object())
    return a.object() == b.object();
  return (a.isNone() && b.isNone()) || (a.isUndefined() && b.isUndefined());
}

bool tenon::templates::isTrue(const Value &value) {
  if (value.isNumber())
    return value.number() != 0;
  if (const Text *text = value.text())
    return !text->empty();
  if (const List *list = value.list())
    return !list->empty();
  if (const Dict *dict = value.dict())
    return !dict->entries.empty();
  return value.object() != nullptr;
}

std::string tenon::templates::floatText(double value) {
  if (std::isnan(value))
    return "nan";
  if (std::isinf(value))
    return value < 0 ? "-inf" : "inf";
  char buffer[64];
  // Python writes an exponent below 1e-4 and from 1e16 on.
  double magnitude = std::fabs(value);
  bool exponent = magnitude != 0 && (magnitude < 1e-4 || magnitude >= 1e16);
  char *end = std::to_chars(buffer, buffer + sizeof(buffer), value,
                            exponent ? std::chars_format::scientific
                                     : std::chars_format::fixed)
                  .ptr;
  std::string text(buffer, end);
  if (!exponent && text.find('.') == text.npos)
    text += ".0";
  return text;
}

// repr() of a str: in single quotes unless it holds some but no double ones.
static Text quoted(const Text &text) {
  const std::string &bytes = text.bytes();
  char quote = bytes.find('\'') != bytes.npos && bytes.find('"') == bytes.npos
                   ? '"'
                   : '\'';
  Text out(std::string(1, quote));
  for (size_t at = 0; at < bytes.size();) {
    Utf8Step step = decodeUtf8(bytes, at);
    bool users = text.isUsers(at);
    char32_t c = step.codePoint;
    char escaped[16] = {};
    if (c == static_cast<char32_t>(quote) || c == '\\')
      std::snprintf(escaped, sizeof(escaped), "\\%c", static_cast<char>(c));
    else if (c == '\n' || c == '\r' || c == '\t')
      std::snprintf(escaped, sizeof(escaped), "\\%c",
                    c == '\n'   ? 'n'
                    : c == '\r' ? 'r'
                                : 't');
    else if (c == 0xfffd ? step.kind != Utf8Step::Valid
                         : isControl(c) || (c != ' ' && isSpace(c)))
      std::snprintf(escaped, sizeof(escaped),
                    c < 0x100     ? "\\x%02x"
                    : c < 0x10000 ? "\\u%04x"
                                  : "\\U%08x",
                    static_cast<unsigned>(c));
    if (escaped[0])
      out.append(escaped, users);
    else
      out.append(std::string_view(bytes).substr(at, step.length), users);
    at += step.length;
  }
  out.append(std::string(1, quote));
  return out;
}

Text tenon::templates::represent(const Value &value) {
  if (const Text *text = value.text())
    return quoted(*text);
  if (const List *list = value.list()) {
    Text out(value.isTuple() ? "(" : "[");
    for (const Value &element : *list) {
      if (&element != &list->front())
        out.append(", ");
      out.append(represent(element));
    }
    if (value.isTuple() && list->size() == 1)
      out.append(",");
    out.append(value.isTuple() ? ")" : "]");
    return out;
  }
  if (const Dict *dict = value.dict()) {
    Text out("{");
    for (const auto &entry : dict->entries) {
      if (&entry != &dict->entries.front())
        out.append(", ");
      out.append(represent(entry.first));
      out.append(": ");
      out.append(represent(entry.second));
    }
    out.append("}");
    return out;
  }
  return value.isUndefined() ? Text("Undefined") : toText(value);
}

Text tenon::templates::toText(const Value &value) {
  if (const Text *text = value.text())
    return *text;
  if (value.isUndefined())
    return Text();
  if (value.isNone())
    return Text("None");
  if (value.isBool())
    return Text(value.boolean() ? "True" : "False");
  if (value.isInteger())
    return Text(std::to_string(value.integer()));
  if (value.isFloat())
    return Text(floatText(value.number()));
  if (Object *object = value.object())
    return Text(object->describe());
  return represent(value);
}

const char *tenon::templates::typeName(const Value &value) {
  if (value.isUndefined())
    return "Undefined";
  if (value.isNone())
    return "NoneType";
  if (value.isBool())
    return "bool";
  if (value.isInteger())
    return "int";
  if (value.isFloat())
    return "float";
  if (value.text())
    return "str";
  if (value.list())
    return value.isTuple() ? "tuple" : "list";
  if (value.dict())
    return "dict";
  return "object";
}
