//===- Remarks.h - what passes say of each rewrite --------------*- C++ -*-===//
//
// A pass says of every place where it rewrote something, or could have and did
// not, what it did and why, through MLIR's remark engine: `tenonc --remarks`
// prints it, `--report` shows it beside the operation. Where nobody listens a
// remark costs a test for null.
//
//   remarkFused(op, DEBUG_TYPE, "bias") << says("this bias is the linear's");
//   remarkMissed(op, DEBUG_TYPE, "bias")
//       << says("this bias stays apart: the product is read elsewhere too")
//       << blockedBy(other) << suggests("...");
//
// A remark's name is that of the statistic that counts it. A place has one
// remark of a name: the last one holds, and a rewrite that a later round
// applied replaces the one that said why it was missed.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_DIALECT_TENON_IR_REMARKS_H
#define TENON_DIALECT_TENON_IR_REMARKS_H

#include "mlir/IR/Remarks.h"

namespace mlir {
class Operation;
} // namespace mlir

namespace tenon {

/// Keys of a remark's arguments.
inline constexpr llvm::StringLiteral kRemarkText = "Remark";
inline constexpr llvm::StringLiteral kRemarkBlocker = "BlockedBy";
inline constexpr llvm::StringLiteral kRemarkSuggestion = "Suggestion";

/// A rewrite of `op` that was applied. `pass` is the pass's argument.
mlir::remark::detail::InFlightRemark
remarkFused(mlir::Operation *op, llvm::StringRef pass, llvm::StringRef name);

/// A rewrite that was declined, at the operation that would have gone.
mlir::remark::detail::InFlightRemark
remarkMissed(mlir::Operation *op, llvm::StringRef pass, llvm::StringRef name);
/// The same at a place whose operation may be another.
mlir::remark::detail::InFlightRemark remarkMissed(mlir::Operation *op,
                                                  mlir::Location place,
                                                  llvm::StringRef pass,
                                                  llvm::StringRef name);

/// A choice that is neither applied nor missed: a tile, a layout.
mlir::remark::detail::InFlightRemark
remarkChosen(mlir::Operation *op, llvm::StringRef pass, llvm::StringRef name);

/// The sentence of a remark.
inline mlir::remark::detail::Remark::Arg says(std::string text) {
  return {kRemarkText, std::move(text)};
}
/// The place of what stood in the way.
mlir::remark::detail::Remark::Arg blockedBy(mlir::Location place);
/// What the writer of the description can do about it.
inline mlir::remark::detail::Remark::Arg suggests(std::string text) {
  return {kRemarkSuggestion, std::move(text)};
}

} // namespace tenon

#endif // TENON_DIALECT_TENON_IR_REMARKS_H
