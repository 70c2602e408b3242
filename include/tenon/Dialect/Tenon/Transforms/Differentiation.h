//===- Differentiation.h - gradients of operations --------------*- C++ -*-===//
//
// What the rules of tenon-differentiate share: the gradients found so far, and
// the interface through which an operation has its rule.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_DIALECT_TENON_TRANSFORMS_DIFFERENTIATION_H
#define TENON_DIALECT_TENON_TRANSFORMS_DIFFERENTIATION_H

#include "tenon/Dialect/Tenon/IR/TenonDialect.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/DenseSet.h"

namespace mlir {
class DialectRegistry;
} // namespace mlir

namespace tenon {

/// The gradients of the loss with respect to the values of one block, in the
/// order in which the way back finds them.
class Adjoints {
public:
  /// The gradient of a value, of its type; null if nothing has come back.
  mlir::Value of(mlir::Value value) const { return sums.lookup(value); }

  /// Whether a weight that learns is behind the value.
  bool wants(mlir::Value value) const { return active.contains(value); }
  void setActive(mlir::Value value) { active.insert(value); }

  /// The gradient of a value as far as it has come, which is forgotten; null if
  /// nothing has come back.
  mlir::Value take(mlir::Value value) {
    mlir::Value sum = sums.lookup(value);
    sums.erase(value);
    return sum;
  }
  void set(mlir::Value value, mlir::Value gradient) { sums[value] = gradient; }
  /// A value that is about to go: another may come to lie where it was.
  void forget(mlir::Value value) {
    sums.erase(value);
    active.erase(value);
  }

  /// Adds to a value's gradient, if it is wanted. A gradient of more or longer
  /// dimensions is summed over those along which the value was broadcast.
  void add(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value value,
           mlir::Value gradient);

private:
  llvm::DenseMap<mlir::Value, mlir::Value> sums;
  llvm::DenseSet<mlir::Value> active;
};

/// Attaches the rules to the operations of the dialect, when it is loaded.
void registerGradients(mlir::DialectRegistry &registry);

} // namespace tenon

#include "tenon/Dialect/Tenon/IR/TenonDifferentiable.h.inc"

#endif // TENON_DIALECT_TENON_TRANSFORMS_DIFFERENTIATION_H
