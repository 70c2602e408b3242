//===- Windows.cpp - windows of signals and images ------------------------===//

#include "Rules.h"
#include "tenon/Dialect/Tenon/IR/TenonWindows.h"

using namespace mlir;
using namespace tenon;

namespace {

LogicalResult evaluateUnfold(Evaluator &e, UnfoldOp op) {
  const NumberArray &x = e.array(op.getInput());
  int64_t size = op.getSize(), stride = op.getStride(),
          padding = op.getPadding();
  // A signal is an image of one line, whose windows are one line high.
  bool isImage = x.rank() == 3;
  int64_t channels = x.shape[0], lines = isImage ? x.shape[1] : 1;
  int64_t width = x.shape.back(), high = isImage ? size : 1;
  std::optional<int64_t> across =
      UnfoldOp::countWindows(width, size, stride, padding);
  std::optional<int64_t> down =
      isImage ? UnfoldOp::countWindows(lines, size, stride, padding) : 1;
  if (!across || !down)
    return op.emitError("has no window in ") << width << " places";
  int64_t top = isImage ? padding : 0;
  NumberArray y({*down * *across, channels * high * size});
  for (int64_t t = 0; t < y.rows(); ++t)
    for (int64_t c = 0; c < channels; ++c)
      for (int64_t i = 0; i < high; ++i)
        for (int64_t k = 0; k < size; ++k) {
          int64_t v = t / *across * stride + i - top;
          int64_t h = t % *across * stride + k - padding;
          if (v >= 0 && v < lines && h >= 0 && h < width)
            y.row(t)[(c * high + i) * size + k] =
                x.values[(c * lines + v) * width + h];
        }
  return e.set(op.getResult(), std::move(y));
}

LogicalResult evaluateConcatRows(Evaluator &e, ConcatRowsOp op) {
  const NumberArray &a = e.array(op.getLhs()), &b = e.array(op.getRhs());
  NumberArray y({a.rows() + b.rows(), a.columns()});
  std::copy(a.values.begin(), a.values.end(), y.values.begin());
  std::copy(b.values.begin(), b.values.end(),
            y.values.begin() + a.values.size());
  return e.set(op.getResult(), std::move(y));
}

} // namespace

void tenon::addWindowRules(EvaluationRules &rules) {
  rules.add(evaluateUnfold);
  rules.add(evaluateConcatRows);
}
