//===- BodyBinder.cpp - bodies of defs with numbers -----------------------===//

#include "BodyBinder.h"

#include <algorithm>
#include <cmath>

using namespace tenon::lang;

// A list is shown by its beginning.
static std::string shortValue(const Value &value) {
  constexpr size_t kLongest = 60;
  std::string text = formatValue(value);
  if (!std::holds_alternative<List>(value) || text.size() <= kLongest)
    return text;
  return text.substr(0, text.rfind(' ', kLongest)) + " …]";
}

// The hyperparameters in an expression with their values, each once.
static void collectParams(const BoundModel &bound, const Expr *expr,
                          std::vector<std::string> &out) {
  if (!expr)
    return;
  if (auto *name = exprAs<NameExpr>(expr)) {
    const Value *value = bound.scalar(name->decl);
    bool known = declAs<ParamDecl>(name->decl) || declAs<IndexDecl>(name->decl);
    if (!known || !value)
      return;
    std::string text = std::string(name->name) + " = " + shortValue(*value);
    if (std::find(out.begin(), out.end(), text) == out.end())
      out.push_back(std::move(text));
  } else if (auto *unary = exprAs<UnaryExpr>(expr)) {
    collectParams(bound, unary->operand, out);
  } else if (auto *binary = exprAs<BinaryExpr>(expr)) {
    collectParams(bound, binary->lhs, out);
    collectParams(bound, binary->rhs, out);
  } else if (auto *conditional = exprAs<ConditionalExpr>(expr)) {
    collectParams(bound, conditional->condition, out);
    collectParams(bound, conditional->thenValue, out);
    collectParams(bound, conditional->elseValue, out);
  } else if (auto *call = exprAs<CallExpr>(expr)) {
    for (const Expr *slot : call->slots)
      collectParams(bound, slot, out);
  } else if (auto *subscript = exprAs<IndexExpr>(expr)) {
    collectParams(bound, subscript->index, out);
  } else if (auto *all = exprAs<ComprehensionExpr>(expr)) {
    collectParams(bound, all->count, out);
    collectParams(bound, all->element, out);
  }
}

void tenon::lang::noteDifference(const BoundModel &bound, int64_t number,
                                 const BodyFacts &a, const BodyFacts &b,
                                 Diagnostic &diagnostic) {
  const Model &model = bound.model();
  std::string where = "layers " + std::to_string(number) + " and " +
                      std::to_string(number + 1) + " differ in ";
  for (size_t i = 0; i < a.weights.size(); ++i)
    if (a.weights[i].second != b.weights[i].second) {
      const WeightDecl *weight = a.weights[i].first;
      diagnostic.note(model.source, weight->nameRange,
                      where + "the weight '" + std::string(weight->name) + "'");
      return;
    }
  size_t size = std::min(a.values.size(), b.values.size());
  for (size_t i = 0; i < size; ++i)
    if (a.values[i] != b.values[i]) {
      auto &[expr, value] = a.values[i];
      std::string values;
      if (expr == b.values[i].first)
        values = ": " + formatValue(value) + " and " +
                 formatValue(b.values[i].second);
      diagnostic.note(model.source, expr->range,
                      where + quoteExpr(model, expr) + values);
      return;
    }
}

void tenon::lang::reportEvaluation(const BoundModel &bound, const Expr *expr,
                                   const BoundModel::EvaluationError &error,
                                   Diagnostics &diagnostics) {
  Diagnostic &diagnostic =
      diagnostics.error(bound.model().source, error.range, error.message);
  std::vector<std::string> params;
  collectParams(bound, expr, params);
  std::string list;
  for (const std::string &param : params)
    list += (list.empty() ? "" : ", ") + param;
  if (!list.empty())
    diagnostic.note("with " + list);
}

BodyBinder::BodyBinder(BoundModel &bound, Diagnostics &diagnostics)
    : bound(bound), model(bound.model()), diagnostics(diagnostics) {
  for (const Model::Constraint &constraint : model.constraints)
    constraints.emplace(constraint.call, &constraint);
}

