//===- Value.h - what a template computes with ------------------*- C++ -*-===//
//
// The values of Python that templates meet. A text knows of each of its bytes
// whether it came from a user, so that what a user writes never becomes a
// special token.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_TEMPLATE_VALUE_H
#define TENON_TEMPLATE_VALUE_H

#include "tenon/Support/Error.h"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace tenon::templates {

/// UTF-8 (not verified), and whose each byte is.
class Text {
public:
  Text() = default;
  explicit Text(std::string bytes, bool fromUser = false)
      : content(std::move(bytes)),
        marks(fromUser ? std::string(content.size(), '\1') : std::string()) {}

  const std::string &bytes() const { return content; }
  bool empty() const { return content.empty(); }
  size_t size() const { return content.size(); }
  bool isUsers(size_t at) const { return !marks.empty() && marks[at]; }
  bool hasUsers() const { return !marks.empty(); }
  /// A byte for each of the text, not 0 where it is a user's; empty if none is.
  const std::string &userMarks() const { return marks; }

  void append(const Text &other);
  void append(std::string_view bytes, bool fromUser = false);
  Text substr(size_t at, size_t count = std::string::npos) const;

private:
  std::string content;
  std::string marks; ///< as long as the content, or empty: nothing is a user's
};

class Value;
struct Dict;
class Object;
using List = std::vector<Value>;

/// Lists, dicts and objects are shared; only namespaces ever change.
class Value {
public:
  struct Undefined {
    std::string name; ///< what was looked up
  };
  struct None {};
  struct Sequence {
    std::shared_ptr<const List> elements;
    bool isTuple;
  };

  Value() : data(None()) {}
  Value(None) : data(None()) {}
  Value(Undefined undefined) : data(std::move(undefined)) {}
  Value(bool value) : data(value) {}
  Value(int64_t value) : data(value) {}
  Value(double value) : data(value) {}
  Value(Text text) : data(std::make_shared<const Text>(std::move(text))) {}
  Value(std::string text) : Value(Text(std::move(text))) {}
  Value(const char *text) : Value(Text(std::string(text))) {}
  Value(List list, bool isTuple = false)
      : data(Sequence{std::make_shared<const List>(std::move(list)), isTuple}) {
  }
  Value(Dict dict);
  Value(std::shared_ptr<Object> object) : data(std::move(object)) {}

  bool isUndefined() const { return std::holds_alternative<Undefined>(data); }
  bool isNone() const { return std::holds_alternative<None>(data); }
  bool isBool() const { return std::holds_alternative<bool>(data); }
  bool isInteger() const { return std::holds_alternative<int64_t>(data); }
  bool isFloat() const { return std::holds_alternative<double>(data); }
  bool isNumber() const { return isInteger() || isFloat() || isBool(); }

  const Undefined *undefined() const { return std::get_if<Undefined>(&data); }
  const Text *text() const; ///< null unless it is one
  const List *list() const; ///< of a list or tuple
  bool isTuple() const;     ///< a list or tuple that is a tuple
  const Dict *dict() const;
  Object *object() const;
  bool boolean() const { return std::get<bool>(data); }
  int64_t integer() const; ///< of an integer or bool
  double number() const;   ///< of a number

private:
  std::variant<Undefined, None, bool, int64_t, double,
               std::shared_ptr<const Text>, Sequence,
               std::shared_ptr<const Dict>, std::shared_ptr<Object>>
      data;
};

/// In the order of insertion, as Python's.
struct Dict {
  std::vector<std::pair<Value, Value>> entries;

  const Value *find(const Value &key) const;
  const Value *find(std::string_view key) const;
  /// Replaces or adds.
  void set(Value key, Value value);
};

/// What only the interpreter makes: macros, loops, namespaces, methods.
class Object {
public:
  virtual ~Object();
  /// For messages and where it is written: "<macro 'f'>".
  virtual std::string describe() const = 0;
};

/// Python's == and bool().
bool equals(const Value &a, const Value &b);
bool isTrue(const Value &value);
/// Python's str() and repr(); a text's own marks stay.
Text toText(const Value &value);
Text represent(const Value &value);
/// repr() of a float: the shortest digits that give it back.
std::string floatText(double value);
/// "str", "list", "NoneType".
const char *typeName(const Value &value);

/// A value from JSON, objects in their order. Strings are a user's, except
/// under the key "role". Errors: bad JSON; nested deeper than 100.
Expected<Value> valueFromJson(std::string_view json, std::string_view name);

/// How a value is written as JSON, as Python's json.dumps does.
struct JsonFormat {
  std::string indent; ///< of one level; only where `lines`
  bool lines = false; ///< each element on a line of its own
  bool ascii = false, sortKeys = false;
  std::string itemSeparator = ", ", keySeparator = ": ";
};
/// False if a value has no JSON; `why` says which then.
bool toJson(const Value &value, const JsonFormat &format, Text &out,
            std::string &why);

} // namespace tenon::templates

#endif // TENON_TEMPLATE_VALUE_H
