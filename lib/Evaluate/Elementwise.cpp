//===- Elementwise.cpp - numbers one by one -------------------------------===//

#include "Rules.h"

#include <cmath>

using namespace mlir;
using namespace tenon;

double tenon::activate(ActivationKind kind, double x) {
  switch (kind) {
  case ActivationKind::Identity:
    return x;
  case ActivationKind::Silu:
    return x / (1 + std::exp(-x));
  case ActivationKind::Gelu:
    return x / 2 * (1 + std::erf(x / std::sqrt(2.0)));
  case ActivationKind::GeluTanh:
    return x / 2 *
           (1 + std::tanh(std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)));
  case ActivationKind::Relu:
    return std::max(x, 0.0);
  case ActivationKind::Tanh:
    return std::tanh(x);
  case ActivationKind::Sigmoid:
    return 1 / (1 + std::exp(-x));
  case ActivationKind::QuickGelu:
    return x / (1 + std::exp(-1.702 * x));
  case ActivationKind::ReluSquared:
    return std::max(x, 0.0) * std::max(x, 0.0);
  case ActivationKind::Mish:
    // log1p, and x itself where e^x is all that counts.
    return x * std::tanh(x > 40 ? x : std::log1p(std::exp(x)));
  case ActivationKind::Exp:
    return std::exp(x);
  case ActivationKind::Log:
    return std::log(x);
  case ActivationKind::Sqrt:
    return std::sqrt(x);
  }
  llvm_unreachable("unknown activation");
}

namespace {

/// The shape of two broadcast against each other as in NumPy; nothing if they
/// don't fit.
std::optional<SmallVector<int64_t, 4>> broadcastShape(ArrayRef<int64_t> a,
                                                      ArrayRef<int64_t> b) {
  size_t rank = std::max(a.size(), b.size());
  SmallVector<int64_t, 4> shape(rank);
  for (size_t i = 0; i < rank; ++i) {
    int64_t x = i < a.size() ? a[a.size() - 1 - i] : 1;
    int64_t y = i < b.size() ? b[b.size() - 1 - i] : 1;
    if (x != y && x != 1 && y != 1)
      return std::nullopt;
    shape[rank - 1 - i] = x == 1 ? y : x;
  }
  return shape;
}

/// Where the element of an array is that is broadcast to an index of `shape`.
int64_t placeOf(const NumberArray &array, ArrayRef<int64_t> shape,
                int64_t linear) {
  int64_t place = 0, stride = 1;
  for (size_t i = 0; i < shape.size(); ++i) {
    int64_t extent = shape[shape.size() - 1 - i];
    int64_t at = linear % extent;
    linear /= extent;
    if (i < array.shape.size()) {
      int64_t own = array.shape[array.shape.size() - 1 - i];
      place += own == 1 ? 0 : at * stride;
      stride *= own;
    }
  }
  return place;
}

template <typename Op, typename Function>
LogicalResult evaluateBinary(Evaluator &e, Op op, Function function) {
  const NumberArray &a = e.array(op.getLhs()), &b = e.array(op.getRhs());
  auto shape = broadcastShape(a.shape, b.shape);
  if (!shape)
    return op.emitError("operands of shapes [")
           << ArrayRef<int64_t>(a.shape) << "] and ["
           << ArrayRef<int64_t>(b.shape) << "] don't go together";
  NumberArray y(*shape);
  for (int64_t i = 0, n = y.values.size(); i < n; ++i)
    y.values[i] = function(a.values[placeOf(a, *shape, i)],
                           b.values[placeOf(b, *shape, i)]);
  return e.set(op.getResult(), std::move(y));
}

LogicalResult evaluateAdd(Evaluator &e, AddOp op) {
  return evaluateBinary(e, op, [](double a, double b) { return a + b; });
}
LogicalResult evaluateSub(Evaluator &e, SubOp op) {
  return evaluateBinary(e, op, [](double a, double b) { return a - b; });
}
LogicalResult evaluateMul(Evaluator &e, MulOp op) {
  return evaluateBinary(e, op, [](double a, double b) { return a * b; });
}
LogicalResult evaluateDiv(Evaluator &e, DivOp op) {
  return evaluateBinary(e, op, [](double a, double b) { return a / b; });
}

template <typename Op, typename Function>
LogicalResult evaluateUnary(Evaluator &e, Op op, Function function) {
  NumberArray y = e.array(op.getInput());
  for (double &x : y.values)
    x = function(x);
  return e.set(op.getResult(), std::move(y));
}

LogicalResult evaluateScale(Evaluator &e, ScaleOp op) {
  double factor = op.getFactor().convertToDouble();
  return evaluateUnary(e, op, [&](double x) { return factor * x; });
}
LogicalResult evaluateShift(Evaluator &e, ShiftOp op) {
  double amount = op.getAmount().convertToDouble();
  return evaluateUnary(e, op, [&](double x) { return x + amount; });
}
LogicalResult evaluateReciprocal(Evaluator &e, ReciprocalOp op) {
  double numerator = op.getNumerator().convertToDouble();
  return evaluateUnary(e, op, [&](double x) { return numerator / x; });
}
LogicalResult evaluateClamp(Evaluator &e, ClampOp op) {
  double low = op.getLow() ? op.getLow()->convertToDouble() : -INFINITY;
  double high = op.getHigh() ? op.getHigh()->convertToDouble() : INFINITY;
  return evaluateUnary(
      e, op, [&](double x) { return std::min(std::max(x, low), high); });
}
LogicalResult evaluateActivation(Evaluator &e, ActivationOp op) {
  return evaluateUnary(e, op,
                       [&](double x) { return activate(op.getKind(), x); });
}
LogicalResult evaluateCast(Evaluator &e, CastOp op) {
  return evaluateUnary(e, op, [](double x) { return x; });
}
/// The result's type rounds.
LogicalResult evaluateQuantize(Evaluator &e, QuantizeOp op) {
  return e.set(op.getResult(), e.array(op.getInput()));
}

} // namespace

void tenon::addElementwiseRules(EvaluationRules &rules) {
  rules.add(evaluateAdd);
  rules.add(evaluateSub);
  rules.add(evaluateMul);
  rules.add(evaluateDiv);
  rules.add(evaluateScale);
  rules.add(evaluateShift);
  rules.add(evaluateReciprocal);
  rules.add(evaluateClamp);
  rules.add(evaluateActivation);
  rules.add(evaluateCast);
  rules.add(evaluateQuantize);
}
