//===- Expressions.cpp - expressions of a program -------------------------===//

#include "Characters.h"
#include "Interpreter.h"

#include "tenon/Support/Utf8.h"

#include <algorithm>
#include <cmath>

using namespace tenon;
using namespace tenon::templates;

// What the sandbox of Jinja allows for range().
static constexpr int64_t kMaxRange = 100'000;

const Text &Interpreter::expectText(const Value &value,
                                    const char *what) const {
  if (const Text *text = value.text())
    return *text;
  fail(std::string(what) + " is a string, not " + typeName(value));
}

int64_t Interpreter::expectInteger(const Value &value, const char *what) const {
  if (value.isInteger() || value.isBool())
    return value.integer();
  fail(std::string(what) + " is an int, not " + typeName(value));
}

static std::string undefinedMessage(const Value &value) {
  const std::string &name = value.undefined()->name;
  return name.empty() ? "the value is undefined"
                      : "'" + name + "' is undefined";
}

List Interpreter::iterate(const Value &value) {
  if (const List *list = value.list()) {
    charge(list->size() * sizeof(Value));
    return *list;
  }
  List list;
  if (const Dict *dict = value.dict()) {
    for (const auto &[key, element] : dict->entries)
      list.push_back(key);
  } else if (const Text *text = value.text()) {
    charge(text->size() * sizeof(Value));
    for (size_t at = 0; at < text->size();) {
      size_t length = decodeUtf8(text->bytes(), at).length;
      list.push_back(Value(text->substr(at, length)));
      at += length;
    }
  } else if (!value.isUndefined()) {
    fail(std::string("a value of type ") + typeName(value) +
         " can't be iterated");
  }
  charge(list.size() * sizeof(Value));
  return list;
}

//===----------------------------------------------------------------------===//
// Names, attributes and items
//===----------------------------------------------------------------------===//

Value Interpreter::lookUp(const std::string &name,
                          const ScopePtr &scope) const {
  for (const Scope *at = scope.get(); at; at = at->parent.get())
    if (auto found = at->names.find(name); found != at->names.end())
      return found->second;
  return Value::Undefined{name};
}

Value Interpreter::attribute(const Value &value, const std::string &name) {
  if (value.isUndefined())
    fail(undefinedMessage(value));
  if (auto *space = dynamic_cast<Namespace *>(value.object()))
    if (const Value *found = space->fields.find(std::string_view(name)))
      return *found;
  if (auto *loop = dynamic_cast<Loop *>(value.object())) {
    if (name == "cycle" || name == "changed")
      return Value(std::make_shared<Function>(name, value));
    return loop->field(name);
  }
  if (auto *macro = dynamic_cast<Macro *>(value.object()))
    if (name == "name")
      return Value(macro->node.text);
  if (isMethod(value, name))
    return Value(std::make_shared<Function>(name, value));
  if (const Dict *dict = value.dict())
    if (const Value *found = dict->find(std::string_view(name)))
      return *found;
  return Value::Undefined{name};
}

// The offset of each character, and the end.
static std::vector<size_t> characterOffsets(std::string_view bytes) {
  std::vector<size_t> offsets;
  for (size_t at = 0; at < bytes.size(); at += decodeUtf8(bytes, at).length)
    offsets.push_back(at);
  offsets.push_back(bytes.size());
  return offsets;
}

Value Interpreter::item(const Value &value, const Value &index) {
  if (value.isUndefined())
    fail(undefinedMessage(value));
  if (const Dict *dict = value.dict()) {
    charge(dict->entries.size());
    if (const Value *found = dict->find(index))
      return *found;
  } else if (index.isInteger() || index.isBool()) {
    int64_t i = index.integer();
    if (const List *list = value.list()) {
      int64_t count = static_cast<int64_t>(list->size());
      i += i < 0 ? count : 0;
      if (i >= 0 && i < count)
        return (*list)[static_cast<size_t>(i)];
    } else if (const Text *text = value.text()) {
      charge(text->size());
      std::vector<size_t> offsets = characterOffsets(text->bytes());
      int64_t count = static_cast<int64_t>(offsets.size()) - 1;
      i += i < 0 ? count : 0;
      if (i >= 0 && i < count)
        return Value(text->substr(offsets[i], offsets[i + 1] - offsets[i]));
    }
    return Value::Undefined{"element " + std::to_string(index.integer())};
  }
  if (const Text *name = index.text())
    return attribute(value, name->bytes());
  return Value::Undefined{toText(represent(index)).bytes()};
}

