//===- Texts.cpp - several texts in one call ------------------------------===//

#include "Rules.h"
#include "tenon/Dialect/Tenon/IR/TenonTexts.h"

#include <algorithm>

using namespace mlir;
using namespace tenon;

/// Copies rows begin .. end of `all` to the first ones of `some`, or back: the
/// second dimension of heads, else the first.
template <class Copy>
static void forEachRun(const NumberArray &all, int64_t begin, int64_t count,
                       Copy copy) {
  bool isHeads = all.rank() == 3;
  int64_t outer = isHeads ? all.shape[0] : 1;
  int64_t extent = all.shape[isHeads ? 1 : 0];
  int64_t width = extent ? all.values.size() / outer / extent : 0;
  for (int64_t i = 0; i < outer; ++i)
    copy((i * extent + begin) * width, i * count * width, count * width);
}

static LogicalResult evaluateForEachText(Evaluator &e, ForEachTextOp op) {
  // Copies: the body may take away what the references lead to.
  NumberArray ends = e.array(op.getEnds());
  std::vector<NumberArray> inputs;
  for (Value input : op.getInputs())
    inputs.push_back(e.array(input));
  Block &body = op.getBody().front();
  bool isHeads = inputs[0].rank() == 3;
  auto tokens = static_cast<double>(inputs[0].shape[isHeads ? 1 : 0]);
  bool givesOneRow = op.givesOneRow();
  auto type = cast<RankedTensorType>(op.getResult().getType());
  SmallVector<int64_t, 4> shape(type.getShape());
  shape[ForEachTextOp::rowDim(type)] =
      givesOneRow ? ends.values.size() : static_cast<int64_t>(tokens);
  NumberArray y(shape);
  double begin = 0;
  for (auto [text, end] : llvm::enumerate(ends.values)) {
    if (end <= begin || end > tokens)
      return op.emitError("text ") << text << " ends at " << end << ", of "
                                   << tokens << " tokens, after " << begin;
    auto first = static_cast<int64_t>(begin);
    auto count = static_cast<int64_t>(end - begin);
    for (auto [argument, input] : llvm::zip(body.getArguments(), inputs)) {
      auto own = input.shape;
      own[input.rank() == 3 ? 1 : 0] = count;
      NumberArray some(own);
      forEachRun(input, first, count,
                 [&](int64_t from, int64_t to, int64_t size) {
                   std::copy_n(input.values.begin() + from, size,
                               some.values.begin() + to);
                 });
      e.set(argument, EvaluatedValue::of(std::move(some)));
    }
    if (failed(e.run(body)))
      return failure();
    const NumberArray &made = e.array(body.getTerminator()->getOperand(0));
    if (givesOneRow)
      std::ranges::copy(made.values, y.row(text));
    else
      forEachRun(y, first, count, [&](int64_t to, int64_t from, int64_t size) {
        std::copy_n(made.values.begin() + from, size, y.values.begin() + to);
      });
    begin = end;
  }
  if (begin != tokens)
    return op.emitError("the last text ends at ")
           << begin << ", of " << tokens << " tokens";
  return e.set(op.getResult(), std::move(y));
}

void tenon::addTextRules(EvaluationRules &rules) {
  rules.add(evaluateForEachText);
}
