//===- Evaluate.cpp - values of scalar expressions ------------------------===//

#include "Evaluator.h"

#include "tenon/Language/Builtins.h"

#include <cassert>
#include <charconv>
#include <cmath>

using namespace tenon::lang;

std::string tenon::lang::formatValue(const Value &value) {
  if (auto *integer = std::get_if<int64_t>(&value))
    return std::to_string(*integer);
  if (auto *boolean = std::get_if<bool>(&value))
    return *boolean ? "true" : "false";
  if (auto *string = std::get_if<std::string>(&value))
    return "\"" + *string + "\"";
  char buffer[64];
  auto result =
      std::to_chars(buffer, buffer + sizeof buffer, std::get<double>(value));
  std::string text(buffer, result.ptr);
  // As a literal of the language: with a point or an exponent.
  if (text.find_first_of(".en") == std::string::npos)
    text += ".0";
  return text;
}

static double toDouble(const Value &value) {
  if (auto *integer = std::get_if<int64_t>(&value))
    return static_cast<double>(*integer);
  return std::get<double>(value);
}

static bool isNumber(const Value &value) {
  return std::holds_alternative<int64_t>(value) ||
         std::holds_alternative<double>(value);
}

std::nullopt_t Evaluator::fail(const Expr *expr, std::string message) {
  if (error)
    *error = {expr->range, std::move(message)};
  return std::nullopt;
}

std::optional<Value> Evaluator::evaluate(const Expr *expr) {
  switch (expr->kind) {
  case Expr::Kind::Integer:
    return static_cast<const IntegerExpr *>(expr)->value;
  case Expr::Kind::Float:
    return static_cast<const FloatExpr *>(expr)->value;
  case Expr::Kind::String:
    return static_cast<const StringExpr *>(expr)->value;
  case Expr::Kind::Bool:
    return static_cast<const BoolExpr *>(expr)->value;
  case Expr::Kind::Name: {
    auto *name = static_cast<const NameExpr *>(expr);
    auto found = bound.scalars.find(name->decl);
    if (found != bound.scalars.end())
      return found->second;
    return fail(expr, "'" + std::string(name->name) + "' has no value");
  }
  case Expr::Kind::Unary:
    return unary(static_cast<const UnaryExpr *>(expr));
  case Expr::Kind::Binary:
    return binary(static_cast<const BinaryExpr *>(expr));
  case Expr::Kind::Conditional: {
    auto *conditional = static_cast<const ConditionalExpr *>(expr);
    std::optional<Value> condition = evaluate(conditional->condition);
    if (!condition)
      return std::nullopt;
    std::optional<Value> value =
        evaluate(std::get<bool>(*condition) ? conditional->thenValue
                                            : conditional->elseValue);
    // A conditional between an int and a float is a float.
    if (value && expr->type.kind == Type::Kind::Float)
      return toDouble(*value);
    return value;
  }
  case Expr::Kind::Call: {
    auto *call = static_cast<const CallExpr *>(expr);
    if (!call->builtin || call->builtin->id != BuiltinId::Sqrt)
      break;
    std::optional<Value> value = evaluate(call->slots[0]);
    if (!value)
      return std::nullopt;
    double number = toDouble(*value);
    if (!(number >= 0))
      return fail(expr, "sqrt of " + formatValue(*value));
    return std::sqrt(number);
  }
  case Expr::Kind::LayerLoop:
    break;
  }
  return fail(expr, "the expression is a tensor");
}

std::optional<Value> Evaluator::unary(const UnaryExpr *expr) {
  std::optional<Value> value = evaluate(expr->operand);
  if (!value)
    return std::nullopt;
  if (expr->op == UnaryOp::Not)
    return !std::get<bool>(*value);
  if (auto *integer = std::get_if<int64_t>(&*value)) {
    if (*integer == INT64_MIN)
      return fail(expr, "the integer overflows 64 bits");
    return -*integer;
  }
  return -std::get<double>(*value);
}

template <class T>
static bool compare(BinaryOp op, const T &lhs, const T &rhs) {
  switch (op) {
  case BinaryOp::Eq:
    return lhs == rhs;
  case BinaryOp::Ne:
    return lhs != rhs;
  case BinaryOp::Lt:
    return lhs < rhs;
  case BinaryOp::Le:
    return lhs <= rhs;
  case BinaryOp::Gt:
    return lhs > rhs;
  default:
    return lhs >= rhs;
  }
}

