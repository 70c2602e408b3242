//===- ParseExpr.cpp - expressions ----------------------------------------===//
//
// Precedence climbing. Two bounds keep later recursive walks safe: nesting
// (parentheses and the like) and the depth of the tree, which long chains of
// left-associative operators reach without any nesting.
//
//===----------------------------------------------------------------------===//

#include "ParserImpl.h"

#include <charconv>
#include <cmath>

using namespace tenon::lang;

namespace {
struct OperatorInfo {
  std::string_view text;
  BinaryOp op;
  int precedence;
};

// Higher binds tighter; 'not' lies between 'and' and the comparisons.
constexpr OperatorInfo kOperators[] = {
    {"or", BinaryOp::Or, 1}, {"and", BinaryOp::And, 2}, {"==", BinaryOp::Eq, 4},
    {"in", BinaryOp::In, 4}, {"!=", BinaryOp::Ne, 4},   {"<", BinaryOp::Lt, 4},
    {"<=", BinaryOp::Le, 4}, {">", BinaryOp::Gt, 4},    {">=", BinaryOp::Ge, 4},
    {"+", BinaryOp::Add, 5}, {"-", BinaryOp::Sub, 5},   {"*", BinaryOp::Mul, 6},
    {"/", BinaryOp::Div, 6}, {"%", BinaryOp::Rem, 6},
};
constexpr int kNotPrecedence = 3;

const OperatorInfo *findOperator(const Token &token) {
  for (const OperatorInfo &info : kOperators)
    if (token.is(info.text))
      return &info;
  return nullptr;
}

// Counts the recursion; converts to false when there is too much of it.
class NestingScope {
public:
  explicit NestingScope(unsigned &count) : count(count) { ++count; }
  ~NestingScope() { --count; }
  bool tooDeep() const { return count > kMaxDepth; }

private:
  unsigned &count;
};
} // namespace

// Whether the next token, if it begins a line, may still belong to the
// expression before it. A name or number never does; '-', '(' and '[' could
// also begin the next statement, and do outside brackets.
bool Parser::continues() const {
  if (brackets > 0 || !token.startsLine)
    return true;
  return !token.is("-") && !token.is("(") && !token.is("[");
}

Expr *Parser::finish(Expr *expr, uint32_t begin, unsigned depth) {
  expr->range = {begin, previousEnd};
  expr->depth = depth + 1;
  if (expr->depth > kMaxDepth) {
    diagnostics.error(model.source, expr->range,
                      "the expression is nested more than " +
                          std::to_string(kMaxDepth) +
                          " deep; name parts of it with 'let'");
    return nullptr;
  }
  return expr;
}

Expr *Parser::parseExpr() {
  NestingScope scope(nesting);
  if (scope.tooDeep()) {
    fail("the expression is nested more than " + std::to_string(kMaxDepth) +
         " deep; name parts of it with 'let'");
    return nullptr;
  }
  uint32_t begin = token.range.begin;
  Expr *value = parseBinary(0);
  if (!value || !token.is("if"))
    return value;
  advance();
  auto *conditional = model.make<ConditionalExpr>(SourceRange());
  conditional->thenValue = value;
  if (!(conditional->condition = parseBinary(0)))
    return nullptr;
  if (!expect("else", "and a value for when the condition doesn't hold"))
    return nullptr;
  if (!(conditional->elseValue = parseExpr()))
    return nullptr;
  return finish(conditional, begin,
                std::max({value->depth, conditional->condition->depth,
                          conditional->elseValue->depth}));
}

Expr *Parser::parseBinary(int minPrecedence) {
  uint32_t begin = token.range.begin;
  Expr *lhs = parseUnary();
  while (lhs) {
    const OperatorInfo *info = findOperator(token);
    if (!info || info->precedence < minPrecedence || !continues())
      return lhs;
    auto *binary = model.make<BinaryExpr>(SourceRange());
    binary->op = info->op;
    binary->opRange = token.range;
    binary->lhs = lhs;
    advance();
    if (!(binary->rhs = parseBinary(info->precedence + 1)))
      return nullptr;
    if (info->precedence == 4 && findOperator(token) &&
        findOperator(token)->precedence == 4) {
      fail("comparisons don't chain; join them with 'and'");
      return nullptr;
    }
    lhs = finish(binary, begin, std::max(lhs->depth, binary->rhs->depth));
  }
  return nullptr;
}

Expr *Parser::parseUnary() {
  bool isNot = token.is("not");
  if (!isNot && !token.is("-")) {
    uint32_t begin = token.range.begin;
    return parseSubscripts(parsePrimary(), begin);
  }
  NestingScope scope(nesting);
  if (scope.tooDeep()) {
    fail("the expression is nested more than " + std::to_string(kMaxDepth) +
         " deep; name parts of it with 'let'");
    return nullptr;
  }
  uint32_t begin = token.range.begin;
  auto *unary = model.make<UnaryExpr>(SourceRange());
  unary->op = isNot ? UnaryOp::Not : UnaryOp::Neg;
  advance();
  unary->operand = isNot ? parseBinary(kNotPrecedence) : parseUnary();
  if (!unary->operand)
    return nullptr;
  return finish(unary, begin, unary->operand->depth);
}