// Python's slice.indices().
Value Interpreter::slice(const Node &node, const ScopePtr &scope) {
  Value object = evaluate(node.operands[0], scope);
  const List *list = object.list();
  const Text *text = object.text();
  if (object.isUndefined())
    fail(undefinedMessage(object));
  if (!list && !text)
    fail(std::string("a value of type ") + typeName(object) + " has no slices");
  std::vector<size_t> offsets;
  if (text) {
    charge(text->size());
    offsets = characterOffsets(text->bytes());
  }
  int64_t count =
      static_cast<int64_t>(list ? list->size() : offsets.size() - 1);
  std::optional<int64_t> parts[3];
  for (size_t i = 0; i < 3; ++i)
    if (node.operands[i + 1] != kNoNode)
      if (Value part = evaluate(node.operands[i + 1], scope); !part.isNone())
        parts[i] = expectInteger(part, "a part of a slice");
  int64_t step = parts[2].value_or(1);
  if (step == 0)
    fail("a slice's step is 0");
  auto clamp = [&](std::optional<int64_t> part, int64_t otherwise) {
    if (!part)
      return otherwise;
    int64_t low = step < 0 ? -1 : 0, high = step < 0 ? count - 1 : count;
    int64_t at = *part < 0 ? std::max(*part, -count - 1) + count : *part;
    return std::clamp(at, low, std::max(low, high));
  };
  int64_t start = clamp(parts[0], step < 0 ? count - 1 : 0);
  int64_t stop = clamp(parts[1], step < 0 ? -1 : count);
  // Steps beyond the end are all the same.
  step = std::clamp(step, -count - 1, count + 1);
  List elements;
  Text characters;
  for (int64_t i = start; step > 0 ? i < stop : i > stop; i += step) {
    charge(list ? sizeof(Value) : 4);
    if (list)
      elements.push_back((*list)[i]);
    else
      characters.append(text->substr(offsets[i], offsets[i + 1] - offsets[i]));
  }
  return list ? Value(std::move(elements), object.isTuple())
              : Value(std::move(characters));
}

//===----------------------------------------------------------------------===//
// Operators
//===----------------------------------------------------------------------===//

int Interpreter::order(const Value &a, const Value &b) const {
  if (a.isNumber() && b.isNumber()) {
    if (a.isFloat() || b.isFloat())
      return a.number() < b.number() ? -1 : a.number() > b.number();
    return a.integer() < b.integer() ? -1 : a.integer() > b.integer();
  }
  if (a.text() && b.text()) {
    // UTF-8 sorts as its code points do.
    int sign = a.text()->bytes().compare(b.text()->bytes());
    return sign < 0 ? -1 : sign > 0;
  }
  if (a.list() && b.list()) {
    const List &x = *a.list(), &y = *b.list();
    for (size_t i = 0; i < std::min(x.size(), y.size()); ++i)
      if (!equals(x[i], y[i]))
        return order(x[i], y[i]);
    return x.size() < y.size() ? -1 : x.size() > y.size();
  }
  if (a.isUndefined() || b.isUndefined())
    fail(undefinedMessage(a.isUndefined() ? a : b));
  fail(std::string("values of types ") + typeName(a) + " and " + typeName(b) +
       " have no order");
}

