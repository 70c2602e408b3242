//===- Mixtures.cpp - experts and who chooses them ------------------------===//

#include "Experts.h"
#include "Rules.h"
#include "tenon/Dialect/Tenon/IR/TenonMixture.h"

#include <algorithm>
#include <cmath>

using namespace mlir;
using namespace tenon;

std::vector<int64_t> tenon::tokensOf(const NumberArray &gates, int64_t expert) {
  std::vector<int64_t> tokens;
  for (int64_t t = 0; t < gates.rows(); ++t)
    if (gates.row(t)[expert] != 0)
      tokens.push_back(t);
  return tokens;
}

NumberArray tenon::gatherRows(const NumberArray &from, ArrayRef<int64_t> rows,
                              int64_t first, int64_t columns) {
  NumberArray to({static_cast<int64_t>(rows.size()), columns});
  for (auto [n, row] : llvm::enumerate(rows))
    std::copy_n(from.row(row) + first, columns, to.row(n));
  return to;
}

NumberArray tenon::gatherRows(const NumberArray &from, ArrayRef<int64_t> rows) {
  return gatherRows(from, rows, 0, from.columns());
}

namespace {

/// The places of the `count` greatest, of equal ones the first. What is no
/// number is never among them.
std::vector<int64_t> greatest(ArrayRef<double> numbers, int64_t count) {
  std::vector<int64_t> places;
  for (int64_t i = 0, n = numbers.size(); i < n; ++i)
    if (!std::isnan(numbers[i]))
      places.push_back(i);
  llvm::sort(places, [&](int64_t a, int64_t b) {
    return std::pair(-numbers[a], a) < std::pair(-numbers[b], b);
  });
  places.resize(std::min<size_t>(places.size(), count));
  return places;
}

LogicalResult evaluateTopK(Evaluator &e, TopKOp op) {
  const NumberArray &x = e.array(op.getInput());
  const NumberArray &by = op.getBy() ? e.array(op.getBy()) : x;
  auto groups = static_cast<int64_t>(op.getGroups());
  int64_t width = x.columns() / groups;
  NumberArray y(x.shape);
  for (int64_t t = 0; t < x.rows(); ++t) {
    std::vector<double> scores(by.row(t), by.row(t) + x.columns());
    if (groups > 1) {
      std::vector<double> sums(groups);
      for (int64_t g = 0; g < groups; ++g) {
        ArrayRef<double> own(scores.data() + g * width, width);
        for (int64_t place : greatest(own, op.getBest()))
          sums[g] += own[place];
      }
      std::vector<int64_t> kept = greatest(sums, op.getKeep());
      for (int64_t i = 0; i < x.columns(); ++i)
        if (!llvm::is_contained(kept, i / width))
          scores[i] = NAN;
    }
    for (int64_t i : greatest(scores, op.getK()))
      y.row(t)[i] = x.row(t)[i];
  }
  return e.set(op.getResult(), std::move(y));
}

LogicalResult evaluateMixture(Evaluator &e, MixtureOp op) {
  // Copies: the body may take away what the references lead to.
  NumberArray gates = e.array(op.getGates());
  std::vector<NumberArray> inputs;
  for (Value input : op.getInputs())
    inputs.push_back(e.array(input));
  Block &body = op.getBody().front();
  int64_t columns =
      cast<RankedTensorType>(op.getResult().getType()).getDimSize(1);
  NumberArray y({gates.rows(), columns});
  for (int64_t expert = 0; expert < gates.columns(); ++expert) {
    std::vector<int64_t> rows = tokensOf(gates, expert);
    if (rows.empty())
      continue;
    for (auto [argument, input] : llvm::zip(body.getArguments(), inputs))
      e.set(argument, EvaluatedValue::of(gatherRows(input, rows)));
    e.set(op.getExpert(), EvaluatedValue::ofIndex(expert));
    if (failed(e.run(body)))
      return failure();
    const NumberArray &made = e.array(body.getTerminator()->getOperand(0));
    for (auto [n, t] : llvm::enumerate(rows))
      for (int64_t i = 0; i < columns; ++i)
        y.row(t)[i] += gates.row(t)[expert] * made.row(n)[i];
  }
  return e.set(op.getResult(), std::move(y));
}

} // namespace

void tenon::addMixtureRules(EvaluationRules &rules) {
  rules.add(evaluateTopK);
  rules.add(evaluateMixture);
}
