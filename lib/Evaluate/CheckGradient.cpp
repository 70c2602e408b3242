//===- CheckGradient.cpp - gradients by central differences ---------------===//

#include "CheckGradient.h"
#include "tenon/Dialect/Tenon/IR/TenonTraining.h"

#include <cmath>
#include <random>

using namespace mlir;
using namespace tenon;

/// The step to both sides, of a direction of length 1 or 2: what is left of
/// third derivatives is far below the bound, and differences of losses keep
/// some ten digits.
static constexpr double kStep = 1e-5;

static FailureOr<double> callWith(Evaluator &evaluator, func::FuncOp function,
                                  const NamedArrays &inputs) {
  std::vector<EvaluatedValue> arguments;
  for (unsigned i = 0; i < function.getNumArguments(); ++i) {
    auto found = inputs.find(getInputName(function, i));
    if (found == inputs.end())
      return function.emitError("there is no input '")
             << getInputName(function, i) << "'";
    arguments.push_back(EvaluatedValue::of(found->second));
  }
  FailureOr<std::vector<EvaluatedValue>> results =
      evaluator.call(function.getName(), arguments);
  if (failed(results))
    return failure();
  return results->front().array->values.front();
}

namespace {

/// A weight's layer with its gradient, and the way that it is moved.
struct Moved {
  WeightOp weight;
  int64_t place;
  std::vector<double> gradient, direction;
};

double lengthOf(ArrayRef<Moved> all, std::vector<double> Moved::*member) {
  double squares = 0;
  for (const Moved &moved : all)
    for (double x : moved.*member)
      squares += x * x;
  return std::sqrt(squares);
}

} // namespace

std::optional<FailureOr<double>> tenon::gradientError(Evaluator &evaluator,
                                                      ModuleOp module,
                                                      const NamedArrays &inputs,
                                                      uint64_t seed) {
  auto gradient = module.lookupSymbol<func::FuncOp>(kGradientName);
  auto loss = module.lookupSymbol<func::FuncOp>(kLossName);
  if (!gradient || !loss)
    return std::nullopt;
  if (failed(callWith(evaluator, gradient, inputs)))
    return failure();
  std::mt19937_64 random(seed);
  std::normal_distribution<double> normal;
  std::vector<Moved> all;
  evaluator.forEachGradient(
      [&](WeightOp weight, int64_t place, NumberArray &g) {
        all.push_back({weight, place, g.values, {}});
        for (size_t i = 0; i < g.values.size(); ++i)
          all.back().direction.push_back(normal(random));
      });
  double ofGradient = lengthOf(all, &Moved::gradient);
  double ofRandom = lengthOf(all, &Moved::direction);
  if (ofGradient == 0)
    return FailureOr<double>(INFINITY);
  double derivative = 0;
  for (Moved &moved : all)
    for (auto [d, g] : llvm::zip_equal(moved.direction, moved.gradient)) {
      d = d / ofRandom + g / ofGradient;
      derivative += g * d;
    }
  auto moveBy = [&](double step) {
    for (Moved &moved : all) {
      FailureOr<std::shared_ptr<NumberArray>> numbers =
          evaluator.weight(moved.weight, moved.place);
      for (auto [w, d] : llvm::zip_equal((*numbers)->values, moved.direction))
        w += step * d;
    }
  };
  moveBy(kStep);
  FailureOr<double> above = callWith(evaluator, loss, inputs);
  moveBy(-2 * kStep);
  FailureOr<double> below = callWith(evaluator, loss, inputs);
  if (failed(above) || failed(below))
    return failure();
  double difference = (*above - *below) / (2 * kStep);
  return FailureOr<double>(std::fabs(difference - derivative) /
                           std::fabs(derivative));
}
