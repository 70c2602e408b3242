//===- FormatExpr.h - expressions as breakable text -------------*- C++ -*-===//

#ifndef TENON_LIB_LANGUAGE_FORMATEXPR_H
#define TENON_LIB_LANGUAGE_FORMATEXPR_H

#include "tenon/Language/AST.h"

namespace tenon::lang {

/// One logical line: pieces between which it may be broken. A break is a blank
/// if the line fits, so pieces have none at their ends. Breaks have depths: a
/// line that is too long is broken where the depth is least.
class BreakableText {
public:
  BreakableText &operator<<(std::string_view text) {
    pieces.back().text += text;
    return *this;
  }
  /// A blank, or a line break. In brackets the depth is greater.
  void space(unsigned extraDepth = 0) {
    pieces.push_back({{}, depth + extraDepth});
  }
  void open() { ++depth; }
  void close() { --depth; }
  bool empty() const { return pieces.size() == 1 && pieces[0].text.empty(); }

  /// The text on one line.
  std::string flat() const;
  /// Lines of at most `width` columns, where breaks allow it; `first` is on the
  /// first line already, the others are indented by `indent`.
  std::string wrap(std::string first, size_t indent, size_t width) const;

private:
  struct Piece {
    std::string text;
    unsigned depth; // of the break before it
  };
  std::vector<Piece> pieces{{{}, 0}};
  unsigned depth = 0;
};

/// Prints expressions with as few parentheses as their meaning allows.
class ExprPrinter {
public:
  ExprPrinter(const Model &model, BreakableText &out)
      : model(model), out(out) {}

  void print(const Expr *expr, int minPrecedence = 0);
  /// An operand of a weight's `if`, where a conditional needs parentheses.
  void printCondition(const Expr *expr) { print(expr, 1); }
  void printShape(const std::vector<Expr *> &shape, bool hasLeading = false);
  void printString(const StringExpr *string);
  void printStrings(const std::vector<const StringExpr *> &strings,
                    std::string_view separator);

private:
  void printArguments(const std::vector<Argument> &arguments);

  const Model &model;
  BreakableText &out;
};

} // namespace tenon::lang

#endif // TENON_LIB_LANGUAGE_FORMATEXPR_H