bool BodyBinder::fail(SourceRange range, std::string message) {
  diagnostics.error(model.source, range, std::move(message));
  return false;
}

void BodyBinder::learn(const Expr *expr, Value value) {
  if (facts)
    facts->values.emplace_back(expr, std::move(value));
}

void BodyBinder::use(const DefDecl *callee) {
  std::vector<const DefDecl *> &callees = uses->callees;
  if (std::find(callees.begin(), callees.end(), callee) == callees.end())
    callees.push_back(callee);
}

bool BodyBinder::bind(const DefDecl &def, BodyFacts *wanted) {
  uses = &bound.uses[&def];
  facts = wanted;
  for (const LetStmt &let : def.lets) {
    Type::Kind kind = let.value->type.kind;
    bool isTensor = kind == Type::Kind::Tensor || kind == Type::Kind::Tuple;
    // Numbers and rotary tables count where they are used.
    facts = isTensor ? wanted : nullptr;
    bool ok = walk(let.value);
    facts = wanted;
    if (!ok)
      return false;
    if (isTensor || kind == Type::Kind::Rotary)
      continue;
    BoundModel::EvaluationError error;
    std::optional<Value> value = bound.evaluate(let.value, &error);
    if (!value) {
      reportEvaluation(bound, let.value, error, diagnostics);
      return false;
    }
    bound.scalars[let.names.front()] = std::move(*value);
  }
  return walk(def.result);
}

// Numbers inside of a number count by the value that they lead to.
bool BodyBinder::walk(const Expr *expr) {
  bool isNumber = expr->type.isScalar() || expr->type.isList();
  BodyFacts *outer = facts;
  if (isNumber)
    facts = nullptr;
  bool ok = walkParts(expr);
  facts = outer;
  return ok;
}

bool BodyBinder::walkParts(const Expr *expr) {
  switch (expr->kind) {
  case Expr::Kind::Name: {
    auto *name = static_cast<const NameExpr *>(expr);
    if (auto *weight = declAs<WeightDecl>(name->decl); weight && uses) {
      BoundModel::WeightUse read{name, bound.weightPlace(weight)};
      auto &all = uses->weights;
      if (std::find(all.begin(), all.end(), read) == all.end())
        all.push_back(read);
    }
    if (name->type.kind != Type::Kind::Rotary || !facts)
      return true;
    if (auto *constant = declAs<ConstantDecl>(name->decl))
      return !constant->layer || walk(constant->value);
    auto *local = declAs<LocalDecl>(name->decl);
    return !local || walk(local->value);
  }
  case Expr::Kind::Unary:
    return walk(static_cast<const UnaryExpr *>(expr)->operand);
  case Expr::Kind::Binary: {
    auto *binary = static_cast<const BinaryExpr *>(expr);
    if (!walk(binary->lhs) || !walk(binary->rhs))
      return false;
    // A tensor scaled by a number: the number must have a value.
    if (expr->type.isTensor())
      for (const Expr *side : {binary->lhs, binary->rhs})
        if (side->type.isNumber()) {
          BoundModel::EvaluationError error;
          std::optional<Value> value = bound.evaluate(side, &error);
          if (!value) {
            reportEvaluation(bound, side, error, diagnostics);
            return false;
          }
          learn(side, *value);
          if (binary->op == BinaryOp::Div && side == binary->rhs &&
              bound.evaluateFloat(side) == 0)
            return fail(side->range, "division of a tensor by zero");
        }
    return checkExtents(expr);
  }
  case Expr::Kind::Conditional: {
    auto *conditional = static_cast<const ConditionalExpr *>(expr);
    BoundModel::EvaluationError error;
    std::optional<Value> condition =
        bound.evaluate(conditional->condition, &error);
    if (!condition) {
      reportEvaluation(bound, conditional->condition, error, diagnostics);
      return false;
    }
    learn(expr, *condition);
    if (std::get<bool>(*condition))
      return walk(conditional->thenValue);
    return walk(conditional->elseValue) && checkAlike(conditional);
  }
  case Expr::Kind::Call:
    return walkCall(static_cast<const CallExpr *>(expr));
  case Expr::Kind::LayerLoop: {
    auto *loop = static_cast<const LayerLoopExpr *>(expr);
    for (const Argument &argument : loop->arguments)
      if (!walk(argument.value))
        return false;
    use(loop->layer->body);
    if (loop->fold == LayerLoopExpr::Fold::Compose)
      return true;
    // The body of a sum is a part of this one.
    learn(loop->layer->count, bound.layerCount(loop->layer));
    BoundModel::Uses *outerUses = uses;
    BodyFacts *outerFacts = facts;
    bool ok = bind(*loop->layer->body, facts);
    uses = outerUses;
    facts = outerFacts;
    return ok;
  }
  default:
    return true;
  }
}