bool Interpreter::contains(const Value &container, const Value &value) const {
  if (const List *list = container.list())
    return std::any_of(list->begin(), list->end(), [&](const Value &element) {
      return equals(element, value);
    });
  if (const Dict *dict = container.dict())
    return dict->find(value) != nullptr;
  if (const Text *text = container.text())
    return text->bytes().find(expectText(value, "what is looked for in a "
                                                "string")
                                  .bytes()) != std::string::npos;
  if (container.isUndefined())
    return false;
  if (auto *space = dynamic_cast<Namespace *>(container.object()))
    return space->fields.find(value) != nullptr;
  fail(std::string("a value of type ") + typeName(container) +
       " holds no others");
}

Value Interpreter::compare(const Node &node, const ScopePtr &scope) {
  Value left = evaluate(node.operands[0], scope);
  for (size_t i = 0; i < node.names.size(); ++i) {
    Value right = evaluate(node.operands[i + 1], scope);
    const std::string &name = node.names[i];
    if (const Text *text = right.text())
      charge(text->size());
    bool holds = name == "=="       ? equals(left, right)
                 : name == "!="     ? !equals(left, right)
                 : name == "in"     ? contains(right, left)
                 : name == "not in" ? !contains(right, left)
                 : name == "<"      ? order(left, right) < 0
                 : name == "<="     ? order(left, right) <= 0
                 : name == ">"      ? order(left, right) > 0
                                    : order(left, right) >= 0;
    if (!holds)
      return false;
    left = std::move(right);
  }
  return true;
}

// A text or list, so many times over.
static Value repeat(Interpreter &interpreter, const Value &value,
                    int64_t times) {
  size_t size = value.text() ? value.text()->size()
                             : value.list()->size() * sizeof(Value);
  if (times > 0 && size > 0 &&
      times > static_cast<int64_t>((uint64_t(1) << 32) / size))
    interpreter.fail("the product is too long");
  Text text;
  List list;
  for (int64_t i = 0; i < times && size > 0; ++i) {
    interpreter.charge(size);
    if (value.text())
      text.append(*value.text());
    else
      list.insert(list.end(), value.list()->begin(), value.list()->end());
  }
  return value.text() ? Value(std::move(text))
                      : Value(std::move(list), value.isTuple());
}

Value Interpreter::binary(const Node &node, const Value &a, const Value &b) {
  Op op = node.op;
  for (const Value *value : {&a, &b})
    if (value->isUndefined())
      fail(undefinedMessage(*value));
  if (op == Op::Add) {
    if (a.text() && b.text()) {
      charge(a.text()->size() + b.text()->size());
      Text text = *a.text();
      text.append(*b.text());
      return Value(std::move(text));
    }
    if (a.list() && b.list() && a.isTuple() == b.isTuple()) {
      charge((a.list()->size() + b.list()->size()) * sizeof(Value));
      List list = *a.list();
      list.insert(list.end(), b.list()->begin(), b.list()->end());
      return Value(std::move(list), a.isTuple());
    }
  }
  if (op == Op::Multiply) {
    if ((a.text() || a.list()) && (b.isInteger() || b.isBool()))
      return repeat(*this, a, b.integer());
    if ((b.text() || b.list()) && (a.isInteger() || a.isBool()))
      return repeat(*this, b, a.integer());
  }
  if (!a.isNumber() || !b.isNumber())
    fail(std::string("values of types ") + typeName(a) + " and " + typeName(b) +
         " can't be combined so");
  bool divides = op == Op::Divide || op == Op::FloorDivide || op == Op::Modulo;
  if (divides && b.number() == 0)
    fail("division by zero");
  if (op != Op::Divide && !a.isFloat() && !b.isFloat() &&
      !(op == Op::Power && b.integer() < 0)) {
    int64_t x = a.integer(), y = b.integer(), result = 0;
    bool overflow = false;
    switch (op) {
    case Op::Add:
      overflow = __builtin_add_overflow(x, y, &result);
      break;
    case Op::Subtract:
      overflow = __builtin_sub_overflow(x, y, &result);
      break;
    case Op::Multiply:
      overflow = __builtin_mul_overflow(x, y, &result);
      break;
    case Op::FloorDivide:
    case Op::Modulo: {
      if (y == -1) { // INT64_MIN / -1 traps
        overflow = op == Op::FloorDivide &&
                   __builtin_sub_overflow(int64_t(0), x, &result);
        break;
      }
      // Python rounds towards minus infinity.
      int64_t quotient = x / y, rest = x % y;
      if (rest != 0 && (rest < 0) != (y < 0)) {
        --quotient;
        rest += y;
      }
      result = op == Op::Modulo ? rest : quotient;
      break;
    }
    default: // Power
      result = 1;
      for (int64_t i = 0; i < y && !overflow; ++i) {
        charge(0);
        overflow = __builtin_mul_overflow(result, x, &result);
        if (x == 0 || x == 1)
          break;
      }
    }
    if (overflow)
      fail("the number is out of range");
    return result;
  }
  double x = a.number(), y = b.number();
  switch (op) {
  case Op::Add:
    return x + y;
  case Op::Subtract:
    return x - y;
  case Op::Multiply:
    return x * y;
  case Op::Divide:
    return x / y;
  case Op::FloorDivide:
    return std::floor(x / y);
  case Op::Modulo:
    return x - y * std::floor(x / y);
  default:
    return std::pow(x, y);
  }
}

