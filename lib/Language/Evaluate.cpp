//===- Evaluate.cpp - values of scalar expressions ------------------------===//

#include "Evaluator.h"

#include "tenon/Language/Builtins.h"

#include <algorithm>
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
  if (auto *list = std::get_if<List>(&value)) {
    std::string text;
    for (const Scalar &element : *list->elements)
      text += (text.empty() ? "" : ", ") + formatValue(toValue(element));
    return "[" + text + "]";
  }
  if (auto *rope = std::get_if<std::shared_ptr<const Rope>>(&value))
    return std::string("rope(") + ropeTypeName((*rope)->type) +
           ", theta = " + formatValue((*rope)->theta) + ")";
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
    for (auto &[index, value] : indices)
      if (index == name->decl)
        return value;
    if (const Value *value = bound.scalar(name->decl))
      return *value;
    // A letter of a helper that stands for a number at the call.
    if (!name->decl && name->type.kind == Type::Kind::Int)
      if (std::optional<int64_t> extent = bound.extent(name->type.value))
        return *extent;
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
  case Expr::Kind::Call:
    return call(static_cast<const CallExpr *>(expr));
  case Expr::Kind::Index:
    return element(static_cast<const IndexExpr *>(expr));
  case Expr::Kind::List:
    return list(static_cast<const ListExpr *>(expr));
  case Expr::Kind::Comprehension:
    return comprehension(static_cast<const ComprehensionExpr *>(expr));
  case Expr::Kind::LayerLoop:
    break;
  }
  return fail(expr, "the expression is a tensor");
}

std::optional<Value> Evaluator::call(const CallExpr *expr) {
  if (!expr->builtin)
    return fail(expr, "the expression is a tensor");
  BuiltinId id = expr->builtin->id;
  bool isFunction =
      id == BuiltinId::Sqrt || id == BuiltinId::Exp || id == BuiltinId::Log;
  if (expr->type.isTensor() ||
      (!isFunction && id != BuiltinId::Int && id != BuiltinId::Len))
    return fail(expr, "the expression is a tensor");
  std::optional<Value> value = evaluate(expr->slots[0]);
  if (!value)
    return std::nullopt;
  if (id == BuiltinId::Len)
    return static_cast<int64_t>(std::get<List>(*value).elements->size());
  if (id == BuiltinId::Int && std::holds_alternative<int64_t>(*value))
    return value;
  double number = toDouble(*value);
  if (isFunction) {
    double result = id == BuiltinId::Sqrt  ? std::sqrt(number)
                    : id == BuiltinId::Exp ? std::exp(number)
                                           : std::log(number);
    if (!std::isfinite(result))
      return fail(expr, std::string(expr->builtin->name) + " of " +
                            formatValue(*value));
    return result;
  }
  // As Python's int(): towards zero. 2^63 is the first that doesn't fit.
  constexpr double kEnd = 9223372036854775808.0;
  if (!(number > -kEnd && number < kEnd))
    return fail(expr,
                "int of " + formatValue(*value) + " doesn't fit in 64 bits");
  return static_cast<int64_t>(number);
}

//===----------------------------------------------------------------------===//
// Lists
//===----------------------------------------------------------------------===//

static List makeList(std::vector<Scalar> elements) {
  return {std::make_shared<const std::vector<Scalar>>(std::move(elements))};
}

// A number in a list of floats is a float.
static Scalar toScalar(const Value &value, Type::Kind kind) {
  if (kind == Type::Kind::Float)
    return toDouble(value);
  if (auto *integer = std::get_if<int64_t>(&value))
    return *integer;
  if (auto *boolean = std::get_if<bool>(&value))
    return *boolean;
  return std::get<std::string>(value);
}

std::optional<Value> Evaluator::element(const IndexExpr *expr) {
  std::optional<Value> list = evaluate(expr->list);
  std::optional<Value> index = list ? evaluate(expr->index) : std::nullopt;
  if (!index)
    return std::nullopt;
  const std::vector<Scalar> &elements = *std::get<List>(*list).elements;
  int64_t at = std::get<int64_t>(*index);
  if (at >= 0 && at < static_cast<int64_t>(elements.size()))
    return toValue(elements[at]);
  return fail(expr, quoteExpr(bound.model(), expr) + " is element " +
                        std::to_string(at) + " of a list of " +
                        std::to_string(elements.size()));
}

std::optional<Value> Evaluator::list(const ListExpr *expr) {
  std::vector<Scalar> elements;
  for (const Expr *element : expr->elements) {
    std::optional<Value> value = evaluate(element);
    if (!value)
      return std::nullopt;
    elements.push_back(toScalar(*value, expr->type.listOf));
  }
  return makeList(std::move(elements));
}

