//===- TenonOptimizer.h - steps of other optimizers -------------*- C++ -*-===//
//
// Operations of the tenon dialect that few files need; TenonOptimizerOps.td
// documents them.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_DIALECT_TENON_IR_TENONOPTIMIZER_H
#define TENON_DIALECT_TENON_IR_TENONOPTIMIZER_H

#include "tenon/Dialect/Tenon/IR/TenonTraining.h"

#define GET_OP_CLASSES
#include "tenon/Dialect/Tenon/IR/TenonOptimizerOps.h.inc"

namespace tenon {

/// The entry points of optimizers beside AdamW, whose is kUpdateName: SGD and
/// Lion, and Muon. The latter takes two sets of numbers: AdamW's, for what is
/// no matrix of a layer, and its own.
inline constexpr llvm::StringLiteral kMomentumUpdateName = "update_momentum";
inline constexpr llvm::StringLiteral kMuonUpdateName = "update_muon";

/// Whether it is a step in memory, which is cut into tasks.
inline bool isOptimizerStep(mlir::Operation *op) {
  return mlir::isa<MomentumOp, LeanOp, StepAlongOp>(op);
}

} // namespace tenon

#endif // TENON_DIALECT_TENON_IR_TENONOPTIMIZER_H
