//===- Evaluator.h - values of scalar expressions ---------------*- C++ -*-===//

#ifndef TENON_LIB_LANGUAGE_EVALUATOR_H
#define TENON_LIB_LANGUAGE_EVALUATOR_H

#include "tenon/Language/Bind.h"

namespace tenon::lang {

/// Evaluates one expression of a checked model with checked arithmetic. Names
/// have their values in the BoundModel already, so that the time is linear in
/// the expression.
class Evaluator {
public:
  Evaluator(const BoundModel &bound, BoundModel::EvaluationError *error)
      : bound(bound), error(error) {}

  std::optional<Value> evaluate(const Expr *expr);

private:
  std::optional<Value> unary(const UnaryExpr *expr);
  std::optional<Value> binary(const BinaryExpr *expr);
  std::optional<Value> call(const CallExpr *expr);
  std::optional<Value> element(const IndexExpr *expr);
  std::optional<Value> list(const ListExpr *expr);
  std::optional<Value> comprehension(const ComprehensionExpr *expr);
  std::optional<Value> integers(const BinaryExpr *expr, int64_t a, int64_t b);
  std::nullopt_t fail(const Expr *expr, std::string message);

  const BoundModel &bound;
  BoundModel::EvaluationError *error;
  // The indices of the comprehensions around.
  std::vector<std::pair<const Decl *, int64_t>> indices;
};

} // namespace tenon::lang

#endif // TENON_LIB_LANGUAGE_EVALUATOR_H