bool BodyBinder::walkCall(const CallExpr *call) {
  if (call->def) {
    for (const Argument &argument : call->arguments)
      if (!walk(argument.value))
        return false;
    use(call->def);
    return true;
  }
  for (size_t i = 0; i < call->slots.size(); ++i) {
    const Expr *value = call->slots[i];
    if (!value)
      continue;
    const BuiltinParam &param =
        call->builtin->params[std::min(i, call->builtin->params.size() - 1)];
    if (param.kind == BuiltinParam::Kind::Dimension)
      continue; // T among them
    // A bias may be a weight that turns out to be absent.
    if (param.kind == BuiltinParam::Kind::OptionalWeight &&
        exprAs<NameExpr>(value) && mayBeMissing(call, value)) {
      auto *weight = declAs<WeightDecl>(exprAs<NameExpr>(value)->decl);
      std::optional<size_t> place;
      if (weight && uses && (place = bound.weightPlace(weight)))
        uses->dispensable.insert(*place);
      continue;
    }
    if (!walk(value))
      return false;
    if (!value->type.isTensor() && value->type.kind != Type::Kind::Rotary &&
        !checkScalar(call, param, value))
      return false;
  }
  return checkMeaning(call) && checkConstraints(call) && checkExtents(call);
}

// Whether an operation goes without a weight that isn't there. The weight of a
// norm only if its conditions say that there is none; one that a checkpoint
// lacks is missed.
bool BodyBinder::mayBeMissing(const CallExpr *call, const Expr *value) const {
  bool isNorm = call->builtin->id == BuiltinId::LayerNorm ||
                call->builtin->id == BuiltinId::RmsNorm;
  auto *weight = declAs<WeightDecl>(exprAs<NameExpr>(value)->decl);
  return !weight || !isNorm || value != call->slots[1] || !bound.weight(weight);
}

bool BodyBinder::checkScalar(const CallExpr *call, const BuiltinParam &param,
                             const Expr *value) {
  BoundModel::EvaluationError error;
  std::optional<Value> number = bound.evaluate(value, &error);
  if (!number) {
    reportEvaluation(bound, value, error, diagnostics);
    return false;
  }
  learn(value, *number);
  if (!std::holds_alternative<int64_t>(*number) &&
      !std::holds_alternative<double>(*number))
    return true;
  double x = bound.evaluateFloat(value);
  bool positive = param.range == BuiltinParam::Range::Positive;
  bool ok = std::isfinite(x) && (param.range == BuiltinParam::Range::Any ||
                                 (positive ? x > 0 : x >= 0));
  // Kernels compute in f32: a value that vanishes there is as bad as zero.
  if (ok && positive && param.kind == BuiltinParam::Kind::Float)
    ok = static_cast<float>(x) > 0 && std::isfinite(static_cast<float>(x));
  if (ok)
    return true;
  reportEvaluation(bound, value,
                   {value->range, std::string(call->builtin->name) + ": " +
                                      param.name + " must be " +
                                      (positive ? "positive" : "at least 0") +
                                      ", but " + quoteExpr(model, value) +
                                      " is " + formatValue(*number)},
                   diagnostics);
  return false;
}

// A rope has frequencies for this many components.
bool BodyBinder::checkRopeOf(const CallExpr *call, int64_t dim) {
  std::string problem = checkRope(bound.evaluateRope(call->slots[1]), dim);
  return problem.empty() ||
         fail(call->slots[1]->range,
              std::string(call->builtin->name) + ": " + problem);
}

