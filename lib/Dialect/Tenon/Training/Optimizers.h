//===- Optimizers.h - the steps that a trainer can choose from --*- C++ -*-===//

#ifndef TENON_LIB_DIALECT_TENON_TRAINING_OPTIMIZERS_H
#define TENON_LIB_DIALECT_TENON_TRAINING_OPTIMIZERS_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"

namespace tenon {

/// Adds the entry points of optimizers (TenonOptimizer.h) for every weight that
/// the module's @gradient has one of; Muon's only if there is a matrix for it.
/// Returns how many weights there are.
int64_t deriveUpdates(mlir::ModuleOp module, mlir::Location loc);

} // namespace tenon

#endif // TENON_LIB_DIALECT_TENON_TRAINING_OPTIMIZERS_H
