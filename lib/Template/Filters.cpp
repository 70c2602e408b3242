//===- Filters.cpp - filters of Jinja -------------------------------------===//
//
// As in jinja2/filters.py, without automatic escaping; tojson as Transformers
// has it.
//
//===----------------------------------------------------------------------===//

#include "Characters.h"
#include "Interpreter.h"
#include "Names.h"

#include "tenon/Support/Utf8.h"

#include <algorithm>
#include <charconv>
#include <cmath>

using namespace tenon;
using namespace tenon::templates;

namespace {

/// What a filter is given.
struct Input {
  Interpreter &in;
  const Value &value;
  Arguments arguments;

  const Value *find(size_t place, std::string_view name) const {
    const Value *found = arguments.find(place, name);
    return found && !found->isUndefined() ? found : nullptr;
  }
  bool flag(size_t place, std::string_view name, bool otherwise = false) const {
    const Value *found = find(place, name);
    return found ? isTrue(*found) : otherwise;
  }
  Text text() const { return toText(value); }
};

// "a.b.0": attributes and items in turn.
// `otherwise`, if any, takes the place of what isn't there, at each step.
Value path(Interpreter &in, Value value, const Value &name,
           const Value *otherwise = nullptr) {
  auto orOther = [&](Value found) {
    return found.isUndefined() && otherwise ? *otherwise : found;
  };
  if (name.isInteger())
    return orOther(in.item(value, name));
  std::string_view rest = in.expectText(name, "an attribute's name").bytes();
  while (true) {
    size_t dot = rest.find('.');
    std::string part(rest.substr(0, dot));
    int64_t index = 0;
    auto [end, error] =
        std::from_chars(part.data(), part.data() + part.size(), index);
    bool isIndex = error == std::errc() && end == part.data() + part.size();
    value = orOther(in.item(value, isIndex ? Value(index) : Value(part)));
    if (dot == rest.npos)
      return value;
    rest.remove_prefix(dot + 1);
  }
}

Value valueOf(const Input &input, const Value &element, size_t place,
              std::string_view name) {
  const Value *attribute = input.find(place, name);
  return attribute && !attribute->isNone() ? path(input.in, element, *attribute)
                                           : element;
}

// What sort, unique, min and max compare.
Value sortKey(const Value &value, bool caseSensitive) {
  if (caseSensitive || !value.text())
    return value;
  return Value(changeCase(*value.text(), /*upper=*/false));
}

std::vector<std::pair<Value, Value>>
withKeys(const Input &input, bool caseSensitive, size_t attributePlace) {
  std::vector<std::pair<Value, Value>> pairs;
  for (Value &element : input.in.iterate(input.value)) {
    Value key = sortKey(valueOf(input, element, attributePlace, "attribute"),
                        caseSensitive);
    pairs.emplace_back(std::move(key), std::move(element));
  }
  return pairs;
}

Value sort(const Input &input) {
  bool reverse = input.flag(0, "reverse");
  auto pairs = withKeys(input, input.flag(1, "case_sensitive"), 2);
  input.in.charge(pairs.size() * 64);
  std::stable_sort(pairs.begin(), pairs.end(),
                   [&](const auto &a, const auto &b) {
                     return reverse ? input.in.order(b.first, a.first) < 0
                                    : input.in.order(a.first, b.first) < 0;
                   });
  List list;
  for (auto &pair : pairs)
    list.push_back(std::move(pair.second));
  return Value(std::move(list));
}

Value dictSort(const Input &input) {
  const Dict *dict = input.value.dict();
  if (!dict)
    input.in.fail("dictsort sorts a dict");
  bool caseSensitive = input.flag(0, "case_sensitive");
  const Value *by = input.find(1, "by");
  bool byValue = by && by->text() && by->text()->bytes() == "value";
  bool reverse = input.flag(2, "reverse");
  auto entries = dict->entries;
  auto key = [&](const auto &entry) {
    return sortKey(byValue ? entry.second : entry.first, caseSensitive);
  };
  std::stable_sort(entries.begin(), entries.end(),
                   [&](const auto &a, const auto &b) {
                     int sign = input.in.order(key(a), key(b));
                     return reverse ? sign > 0 : sign < 0;
                   });
  List list;
  for (auto &[name, value] : entries)
    list.push_back(Value(List{name, value}, /*isTuple=*/true));
  return Value(std::move(list));
}

Value unique(const Input &input) {
  List kept, keys;
  for (auto &[key, element] :
       withKeys(input, input.flag(0, "case_sensitive"), 1)) {
    input.in.charge(keys.size());
    if (input.in.contains(Value(keys), key))
      continue;
    keys.push_back(key);
    kept.push_back(element);
  }
  return Value(std::move(kept));
}

Value extreme(const Input &input, bool least) {
  auto pairs = withKeys(input, input.flag(0, "case_sensitive"), 1);
  if (pairs.empty())
    return Value::Undefined{"the extreme of nothing"};
  size_t best = 0;
  for (size_t i = 1; i < pairs.size(); ++i) {
    int sign = input.in.order(pairs[i].first, pairs[best].first);
    if (least ? sign < 0 : sign > 0)
      best = i;
  }
  return pairs[best].second;
}

Value groupBy(const Input &input) {
  const Value *attribute = input.find(0, "attribute");
  if (!attribute)
    input.in.fail("groupby needs an attribute");
  std::vector<std::pair<Value, Value>> pairs;
  for (Value &element : input.in.iterate(input.value))
    pairs.emplace_back(path(input.in, element, *attribute), element);
  std::stable_sort(pairs.begin(), pairs.end(),
                   [&](const auto &a, const auto &b) {
                     return input.in.order(sortKey(a.first, false),
                                           sortKey(b.first, false)) < 0;
                   });
  List groups;
  for (size_t i = 0; i < pairs.size();) {
    List members;
    size_t begin = i;
    for (; i < pairs.size() && equals(sortKey(pairs[i].first, false),
                                      sortKey(pairs[begin].first, false));
         ++i)
      members.push_back(pairs[i].second);
    groups.push_back(Value(List{pairs[begin].first, Value(std::move(members))},
                           /*isTuple=*/true));
  }
  return Value(std::move(groups));
}

// map: an attribute of each, or a filter on each.
Value map(const Input &input) {
  List list;
  const Value *attribute = input.find(SIZE_MAX, "attribute");
  const Value *otherwise = input.find(SIZE_MAX, "default");
  for (const Value &element : input.in.iterate(input.value)) {
    if (attribute) {
      list.push_back(path(input.in, element, *attribute, otherwise));
      continue;
    }
    if (input.arguments.values.empty())
      input.in.fail("map needs a filter's name or an attribute");
    Arguments rest = input.arguments;
    std::string name =
        input.in.expectText(rest.values.front(), "a filter's name").bytes();
    rest.values.erase(rest.values.begin());
    list.push_back(input.in.filter(name, element, std::move(rest)));
  }
  return Value(std::move(list));
}

// select, reject, selectattr, rejectattr.
Value choose(const Input &input, bool byAttribute, bool wanted) {
  Arguments rest = input.arguments;
  auto take = [&](const char *what) -> std::optional<Value> {
    if (rest.values.empty()) {
      if (what)
        input.in.fail(what);
      return std::nullopt;
    }
    Value value = rest.values.front();
    rest.values.erase(rest.values.begin());
    return value;
  };
  std::optional<Value> attribute;
  if (byAttribute)
    attribute = take("the filter needs an attribute's name");
  std::optional<Value> test = take(nullptr);
  List list;
  for (const Value &element : input.in.iterate(input.value)) {
    Value subject = attribute ? path(input.in, element, *attribute) : element;
    bool holds =
        test
            ? input.in.test(input.in.expectText(*test, "a test's name").bytes(),
                            subject, rest)
            : isTrue(subject);
    if (holds == wanted)
      list.push_back(element);
  }
  return Value(std::move(list));
}

Value join(const Input &input) {
  const Value *separator = input.find(0, "d");
  Text text;
  bool first = true;
  for (const Value &element : input.in.iterate(input.value)) {
    if (!first && separator)
      text.append(toText(*separator));
    first = false;
    Text part = toText(valueOf(input, element, 1, "attribute"));
    input.in.charge(part.size());
    text.append(part);
  }
  return Value(std::move(text));
}

Value sum(const Input &input) {
  const Value *start = input.find(1, "start");
  bool isFloat = false;
  double real = 0;
  int64_t integer = 0;
  List values = input.in.iterate(input.value);
  if (start)
    values.push_back(*start);
  for (const Value &element : values) {
    Value number = start && &element == &values.back()
                       ? element
                       : valueOf(input, element, 0, "attribute");
    if (!number.isNumber())
      input.in.fail(std::string("sum adds numbers, not ") + typeName(number));
    isFloat |= number.isFloat();
    real += number.number();
    if (!number.isFloat() &&
        __builtin_add_overflow(integer, number.integer(), &integer))
      input.in.fail("the number is out of range");
  }
  return isFloat ? Value(real) : Value(integer);
}

// As many of the lines as are not blank (and the first) get blanks in front.
Value indent(const Input &input) {
  const Value *width = input.find(0, "width");
  Text blanks(std::string(4, ' '));
  if (width && width->text())
    blanks = *width->text();
  else if (width)
    blanks = Text(
        std::string(std::clamp<int64_t>(
                        input.in.expectInteger(*width, "the width"), 0, 1000),
                    ' '));
  bool first = input.flag(1, "first"), blank = input.flag(2, "blank");
  Text text = input.text(), out;
  for (size_t at = 0, line = 0; at <= text.size(); ++line) {
    size_t end = std::min(text.bytes().find('\n', at), text.size());
    input.in.charge(end - at + blanks.size());
    if (line > 0)
      out.append("\n");
    if (line == 0 ? first : blank || end > at)
      out.append(blanks);
    out.append(text.substr(at, end - at));
    at = end + 1;
  }
  return Value(std::move(out));
}

Value replace(const Input &input) {
  Arguments arguments;
  for (auto [place, name] : {std::pair(0, "old"), std::pair(1, "new")}) {
    const Value *value = input.find(place, name);
    if (!value)
      input.in.fail("replace needs what to replace, and by what");
    arguments.values.push_back(Value(toText(*value)));
  }
  if (const Value *count = input.find(2, "count"); count && !count->isNone())
    arguments.values.push_back(*count);
  Value text(input.text());
  return input.in.call(input.in.attribute(text, "replace"), arguments);
}

Value trim(const Input &input) {
  Arguments arguments;
  if (const Value *characters = input.find(0, "chars"))
    arguments.values.push_back(*characters);
  Value text(input.text());
  return input.in.call(input.in.attribute(text, "strip"), arguments);
}

Value escape(const Input &input) {
  Text text = input.text(), out;
  for (size_t i = 0; i < text.size(); ++i) {
    char c = text.bytes()[i];
    constexpr std::string_view special = "&<>'\"";
    constexpr const char *names[] = {"&amp;", "&lt;", "&gt;", "&#39;", "&#34;"};
    size_t at = special.find(c);
    out.append(at == special.npos ? std::string_view(&c, 1) : names[at],
               text.isUsers(i));
  }
  return Value(std::move(out));
}

Value toJsonFilter(const Input &input) {
  JsonFormat format;
  format.ascii = input.flag(0, "ensure_ascii");
  if (const Value *indent = input.find(1, "indent");
      indent && !indent->isNone()) {
    format.lines = true;
    format.itemSeparator = ",";
    if (indent->text())
      format.indent = indent->text()->bytes();
    else
      format.indent =
          std::string(std::clamp<int64_t>(
                          input.in.expectInteger(*indent, "indent"), 0, 100),
                      ' ');
  }
  if (const Value *separators = input.find(2, "separators");
      separators && !separators->isNone()) {
    List parts = input.in.iterate(*separators);
    if (parts.size() != 2)
      input.in.fail("'separators' are two strings");
    format.itemSeparator = toText(parts[0]).bytes();
    format.keySeparator = toText(parts[1]).bytes();
  }
  format.sortKeys = input.flag(3, "sort_keys");
  Text out;
  std::string why;
  if (!toJson(input.value, format, out, why))
    input.in.fail("tojson: " + why);
  input.in.charge(out.size());
  return Value(std::move(out));
}

// The whole of a text as a number, or nullopt.
std::optional<double> parseNumber(const Text &text) {
  std::string_view digits = text.bytes();
  digits.remove_prefix(spacesAtStart(digits));
  digits.remove_suffix(spacesAtEnd(digits));
  if (digits.starts_with('+'))
    digits.remove_prefix(1);
  double number = 0;
  auto [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (digits.empty() || error != std::errc() ||
      end != digits.data() + digits.size())
    return std::nullopt;
  return number;
}

Value toInteger(const Input &input) {
  const Value *given = input.find(0, "default");
  Value otherwise = given ? *given : Value(int64_t(0));
  if (input.value.isInteger() || input.value.isBool())
    return input.value.integer();
  std::optional<double> number;
  if (input.value.isFloat())
    number = input.value.number();
  else if (const Text *text = input.value.text())
    number = parseNumber(*text);
  if (!number || !(std::fabs(*number) < 0x1p63))
    return otherwise;
  return static_cast<int64_t>(*number);
}

Value toFloat(const Input &input) {
  const Value *given = input.find(0, "default");
  if (input.value.isNumber())
    return input.value.number();
  if (const Text *text = input.value.text())
    if (std::optional<double> number = parseNumber(*text))
      return *number;
  return given ? *given : Value(0.0);
}

Value round(const Input &input) {
  if (!input.value.isNumber())
    input.in.fail(std::string("round takes a number, not ") +
                  typeName(input.value));
  const Value *given = input.find(0, "precision");
  const Value *method = input.find(1, "method");
  std::string how = method ? toText(*method).bytes() : "common";
  double scale = std::pow(
      10.0, given ? input.in.expectInteger(*given, "the precision") : 0);
  double value = input.value.number() * scale;
  if (how == "common")
    value = std::nearbyint(value); // to even, as Python's round
  else if (how == "ceil")
    value = std::ceil(value);
  else if (how == "floor")
    value = std::floor(value);
  else
    input.in.fail("round's method is common, ceil or floor");
  return value / scale;
}

Value capitalize(const Text &text) {
  if (text.empty())
    return Value(text);
  size_t length = decodeUtf8(text.bytes(), 0).length;
  Text out = changeCase(text.substr(0, length), /*upper=*/true);
  out.append(changeCase(text.substr(length), /*upper=*/false));
  return Value(std::move(out));
}

// Jinja's own: words begin after blanks, "-" and opening brackets.
Value title(const Text &text) {
  Text out;
  bool atStart = true;
  for (size_t at = 0; at < text.size();) {
    Utf8Step step = decodeUtf8(text.bytes(), at);
    out.append(changeCase(text.substr(at, step.length), atStart));
    atStart =
        isSpace(step.codePoint) ||
        (step.codePoint < 0x80 &&
         std::string_view("-({[<").find(static_cast<char>(step.codePoint)) !=
             std::string_view::npos);
    at += step.length;
  }
  return Value(std::move(out));
}

Value length(const Input &input) {
  if (const Text *text = input.value.text()) {
    input.in.charge(text->size());
    return static_cast<int64_t>(countCharacters(text->bytes()));
  }
  return static_cast<int64_t>(input.in.iterate(input.value).size());
}

Value first(const Input &input) {
  List list = input.in.iterate(input.value);
  return list.empty() ? Value(Value::Undefined{"the first of nothing"})
                      : list.front();
}

Value last(const Input &input) {
  List list = input.in.iterate(input.value);
  return list.empty() ? Value(Value::Undefined{"the last of nothing"})
                      : list.back();
}

Value reverse(const Input &input) {
  List list = input.in.iterate(input.value);
  std::reverse(list.begin(), list.end());
  if (!input.value.text())
    return Value(std::move(list));
  Text text;
  for (const Value &character : list)
    text.append(*character.text());
  return Value(std::move(text));
}

Value items(const Input &input) {
  if (input.value.isUndefined())
    return Value(List());
  const Dict *dict = input.value.dict();
  if (!dict)
    input.in.fail(std::string("items are those of a dict, not of ") +
                  typeName(input.value));
  List list;
  for (const auto &[key, value] : dict->entries)
    list.push_back(Value(List{key, value}, /*isTuple=*/true));
  return Value(std::move(list));
}

Value batch(const Input &input) {
  const Value *given = input.find(0, "linecount");
  int64_t count = given ? input.in.expectInteger(*given, "the count") : 0;
  if (count < 1)
    input.in.fail("batch needs a positive count");
  const Value *fill = input.find(1, "fill_with");
  List batches, row;
  for (const Value &element : input.in.iterate(input.value)) {
    row.push_back(element);
    if (static_cast<int64_t>(row.size()) == count)
      batches.push_back(Value(std::exchange(row, {})));
  }
  while (fill && !row.empty() && static_cast<int64_t>(row.size()) < count) {
    input.in.charge(sizeof(Value));
    row.push_back(*fill);
  }
  if (!row.empty())
    batches.push_back(Value(std::move(row)));
  return Value(std::move(batches));
}

Value orDefault(const Input &input) {
  const Value *given = input.arguments.find(0, "default_value");
  bool replaces = input.value.isUndefined() ||
                  (input.flag(1, "boolean") && !isTrue(input.value));
  if (!replaces)
    return input.value;
  return given ? *given : Value("");
}

Value absolute(const Input &input) {
  if (input.value.isFloat())
    return std::fabs(input.value.number());
  int64_t integer = input.in.expectInteger(input.value, "the value of abs");
  if (integer == INT64_MIN)
    input.in.fail("the number is out of range");
  return integer < 0 ? -integer : integer;
}

Value wordCount(const Input &input) {
  Value text(input.text());
  Value words = input.in.call(input.in.attribute(text, "split"), {});
  return static_cast<int64_t>(words.list()->size());
}

using FilterFunction = Value (*)(const Input &);

struct NamedFilter {
  std::string_view name;
  FilterFunction function;
};

constexpr NamedFilter kFilters[] = {
    {"abs", absolute},
    {"attr",
     [](const Input &input) {
       const Value *name = input.find(0, "name");
       return name ? input.in.attribute(input.value, toText(*name).bytes())
                   : Value(Value::Undefined{});
     }},
    {"batch", batch},
    {"capitalize", [](const Input &input) { return capitalize(input.text()); }},
    {"count", length},
    {"d", orDefault},
    {"default", orDefault},
    {"dictsort", dictSort},
    {"e", escape},
    {"escape", escape},
    {"first", first},
    {"float", toFloat},
    {"groupby", groupBy},
    {"indent", indent},
    {"int", toInteger},
    {"items", items},
    {"join", join},
    {"last", last},
    {"length", length},
    {"list",
     [](const Input &input) { return Value(input.in.iterate(input.value)); }},
    {"lower",
     [](const Input &input) { return Value(changeCase(input.text(), false)); }},
    {"map", map},
    {"max", [](const Input &input) { return extreme(input, false); }},
    {"min", [](const Input &input) { return extreme(input, true); }},
    {"reject", [](const Input &input) { return choose(input, false, false); }},
    {"rejectattr",
     [](const Input &input) { return choose(input, true, false); }},
    {"replace", replace},
    {"reverse", reverse},
    {"round", round},
    {"safe", [](const Input &input) { return Value(input.text()); }},
    {"select", [](const Input &input) { return choose(input, false, true); }},
    {"selectattr",
     [](const Input &input) { return choose(input, true, true); }},
    {"sort", sort},
    {"string", [](const Input &input) { return Value(input.text()); }},
    {"sum", sum},
    {"title", [](const Input &input) { return title(input.text()); }},
    {"tojson", toJsonFilter},
    {"trim", trim},
    {"unique", unique},
    {"upper",
     [](const Input &input) { return Value(changeCase(input.text(), true)); }},
    {"wordcount", wordCount},
};

const NamedFilter *findFilter(std::string_view name) {
  for (const NamedFilter &filter : kFilters)
    if (filter.name == name)
      return &filter;
  return nullptr;
}

} // namespace

bool tenon::templates::isFilterName(std::string_view name) {
  return findFilter(name) != nullptr;
}

Value Interpreter::filter(std::string_view name, const Value &value,
                          Arguments arguments) {
  const NamedFilter *found = findFilter(name);
  if (!found)
    fail("unknown filter '" + std::string(name.substr(0, 40)) + "'");
  charge(value.text() ? value.text()->size() : 0);
  return found->function({*this, value, std::move(arguments)});
}
