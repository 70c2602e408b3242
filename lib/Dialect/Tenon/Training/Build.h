//===- Build.h - tensors of rules in one word each --------------*- C++ -*-===//

#ifndef TENON_LIB_DIALECT_TENON_TRAINING_BUILD_H
#define TENON_LIB_DIALECT_TENON_TRAINING_BUILD_H

#include "mlir/IR/BuiltinOps.h"
#include "tenon/Dialect/Tenon/IR/TenonLearning.h"
#include "tenon/Dialect/Tenon/IR/TenonTraining.h"
#include "tenon/Dialect/Tenon/Transforms/Differentiation.h"

namespace tenon {

inline mlir::RankedTensorType tensorOf(mlir::Value value) {
  return mlir::cast<mlir::RankedTensorType>(value.getType());
}

/// Builds operations on tensors, so that a rule reads like its formula. Types
/// of results follow from those of operands, by NumPy's rule of broadcasting.
struct Build {
  using Value = mlir::Value;

  mlir::OpBuilder &builder;
  mlir::Location loc;

  Build(mlir::OpBuilder &builder, mlir::Operation *op)
      : builder(builder), loc(op->getLoc()) {}
  Build(mlir::OpBuilder &builder, mlir::Location loc)
      : builder(builder), loc(loc) {}

  Value add(Value x, Value y) const;
  Value sub(Value x, Value y) const;
  Value mul(Value x, Value y) const;
  Value div(Value x, Value y) const;
  Value scale(Value x, double factor) const;
  Value shift(Value x, double amount) const;
  /// numerator / x
  Value reciprocal(Value x, double numerator) const;
  Value activation(Value x, ActivationKind kind) const;
  Value zerosLike(Value x) const;
  /// Over one dimension, which stays as 1.
  Value reduce(Value x, Reduction kind, int64_t dim) const;
  /// Over the last one.
  Value mean(Value x) const;
  Value sum(Value x) const;
  /// The last two dimensions exchanged.
  Value transpose(Value x) const;
  Value matmul(Value x, Value y) const;
  /// x wᵀ of a plain matrix w, or x w if flipped.
  Value weightProduct(Value x, Value w, bool flipped = false) const;

private:
  template <typename Op> Value binary(Value x, Value y) const;
};

/// The memory of a weight's gradient, of the layer that a reference reads.
mlir::Value gradientOf(mlir::OpBuilder &builder, WeightRefOp ref);

/// Makes products of all linears inside, and counts them: `tenon.matmul`, whose
/// bits are the same for one row or many, or for `isOfManyRows`
/// `tenon.weight_product`. Errors: one that is gated.
mlir::LogicalResult lowerLinears(mlir::Operation *root, bool isOfManyRows,
                                 int64_t *count = nullptr);
/// Replaces biases that are computed from a table by lookups in the table,
/// which then has a gradient, in a function of the module. Returns the weights
/// that the function no longer reads.
llvm::SmallDenseSet<mlir::Operation *> exposeTables(mlir::ModuleOp module,
                                                    mlir::Operation *function);

// One function for each group of rules: attaches them to their operations.
void attachChoiceRules(mlir::MLIRContext *context);
void attachElementwiseRules(mlir::MLIRContext *context);
void attachProductRules(mlir::MLIRContext *context);
void attachRowRules(mlir::MLIRContext *context);
void attachViewRules(mlir::MLIRContext *context);

} // namespace tenon

#endif // TENON_LIB_DIALECT_TENON_TRAINING_BUILD_H
