//===- Training.cpp - gradients and the optimizer's step ------------------===//

#include "Rules.h"
#include "tenon/Dialect/Tenon/IR/TenonFrozen.h"
#include "tenon/Dialect/Tenon/IR/TenonLearning.h"
#include "tenon/Dialect/Tenon/IR/TenonMixture.h"
#include "tenon/Dialect/Tenon/IR/TenonTraining.h"

#include <cmath>

using namespace mlir;
using namespace tenon;

namespace {

LogicalResult evaluateZeroPad(Evaluator &e, ZeroPadOp op) {
  const NumberArray &x = e.array(op.getInput());
  SmallVector<int64_t, 4> shape(x.shape);
  shape.back() =
      cast<RankedTensorType>(op.getResult().getType()).getShape().back();
  NumberArray y(shape);
  for (int64_t r = 0; r < x.rows(); ++r)
    std::copy_n(x.row(r), x.columns(), y.row(r) + op.getOffset());
  return e.set(op.getResult(), std::move(y));
}

LogicalResult evaluateSumHeads(Evaluator &e, SumHeadsOp op) {
  const NumberArray &x = e.array(op.getInput());
  int64_t heads =
      cast<RankedTensorType>(op.getResult().getType()).getDimSize(0);
  NumberArray y({heads, x.shape[1], x.columns()});
  int64_t each = x.shape[0] / heads, size = x.shape[1] * x.columns();
  for (int64_t h = 0; h < x.shape[0]; ++h)
    for (int64_t i = 0; i < size; ++i)
      y.values[h / each * size + i] += x.values[h * size + i];
  return e.set(op.getResult(), std::move(y));
}

/// f'(x) of an activation.
double derivative(ActivationKind kind, double x) {
  // Of x s(a x): s (1 + a x (1 - s)), with the logistic function s.
  auto ofGated = [&](double a) {
    double s = 1 / (1 + std::exp(-a * x));
    return s * (1 + a * x * (1 - s));
  };
  switch (kind) {
  case ActivationKind::Identity:
    return 1;
  case ActivationKind::Silu:
    return ofGated(1);
  case ActivationKind::QuickGelu:
    return ofGated(1.702);
  case ActivationKind::Gelu:
    return (1 + std::erf(x / std::sqrt(2.0))) / 2 +
           x * std::exp(-x * x / 2) / std::sqrt(2 * M_PI);
  case ActivationKind::GeluTanh: {
    double root = std::sqrt(2 / M_PI);
    double t = std::tanh(root * (x + 0.044715 * x * x * x));
    return (1 + t) / 2 +
           x / 2 * (1 - t * t) * root * (1 + 3 * 0.044715 * x * x);
  }
  case ActivationKind::Relu:
    return x > 0 ? 1 : 0;
  case ActivationKind::ReluSquared:
    return 2 * std::max(x, 0.0);
  case ActivationKind::Tanh:
    return 1 - std::tanh(x) * std::tanh(x);
  case ActivationKind::Sigmoid:
    return std::exp(-x) / ((1 + std::exp(-x)) * (1 + std::exp(-x)));
  case ActivationKind::Mish: {
    double t = std::tanh(x > 40 ? x : std::log1p(std::exp(x)));
    return t + x * (1 - t * t) / (1 + std::exp(-x));
  }
  case ActivationKind::Exp:
    return std::exp(x);
  case ActivationKind::Log:
    return 1 / x;
  case ActivationKind::Sqrt:
    return 0.5 / std::sqrt(x);
  }
  llvm_unreachable("unknown activation");
}

LogicalResult evaluateActivationGradient(Evaluator &e,
                                         ActivationGradientOp op) {
  const NumberArray &x = e.array(op.getInput());
  NumberArray y = e.array(op.getGradient());
  for (auto [dy, at] : llvm::zip_equal(y.values, x.values))
    dy *= derivative(op.getKind(), at);
  return e.set(op.getResult(), std::move(y));
}

/// log sum_v e^x[v]
double logSum(const double *row, int64_t count) {
  double most = *std::max_element(row, row + count), sum = 0;
  for (int64_t v = 0; v < count; ++v)
    sum += std::exp(row[v] - most);
  return most + std::log(sum);
}

LogicalResult checkTargets(Operation *op, const NumberArray &logits,
                           const NumberArray &targets) {
  for (double target : targets.values)
    if (target >= static_cast<double>(logits.columns()))
      return op->emitError("target ")
             << static_cast<int64_t>(target) << " of " << logits.columns();
  return success();
}

LogicalResult evaluateCrossEntropy(Evaluator &e, CrossEntropyOp op) {
  const NumberArray &x = e.array(op.getLogits());
  const NumberArray &targets = e.array(op.getTargets());
  if (failed(checkTargets(op, x, targets)))
    return failure();
  NumberArray y({x.rows(), 1});
  for (int64_t t = 0; t < x.rows(); ++t)
    if (auto target = static_cast<int64_t>(targets.values[t]); target >= 0)
      y.values[t] = logSum(x.row(t), x.columns()) - x.row(t)[target];
  return e.set(op.getResult(), std::move(y));
}

LogicalResult evaluateCrossEntropyGradient(Evaluator &e,
                                           CrossEntropyGradientOp op) {
  const NumberArray &x = e.array(op.getLogits());
  const NumberArray &targets = e.array(op.getTargets());
  if (failed(checkTargets(op, x, targets)))
    return failure();
  NumberArray y(x.shape);
  for (int64_t t = 0; t < x.rows(); ++t) {
    auto target = static_cast<int64_t>(targets.values[t]);
    if (target < 0)
      continue;
    double all = logSum(x.row(t), x.columns());
    for (int64_t v = 0; v < x.columns(); ++v)
      y.row(t)[v] = std::exp(x.row(t)[v] - all) - (v == target ? 1 : 0);
  }
  return e.set(op.getResult(), std::move(y));
}

LogicalResult evaluateHeadLoss(Evaluator &e, HeadLossOp op) {
  const NumberArray &x = e.array(op.getInput()), &w = e.array(op.getWeight());
  const NumberArray &targets = e.array(op.getTargets());
  NumberArray logits({1, w.rows()}), losses({x.rows(), 1}), back(x.shape);
  if (failed(checkTargets(op, logits, targets)))
    return failure();
  NumberArray *g = op.getInto() ? &e.memory(op.getInto()) : nullptr;
  for (int64_t t = 0; t < x.rows(); ++t) {
    auto target = static_cast<int64_t>(targets.values[t]);
    if (target < 0)
      continue;
    for (int64_t v = 0; v < w.rows(); ++v)
      logits.values[v] =
          std::inner_product(x.row(t), x.row(t) + x.columns(), w.row(v), 0.0);
    double all = logSum(logits.row(0), w.rows());
    losses.values[t] = all - logits.values[target];
    for (int64_t v = 0; v < w.rows(); ++v) {
      double slope = std::exp(logits.values[v] - all) - (v == target ? 1 : 0);
      for (int64_t k = 0; k < x.columns(); ++k) {
        back.row(t)[k] += slope * w.row(v)[k];
        if (g)
          g->row(v)[k] += slope * x.row(t)[k];
      }
    }
  }
  if (failed(e.set(op.getResult(0), std::move(losses))))
    return failure();
  return op.getResults().size() < 2 ? success()
                                    : e.set(op.getResult(1), std::move(back));
}

LogicalResult evaluateSqueeze(Evaluator &e, SqueezeOp op) {
  NumberArray y = e.array(op.getInput());
  int64_t rank = cast<RankedTensorType>(op.getResult().getType()).getRank();
  y.shape.erase(y.shape.begin(), y.shape.end() - rank);
  return e.set(op.getResult(), std::move(y));
}

//===----------------------------------------------------------------------===//
// Gradients in memory
//===----------------------------------------------------------------------===//

LogicalResult evaluateGradient(Evaluator &e, GradientOp op) {
  WeightOp weight = e.findWeight(op, op.getWeightAttr());
  if (!weight)
    return failure();
  int64_t place = op.getLayer() ? e.index(op.getLayer()) : 0;
  e.set(op.getResult(), EvaluatedValue::of(e.gradient(weight, place)));
  return success();
}

LogicalResult evaluateAddGradient(Evaluator &e, AddGradientOp op) {
  for (auto [to, from] : llvm::zip_equal(e.memory(op.getInto()).values,
                                         e.array(op.getInput()).values))
    to += from;
  return success();
}

LogicalResult evaluateWeightGradient(Evaluator &e, WeightGradientOp op) {
  const NumberArray &dy = e.array(op.getGradient());
  const NumberArray &x = e.array(op.getInput());
  NumberArray &g = e.memory(op.getInto());
  for (int64_t t = 0; t < x.rows(); ++t)
    for (int64_t n = 0; n < dy.columns(); ++n)
      for (int64_t k = 0; k < x.columns(); ++k)
        g.row(n)[k] += dy.row(t)[n] * x.row(t)[k];
  return success();
}

LogicalResult evaluateWeightProduct(Evaluator &e, WeightProductOp op) {
  const NumberArray &x = e.array(op.getInput());
  const NumberArray &w = e.array(op.getWeight());
  bool flipped = op.getFlipped();
  NumberArray y({x.rows(), flipped ? w.columns() : w.rows()});
  for (int64_t t = 0; t < x.rows(); ++t)
    for (int64_t n = 0; n < w.rows(); ++n)
      for (int64_t k = 0; k < w.columns(); ++k)
        if (flipped)
          y.row(t)[k] += x.row(t)[n] * w.row(n)[k];
        else
          y.row(t)[n] += x.row(t)[k] * w.row(n)[k];
  return e.set(op.getResult(), std::move(y));
}

LogicalResult evaluateEmbeddingGradient(Evaluator &e, EmbeddingGradientOp op) {
  const NumberArray &ids = e.array(op.getIds());
  const NumberArray &dy = e.array(op.getGradient());
  NumberArray &g = e.memory(op.getInto());
  std::optional<uint64_t> frozen = op.getFrozen();
  for (auto [t, id] : llvm::enumerate(ids.values))
    for (int64_t i = 0; i < dy.columns(); ++i)
      if (!frozen || id != static_cast<double>(*frozen))
        g.row(static_cast<int64_t>(id))[i] += dy.row(t)[i];
  return success();
}

LogicalResult evaluateDequantize(Evaluator &e, DequantizeOp op) {
  // A weight is read as the numbers that its blocks say.
  return e.set(op.getResult(), NumberArray(e.array(op.getWeight())));
}

LogicalResult evaluateStash(Evaluator &e, StashOp op) {
  auto like = cast<RankedTensorType>(op.getLike().getType());
  SmallVector<int64_t, 4> shape(
      cast<MemRefType>(op.getResult().getType()).getShape());
  for (int64_t dim = 0; dim < like.getRank(); ++dim)
    if (like.isDynamicDim(dim))
      for (int64_t &extent : shape)
        if (ShapedType::isDynamic(extent))
          extent = e.array(op.getLike()).shape[dim];
  e.set(op.getResult(),
        EvaluatedValue::of(std::make_shared<NumberArray>(shape)));
  return success();
}

/// Where a trip's value is in a stash.
FailureOr<size_t> placeOfTrip(Operation *op, const NumberArray &stash,
                              int64_t trip) {
  if (trip < 0 || trip >= stash.shape[0])
    return op->emitError("trip ") << trip << " of " << stash.shape[0];
  return stash.values.size() / stash.shape[0] * trip;
}

LogicalResult evaluateKeep(Evaluator &e, KeepOp op) {
  NumberArray &stash = e.memory(op.getStash());
  FailureOr<size_t> at = placeOfTrip(op, stash, e.index(op.getTrip()));
  if (failed(at))
    return failure();
  llvm::copy(e.array(op.getValue()).values, stash.values.begin() + *at);
  return success();
}

LogicalResult evaluateKept(Evaluator &e, KeptOp op) {
  const NumberArray &stash = e.memory(op.getStash());
  FailureOr<size_t> at = placeOfTrip(op, stash, e.index(op.getTrip()));
  if (failed(at))
    return failure();
  NumberArray y(ArrayRef<int64_t>(stash.shape).drop_front());
  std::copy_n(stash.values.begin() + *at, y.values.size(), y.values.begin());
  return e.set(op.getResult(), std::move(y));
}

LogicalResult evaluateGradientNorm(Evaluator &e, GradientNormOp op) {
  double sum = 0;
  e.forEachGradient([&](WeightOp, int64_t, NumberArray &g) {
    for (double x : g.values)
      sum += x * x;
  });
  NumberArray y({1, 1});
  y.values[0] = e.array(op.getNumbers()).values[0] * std::sqrt(sum);
  return e.set(op.getResult(), std::move(y));
}

} // namespace

void tenon::addTrainingRules(EvaluationRules &rules) {
  rules.add(evaluateZeroPad);
  rules.add(evaluateSumHeads);
  rules.add(evaluateActivationGradient);
  rules.add(evaluateCrossEntropy);
  rules.add(evaluateCrossEntropyGradient);
  rules.add(evaluateHeadLoss);
  rules.add(evaluateSqueeze);
  rules.add(evaluateGradient);
  rules.add(evaluateAddGradient);
  rules.add(evaluateWeightProduct);
  rules.add(evaluateWeightGradient);
  rules.add(evaluateEmbeddingGradient);
  rules.add(evaluateDequantize);
  rules.add(evaluateStash);
  rules.add(evaluateKeep);
  rules.add(evaluateKept);
  rules.add(evaluateGradientNorm);
}
