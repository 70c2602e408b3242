//===- Optimizers.cpp - steps of optimizers in f64 ------------------------===//

#include "Rules.h"
#include "tenon/Dialect/Tenon/IR/TenonOptimizer.h"
#include "tenon/Dialect/Tenon/IR/TenonTraining.h"

#include <algorithm>
#include <cmath>

using namespace mlir;
using namespace tenon;

namespace {

/// What brings a gradient to the mean, within the norm that a step may have.
double scaleOf(Evaluator &e, Value numbers, Value norm) {
  const std::vector<double> &n = e.array(numbers).values;
  double clip = n[1], size = e.array(norm).values[0];
  return n[0] * (clip > 0 ? std::min(1.0, clip / (size + 1e-6)) : 1);
}

/// Calls `makeStep(weight, place)` for each place of the stack of an
/// operation's weight, and what that returns for each number there: with its
/// index, the number and its gradient, brought to the mean. The gradients are
/// zero then.
template <typename Op, typename MakeStep>
LogicalResult stepAll(Evaluator &e, Op op, MakeStep makeStep) {
  WeightOp weight = e.findWeight(op, op.getWeightAttr());
  if (!weight)
    return failure();
  double scale = scaleOf(e, op.getNumbers(), op.getNorm());
  for (int64_t place = 0; place < weight.getNumLayers(); ++place) {
    FailureOr<std::shared_ptr<NumberArray>> numbers = e.weight(weight, place);
    if (failed(numbers))
      return failure();
    NumberArray &g = *e.gradient(weight, place);
    auto step = makeStep(weight, place);
    for (auto [i, w] : llvm::enumerate((*numbers)->values))
      step(i, w, scale * g.values[i]);
    std::fill(g.values.begin(), g.values.end(), 0);
  }
  return success();
}

/// AdamW.
LogicalResult evaluateUpdate(Evaluator &e, UpdateOp op) {
  const std::vector<double> n = e.array(op.getNumbers()).values;
  return stepAll(e, op, [&](WeightOp weight, int64_t place) {
    return [&, &m = *e.gradient(weight, place, 1),
            &v = *e.gradient(weight, place, 2)](size_t i, double &w,
                                                double gradient) {
      if (op.getDecay())
        w *= n[2];
      m.values[i] = n[3] * m.values[i] + n[4] * gradient;
      v.values[i] = n[5] * v.values[i] + n[6] * gradient * gradient;
      w -= n[7] * m.values[i] / (std::sqrt(v.values[i]) / n[8] + n[9]);
    };
  });
}

/// SGD and Lion.
LogicalResult evaluateMomentumUpdate(Evaluator &e, MomentumUpdateOp op) {
  const std::vector<double> n = e.array(op.getNumbers()).values;
  return stepAll(e, op, [&](WeightOp weight, int64_t place) {
    return [&, &m = *e.gradient(weight, place, 1)](size_t i, double &w,
                                                   double gradient) {
      if (op.getDecay())
        gradient += n[3] * w;
      double direction = n[4] * m.values[i] + n[5] * gradient;
      if (n[9] > 0)
        direction = (direction > 0) - (direction < 0);
      if (op.getDecay())
        w *= n[2];
      w -= n[8] * direction;
      m.values[i] = n[6] * m.values[i] + n[7] * gradient;
    };
  });
}

/// The place in the stack that an operation speaks of.
int64_t placeOf(Evaluator &e, Value layer) {
  return layer ? e.index(layer) : 0;
}

LogicalResult evaluateMuonDirection(Evaluator &e, MuonDirectionOp op) {
  WeightOp weight = e.findWeight(op, op.getWeightAttr());
  if (!weight)
    return failure();
  const std::vector<double> n = e.array(op.getNumbers()).values;
  double scale = scaleOf(e, op.getNumbers(), op.getNorm());
  int64_t place = placeOf(e, op.getLayer());
  NumberArray &g = *e.gradient(weight, place);
  NumberArray &m = *e.gradient(weight, place, 1);
  NumberArray u(weight.getLayerType().getShape());
  for (size_t i = 0; i < u.values.size(); ++i) {
    double gradient = scale * g.values[i];
    m.values[i] += n[3] * (gradient - m.values[i]);
    u.values[i] = m.values[i] - n[4] * (m.values[i] - gradient);
    g.values[i] = 0;
  }
  return e.set(op.getResult(), std::move(u));
}

LogicalResult evaluateMuonUpdate(Evaluator &e, MuonUpdateOp op) {
  WeightOp weight = e.findWeight(op, op.getWeightAttr());
  if (!weight)
    return failure();
  FailureOr<std::shared_ptr<NumberArray>> numbers =
      e.weight(weight, placeOf(e, op.getLayer()));
  if (failed(numbers))
    return failure();
  const std::vector<double> &n = e.array(op.getNumbers()).values;
  const std::vector<double> &x = e.array(op.getDirection()).values;
  double rate = n[5] * op.getFactor().convertToDouble();
  for (auto [i, w] : llvm::enumerate((*numbers)->values))
    w = n[2] * w - rate * x[i];
  return success();
}

} // namespace

void tenon::addOptimizerRules(EvaluationRules &rules) {
  rules.add(evaluateUpdate);
  rules.add(evaluateMomentumUpdate);
  rules.add(evaluateMuonDirection);
  rules.add(evaluateMuonUpdate);
}