// What single operations demand of their numbers and strings.
bool BodyBinder::checkMeaning(const CallExpr *call) {
  switch (call->builtin->id) {
  case BuiltinId::Activation: {
    std::string name = std::get<std::string>(*bound.evaluate(call->slots[1]));
    if (activationByName(name))
      return true;
    std::string known;
    for (std::string_view candidate : activationNames())
      known += (known.empty() ? "" : ", ") + std::string(candidate);
    Diagnostic &diagnostic =
        diagnostics.error(model.source, call->slots[1]->range,
                          "activation: unknown function \"" + name + "\"");
    diagnostic.note("known are " + known);
    return false;
  }
  case BuiltinId::Rotary:
    return checkRopeOf(call, bound.evaluateInt(call->slots[0]));
  case BuiltinId::Rope:
    if (call->slots[1]->type.kind == Type::Kind::Rotary)
      return true; // checked where it was made
    return checkRopeOf(call,
                       bound.extent(call->slots[0]->type.shape.back()).value());
  case BuiltinId::Clamp:
    if (call->slots[1] && call->slots[2] &&
        bound.evaluateFloat(call->slots[1]) >
            bound.evaluateFloat(call->slots[2]))
      return fail(call->range, "clamp: low must not be above high");
    return true;
  case BuiltinId::Sinusoidal:
    if (call->slots[4] && bound.evaluateBool(call->slots[4]) &&
        bound.evaluateInt(call->slots[1]) < 4)
      return fail(call->range, "sinusoidal: closed needs a dim of at least 4");
    return true;
  case BuiltinId::RelativeBias: {
    int64_t buckets =
        bound.extent(call->slots[1]->type.shape.front()).value_or(0);
    bool past = call->slots[3] && bound.evaluateBool(call->slots[3]);
    int64_t furthest = call->slots[2] ? bound.evaluateInt(call->slots[2]) : 128;
    int64_t single = buckets / (past ? 2 : 4);
    if (single < 1)
      return fail(call->slots[1]->range, "relative_bias: the table needs " +
                                             std::to_string(past ? 2 : 4) +
                                             " buckets at least, found " +
                                             std::to_string(buckets));
    if (furthest <= single)
      return fail(call->slots[2] ? call->slots[2]->range : call->range,
                  "relative_bias: max_distance must exceed the " +
                      std::to_string(single) +
                      " distances that have a bucket each, found " +
                      std::to_string(furthest));
    return true;
  }
  case BuiltinId::RelativeGather: {
    int64_t span =
        bound.extent(call->slots[0]->type.shape.back()).value_or(0) / 2;
    int64_t furthest = call->slots[1] ? bound.evaluateInt(call->slots[1]) : 0;
    if (furthest > 0 && (span < 2 || furthest - 1 <= span / 2))
      return fail(call->slots[1]->range,
                  "relative_gather: max_distance must exceed the " +
                      std::to_string(span / 2) +
                      " distances that have a column each by two, found " +
                      std::to_string(furthest));
    return true;
  }
  case BuiltinId::RmsNorm:
    if (call->slots[3] && bound.evaluateInt(call->slots[3]) > 1)
      return fail(call->slots[3]->range, "rms_norm: offset is 0 or 1");
    return true;
  case BuiltinId::Row: {
    int64_t row = bound.evaluateInt(call->slots[1]);
    // Of a length only these are sure to be there.
    int64_t rows = bound.extent(call->slots[0]->type.shape.front()).value_or(1);
    if (row < -1 || row >= rows)
      return fail(call->slots[1]->range,
                  "row: this input has rows from 0, the first, to " +
                      std::to_string(rows - 1) +
                      ", and a row -1, the last, for sure; found " +
                      std::to_string(row));
    return true;
  }
  case BuiltinId::TopK:
    return checkTopK(call);
  default:
    return true;
  }
}