std::optional<Value> Evaluator::binary(const BinaryExpr *expr) {
  std::optional<Value> lhs = evaluate(expr->lhs);
  if (!lhs)
    return std::nullopt;
  if (expr->op == BinaryOp::And && !std::get<bool>(*lhs))
    return false;
  if (expr->op == BinaryOp::Or && std::get<bool>(*lhs))
    return true;
  std::optional<Value> rhs = evaluate(expr->rhs);
  if (!rhs)
    return std::nullopt;

  switch (expr->op) {
  case BinaryOp::And:
  case BinaryOp::Or:
    return rhs;
  case BinaryOp::Eq:
  case BinaryOp::Ne:
  case BinaryOp::Lt:
  case BinaryOp::Le:
  case BinaryOp::Gt:
  case BinaryOp::Ge:
    if (isNumber(*lhs) && lhs->index() != rhs->index())
      return compare(expr->op, toDouble(*lhs), toDouble(*rhs));
    return compare(expr->op, *lhs, *rhs);
  default:
    break;
  }
  if (std::holds_alternative<int64_t>(*lhs) &&
      std::holds_alternative<int64_t>(*rhs))
    return integers(expr, std::get<int64_t>(*lhs), std::get<int64_t>(*rhs));

  double a = toDouble(*lhs), b = toDouble(*rhs), result = 0;
  switch (expr->op) {
  case BinaryOp::Add:
    result = a + b;
    break;
  case BinaryOp::Sub:
    result = a - b;
    break;
  case BinaryOp::Mul:
    result = a * b;
    break;
  default:
    if (b == 0)
      return fail(expr, quoteExpr(bound.model(), expr) + " divides by zero");
    result = a / b;
  }
  if (!std::isfinite(result))
    return fail(expr, "the result is not a finite number");
  return result;
}

std::optional<Value> Evaluator::integers(const BinaryExpr *expr, int64_t a,
                                         int64_t b) {
  int64_t result = 0;
  bool overflow = false;
  auto quoted = [&] { return quoteExpr(bound.model(), expr); };
  auto spelled = [&] {
    return std::to_string(a) + " " + spelling(expr->op) + " " +
           std::to_string(b);
  };
  switch (expr->op) {
  case BinaryOp::Add:
    overflow = __builtin_add_overflow(a, b, &result);
    break;
  case BinaryOp::Sub:
    overflow = __builtin_sub_overflow(a, b, &result);
    break;
  case BinaryOp::Mul:
    overflow = __builtin_mul_overflow(a, b, &result);
    break;
  default:
    if (b == 0)
      return fail(expr, quoted() + " divides by zero: " + spelled());
    if (a == INT64_MIN && b == -1) {
      overflow = true;
      break;
    }
    if (expr->op == BinaryOp::Rem) {
      result = a % b;
      break;
    }
    if (a % b != 0)
      return fail(expr,
                  quoted() + " must be a whole number, found " + spelled());
    result = a / b;
  }
  if (overflow)
    return fail(expr, quoted() + " overflows 64 bits: " + spelled());
  return result;
}

//===----------------------------------------------------------------------===//
// BoundModel
//===----------------------------------------------------------------------===//

std::optional<Value> BoundModel::evaluate(const Expr *expr,
                                          EvaluationError *error) const {
  return Evaluator(*this, error).evaluate(expr);
}

bool BoundModel::evaluateBool(const Expr *expr) const {
  std::optional<Value> value = evaluate(expr);
  assert(value && "bindModel verified the expression");
  return std::get<bool>(*value);
}

int64_t BoundModel::evaluateInt(const Expr *expr) const {
  std::optional<Value> value = evaluate(expr);
  assert(value && "bindModel verified the expression");
  return std::get<int64_t>(*value);
}

double BoundModel::evaluateFloat(const Expr *expr) const {
  std::optional<Value> value = evaluate(expr);
  assert(value && "bindModel verified the expression");
  return toDouble(*value);
}

std::optional<int64_t> BoundModel::extent(const Dim &dim) const {
  return dim.evaluate([&](const Symbol *symbol) -> std::optional<int64_t> {
    std::optional<Value> value;
    if (symbol->definition) {
      value = evaluate(symbol->definition);
    } else if (auto found = params.find(symbol); found != params.end()) {
      value = scalars.at(found->second);
    }
    if (!value || !std::holds_alternative<int64_t>(*value))
      return std::nullopt;
    return std::get<int64_t>(*value);
  });
}

int64_t BoundModel::layerCount(const LayerDecl *layer) const {
  return layerCounts.at(layer);
}

const BoundWeight *BoundModel::weight(const WeightDecl *decl) const {
  auto found = weightIndex.find(decl);
  if (found == weightIndex.end() || !boundWeights[found->second].present)
    return nullptr;
  return &boundWeights[found->second];
}
