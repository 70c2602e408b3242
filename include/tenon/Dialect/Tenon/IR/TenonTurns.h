//===- TenonTurns.h - gradients of several processes ------------*- C++ -*-===//
//
// Operations of the tenon dialect that few files need; TenonTurnOps.td
// documents them.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_DIALECT_TENON_IR_TENONTURNS_H
#define TENON_DIALECT_TENON_IR_TENONTURNS_H

#include "tenon/Dialect/Tenon/IR/TenonDialect.h"

#define GET_OP_CLASSES
#include "tenon/Dialect/Tenon/IR/TenonTurnOps.h.inc"

namespace tenon {

/// The entry point that adds the saved rows of a sequence to their tables; of
/// the same inputs as the gradient.
inline constexpr llvm::StringLiteral kRowGradientsName = "row_gradients";
/// On a module with it: how many numbers are saved of a token.
inline constexpr llvm::StringLiteral kRowNumbersAttrName = "tenon.row_numbers";
/// The memory of saved rows, after those of gradients and moments.
inline constexpr llvm::StringLiteral kRowsInputName = "rows";
/// On a tenon.head_loss: the section whose turn it awaits in its loop, right
/// before it adds to the weight's gradient.
inline constexpr llvm::StringLiteral kTurnAttrName = "tenon.turn";
/// What the operations call in memory (Runtime/Abi.h).
inline constexpr llvm::StringLiteral kAwaitTurnName = "tenon_await_turn";
inline constexpr llvm::StringLiteral kPassTurnName = "tenon_pass_turn";
/// Sections are numbered below this: TENON_TURN_SECTIONS of Runtime/Abi.h.
inline constexpr int64_t kMaxTurnSections = 65536;

} // namespace tenon

#endif // TENON_DIALECT_TENON_IR_TENONTURNS_H
