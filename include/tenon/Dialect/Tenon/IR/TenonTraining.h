//===- TenonTraining.h - what learning computes -----------------*- C++ -*-===//
//
// Operations of the tenon dialect that few files need; TenonTrainingOps.td
// documents them.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_DIALECT_TENON_IR_TENONTRAINING_H
#define TENON_DIALECT_TENON_IR_TENONTRAINING_H

#include "tenon/Dialect/Tenon/IR/TenonDialect.h"

#define GET_OP_CLASSES
#include "tenon/Dialect/Tenon/IR/TenonTrainingOps.h.inc"

namespace tenon {

/// The entry points that tenon-differentiate makes: the gradient of a
/// sequence's loss, the loss alone, and the optimizer's step.
inline constexpr llvm::StringLiteral kGradientName = "gradient";
inline constexpr llvm::StringLiteral kLossName = "loss";
inline constexpr llvm::StringLiteral kUpdateName = "update";
/// On a module that learns: what (TrainingInfo.h), and of how many classes a
/// target is one.
inline constexpr llvm::StringLiteral kObjectiveAttrName = "tenon.objective";
inline constexpr llvm::StringLiteral kClassesAttrName = "tenon.classes";
/// On a module that is to learn: the entry point that the checkpoint's class
/// runs, which goes before others that could.
inline constexpr llvm::StringLiteral kDefaultEntryAttrName = "tenon.default";
/// The names of the memories that such an entry point takes after its inputs,
/// in this order: gradients, laid out as the weights are, and the optimizer's
/// first and second moments, each laid out so.
inline constexpr llvm::StringLiteral kGradientsInputName = "gradients";
inline constexpr llvm::StringLiteral kMomentsInputName = "moments";

/// Whether learning changes the weight: it is a tensor of the checkpoint, and
/// not computed.
bool isTrainable(WeightOp weight);

/// Whether the operation needs the memories of gradients and moments.
bool isTrainingMemoryOp(mlir::Operation *op);

} // namespace tenon

#endif // TENON_DIALECT_TENON_IR_TENONTRAINING_H