std::optional<Value> Evaluator::comprehension(const ComprehensionExpr *expr) {
  std::optional<Value> count = evaluate(expr->count);
  if (!count)
    return std::nullopt;
  int64_t size = std::get<int64_t>(*count);
  constexpr int64_t kMaxTotal = 64 * kMaxListElements;
  if (size < 0 || size > kMaxListElements)
    return fail(expr->count,
                "the list has " + std::to_string(size) + " elements; 0 to " +
                    std::to_string(kMaxListElements) + " are accepted");
  bound.listElements += size;
  if (bound.listElements > kMaxTotal)
    return fail(expr, "the lists of the description have more than " +
                          std::to_string(kMaxTotal) + " elements");
  std::vector<Scalar> elements;
  elements.reserve(size);
  indices.emplace_back(expr->index, 0);
  for (int64_t i = 0; i < size; ++i) {
    indices.back().second = i;
    std::optional<Value> value = evaluate(expr->element);
    if (!value)
      return std::nullopt;
    elements.push_back(toScalar(*value, expr->type.listOf));
  }
  indices.pop_back();
  return makeList(std::move(elements));
}

//===----------------------------------------------------------------------===//
// Operators
//===----------------------------------------------------------------------===//

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
  case BinaryOp::In: {
    auto equal = [&](const Scalar &element) {
      Value other = toValue(element);
      if (isNumber(*lhs) && lhs->index() != other.index())
        return isNumber(other) && toDouble(*lhs) == toDouble(other);
      return *lhs == other;
    };
    const std::vector<Scalar> &elements = *std::get<List>(*rhs).elements;
    return std::any_of(elements.begin(), elements.end(), equal);
  }
  case BinaryOp::Eq:
  case BinaryOp::Ne:
  case BinaryOp::Lt:
  case BinaryOp::Le:
  case BinaryOp::Gt:
  case BinaryOp::Ge:
    if (auto *a = std::get_if<int64_t>(&*lhs))
      if (auto *b = std::get_if<int64_t>(&*rhs))
        return compare(expr->op, *a, *b);
    if (isNumber(*lhs))
      return compare(expr->op, toDouble(*lhs), toDouble(*rhs));
    return (*lhs == *rhs) == (expr->op == BinaryOp::Eq);
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

Rope BoundModel::evaluateRope(const Expr *expr) const {
  std::optional<Value> value = evaluate(expr);
  assert(value && "bindModel verified the expression");
  if (auto *rope = std::get_if<std::shared_ptr<const Rope>>(&*value))
    return **rope;
  Rope plain;
  plain.theta = toDouble(*value);
  return plain;
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

const Value *BoundModel::scalar(const Decl *decl) const {
  auto found = scalars.find(decl);
  return found == scalars.end() ? nullptr : &found->second;
}

int64_t BoundModel::layerCount(const LayerDecl *layer) const {
  return layerCounts.at(layer);
}

const BoundModel::LayerKinds &
BoundModel::layerKinds(const LayerDecl *layer) const {
  return kinds.at(layer);
}

// What has no value is reported where it is needed.
void BoundModel::setScalar(const Decl *decl, const Expr *value) {
  if (!value->type.isScalar() && !value->type.isList())
    return;
  if (std::optional<Value> number = evaluate(value))
    scalars[decl] = std::move(*number);
  else
    scalars.erase(decl);
}

void BoundModel::enterDef(const DefDecl &def) {
  for (const LetStmt &let : def.lets)
    setScalar(let.names.front(), let.value);
}

void BoundModel::enterLayer(const LayerDecl *layer, int64_t repetition) {
  scalars[layer->index] = repetition;
  for (const Item &item : layer->items)
    if (item.kind == Item::Kind::Constant) {
      auto *constant = static_cast<const ConstantDecl *>(item.decls.front());
      setScalar(constant, constant->value);
    }
  for (const LayerDecl *inner : layer->layers) {
    if (std::optional<Value> count = evaluate(inner->count))
      layerCounts[inner] = std::get<int64_t>(*count);
    enterLayer(inner, 0);
  }
  enterDef(*layer->body);
}

std::optional<size_t> BoundModel::weightPlace(const WeightDecl *decl) const {
  auto found = weightPlaces.find(decl);
  if (found == weightPlaces.end() || found->second.empty())
    return std::nullopt;
  const std::vector<std::optional<size_t>> &places = found->second;
  if (places.size() == 1)
    return places.front();
  const IndexDecl *index = decl->layer->outermost()->index;
  return places.at(std::get<int64_t>(scalars.at(index)));
}

const BoundWeight *BoundModel::weight(const WeightDecl *decl) const {
  std::optional<size_t> place = weightPlace(decl);
  if (!place || !boundWeights[*place].present)
    return nullptr;
  return &boundWeights[*place];
}
