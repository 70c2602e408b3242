//===- Rows.cpp - norms, softmax, masks, reductions -----------------------===//

#include "Rules.h"

#include <algorithm>
#include <cmath>

using namespace mlir;
using namespace tenon;

namespace {

template <typename Op>
LogicalResult evaluateNorm(Evaluator &e, Op op, const NumberArray *bias,
                           bool centers) {
  NumberArray y = e.array(op.getInput());
  const NumberArray *weight = e.arrayIfAny(op.getWeight());
  double eps = op.getEps().convertToDouble();
  double offset = op.getUnitOffset() ? 1 : 0;
  int64_t columns = y.columns();
  for (int64_t t = 0; t < y.rows(); ++t) {
    double *row = y.row(t), mean = 0, squares = 0;
    if (centers) {
      for (int64_t i = 0; i < columns; ++i)
        mean += row[i];
      mean /= static_cast<double>(columns);
    }
    for (int64_t i = 0; i < columns; ++i)
      squares += (row[i] - mean) * (row[i] - mean);
    double root = std::sqrt(squares / static_cast<double>(columns) + eps);
    for (int64_t i = 0; i < columns; ++i) {
      row[i] = (row[i] - mean) / root;
      if (weight)
        row[i] *= offset + weight->values[i];
      if (bias)
        row[i] += bias->values[i];
    }
  }
  return e.set(op.getResult(), std::move(y));
}

LogicalResult evaluateRmsNorm(Evaluator &e, RmsNormOp op) {
  return evaluateNorm(e, op, nullptr, /*centers=*/false);
}
LogicalResult evaluateLayerNorm(Evaluator &e, LayerNormOp op) {
  return evaluateNorm(e, op, e.arrayIfAny(op.getBias()), /*centers=*/true);
}

/// The scores' head of a row of `[H, T, S]`, or 0.
int64_t headOf(const NumberArray &scores, int64_t row) {
  return scores.rank() == 3 ? row / scores.shape[1] : 0;
}

LogicalResult evaluateSoftmax(Evaluator &e, SoftmaxOp op) {
  NumberArray y = e.array(op.getInput());
  const NumberArray *sink = e.arrayIfAny(op.getSink());
  for (int64_t r = 0; r < y.rows(); ++r) {
    double *row = y.row(r), *end = row + y.columns();
    double most = -INFINITY, sum = 0;
    if (sink)
      most = sink->values[headOf(y, r)];
    for (double *x = row; x < end; ++x)
      most = std::max(most, *x);
    // Where all is hidden there is nothing to weigh.
    if (most == -INFINITY) {
      std::fill(row, end, 0.0);
      continue;
    }
    if (sink)
      sum = std::exp(sink->values[headOf(y, r)] - most);
    for (double *x = row; x < end; ++x)
      sum += *x = std::exp(*x - most);
    for (double *x = row; x < end; ++x)
      *x /= sum;
  }
  return e.set(op.getResult(), std::move(y));
}

/// `y[h, t, s] = f(h, t, s, x[h, t, s])` for scores.
template <typename Op, typename Function>
LogicalResult evaluateScores(Evaluator &e, Op op, Function function) {
  NumberArray y = e.array(op.getInput());
  int64_t tokens = y.rank() > 1 ? y.shape[y.rank() - 2] : 1;
  for (int64_t r = 0; r < y.rows(); ++r)
    for (int64_t s = 0; s < y.columns(); ++s)
      y.row(r)[s] = function(r / tokens, r % tokens, s, y.row(r)[s]);
  return e.set(op.getResult(), std::move(y));
}

LogicalResult evaluateCausalMask(Evaluator &e, CausalMaskOp op) {
  std::optional<int64_t> window = op.getWindow();
  return evaluateScores(
      e, op, [&](int64_t, int64_t t, int64_t s, double x) -> double {
        return s <= t && (!window || s > t - *window) ? x : -INFINITY;
      });
}

LogicalResult evaluateBandMask(Evaluator &e, BandMaskOp op) {
  auto width = static_cast<int64_t>(op.getWidth());
  return evaluateScores(e, op,
                        [&](int64_t, int64_t t, int64_t s, double x) -> double {
                          return std::abs(t - s) <= width ? x : -INFINITY;
                        });
}

LogicalResult evaluatePaddingMask(Evaluator &e, PaddingMaskOp op) {
  const NumberArray &valid = e.array(op.getValid());
  return evaluateScores(e, op,
                        [&](int64_t, int64_t, int64_t s, double x) -> double {
                          return valid.values[s] != 0 ? x : -INFINITY;
                        });
}

LogicalResult evaluateScoreBias(Evaluator &e, ScoreBiasOp op) {
  const NumberArray &bias = e.array(op.getBias());
  int64_t reach = bias.columns() / 2, keys = e.array(op.getInput()).columns();
  if (keys > (op.getByKey() ? bias.columns() : reach + 1))
    return op.emitError("the bias does not reach as far as ")
           << keys << " keys";
  return evaluateScores(e, op, [&](int64_t h, int64_t t, int64_t s, double x) {
    return x + bias.row(h)[op.getByKey() ? s : reach + s - t];
  });
}

LogicalResult evaluateDistanceGather(Evaluator &e, DistanceGatherOp op) {
  const NumberArray &x = e.array(op.getInput()),
                    &index = e.array(op.getIndex());
  int64_t reach = index.columns() / 2, tokens = x.shape[1];
  if (tokens > reach + 1)
    return op.emitError("the index does not reach as far as ")
           << tokens << " tokens";
  NumberArray y({x.shape[0], tokens, tokens});
  for (int64_t r = 0; r < y.rows(); ++r)
    for (int64_t s = 0; s < tokens; ++s) {
      auto column = static_cast<int64_t>(index.values[reach + s - r % tokens]);
      if (column < 0 || column >= x.columns())
        return op.emitError("the index names column ") << column;
      y.row(r)[s] = x.row(r)[column];
    }
  return e.set(op.getResult(), std::move(y));
}

LogicalResult evaluateReduce(Evaluator &e, ReduceOp op) {
  const NumberArray &x = e.array(op.getInput());
  auto dim = static_cast<int64_t>(op.getDim());
  int64_t count = x.shape[dim], inner = 1;
  for (int64_t i = dim + 1; i < x.rank(); ++i)
    inner *= x.shape[i];
  SmallVector<int64_t, 4> shape(x.shape);
  shape[dim] = 1;
  NumberArray y(shape);
  for (int64_t at = 0, n = y.values.size(); at < n; ++at) {
    const double *first =
        x.values.data() + at / inner * inner * count + at % inner;
    bool isMax = op.getKind() == Reduction::Max;
    double sum = isMax ? -INFINITY : 0;
    for (int64_t i = 0; i < count; ++i)
      sum = isMax ? std::max(sum, first[i * inner]) : sum + first[i * inner];
    if (op.getKind() == Reduction::Mean)
      sum /= static_cast<double>(count);
    y.values[at] = sum;
  }
  return e.set(op.getResult(), std::move(y));
}

} // namespace

void tenon::addRowRules(EvaluationRules &rules) {
  rules.add(evaluateRmsNorm);
  rules.add(evaluateLayerNorm);
  rules.add(evaluateSoftmax);
  rules.add(evaluateCausalMask);
  rules.add(evaluateBandMask);
  rules.add(evaluatePaddingMask);
  rules.add(evaluateScoreBias);
  rules.add(evaluateDistanceGather);
  rules.add(evaluateReduce);
}
