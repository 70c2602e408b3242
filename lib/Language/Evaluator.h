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
  std::optional<Value> integers(const BinaryExpr *expr, int64_t a, int64_t b);
  std::nullopt_t fail(const Expr *expr, std::string message);

  const BoundModel &bound;
  BoundModel::EvaluationError *error;
};

} // namespace tenon::lang

#endif // TENON_LIB_LANGUAGE_EVALUATOR_H