// Groups divide the columns, and those that are kept hold k of them.
bool BodyBinder::checkTopK(const CallExpr *call) {
  auto number = [&](unsigned slot, int64_t otherwise) {
    return call->slots[slot] ? bound.evaluateInt(call->slots[slot]) : otherwise;
  };
  auto text = [](int64_t value) { return std::to_string(value); };
  int64_t k = number(1, 0), groups = number(3, 1), best = number(5, 1);
  int64_t keep = number(4, groups);
  std::optional<int64_t> columns = bound.extent(call->type.shape.back());
  if (!columns)
    return fail(call->range, "top_k: x has no fixed number of columns");
  if (*columns % groups != 0)
    return fail(call->range, "top_k: " + text(*columns) +
                                 " columns don't make " + text(groups) +
                                 " groups of one size");
  int64_t size = *columns / groups;
  if (keep > groups)
    return fail(call->range, "top_k: keeps " + text(keep) +
                                 " groups, but there are " + text(groups));
  if (best > size)
    return fail(call->range, "top_k: a group's score is the sum of its " +
                                 text(best) + " greatest, but it has " +
                                 text(size));
  if (k > keep * size)
    return fail(call->range,
                "top_k: takes " + text(k) + ", but there are " +
                    text(keep * size) +
                    (keep < groups ? " in the groups it keeps" : ""));
  return true;
}

bool BodyBinder::checkConstraints(const CallExpr *call) {
  auto [begin, end] = constraints.equal_range(call);
  for (auto at = begin; at != end; ++at) {
    const Model::Constraint &constraint = *at->second;
    std::optional<int64_t> a = bound.extent(constraint.a);
    std::optional<int64_t> b = bound.extent(constraint.b);
    bool ok = false;
    if (a && b)
      ok = constraint.kind == Model::Constraint::Kind::Divides
               ? *a != 0 && *b % *a == 0
               : *a >= *b;
    if (ok)
      continue;
    Diagnostic &diagnostic =
        diagnostics.error(model.source, call->range, constraint.message);
    for (const Dim *dim : {&constraint.a, &constraint.b})
      if (auto value = bound.extent(*dim); value && !dim->constant())
        diagnostic.note(dim->str() + " = " + std::to_string(*value));
    return false;
  }
  return true;
}

// The second value of a conditional has the dimensions of the first.
bool BodyBinder::checkAlike(const ConditionalExpr *expr) {
  const Type &first = expr->type, &second = expr->elseValue->type;
  if (!first.isTensor())
    return true;
  for (size_t i = 0; i < first.shape.size(); ++i) {
    if (first.shape[i] == second.shape[i])
      continue;
    std::optional<int64_t> a = bound.extent(first.shape[i]);
    std::optional<int64_t> b = bound.extent(second.shape[i]);
    if (a == b)
      continue;
    Diagnostic &diagnostic = diagnostics.error(
        model.source, expr->range,
        "the two values of a conditional must be alike: " + first.str() +
            " and " + second.str());
    for (const Dim *dim : {&first.shape[i], &second.shape[i]})
      if (auto value = bound.extent(*dim); value && !dim->constant())
        diagnostic.note(dim->str() + " = " + std::to_string(*value));
    return false;
  }
  return true;
}

bool BodyBinder::checkExtents(const Expr *expr) {
  std::vector<const Type *> types;
  if (expr->type.isTensor())
    types.push_back(&expr->type);
  for (const Type &member : expr->type.members)
    types.push_back(&member);
  for (const Type *type : types)
    for (const Dim &dim : type->shape) {
      bool dynamic = false;
      std::optional<int64_t> extent =
          dim.evaluate([&](const Symbol *symbol) -> std::optional<int64_t> {
            if (symbol->isLength) {
              dynamic = true;
              return 1;
            }
            return bound.extent(Dim::symbol(symbol));
          });
      if (!dynamic && (!extent || *extent < 1))
        return fail(expr->range,
                    "the dimension " + dim.str() + " is " +
                        (extent ? std::to_string(*extent)
                                : std::string("not a whole number")) +
                        "; it must be at least 1");
    }
  return true;
}