Expr *Parser::parsePrimary() {
  switch (token.kind) {
  case Token::Kind::Integer:
  case Token::Kind::Float:
    return parseNumber();
  case Token::Kind::String:
    return const_cast<StringExpr *>(parseString("a string"));
  default:
    break;
  }
  if (token.is("true") || token.is("false")) {
    auto *literal = model.make<BoolExpr>(token.range);
    literal->value = token.is("true");
    advance();
    return literal;
  }
  if (token.is("(")) {
    advance();
    ++brackets;
    Expr *inner = parseExpr();
    --brackets;
    if (!inner || !expect(")", "after the expression"))
      return nullptr;
    return inner;
  }
  if (token.is("["))
    return parseList();
  if (token.kind == Token::Kind::Word && !isReservedWord(token.text)) {
    std::string_view name;
    SourceRange range;
    if (!parseName(name, range, "an expression"))
      return nullptr;
    return parseCall(name, range);
  }
  failExpected("an expression");
  return nullptr;
}

// `xs[i]`: a '[' on a new line begins something else, outside brackets.
Expr *Parser::parseSubscripts(Expr *expr, uint32_t begin) {
  while (expr && token.is("[") && continues()) {
    auto *subscript = model.make<IndexExpr>(SourceRange());
    subscript->list = expr;
    advance();
    ++brackets;
    subscript->index = parseExpr();
    --brackets;
    if (!subscript->index || !expect("]", "after the index"))
      return nullptr;
    expr = finish(subscript, begin,
                  std::max(expr->depth, subscript->index->depth));
  }
  return expr;
}

// `[a, b]`, or `[f(i) for i < n]`.
Expr *Parser::parseList() {
  uint32_t begin = token.range.begin;
  advance();
  ++brackets;
  auto *list = model.make<ListExpr>(SourceRange());
  unsigned depth = 0;
  if (!token.is("]")) {
    do {
      Expr *element = parseExpr();
      if (!element)
        return nullptr;
      depth = std::max(depth, element->depth);
      list->elements.push_back(element);
    } while (consumeIf(","));
    if (token.is("for") && list->elements.size() == 1) {
      auto *all = model.make<ComprehensionExpr>(SourceRange());
      all->element = list->elements.front();
      all->index = model.make<IndexDecl>();
      advance();
      if (!parseName(all->index->name, all->index->nameRange,
                     "a name after 'for', as in [f(i) for i < n]") ||
          !expect("<", "and the number of elements, as in [f(i) for i < n]") ||
          !(all->count = parseExpr()))
        return nullptr;
      --brackets;
      if (!expect("]", "after the number of elements"))
        return nullptr;
      return finish(all, begin, std::max(depth, all->count->depth));
    }
  }
  --brackets;
  if (!expect("]", "after the list's elements"))
    return nullptr;
  return finish(list, begin, depth);
}

Expr *Parser::parseNumber() {
  const char *first = token.text.data(), *last = first + token.text.size();
  if (token.kind == Token::Kind::Integer) {
    auto *literal = model.make<IntegerExpr>(token.range);
    auto [end, error] = std::from_chars(first, last, literal->value);
    if (error != std::errc() || end != last) {
      fail("the number doesn't fit in 64 bits");
      return nullptr;
    }
    advance();
    return literal;
  }
  auto *literal = model.make<FloatExpr>(token.range);
  auto [end, error] = std::from_chars(first, last, literal->value);
  if (error != std::errc() || end != last || !std::isfinite(literal->value)) {
    fail("the number is outside the range of a double");
    return nullptr;
  }
  advance();
  return literal;
}

// What follows a name: a call, a loop over layers, or nothing.
Expr *Parser::parseCall(std::string_view name, SourceRange nameRange) {
  uint32_t begin = nameRange.begin;
  unsigned depth = 0;
  if (token.is("(") && continues()) {
    auto *call = model.make<CallExpr>(SourceRange());
    call->callee = name;
    call->calleeRange = nameRange;
    if (!parseArguments(call->arguments, depth))
      return nullptr;
    return finish(call, begin, depth);
  }
  // `block*(x)`, `expert+(x, g)`: a name, the sign and '(' without blanks
  // between them.
  std::string_view rest = model.source.text().substr(nameRange.end);
  bool composes = token.is("*") && rest.starts_with("*(");
  if (composes || (token.is("+") && rest.starts_with("+("))) {
    auto *loop = model.make<LayerLoopExpr>(SourceRange());
    loop->fold =
        composes ? LayerLoopExpr::Fold::Compose : LayerLoopExpr::Fold::Sum;
    loop->layerName = name;
    loop->nameRange = nameRange;
    advance();
    if (!parseArguments(loop->arguments, depth))
      return nullptr;
    return finish(loop, begin, depth);
  }
  auto *reference = model.make<NameExpr>(nameRange);
  reference->name = name;
  return reference;
}

bool Parser::parseArguments(std::vector<Argument> &arguments, unsigned &depth) {
  advance(); // the parenthesis
  ++brackets;
  if (!token.is(")")) {
    do {
      Argument argument;
      argument.value = parseExpr();
      if (!argument.value)
        return false;
      // `name = value`: what was read is the name then.
      if (auto *name = exprAs<NameExpr>(argument.value);
          name && token.is("=")) {
        argument.name = name->name;
        argument.nameRange = name->range;
        advance();
        if (!(argument.value = parseExpr()))
          return false;
      }
      depth = std::max(depth, argument.value->depth);
      arguments.push_back(argument);
      if (arguments.size() > 64)
        return fail("more than 64 arguments");
    } while (consumeIf(","));
  }
  --brackets;
  return expect(")", "after the arguments");
}
