//===- Interpreter.cpp - statements of a program --------------------------===//

#include "Interpreter.h"

#include <algorithm>

using namespace tenon;
using namespace tenon::templates;

const Value *Arguments::find(size_t place, std::string_view name) const {
  if (place < values.size())
    return &values[place];
  for (const auto &[known, value] : named)
    if (known == name)
      return &value;
  return nullptr;
}

// Macros and loops hold the scopes that hold them.
Interpreter::~Interpreter() {
  for (const auto &macro : macros)
    macro->scope.reset();
  for (const auto &loop : loops)
    loop->scope.reset();
}

void Interpreter::fail(std::string message) const {
  throw RenderError{current, std::move(message)};
}

void Interpreter::charge(uint64_t bytes) {
  steps += 1 + bytes / 64;
  if (steps > options.maxSteps)
    fail("the template takes more than " + std::to_string(options.maxSteps) +
         " steps");
}

Interpreter::Evaluating::Evaluating(Interpreter &interpreter, const Node &node)
    : interpreter(interpreter), outer(interpreter.current) {
  constexpr unsigned kMaxDepth = 1000;
  interpreter.current = &node;
  interpreter.charge(0);
  if (interpreter.depth >= kMaxDepth)
    interpreter.fail("macros and loops call themselves too deep");
  ++interpreter.depth;
}

void Interpreter::write(const Text &text) {
  charge(text.size());
  if (output->size() + text.size() > options.maxOutput)
    fail("the template writes more than " + std::to_string(options.maxOutput) +
         " bytes");
  output->append(text);
}

Text Interpreter::capture(uint32_t id, const ScopePtr &scope) {
  Text text;
  Text *outer = std::exchange(output, &text);
  try {
    execute(id, scope);
  } catch (...) {
    output = outer;
    throw;
  }
  output = outer;
  return text;
}

Text Interpreter::run(const Dict &variables) {
  auto scope = std::make_shared<Scope>(nullptr);
  for (const char *name :
       {"range", "namespace", "dict", "raise_exception", "strftime_now"})
    scope->names[name] = Value(std::make_shared<Function>(name));
  for (const auto &[name, value] : variables.entries)
    scope->names[toText(name).bytes()] = value;
  Text text;
  output = &text;
  if (!program.nodes.empty())
    execute(static_cast<uint32_t>(program.nodes.size() - 1), scope);
  return text;
}

Interpreter::Flow Interpreter::execute(uint32_t id, const ScopePtr &scope) {
  const Node &node = at(id);
  Evaluating here(*this, node);
  switch (node.op) {
  case Op::Sequence:
    for (uint32_t statement : node.operands)
      if (Flow flow = execute(statement, scope); flow != Flow::Normal)
        return flow;
    return Flow::Normal;
  case Op::Literal:
    write(Text(node.text));
    return Flow::Normal;
  case Op::Write:
    write(toText(evaluate(node.operands[0], scope)));
    return Flow::Normal;
  case Op::If: {
    uint32_t chosen = isTrue(evaluate(node.operands[0], scope))
                          ? node.operands[1]
                          : node.operands[2];
    return chosen == kNoNode ? Flow::Normal : execute(chosen, scope);
  }
  case Op::For:
    runLoop(node, scope, evaluate(node.operands[1], scope), 0);
    return Flow::Normal;
  case Op::Set:
    assign(node.operands[0], evaluate(node.operands[1], scope), scope);
    return Flow::Normal;
  case Op::SetBlock: {
    Text text = capture(node.operands[2], std::make_shared<Scope>(scope));
    captured = Value(std::move(text));
    assign(node.operands[0], evaluate(node.operands[1], scope), scope);
    return Flow::Normal;
  }
  case Op::Filtered: {
    Text text = capture(node.operands[1], std::make_shared<Scope>(scope));
    captured = Value(std::move(text));
    write(toText(evaluate(node.operands[0], scope)));
    return Flow::Normal;
  }
  case Op::Macro:
    macros.push_back(std::make_shared<Macro>(node, scope));
    scope->names[node.text] = Value(macros.back());
    return Flow::Normal;
  case Op::CallBlock: {
    const Node &call = at(node.operands[0]);
    macros.push_back(std::make_shared<Macro>(at(node.operands[1]), scope));
    Arguments arguments = this->arguments(call, scope);
    arguments.named.emplace_back("caller", Value(macros.back()));
    write(toText(
        this->call(evaluate(call.operands[0], scope), std::move(arguments))));
    return Flow::Normal;
  }
  case Op::With:
    executeWith(node, scope);
    return Flow::Normal;
  case Op::Break:
    return Flow::Break;
  case Op::Continue:
    return Flow::Continue;
  default:
    fail("internal error: no statement");
  }
}

void Interpreter::executeWith(const Node &node, const ScopePtr &scope) {
  auto inner = std::make_shared<Scope>(scope);
  // All values are those of the scope around.
  std::vector<Value> values;
  for (size_t i = 1; i < node.operands.size(); i += 2)
    values.push_back(evaluate(node.operands[i], scope));
  for (size_t i = 0; i < values.size(); ++i)
    assign(node.operands[2 * i], std::move(values[i]), inner);
  execute(node.operands.back(), inner);
}

