//===- Products.cpp - weights, embeddings, linears ------------------------===//

#include "Rules.h"

using namespace mlir;
using namespace tenon;

namespace {

LogicalResult evaluateWeightRef(Evaluator &e, WeightRefOp op) {
  WeightOp weight = e.findWeight(op, op.getWeightAttr());
  if (!weight)
    return failure();
  int64_t place = op.getLayer() ? e.index(op.getLayer()) : 0;
  FailureOr<std::shared_ptr<NumberArray>> numbers = e.weight(weight, place);
  if (failed(numbers))
    return failure();
  // Its type has said what it holds: nothing is rounded here.
  e.set(op.getResult(), EvaluatedValue{*numbers, {}, {}, {}});
  return success();
}

LogicalResult evaluateEmbedding(Evaluator &e, EmbeddingOp op) {
  const NumberArray &ids = e.array(op.getIds()),
                    &table = e.array(op.getTable());
  NumberArray y({static_cast<int64_t>(ids.values.size()), table.columns()});
  for (auto [t, id] : llvm::enumerate(ids.values)) {
    if (id < 0 || id >= static_cast<double>(table.rows()))
      return op.emitError("token ")
             << static_cast<int64_t>(id) << " of a table of " << table.rows();
    std::copy_n(table.row(static_cast<int64_t>(id)), table.columns(), y.row(t));
  }
  return e.set(op.getResult(), std::move(y));
}

LogicalResult evaluatePositions(Evaluator &e, PositionsOp op) {
  int64_t tokens = e.array(op.getIds()).values.size();
  int64_t offset = op.getOffset().value_or(0);
  NumberArray y({tokens});
  for (auto [to, from] :
       llvm::zip_equal(y.values, positionsOf(e, op.getPosition(), tokens)))
    to = static_cast<double>(from + offset);
  return e.set(op.getResult(), std::move(y));
}

LogicalResult evaluateMatmul(Evaluator &e, MatmulOp op) {
  const NumberArray &a = e.array(op.getLhs()), &b = e.array(op.getRhs());
  int64_t m = a.shape[a.rank() - 2], k = a.columns(), n = b.columns();
  int64_t heads = a.rank() == 3 ? a.shape[0] : 1;
  int64_t groups = b.rank() == 3 ? b.shape[0] : 1;
  if (b.shape[b.rank() - 2] != k || groups == 0 || heads % groups)
    return op.emitError("matrices [")
           << ArrayRef<int64_t>(a.shape) << "] and ["
           << ArrayRef<int64_t>(b.shape) << "] have no product";
  SmallVector<int64_t, 4> shape(a.shape);
  shape.back() = n;
  NumberArray c(shape);
  for (int64_t h = 0; h < heads; ++h)
    for (int64_t i = 0; i < m; ++i) {
      double *to = c.row(h * m + i);
      for (int64_t l = 0; l < k; ++l) {
        double factor = a.row(h * m + i)[l];
        const double *from = b.row(h / (heads / groups) * k + l);
        for (int64_t j = 0; j < n; ++j)
          to[j] += factor * from[j];
      }
    }
  return e.set(op.getResult(), std::move(c));
}

/// x Wᵀ + b. Inputs in int8 groups may be longer than a row of the weight. Of
/// several groups, each has its part of x's columns and of W's rows.
FailureOr<NumberArray> linear(Operation *op, const NumberArray &x,
                              const NumberArray &weight,
                              const NumberArray *bias, int64_t groups = 1) {
  int64_t k = weight.columns(), n = weight.rows();
  int64_t part = x.columns() / groups, rowsOfGroup = n / groups;
  if (part < k || (bias && static_cast<int64_t>(bias->values.size()) != n))
    return op->emitError("an input [")
           << ArrayRef<int64_t>(x.shape) << "] does not fit a weight ["
           << ArrayRef<int64_t>(weight.shape) << "]";
  NumberArray y({x.rows(), n});
  for (int64_t t = 0; t < x.rows(); ++t)
    for (int64_t j = 0; j < n; ++j) {
      const double *a = x.row(t) + j / rowsOfGroup * part;
      const double *b = weight.row(j);
      double sum = 0;
      for (int64_t i = 0; i < k; ++i)
        sum += a[i] * b[i];
      y.row(t)[j] = sum + (bias ? bias->values[j] : 0);
    }
  return y;
}

void addTo(NumberArray &y, const NumberArray *residual) {
  if (residual)
    for (auto [to, from] : llvm::zip_equal(y.values, residual->values))
      to += from;
}

LogicalResult evaluateLinear(Evaluator &e, LinearOp op) {
  FailureOr<NumberArray> sums =
      linear(op, e.array(op.getInput()), e.array(op.getWeight()),
             e.arrayIfAny(op.getBias()), op.getGroups());
  if (failed(sums))
    return failure();
  ActivationKind kind = op.getActivation();
  NumberArray y(
      {sums->rows(), op.getGated() ? sums->columns() / 2 : sums->columns()});
  for (int64_t t = 0; t < y.rows(); ++t)
    for (int64_t j = 0; j < y.columns(); ++j) {
      y.row(t)[j] = activate(kind, sums->row(t)[j]);
      if (op.getGated())
        y.row(t)[j] *= sums->row(t)[y.columns() + j];
    }
  const NumberArray *residual = e.arrayIfAny(op.getResidual());
  if (residual && residual->values.size() != y.values.size())
    return op.emitError("the residual has another shape than the result");
  addTo(y, residual);
  return e.set(op.getResult(), std::move(y));
}

LogicalResult evaluateFfn(Evaluator &e, FfnOp op) {
  const NumberArray &x = e.array(op.getInput());
  FailureOr<NumberArray> hidden =
      linear(op, x, e.array(op.getUp()), e.arrayIfAny(op.getUpBias()));
  if (failed(hidden))
    return failure();
  if (op.getGate()) {
    FailureOr<NumberArray> gate =
        linear(op, x, e.array(op.getGate()), e.arrayIfAny(op.getGateBias()));
    if (failed(gate) || gate->shape != hidden->shape)
      return op.emitError("gate and up differ");
    for (auto [to, from] : llvm::zip_equal(hidden->values, gate->values))
      to *= activate(op.getActivation(), from);
  } else {
    for (double &number : hidden->values)
      number = activate(op.getActivation(), number);
  }
  FailureOr<NumberArray> y = linear(op, *hidden, e.array(op.getDown()),
                                    e.arrayIfAny(op.getDownBias()));
  if (failed(y))
    return failure();
  const NumberArray *residual = e.arrayIfAny(op.getResidual());
  if (residual && residual->values.size() != y->values.size())
    return op.emitError("the residual has another shape than the result");
  addTo(*y, residual);
  return e.set(op.getResult(), std::move(*y));
}

} // namespace

void tenon::addProductRules(EvaluationRules &rules) {
  rules.add(evaluateWeightRef);
  rules.add(evaluateEmbedding);
  rules.add(evaluatePositions);
  rules.add(evaluateMatmul);
  rules.add(evaluateLinear);
  rules.add(evaluateFfn);
}
