//===- Shapes.cpp - numbers in other places -------------------------------===//

#include "Rules.h"

using namespace mlir;
using namespace tenon;

namespace {

LogicalResult evaluateTranspose(Evaluator &e, TransposeOp op) {
  const NumberArray &x = e.array(op.getInput());
  int64_t m = x.shape[x.rank() - 2], n = x.columns();
  SmallVector<int64_t, 4> shape(x.shape);
  std::swap(shape[x.rank() - 2], shape[x.rank() - 1]);
  NumberArray y(shape);
  for (int64_t at = 0, end = x.values.size(); at < end; ++at) {
    int64_t matrix = at / (m * n), i = at / n % m, j = at % n;
    y.values[matrix * m * n + j * m + i] = x.values[at];
  }
  return e.set(op.getResult(), std::move(y));
}

LogicalResult evaluateSplitHeads(Evaluator &e, SplitHeadsOp op) {
  const NumberArray &x = e.array(op.getInput());
  auto heads = static_cast<int64_t>(op.getHeads());
  int64_t tokens = x.rows(), dim = x.columns() / heads;
  NumberArray y({heads, tokens, dim});
  for (int64_t h = 0; h < heads; ++h)
    for (int64_t t = 0; t < tokens; ++t)
      std::copy_n(x.row(t) + h * dim, dim, y.row(h * tokens + t));
  return e.set(op.getResult(), std::move(y));
}

LogicalResult evaluateMergeHeads(Evaluator &e, MergeHeadsOp op) {
  const NumberArray &x = e.array(op.getInput());
  int64_t heads = x.shape[0], tokens = x.shape[1], dim = x.columns();
  NumberArray y({tokens, heads * dim});
  for (int64_t h = 0; h < heads; ++h)
    for (int64_t t = 0; t < tokens; ++t)
      std::copy_n(x.row(h * tokens + t), dim, y.row(t) + h * dim);
  return e.set(op.getResult(), std::move(y));
}

int64_t columnsOf(Value value) {
  return cast<RankedTensorType>(value.getType()).getShape().back();
}

LogicalResult evaluateSlice(Evaluator &e, SliceOp op) {
  const NumberArray &x = e.array(op.getInput());
  auto offset = static_cast<int64_t>(op.getOffset());
  SmallVector<int64_t, 4> shape(x.shape);
  shape.back() = columnsOf(op.getResult());
  if (offset < 0 || offset + shape.back() > x.columns())
    return op.emitError("reaches beyond the row of ") << x.columns();
  NumberArray y(shape);
  for (int64_t r = 0; r < y.rows(); ++r)
    std::copy_n(x.row(r) + offset, y.columns(), y.row(r));
  return e.set(op.getResult(), std::move(y));
}

LogicalResult evaluateConcat(Evaluator &e, ConcatOp op) {
  const NumberArray &a = e.array(op.getLhs()), &b = e.array(op.getRhs());
  SmallVector<int64_t, 4> shape(a.shape);
  for (int64_t i = 0; i + 1 < a.rank(); ++i)
    shape[i] = std::max(a.shape[i], b.shape[i]);
  shape.back() = a.columns() + b.columns();
  NumberArray y(shape);
  // The row of an operand that is broadcast to a row of the result.
  auto rowOf = [&](const NumberArray &x, int64_t row) {
    int64_t place = 0, stride = 1;
    for (int64_t i = x.rank() - 2; i >= 0; --i) {
      place += x.shape[i] == 1 ? 0 : row % shape[i] * stride;
      row /= shape[i];
      stride *= x.shape[i];
    }
    return x.row(place);
  };
  for (int64_t r = 0; r < y.rows(); ++r) {
    std::copy_n(rowOf(a, r), a.columns(), y.row(r));
    std::copy_n(rowOf(b, r), b.columns(), y.row(r) + a.columns());
  }
  return e.set(op.getResult(), std::move(y));
}

/// Rows [first, first + count) of a matrix.
LogicalResult setRows(Evaluator &e, Operation *op, const NumberArray &x,
                      int64_t first, int64_t count) {
  if (first < 0 || count < 0 || first + count > x.rows())
    return op->emitError("reaches beyond the ") << x.rows() << " rows";
  NumberArray y({count, x.columns()});
  std::copy_n(x.row(first), count * x.columns(), y.values.data());
  return e.set(op->getResult(0), std::move(y));
}

LogicalResult evaluateRows(Evaluator &e, RowsOp op) {
  return setRows(
      e, op, e.array(op.getInput()), op.getOffset(),
      cast<RankedTensorType>(op.getResult().getType()).getDimSize(0));
}

LogicalResult evaluateLastRows(Evaluator &e, LastRowsOp op) {
  const NumberArray &x = e.array(op.getInput());
  int64_t count = e.index(op.getCount());
  return setRows(e, op, x, x.rows() - count, count);
}

} // namespace

void tenon::addShapeRules(EvaluationRules &rules) {
  rules.add(evaluateTranspose);
  rules.add(evaluateSplitHeads);
  rules.add(evaluateMergeHeads);
  rules.add(evaluateSlice);
  rules.add(evaluateConcat);
  rules.add(evaluateRows);
  rules.add(evaluateLastRows);
}
