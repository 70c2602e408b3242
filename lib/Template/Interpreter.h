//===- Interpreter.h - evaluates the nodes of a program ---------*- C++ -*-===//

#ifndef TENON_LIB_TEMPLATE_INTERPRETER_H
#define TENON_LIB_TEMPLATE_INTERPRETER_H

#include "tenon/Template/Render.h"

#include <map>
#include <memory>
#include <optional>

namespace tenon::templates {

/// What went wrong at a node; thrown inside of this library only.
struct RenderError {
  const Node *node;
  std::string message;
};

/// The arguments of a call, of a filter or a test.
struct Arguments {
  std::vector<Value> values;
  std::vector<std::pair<std::string, Value>> named;

  /// An argument by its place or its name; null when it isn't given.
  const Value *find(size_t place, std::string_view name) const;
};

/// The names that a statement sees, innermost first.
struct Scope {
  explicit Scope(std::shared_ptr<Scope> parent) : parent(std::move(parent)) {}
  std::map<std::string, Value, std::less<>> names;
  std::shared_ptr<Scope> parent;
};
using ScopePtr = std::shared_ptr<Scope>;

class Interpreter;

class Macro : public Object {
public:
  Macro(const Node &node, ScopePtr scope)
      : node(node), scope(std::move(scope)) {}
  std::string describe() const override {
    return "<macro '" + node.text + "'>";
  }
  const Node &node;
  ScopePtr scope;
};

class Namespace : public Object {
public:
  std::string describe() const override { return "<Namespace>"; }
  Dict fields;
};

/// The variable `loop`.
class Loop : public Object {
public:
  std::string describe() const override { return "<LoopContext>"; }
  Value field(std::string_view name) const;

  List items;
  size_t index = 0;
  int64_t depth = 0; ///< of loops that call themselves, from 0
  const Node *node = nullptr;
  ScopePtr scope;           ///< around the loop
  std::optional<List> last; ///< of loop.changed()
};

/// A function of the environment, or a method of a value.
class Function : public Object {
public:
  Function(std::string name, std::optional<Value> self = {})
      : name(std::move(name)), self(std::move(self)) {}
  std::string describe() const override { return "<function " + name + ">"; }
  const std::string name;
  const std::optional<Value> self;
};

class Interpreter {
public:
  Interpreter(const Program &program, const RenderOptions &options)
      : program(program), options(options) {}
  ~Interpreter();

  Text run(const Dict &variables);

  // For filters, tests and functions.
  [[noreturn]] void fail(std::string message) const;
  /// Counts what an operation copies.
  void charge(uint64_t bytes);
  /// What a `for` goes through; a failure for what can't be iterated.
  List iterate(const Value &value);
  /// `value.name`, `value[index]`, as Jinja looks them up.
  Value attribute(const Value &value, const std::string &name);
  Value item(const Value &value, const Value &index);
  Value filter(std::string_view name, const Value &value, Arguments arguments);
  bool test(std::string_view name, const Value &value, Arguments arguments);
  Value call(const Value &callee, Arguments arguments);
  int order(const Value &a, const Value &b) const; ///< -1, 0, 1
  bool contains(const Value &container, const Value &value) const;
  const Text &expectText(const Value &value, const char *what) const;
  int64_t expectInteger(const Value &value, const char *what) const;

private:
  enum class Flow { Normal, Break, Continue };
  /// Remembers where the interpreter is, for messages, and how deep.
  struct Evaluating {
    Evaluating(Interpreter &interpreter, const Node &node);
    ~Evaluating() {
      interpreter.current = outer;
      --interpreter.depth;
    }
    Interpreter &interpreter;
    const Node *outer;
  };

  const Node &at(uint32_t id) const { return program.nodes[id]; }
  Flow execute(uint32_t id, const ScopePtr &scope);
  Flow executeFor(const Node &node, const ScopePtr &scope);
  void runLoop(const Node &node, const ScopePtr &scope, const Value &iterable,
               int64_t depth);
  void executeWith(const Node &node, const ScopePtr &scope);
  void assign(uint32_t target, Value value, const ScopePtr &scope);
  void write(const Text &text);
  /// What executing a node writes.
  Text capture(uint32_t id, const ScopePtr &scope);

  Value evaluate(uint32_t id, const ScopePtr &scope);
  Value evaluateNode(const Node &node, const ScopePtr &scope);
  Value lookUp(const std::string &name, const ScopePtr &scope) const;
  Value binary(const Node &node, const Value &a, const Value &b);
  Value compare(const Node &node, const ScopePtr &scope);
  Value slice(const Node &node, const ScopePtr &scope);
  Arguments arguments(const Node &node, const ScopePtr &scope);
  Value callMacro(const Macro &macro, Arguments arguments);
  Value callFunction(const Function &function, const Arguments &arguments);
  Value callMethod(const std::string &name, const Value &self,
                   const Arguments &arguments);
  Value callLoop(Loop &loop, std::string_view method,
                 const Arguments &arguments);

  const Program &program;
  const RenderOptions &options;
  uint64_t steps = 0;
  unsigned depth = 0;
  const Node *current = nullptr;
  Text *output = nullptr;
  Value captured; ///< for Op::Captured
  std::vector<std::shared_ptr<Macro>> macros;
  std::vector<std::shared_ptr<Loop>> loops;
};

/// Methods of str, dict and list; undefined when there is no such method.
bool isMethod(const Value &self, std::string_view name);

/// Upper and lower case of a text.
Text changeCase(const Text &text, bool upper);

} // namespace tenon::templates

#endif // TENON_LIB_TEMPLATE_INTERPRETER_H
