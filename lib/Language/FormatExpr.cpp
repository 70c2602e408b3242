//===- FormatExpr.cpp - expressions as breakable text ---------------------===//

#include "FormatExpr.h"

using namespace tenon::lang;

std::string BreakableText::flat() const {
  std::string text;
  for (const Piece &piece : pieces)
    text += (text.empty() ? "" : " ") + piece.text;
  return text;
}

std::string BreakableText::wrap(std::string first, size_t indent,
                                size_t width) const {
  std::string text = std::move(first);
  size_t column = text.size();
  for (size_t begin = 0; begin < pieces.size();) {
    // The pieces that fit, and the best break among those behind them.
    size_t end = begin + 1, best = begin + 1;
    size_t used = column + pieces[begin].text.size();
    for (; end < pieces.size(); ++end) {
      if (end == begin + 1 || pieces[end].depth <= pieces[best].depth)
        best = end;
      used += 1 + pieces[end].text.size();
      if (used > width)
        break;
    }
    if (end == pieces.size())
      best = end; // the rest fits
    for (size_t i = begin; i < best; ++i)
      text += (i > begin ? " " : "") + pieces[i].text;
    if (best < pieces.size())
      text += "\n" + std::string(indent, ' ');
    column = indent;
    begin = best;
  }
  return text;
}

// The parser's precedences; a conditional is 0, 'not' 3, '-' 7, the rest 8.
static int precedenceOf(const Expr *expr) {
  if (expr->kind == Expr::Kind::Conditional)
    return 0;
  if (auto *unary = exprAs<UnaryExpr>(expr))
    return unary->op == UnaryOp::Not ? 3 : 7;
  auto *binary = exprAs<BinaryExpr>(expr);
  if (!binary)
    return 8;
  switch (binary->op) {
  case BinaryOp::Or:
    return 1;
  case BinaryOp::And:
    return 2;
  case BinaryOp::Add:
  case BinaryOp::Sub:
    return 5;
  case BinaryOp::Mul:
  case BinaryOp::Div:
  case BinaryOp::Rem:
    return 6;
  default:
    return 4;
  }
}

void ExprPrinter::print(const Expr *expr, int minPrecedence) {
  int precedence = precedenceOf(expr);
  if (precedence < minPrecedence) {
    out << "(";
    out.open();
    print(expr);
    out.close();
    out << ")";
    return;
  }
  switch (expr->kind) {
  case Expr::Kind::Integer:
  case Expr::Kind::Float: // as written: 1e-6 stays 1e-6
    out << model.source.text().substr(expr->range.begin,
                                      expr->range.end - expr->range.begin);
    return;
  case Expr::Kind::String:
    return printString(static_cast<const StringExpr *>(expr));
  case Expr::Kind::Bool:
    out << (static_cast<const BoolExpr *>(expr)->value ? "true" : "false");
    return;
  case Expr::Kind::Name:
    out << static_cast<const NameExpr *>(expr)->name;
    return;
  case Expr::Kind::Unary: {
    auto *unary = static_cast<const UnaryExpr *>(expr);
    out << (unary->op == UnaryOp::Not ? "not " : "-");
    print(unary->operand, precedence);
    return;
  }
  case Expr::Kind::Binary: {
    auto *binary = static_cast<const BinaryExpr *>(expr);
    bool comparison = precedence == 4; // doesn't associate
    print(binary->lhs, comparison ? precedence + 1 : precedence);
    out << " " << spelling(binary->op);
    out.space();
    print(binary->rhs, precedence + 1);
    return;
  }
  case Expr::Kind::Conditional: {
    auto *conditional = static_cast<const ConditionalExpr *>(expr);
    print(conditional->thenValue, 1);
    out.space();
    out << "if ";
    print(conditional->condition, 1);
    out << " else ";
    print(conditional->elseValue);
    return;
  }
  case Expr::Kind::Call: {
    auto *call = static_cast<const CallExpr *>(expr);
    out << call->callee;
    return printArguments(call->arguments);
  }
  case Expr::Kind::Index: {
    auto *subscript = static_cast<const IndexExpr *>(expr);
    print(subscript->list, precedence);
    out << "[";
    out.open();
    print(subscript->index);
    out.close();
    out << "]";
    return;
  }
  case Expr::Kind::List:
    return printShape(static_cast<const ListExpr *>(expr)->elements);
  case Expr::Kind::Comprehension: {
    auto *all = static_cast<const ComprehensionExpr *>(expr);
    out << "[";
    out.open();
    print(all->element);
    out.space();
    out << "for " << all->index->name << " < ";
    print(all->count);
    out.close();
    out << "]";
    return;
  }
  case Expr::Kind::LayerLoop: {
    auto *loop = static_cast<const LayerLoopExpr *>(expr);
    out << loop->layerName
        << (loop->fold == LayerLoopExpr::Fold::Sum ? "+" : "*");
    return printArguments(loop->arguments);
  }
  }
}

void ExprPrinter::printArguments(const std::vector<Argument> &arguments) {
  out << "(";
  out.open();
  for (const Argument &argument : arguments) {
    if (&argument != &arguments.front()) {
      out << ",";
      out.space();
    }
    if (!argument.name.empty())
      out << argument.name << " = ";
    print(argument.value);
  }
  out.close();
  out << ")";
}

void ExprPrinter::printShape(const std::vector<Expr *> &shape,
                             bool hasLeading) {
  out << "[";
  out.open();
  if (hasLeading) {
    out << "...,";
    out.space();
  }
  for (size_t i = 0; i < shape.size(); ++i) {
    const Expr *dim = shape[i];
    if (i > 0) {
      out << ",";
      out.space();
    }
    print(dim);
  }
  out.close();
  out << "]";
}

void ExprPrinter::printString(const StringExpr *string) {
  out << model.source.text().substr(string->range.begin,
                                    string->range.end - string->range.begin);
}

void ExprPrinter::printStrings(const std::vector<const StringExpr *> &strings,
                               std::string_view separator) {
  for (const StringExpr *string : strings) {
    if (string != strings.front()) {
      out << separator;
      out.space(1); // keep the alternatives together
    }
    printString(string);
  }
}