//===----------------------------------------------------------------------===//
// Expressions
//===----------------------------------------------------------------------===//

Arguments Interpreter::arguments(const Node &node, const ScopePtr &scope) {
  Arguments all;
  size_t first = node.operands.size() - node.names.size();
  for (size_t i = 1; i < node.operands.size(); ++i) {
    Value value = evaluate(node.operands[i], scope);
    if (i < first)
      all.values.push_back(std::move(value));
    else
      all.named.emplace_back(node.names[i - first], std::move(value));
  }
  return all;
}

Value Interpreter::call(const Value &callee, Arguments arguments) {
  if (auto *macro = dynamic_cast<Macro *>(callee.object()))
    return callMacro(*macro, std::move(arguments));
  if (auto *loop = dynamic_cast<Loop *>(callee.object()))
    return callLoop(*loop, "", arguments);
  if (auto *function = dynamic_cast<Function *>(callee.object())) {
    if (!function->self)
      return callFunction(*function, arguments);
    if (auto *loop = dynamic_cast<Loop *>(function->self->object()))
      return callLoop(*loop, function->name, arguments);
    return callMethod(function->name, *function->self, arguments);
  }
  if (callee.isUndefined())
    fail(undefinedMessage(callee));
  fail(std::string("a value of type ") + typeName(callee) + " can't be called");
}

Value Interpreter::callFunction(const Function &function,
                                const Arguments &arguments) {
  const std::string &name = function.name;
  if (name == "range") {
    int64_t bounds[3] = {0, 0, 1};
    size_t count = arguments.values.size();
    if (count < 1 || count > 3)
      fail("range takes one to three ints");
    for (size_t i = 0; i < count; ++i)
      bounds[count == 1 ? 1 : i] =
          expectInteger(arguments.values[i], "an argument of range");
    auto [start, stop, step] = bounds;
    if (step == 0)
      fail("range's step is 0");
    List list;
    for (int64_t i = start; step > 0 ? i < stop : i > stop;) {
      if (static_cast<int64_t>(list.size()) >= kMaxRange)
        fail("range is longer than " + std::to_string(kMaxRange));
      charge(sizeof(Value));
      list.push_back(Value(i));
      if (__builtin_add_overflow(i, step, &i))
        break;
    }
    return Value(std::move(list));
  }
  if (name == "raise_exception") {
    const Value *message = arguments.find(0, "message");
    fail(message ? toText(*message).bytes() : "the template raises an error");
  }
  if (name == "strftime_now") {
    const Value *given = arguments.find(0, "format");
    if (!given)
      fail("strftime_now needs a format");
    const std::string &format = expectText(*given, "the format").bytes();
    std::tm local = {};
    localtime_r(&options.now, &local);
    char buffer[256];
    size_t size = std::strftime(buffer, sizeof(buffer), format.c_str(), &local);
    if (size == 0 && !format.empty())
      fail("the date is too long");
    return Value(std::string(buffer, size));
  }
  // dict() and namespace(): of a dict, then of names.
  Dict dict;
  if (!arguments.values.empty()) {
    if (const Dict *first = arguments.values[0].dict())
      dict = *first;
    else
      for (const Value &pair : iterate(arguments.values[0])) {
        List parts = iterate(pair);
        if (parts.size() != 2)
          fail(name + " takes pairs of a key and a value");
        dict.set(parts[0], parts[1]);
      }
  }
  for (const auto &[key, value] : arguments.named)
    dict.set(Value(key), value);
  if (name == "dict")
    return Value(std::move(dict));
  auto space = std::make_shared<Namespace>();
  space->fields = std::move(dict);
  return Value(std::shared_ptr<Object>(std::move(space)));
}