// Each turn has names of its own; what it sets is gone at its end.
void Interpreter::runLoop(const Node &node, const ScopePtr &scope,
                          const Value &iterable, int64_t depth) {
  Evaluating here(*this, node);
  auto loop = std::make_shared<Loop>();
  loop->items = iterate(iterable);
  loop->node = &node;
  loop->scope = scope;
  loop->depth = depth;
  loops.push_back(loop);
  if (node.operands[2] != kNoNode) {
    List chosen;
    for (Value &value : loop->items) {
      auto inner = std::make_shared<Scope>(scope);
      assign(node.operands[0], value, inner);
      if (isTrue(evaluate(node.operands[2], inner)))
        chosen.push_back(std::move(value));
    }
    loop->items = std::move(chosen);
  }
  for (; loop->index < loop->items.size(); ++loop->index) {
    auto inner = std::make_shared<Scope>(scope);
    inner->names["loop"] = Value(loop);
    assign(node.operands[0], loop->items[loop->index], inner);
    if (execute(node.operands[3], inner) == Flow::Break)
      return;
  }
  if (loop->items.empty() && node.operands[4] != kNoNode)
    execute(node.operands[4], std::make_shared<Scope>(scope));
}

void Interpreter::assign(uint32_t id, Value value, const ScopePtr &scope) {
  const Node &target = at(id);
  if (target.op == Op::Name) {
    scope->names[target.text] = std::move(value);
    return;
  }
  if (target.op == Op::NamespaceField) {
    Value owner = lookUp(target.text, scope);
    auto *space = dynamic_cast<Namespace *>(owner.object());
    if (!space)
      fail("'" + target.text +
           "' is no namespace, so nothing in it can be set");
    space->fields.set(Value(target.names[0]), std::move(value));
    return;
  }
  List parts = iterate(value);
  if (parts.size() != target.operands.size())
    fail("expected " + std::to_string(target.operands.size()) +
         " values to unpack, found " + std::to_string(parts.size()));
  for (size_t i = 0; i < parts.size(); ++i)
    assign(target.operands[i], std::move(parts[i]), scope);
}

Value Loop::field(std::string_view name) const {
  auto number = [](size_t value) { return Value(static_cast<int64_t>(value)); };
  size_t count = items.size();
  if (name == "index")
    return number(index + 1);
  if (name == "index0")
    return number(index);
  if (name == "revindex")
    return number(count - index);
  if (name == "revindex0")
    return number(count - index - 1);
  if (name == "first")
    return index == 0;
  if (name == "last")
    return index + 1 == count;
  if (name == "length")
    return number(count);
  if (name == "depth")
    return Value(depth + 1);
  if (name == "depth0")
    return Value(depth);
  if (name == "previtem" && index > 0)
    return items[index - 1];
  if (name == "nextitem" && index + 1 < count)
    return items[index + 1];
  return Value::Undefined{"loop." + std::string(name)};
}

Value Interpreter::callMacro(const Macro &macro, Arguments arguments) {
  const Node &node = macro.node;
  Evaluating here(*this, node);
  auto scope = std::make_shared<Scope>(macro.scope);
  size_t parameters = node.names.size();
  size_t defaults = node.operands.size() - 1;
  if (arguments.values.size() > parameters)
    fail("macro '" + node.text + "' takes at most " +
         std::to_string(parameters) + " arguments");
  for (size_t i = 0; i < parameters; ++i) {
    const std::string &name = node.names[i];
    if (const Value *given = arguments.find(i, name))
      scope->names[name] = *given;
    else if (i + defaults >= parameters)
      scope->names[name] =
          evaluate(node.operands[i + defaults - parameters], scope);
    else
      scope->names[name] = Value::Undefined{name};
  }
  for (const auto &[name, value] : arguments.named) {
    bool isKnown = name == "caller" ||
                   std::count(node.names.begin(), node.names.end(), name) != 0;
    if (!isKnown)
      fail("macro '" + node.text + "' has no parameter '" + name + "'");
    if (name == "caller")
      scope->names["caller"] = value;
  }
  return Value(capture(node.operands.back(), scope));
}

Value Interpreter::callLoop(Loop &loop, std::string_view method,
                            const Arguments &arguments) {
  if (method == "cycle") {
    if (arguments.values.empty())
      fail("loop.cycle needs values");
    return arguments.values[loop.index % arguments.values.size()];
  }
  if (method == "changed") {
    bool same = loop.last && equals(Value(*loop.last), Value(arguments.values));
    loop.last = arguments.values;
    return !same;
  }
  // The loop itself, on other values.
  if (!loop.node->flag)
    fail("the loop isn't recursive");
  if (arguments.values.size() != 1)
    fail("a recursive loop is called with what it goes through");
  Text text;
  Text *outer = std::exchange(output, &text);
  try {
    runLoop(*loop.node, loop.scope, arguments.values[0], loop.depth + 1);
  } catch (...) {
    output = outer;
    throw;
  }
  output = outer;
  return Value(std::move(text));
}

Expected<Text> tenon::templates::render(const Program &program,
                                        const Dict &variables,
                                        const RenderOptions &options) {
  try {
    return Interpreter(program, options).run(variables);
  } catch (const RenderError &error) {
    if (!error.node)
      return errorInFile(program.name, error.message);
    return errorAt(program.name, error.node->line, error.node->column,
                   error.message);
  } catch (const std::bad_alloc &) {
    return errorInFile(program.name, "not enough memory to render the template",
                       ExitCode::OutOfResource);
  }
}
