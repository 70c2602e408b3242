//===- FusionPasses.h - passes on tensors -----------------------*- C++ -*-===//
//
// From what a description says to what the kernels compute: fusion, the
// incremental form, packed weights. All of it on tensors; the passes to memory
// are in MemoryPasses.h.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_DIALECT_TENON_TRANSFORMS_FUSIONPASSES_H
#define TENON_DIALECT_TENON_TRANSFORMS_FUSIONPASSES_H

#include "mlir/Pass/Pass.h"
#include "tenon/Dialect/Tenon/IR/PassStatistic.h"
#include "tenon/Dialect/Tenon/IR/TenonDialect.h"

namespace mlir {
class OpPassManager;
} // namespace mlir

namespace tenon {

#define GEN_PASS_DECL
#include "tenon/Dialect/Tenon/Transforms/FusionPasses.h.inc"
#define GEN_PASS_REGISTRATION
#include "tenon/Dialect/Tenon/Transforms/FusionPasses.h.inc"

/// The entry points of a decoder: the whole-sequence function that a
/// description gives, and those that tenon-incremental derives from it.
inline constexpr llvm::StringLiteral kForwardName = "forward";
inline constexpr llvm::StringLiteral kEncodeName = "encode";
inline constexpr llvm::StringLiteral kPrefillName = "prefill";
inline constexpr llvm::StringLiteral kDecodeName = "decode";
/// One token of each of several sequences; only with `tenon.max_sequences`
/// above 1.
inline constexpr llvm::StringLiteral kDecodeBatchName = "decode_batch";
/// The name of its second input: the position of each token.
inline constexpr llvm::StringLiteral kPositionsInputName = "positions";

/// From primitive to fused operations: linear, attention, scales, ffn, Q/K/V.
void buildFusePipeline(mlir::OpPassManager &manager);
/// From whole sequences to calls with a key/value cache.
void buildCachePipeline(mlir::OpPassManager &manager);
/// From the checkpoint's precision to the one that the module's
/// `tenon.quantize` asks for, if any.
void buildQuantizePipeline(mlir::OpPassManager &manager);
/// From the model's weights to those that the target's kernels read. The module
/// needs `tenon.target`.
void buildPackPipeline(mlir::OpPassManager &manager);
/// Registers them as --tenon-fuse-pipeline, --tenon-cache-pipeline,
/// --tenon-quantize-pipeline and --tenon-pack-pipeline.
void registerFusionPipelines();

} // namespace tenon

#endif // TENON_DIALECT_TENON_TRANSFORMS_FUSIONPASSES_H
