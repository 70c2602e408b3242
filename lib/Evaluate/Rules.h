//===- Rules.h - the rules of evaluation, by subject ------------*- C++ -*-===//

#ifndef TENON_LIB_EVALUATE_RULES_H
#define TENON_LIB_EVALUATE_RULES_H

#include "tenon/Evaluate/Evaluator.h"

#include <numeric>

namespace tenon {

void addControlRules(EvaluationRules &rules);
void addElementwiseRules(EvaluationRules &rules);
void addRowRules(EvaluationRules &rules);
void addProductRules(EvaluationRules &rules);
void addAttentionRules(EvaluationRules &rules);
void addShapeRules(EvaluationRules &rules);
void addMixtureRules(EvaluationRules &rules);
void addTrainingRules(EvaluationRules &rules);
void addOptimizerRules(EvaluationRules &rules);
void addTextRules(EvaluationRules &rules);
void addWindowRules(EvaluationRules &rules);
void addChoiceGradientRules(EvaluationRules &rules);

/// f(x) of an activation.
double activate(ActivationKind kind, double x);

/// Where each token stands: position + t, or positions[t]; t without either.
inline std::vector<int64_t> positionsOf(const Evaluator &evaluator,
                                        mlir::Value position, int64_t tokens) {
  std::vector<int64_t> positions(tokens);
  int64_t first = 0;
  if (position && mlir::isa<mlir::RankedTensorType>(position.getType())) {
    const NumberArray &each = evaluator.array(position);
    positions.assign(each.values.begin(), each.values.end());
    return positions;
  }
  if (position)
    first = evaluator.index(position);
  std::iota(positions.begin(), positions.end(), first);
  return positions;
}

} // namespace tenon

#endif // TENON_LIB_EVALUATE_RULES_H
