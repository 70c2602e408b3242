//===- LoweringPasses.h - from dispatches to LLVM ---------------*- C++ -*-===//
//
// The passes after the kernels: outlining, and the LLVM dialect.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_CONVERSION_LOWERINGPASSES_H
#define TENON_CONVERSION_LOWERINGPASSES_H

#include "mlir/Pass/Pass.h"
#include "tenon/Dialect/Tenon/IR/PassStatistic.h"
#include "llvm/ADT/StringRef.h"

namespace mlir {
class OpPassManager;
} // namespace mlir

namespace tenon {

#define GEN_PASS_DECL
#include "tenon/Conversion/LoweringPasses.h.inc"
#define GEN_PASS_REGISTRATION
#include "tenon/Conversion/LoweringPasses.h.inc"

/// On a module, after tenon-outline-dispatches: an array of dictionaries
/// {id, name, kind, location}, one for each dispatch and each prologue, for the
/// executable's metadata. `id` is the first argument of tenon_dispatch; that of
/// a prologue is the one before.
inline constexpr llvm::StringLiteral kOperationsAttrName = "tenon.operations";

/// On an LLVM function: of its loops, LLVM unrolls by a factor only those that
/// carry one vector, as a sum, or those of a register tile.
inline constexpr llvm::StringLiteral kUnrollSumsAttrName = "tenon-unroll-sums";

/// The prefix of the exported wrappers of entry points.
inline constexpr llvm::StringLiteral kEntryPrefix = "tenon_entry_";

/// From kernels in dispatches to the LLVM dialect: tenon-outline-dispatches,
/// tenon-to-llvm, and clean-ups.
void buildLLVMPipeline(mlir::OpPassManager &manager);
/// Registers buildLLVMPipeline as --tenon-llvm-pipeline.
void registerLLVMPipeline();

} // namespace tenon

#endif // TENON_CONVERSION_LOWERINGPASSES_H
