//===- ChoiceGradients.cpp - gradients of choices, places and experts -----===//

#include "Experts.h"
#include "Rules.h"
#include "tenon/Dialect/Tenon/IR/TenonTraining.h"

using namespace mlir;
using namespace tenon;

namespace {

LogicalResult evaluateZerosLike(Evaluator &e, ZerosLikeOp op) {
  return e.set(op.getResult(), NumberArray(e.array(op.getInput()).shape));
}

LogicalResult evaluateClampGradient(Evaluator &e, ClampGradientOp op) {
  const NumberArray &x = e.array(op.getInput());
  NumberArray y = e.array(op.getGradient());
  std::optional<APFloat> low = op.getLow(), high = op.getHigh();
  for (auto [dy, at] : llvm::zip_equal(y.values, x.values))
    if ((low && at < low->convertToFloat()) ||
        (high && at > high->convertToFloat()))
      dy = 0;
  return e.set(op.getResult(), std::move(y));
}

LogicalResult evaluatePadRows(Evaluator &e, PadRowsOp op) {
  const NumberArray &x = e.array(op.getInput());
  NumberArray y(e.array(op.getLike()).shape);
  auto offset = static_cast<int64_t>(op.getOffset());
  if (offset < 0)
    offset += y.rows();
  if (offset < 0 || x.rows() > y.rows() - offset)
    return op->emitError("rows ")
           << offset << " to " << offset + x.rows() << " of " << y.rows();
  std::copy(x.values.begin(), x.values.end(), y.row(offset));
  return e.set(op.getResult(), std::move(y));
}

/// A distance that scores have, but the table doesn't.
LogicalResult checkReach(Operation *op, const NumberArray &scores,
                         int64_t reach) {
  if (std::max(scores.shape[1], scores.shape[2]) - 1 > reach)
    return op->emitError("distances up to ")
           << std::max(scores.shape[1], scores.shape[2]) - 1 << ", of "
           << reach;
  return success();
}

LogicalResult evaluateScoreBiasGradient(Evaluator &e, ScoreBiasGradientOp op) {
  const NumberArray &dy = e.array(op.getGradient());
  auto type = cast<RankedTensorType>(op.getResult().getType());
  int64_t reach = type.getDimSize(1) / 2;
  if (failed(checkReach(op, dy, reach)))
    return failure();
  NumberArray y({dy.shape[0], type.getDimSize(1)});
  int64_t queries = dy.shape[1];
  for (int64_t r = 0; r < dy.rows(); ++r)
    for (int64_t s = 0; s < dy.columns(); ++s)
      y.row(r / queries)[reach + s - r % queries] += dy.row(r)[s];
  return e.set(op.getResult(), std::move(y));
}

LogicalResult evaluateDistanceGatherGradient(Evaluator &e,
                                             DistanceGatherGradientOp op) {
  const NumberArray &dy = e.array(op.getGradient());
  const NumberArray &index = e.array(op.getIndex());
  int64_t columns =
      cast<RankedTensorType>(op.getResult().getType()).getDimSize(2);
  int64_t reach = static_cast<int64_t>(index.values.size()) / 2;
  if (failed(checkReach(op, dy, reach)))
    return failure();
  NumberArray y({dy.shape[0], dy.shape[1], columns});
  int64_t queries = dy.shape[1];
  for (int64_t r = 0; r < dy.rows(); ++r)
    for (int64_t s = 0; s < dy.columns(); ++s) {
      auto place = static_cast<int64_t>(index.values[reach + s - r % queries]);
      if (place < 0 || place >= columns)
        return op->emitError("column ") << place << " of " << columns;
      y.row(r)[place] += dy.row(r)[s];
    }
  return e.set(op.getResult(), std::move(y));
}

LogicalResult evaluateMixtureGradient(Evaluator &e, MixtureGradientOp op) {
  // Copies: the body may take away what the references lead to.
  NumberArray gates = e.array(op.getGates());
  std::vector<NumberArray> inputs, results;
  for (Value input : op.getInputs())
    inputs.push_back(e.array(input));
  for (const NumberArray &input : inputs)
    results.emplace_back(input.shape);
  inputs.push_back(gates);
  inputs.push_back(e.array(op.getGradient()));
  NumberArray toGates(gates.shape);
  Block &body = op.getBody().front();
  for (int64_t expert = 0; expert < gates.columns(); ++expert) {
    std::vector<int64_t> rows = tokensOf(gates, expert);
    if (rows.empty())
      continue;
    for (auto [argument, input] : llvm::zip(body.getArguments(), inputs)) {
      NumberArray own = argument == op.getGateRows()
                            ? gatherRows(input, rows, expert, 1)
                            : gatherRows(input, rows);
      e.set(argument, EvaluatedValue::of(std::move(own)));
    }
    e.set(op.getExpert(), EvaluatedValue::ofIndex(expert));
    if (failed(e.run(body)))
      return failure();
    Operation *yield = body.getTerminator();
    for (auto [i, result] : llvm::enumerate(results)) {
      const NumberArray &made = e.array(yield->getOperand(i));
      for (auto [n, t] : llvm::enumerate(rows))
        for (int64_t c = 0; c < result.columns(); ++c)
          result.row(t)[c] += made.row(n)[c];
    }
    const NumberArray &made = e.array(yield->getOperand(results.size()));
    for (auto [n, t] : llvm::enumerate(rows))
      toGates.row(t)[expert] = made.row(n)[0];
  }
  for (auto [to, result] : llvm::zip(op.getResults(), results))
    if (failed(e.set(to, std::move(result))))
      return failure();
  return e.set(op.getResults().back(), std::move(toGates));
}

} // namespace

void tenon::addChoiceGradientRules(EvaluationRules &rules) {
  rules.add(evaluateZerosLike);
  rules.add(evaluateClampGradient);
  rules.add(evaluatePadRows);
  rules.add(evaluateScoreBiasGradient);
  rules.add(evaluateDistanceGatherGradient);
  rules.add(evaluateMixtureGradient);
}
