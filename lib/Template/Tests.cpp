//===- Tests.cpp - tests of Jinja (`x is defined`) ------------------------===//

#include "Interpreter.h"
#include "Names.h"

#include <algorithm>

using namespace tenon;
using namespace tenon::templates;

namespace {

struct NamedTest {
  std::string_view name;
  bool takesOther;
  bool (*holds)(Interpreter &in, const Value &value, const Value *other);
};

bool isCase(const Value &value, bool upper) {
  Text text = toText(value);
  // Some character has a case, and it is this one.
  return text.bytes() == changeCase(text, upper).bytes() &&
         text.bytes() != changeCase(text, !upper).bytes();
}

int64_t rest(Interpreter &in, const Value &value, int64_t divisor) {
  if (divisor == 0)
    in.fail("division by zero");
  // x % -1 is 0, and would trap for the least of all.
  return divisor == -1 ? 0 : in.expectInteger(value, "the number") % divisor;
}

constexpr NamedTest kTests[] = {
    {"boolean", false,
     [](Interpreter &, const Value &v, const Value *) { return v.isBool(); }},
    {"callable", false,
     [](Interpreter &, const Value &v, const Value *) {
       return dynamic_cast<Macro *>(v.object()) != nullptr ||
              dynamic_cast<Function *>(v.object()) != nullptr;
     }},
    {"defined", false,
     [](Interpreter &, const Value &v, const Value *) {
       return !v.isUndefined();
     }},
    {"divisibleby", true,
     [](Interpreter &in, const Value &v, const Value *other) {
       return rest(in, v, in.expectInteger(*other, "the divisor")) == 0;
     }},
    {"eq", true,
     [](Interpreter &, const Value &v, const Value *other) {
       return equals(v, *other);
     }},
    {"even", false,
     [](Interpreter &in, const Value &v, const Value *) {
       return rest(in, v, 2) == 0;
     }},
    {"false", false,
     [](Interpreter &, const Value &v, const Value *) {
       return v.isBool() && !v.boolean();
     }},
    {"float", false,
     [](Interpreter &, const Value &v, const Value *) { return v.isFloat(); }},
    {"ge", true,
     [](Interpreter &in, const Value &v, const Value *other) {
       return in.order(v, *other) >= 0;
     }},
    {"gt", true,
     [](Interpreter &in, const Value &v, const Value *other) {
       return in.order(v, *other) > 0;
     }},
    {"in", true,
     [](Interpreter &in, const Value &v, const Value *other) {
       return in.contains(*other, v);
     }},
    {"integer", false,
     [](Interpreter &, const Value &v, const Value *) {
       return v.isInteger();
     }},
    {"iterable", false,
     [](Interpreter &, const Value &v, const Value *) {
       return v.text() || v.list() || v.dict() || v.isUndefined();
     }},
    {"le", true,
     [](Interpreter &in, const Value &v, const Value *other) {
       return in.order(v, *other) <= 0;
     }},
    {"lower", false,
     [](Interpreter &, const Value &v, const Value *) {
       return isCase(v, false);
     }},
    {"lt", true,
     [](Interpreter &in, const Value &v, const Value *other) {
       return in.order(v, *other) < 0;
     }},
    {"mapping", false,
     [](Interpreter &, const Value &v, const Value *) {
       return v.dict() != nullptr;
     }},
    {"ne", true,
     [](Interpreter &, const Value &v, const Value *other) {
       return !equals(v, *other);
     }},
    {"none", false,
     [](Interpreter &, const Value &v, const Value *) { return v.isNone(); }},
    {"number", false,
     [](Interpreter &, const Value &v, const Value *) { return v.isNumber(); }},
    {"odd", false,
     [](Interpreter &in, const Value &v, const Value *) {
       return rest(in, v, 2) != 0;
     }},
    {"sameas", true,
     [](Interpreter &, const Value &v, const Value *other) {
       return std::string_view(typeName(v)) == typeName(*other) &&
              equals(v, *other);
     }},
    {"sequence", false,
     [](Interpreter &, const Value &v, const Value *) {
       return v.text() || v.list() || v.dict() || v.isUndefined();
     }},
    {"string", false,
     [](Interpreter &, const Value &v, const Value *) {
       return v.text() != nullptr;
     }},
    {"true", false,
     [](Interpreter &, const Value &v, const Value *) {
       return v.isBool() && v.boolean();
     }},
    {"undefined", false,
     [](Interpreter &, const Value &v, const Value *) {
       return v.isUndefined();
     }},
    {"upper", false,
     [](Interpreter &, const Value &v, const Value *) {
       return isCase(v, true);
     }},
};

/// Other names of the same tests.
constexpr std::pair<std::string_view, std::string_view> kSynonyms[] = {
    {"equalto", "eq"}, {"==", "eq"},          {"!=", "ne"},
    {">", "gt"},       {"greaterthan", "gt"}, {">=", "ge"},
    {"<", "lt"},       {"lessthan", "lt"},    {"<=", "le"},
};

const NamedTest *findTest(std::string_view name) {
  for (auto [other, known] : kSynonyms)
    if (other == name)
      name = known;
  for (const NamedTest &test : kTests)
    if (test.name == name)
      return &test;
  return nullptr;
}

} // namespace

bool tenon::templates::isTestName(std::string_view name) {
  return findTest(name) != nullptr;
}

bool Interpreter::test(std::string_view name, const Value &value,
                       Arguments arguments) {
  const NamedTest *found = findTest(name);
  if (!found)
    fail("unknown test '" + std::string(name.substr(0, 40)) + "'");
  if (arguments.values.size() != (found->takesOther ? 1 : 0))
    fail("test '" + std::string(name) + "' takes " +
         (found->takesOther ? "one argument" : "no arguments"));
  charge(value.text() ? value.text()->size() : 0);
  return found->holds(*this, value,
                      found->takesOther ? &arguments.values[0] : nullptr);
}
