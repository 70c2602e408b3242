//===- Program.h - a chat template as a program -----------------*- C++ -*-===//
//
// Chat templates are written in Jinja's language
// (https://jinja.palletsprojects.com/en/stable/templates/), with the settings
// that Hugging Face Transformers renders them with. tenonc compiles a template
// to a Program: a flat list of nodes whose operands come before them. The
// executable carries it and runs it (Render.h).
//
//===----------------------------------------------------------------------===//

#ifndef TENON_TEMPLATE_PROGRAM_H
#define TENON_TEMPLATE_PROGRAM_H

#include "tenon/Support/Error.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tenon::templates {

/// What a node does. Operands in `operands`, in the order said here; those in
/// brackets may be kNoNode.
enum class Op : uint8_t {
  // Statements.
  Sequence,  ///< any number of statements
  Literal,   ///< writes `text`
  Write,     ///< writes the value of an expression
  If,        ///< condition, then, [else]
  For,       ///< target, iterable, [condition], body, [else]; `flag`: recursive
  Set,       ///< target, value
  SetBlock,  ///< target, value (an expression of Captured), body
  Macro,     ///< `text`: its name; `names`: parameters; [defaults]…, body
  CallBlock, ///< call, macro: the call has the macro as `caller`
  Filtered,  ///< value (an expression of Captured), body
  With,      ///< targets and values in turn, body
  Break,
  Continue,
  // Targets of an assignment; also Name and Tuple.
  NamespaceField, ///< `text`.`names[0]`
  // Expressions.
  None,
  True,
  False,
  Integer,
  Float,
  String,
  Name,        ///< `text`
  Captured,    ///< what the body of SetBlock or Filtered wrote
  List,        ///< elements
  Tuple,       ///< elements
  Dict,        ///< keys and values in turn
  Attribute,   ///< object; `text`
  Item,        ///< object, index
  Slice,       ///< object, [start], [stop], [step]
  Call,        ///< callee, arguments; the last ones are called `names`
  Filter,      ///< value, arguments as of a call; `text`
  Test,        ///< value, arguments as of a call; `text`
  Conditional, ///< condition, then, [else]
  Or,
  And,
  Not,
  Negate,
  Plus, ///< +x
  Add,
  Subtract,
  Multiply,
  Divide,
  FloorDivide,
  Modulo,
  Power,
  Concatenate,
  Compare, ///< first, others; `names`: "==", "in", "not in", … before each
           ///< other
};
inline constexpr Op kLastOp = Op::Compare;

inline constexpr uint32_t kNoNode = UINT32_MAX;

struct Node {
  Op op = Op::None;
  bool flag = false;
  uint32_t line = 0, column = 0; ///< in the template, from 1
  std::string text;
  int64_t integer = 0;
  double number = 0;
  std::vector<uint32_t> operands;
  std::vector<std::string> names;
};

/// A compiled template. Operands of a node come before it in the list, so that
/// programs are finite trees; the last node is the whole.
struct Program {
  std::string name; ///< of the template, for messages
  std::vector<Node> nodes;

  std::string serialize() const;
  /// Verifies operators, operands and their numbers.
  static Expected<Program> deserialize(std::span<const std::byte> bytes);
};

/// Compiles a template. Errors, each "NAME:LINE:COLUMN: error: …": syntax;
/// filters, tests and statements that Jinja or Transformers doesn't have or
/// that need other templates (include, import, extends, block); expressions
/// nested deeper than 200.
Expected<Program> compileTemplate(std::string_view text, std::string_view name);

} // namespace tenon::templates

#endif // TENON_TEMPLATE_PROGRAM_H
