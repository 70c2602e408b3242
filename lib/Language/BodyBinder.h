//===- BodyBinder.h - bodies of defs with numbers ---------------*- C++ -*-===//

#ifndef TENON_LIB_LANGUAGE_BODYBINDER_H
#define TENON_LIB_LANGUAGE_BODYBINDER_H

#include "tenon/Language/Bind.h"
#include "tenon/Language/Builtins.h"

namespace tenon::lang {

/// Reports that an expression has no value, with the hyperparameters in it.
void reportEvaluation(const BoundModel &bound, const Expr *expr,
                      const BoundModel::EvaluationError &error,
                      Diagnostics &diagnostics);

/// What the body of a layer depends on in one repetition.
struct BodyFacts {
  /// Numbers that operations use, conditions of tensors.
  std::vector<std::pair<const Expr *, Value>> values;
  /// The stack of each of the layer's weights.
  std::vector<std::pair<const WeightDecl *, std::optional<size_t>>> weights;
  bool operator==(const BodyFacts &) const = default;
};

/// Notes the first difference between two repetitions, the second of which
/// follows `number`.
void noteDifference(const BoundModel &bound, int64_t number, const BodyFacts &a,
                    const BodyFacts &b, Diagnostic &diagnostic);

/// Walks what a def evaluates once its conditionals are decided: gives values
/// to scalar lets, verifies scalar arguments, constraints and every dimension,
/// and records which weights and defs are used.
class BodyBinder {
public:
  BodyBinder(BoundModel &bound, Diagnostics &diagnostics);

  /// `facts`, if not null, gets what the body depends on.
  bool bind(const DefDecl &def, BodyFacts *facts = nullptr);
  /// An expression outside defs whose operations take scalars only.
  bool bindScalarCall(const Expr *expr) { return walk(expr); }

private:
  bool walk(const Expr *expr);
  bool walkParts(const Expr *expr);
  bool walkCall(const CallExpr *call);
  bool mayBeMissing(const CallExpr *call, const Expr *value) const;
  bool checkScalar(const CallExpr *call, const BuiltinParam &param,
                   const Expr *value);
  bool checkRopeOf(const CallExpr *call, int64_t dim);
  bool checkMeaning(const CallExpr *call);
  bool checkTopK(const CallExpr *call);
  bool checkConstraints(const CallExpr *call);
  bool checkAlike(const ConditionalExpr *expr);
  bool checkExtents(const Expr *expr);
  bool fail(SourceRange range, std::string message);

  BoundModel &bound;
  const Model &model;
  Diagnostics &diagnostics;
  void learn(const Expr *expr, Value value);
  void use(const DefDecl *callee);

  BoundModel::Uses *uses = nullptr;
  BodyFacts *facts = nullptr;
  std::multimap<const Expr *, const Model::Constraint *> constraints;
};

} // namespace tenon::lang

#endif // TENON_LIB_LANGUAGE_BODYBINDER_H