Value Interpreter::evaluate(uint32_t id, const ScopePtr &scope) {
  const Node &node = at(id);
  Evaluating here(*this, node);
  return evaluateNode(node, scope);
}

Value Interpreter::evaluateNode(const Node &node, const ScopePtr &scope) {
  if (node.op < Op::None) // only in a damaged program
    fail("internal error: no expression");
  auto operand = [&](size_t i) { return evaluate(node.operands[i], scope); };
  auto all = [&] {
    List values;
    for (uint32_t id : node.operands)
      values.push_back(evaluate(id, scope));
    return values;
  };
  switch (node.op) {
  case Op::None:
    return Value();
  case Op::True:
    return true;
  case Op::False:
    return false;
  case Op::Integer:
    return node.integer;
  case Op::Float:
    return node.number;
  case Op::String:
    charge(node.text.size());
    return Value(node.text);
  case Op::Name:
    return lookUp(node.text, scope);
  case Op::Captured:
    return captured;
  case Op::List:
    return Value(all());
  case Op::Tuple:
    return Value(all(), /*isTuple=*/true);
  case Op::Dict: {
    Dict dict;
    for (size_t i = 0; i < node.operands.size(); i += 2) {
      Value key = operand(i);
      charge(dict.entries.size());
      dict.set(std::move(key), operand(i + 1));
    }
    return Value(std::move(dict));
  }
  case Op::Attribute:
    return attribute(operand(0), node.text);
  case Op::Item: {
    Value object = operand(0);
    return item(object, operand(1));
  }
  case Op::Slice:
    return slice(node, scope);
  case Op::Call: {
    Value callee = operand(0);
    return call(callee, arguments(node, scope));
  }
  case Op::Filter: {
    Value value = operand(0);
    return filter(node.text, value, arguments(node, scope));
  }
  case Op::Test: {
    Value value = operand(0);
    return test(node.text, value, arguments(node, scope));
  }
  case Op::Conditional:
    if (isTrue(operand(0)))
      return operand(1);
    return node.operands[2] == kNoNode ? Value(Value::Undefined{}) : operand(2);
  case Op::Or: {
    Value left = operand(0);
    return isTrue(left) ? left : operand(1);
  }
  case Op::And: {
    Value left = operand(0);
    return isTrue(left) ? operand(1) : left;
  }
  case Op::Not:
    return !isTrue(operand(0));
  case Op::Negate:
  case Op::Plus: {
    Value value = operand(0);
    if (value.isUndefined())
      fail(undefinedMessage(value));
    if (!value.isNumber())
      fail(std::string("a value of type ") + typeName(value) + " has no sign");
    if (value.isFloat())
      return node.op == Op::Plus ? value.number() : -value.number();
    int64_t integer = value.integer();
    if (node.op == Op::Negate &&
        __builtin_sub_overflow(int64_t(0), integer, &integer))
      fail("the number is out of range");
    return integer;
  }
  case Op::Concatenate: {
    Text text;
    for (uint32_t id : node.operands) {
      Text part = toText(evaluate(id, scope));
      charge(part.size() + text.size());
      text.append(part);
    }
    return Value(std::move(text));
  }
  case Op::Compare:
    return compare(node, scope);
  default: {
    Value left = operand(0);
    return binary(node, left, operand(1));
  }
  }
}
