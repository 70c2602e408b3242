//===- AST.cpp - syntax tree of a model description -----------------------===//

#include "tenon/Language/AST.h"

#include <algorithm>

using namespace tenon::lang;

const char *tenon::lang::spelling(BinaryOp op) {
  switch (op) {
  case BinaryOp::Add:
    return "+";
  case BinaryOp::Sub:
    return "-";
  case BinaryOp::Mul:
    return "*";
  case BinaryOp::Div:
    return "/";
  case BinaryOp::Rem:
    return "%";
  case BinaryOp::In:
    return "in";
  case BinaryOp::Eq:
    return "==";
  case BinaryOp::Ne:
    return "!=";
  case BinaryOp::Lt:
    return "<";
  case BinaryOp::Le:
    return "<=";
  case BinaryOp::Gt:
    return ">";
  case BinaryOp::Ge:
    return ">=";
  case BinaryOp::And:
    return "and";
  case BinaryOp::Or:
    return "or";
  }
  return "";
}

const char *tenon::lang::elementName(Element element) {
  switch (element) {
  case Element::Float:
    return "";
  case Element::Token:
    return "token";
  case Element::TokenType:
    return "token_type";
  case Element::Position:
    return "position";
  case Element::Bool:
    return "bool";
  case Element::Pixel:
    return "pixel";
  case Element::Feature:
    return "feature";
  case Element::Labels:
    return "labels";
  case Element::Span:
    return "span";
  }
  return "";
}

bool tenon::lang::isFloat(Element element) {
  return element == Element::Float || element == Element::Pixel ||
         element == Element::Feature || element == Element::Labels ||
         element == Element::Span;
}

const char *tenon::lang::kindName(ModelKind kind) {
  return kind == ModelKind::Decoder ? "decoder" : "encoder";
}

bool Type::matches(const Type &other) const {
  if (isList() && other.isList())
    return listOf == other.listOf || listOf == Kind::Invalid ||
           other.listOf == Kind::Invalid;
  return kind == other.kind && element == other.element &&
         shape == other.shape && members.size() == other.members.size();
}

std::string Type::str() const {
  switch (kind) {
  case Kind::Invalid:
    return "(unknown)";
  case Kind::Int:
    return "int";
  case Kind::Float:
    return "float";
  case Kind::Bool:
    return "bool";
  case Kind::String:
    return "string";
  case Kind::Rope:
    return "rope";
  case Kind::Rotary:
    return "rotary";
  case Kind::List:
    return listOf == Kind::Invalid ? "[]" : "[" + scalar(listOf).str() + "]";
  case Kind::Tuple:
    return std::to_string(members.size()) + " tensors";
  case Kind::Tensor:
    break;
  }
  std::string text = formatShape(shape);
  if (element != Element::Float)
    text += std::string(" of ") + elementName(element);
  return text;
}

std::string_view tenon::lang::sourceText(const Model &model, const Expr *expr) {
  return model.source.text().substr(expr->range.begin,
                                    expr->range.end - expr->range.begin);
}

std::string tenon::lang::quoteExpr(const Model &model, const Expr *expr) {
  constexpr size_t kLongest = 60;
  std::string_view text = sourceText(model, expr);
  if (text.size() > kLongest || text.find('\n') != std::string_view::npos)
    return "the expression";
  return "'" + std::string(text) + "'";
}

// Symbols are ordered by creation; T comes before all others.
Symbol *Model::makeSymbol(std::string name, const Expr *definition,
                          bool varies) {
  if (symbols.empty())
    symbols.push_back(std::make_unique<Symbol>(Symbol{"T", 0, nullptr, true}));
  unsigned order = static_cast<unsigned>(symbols.size());
  symbols.push_back(
      std::make_unique<Symbol>(Symbol{std::move(name), order, definition}));
  symbols.back()->varies = varies;
  return symbols.back().get();
}

const Symbol *Model::length(char letter) {
  const Symbol *&symbol = lengths[letter];
  if (symbol)
    return symbol;
  if (letter == 'T' && symbols.empty()) {
    symbols.push_back(std::make_unique<Symbol>(Symbol{"T", 0, nullptr, true}));
  } else if (letter != 'T') {
    Symbol *made = makeSymbol(std::string(1, letter));
    made->isLength = true;
    return symbol = made;
  }
  return symbol = symbols.front().get();
}

bool Model::coversModelType(std::string_view type) const {
  auto same = [&](std::string_view known) {
    auto plain = [](char c) { return c == '-' ? '_' : c; };
    return std::equal(
        known.begin(), known.end(), type.begin(), type.end(),
        [&](char a, char b) { return plain(a) == plain(b); });
  };
  return modelTypes.empty() ? same(name)
                            : std::any_of(modelTypes.begin(), modelTypes.end(),
                                          same);
}
