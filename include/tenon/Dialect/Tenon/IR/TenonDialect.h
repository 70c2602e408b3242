//===- TenonDialect.h - the tenon dialect -----------------------*- C++ -*-===//
//
// The dialect's attributes, types and operations. Their documentation is in
// the .td files beside this header and is generated to build/docs.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_DIALECT_TENON_IR_TENONDIALECT_H
#define TENON_DIALECT_TENON_IR_TENONDIALECT_H

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/IR/TensorEncoding.h"
#include "mlir/Interfaces/ControlFlowInterfaces.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/Interfaces/ViewLikeInterface.h"
#include "tenon/Support/Superblock.h"

namespace tenon::detail {
/// The effects of a compute operation: none on tensors; reads of the memref
/// operands and a write of `into` on memrefs.
void getComputeEffects(mlir::Operation *op,
                       llvm::SmallVectorImpl<mlir::SideEffects::EffectInstance<
                           mlir::MemoryEffects::Effect>> &effects);
/// Checks that a compute operation is on tensors with a result, or on memrefs
/// with an `into` operand.
mlir::LogicalResult verifyComputeOp(mlir::Operation *op);
} // namespace tenon::detail

#include "tenon/Dialect/Tenon/IR/TenonDialect.h.inc"
#include "tenon/Dialect/Tenon/IR/TenonEnums.h.inc"

#define GET_ATTRDEF_CLASSES
#include "tenon/Dialect/Tenon/IR/TenonAttrs.h.inc"

#define GET_TYPEDEF_CLASSES
#include "tenon/Dialect/Tenon/IR/TenonTypes.h.inc"

#include "tenon/Dialect/Tenon/IR/TenonInterfaces.h.inc"

#define GET_OP_CLASSES
#include "tenon/Dialect/Tenon/IR/TenonOps.h.inc"

namespace tenon {

/// Names of the attributes that a module carries.
inline constexpr llvm::StringLiteral kTargetAttrName = "tenon.target";
/// On a module, where kernels are made for several CPUs: an array of all of
/// their targets, from which the layout of the weights that they share follows.
inline constexpr llvm::StringLiteral kTargetsAttrName = "tenon.targets";
/// How weights are quantized: "int8", "int4" or "bf16".
inline constexpr llvm::StringLiteral kQuantizeAttrName = "tenon.quantize";
/// "int8" or "int16": the precision of what linears of weights in blocks read.
/// Without it 8 bits, and 16 for logits. After tenon-pack-weights what there
/// is, in words; nothing if there are no such linears.
inline constexpr llvm::StringLiteral kActivationsAttrName = "tenon.activations";
/// The precision of a decoder's cache: "f32", "f16" or "int8". What is asked
/// for until tenon-incremental, then what was chosen.
inline constexpr llvm::StringLiteral kKVCacheAttrName = "tenon.kv_cache";
/// "on", "off" or "auto": whether a cache holds what keys and values are made
/// of instead of themselves (tenon-absorb-latent).
inline constexpr llvm::StringLiteral kLatentCacheAttrName =
    "tenon.latent_cache";
/// "decoder" or "encoder".
inline constexpr llvm::StringLiteral kKindAttrName = "tenon.kind";
/// The longest sequence in tokens: positions are below it.
inline constexpr llvm::StringLiteral kContextAttrName = "tenon.context";
/// The most tokens that one call takes.
inline constexpr llvm::StringLiteral kMaxChunkAttrName = "tenon.max_chunk";
/// The most sequences that are decoded together; absent: one.
inline constexpr llvm::StringLiteral kMaxSequencesAttrName =
    "tenon.max_sequences";
/// On an argument of an entry point: the name of the input.
inline constexpr llvm::StringLiteral kInputNameAttrName = "tenon.name";

/// On a matrix product whose scores no attention took: why, and the location of
/// the operation that it ends at.
inline constexpr llvm::StringLiteral kDeclinedAttrName = "tenon.declined";
inline constexpr llvm::StringLiteral kDeclinedAtAttrName = "tenon.declined_at";

/// How many distances to either side a bias of scores holds for sequences of so
/// many tokens: kernels read it for all keys of the last block, and for a whole
/// tile of queries.
inline int64_t getBiasReach(int64_t context) {
  constexpr int64_t kKeys = 128, kQueries = 32;
  return llvm::alignTo(context, kKeys) + kQueries;
}
/// How many keys a bias by key holds for sequences of so many tokens.
inline int64_t getBiasKeys(int64_t context) {
  constexpr int64_t kKeys = 128;
  return llvm::alignTo(context, kKeys);
}

/// The panel layout of a weight's type, or null if the weight is not packed.
PanelAttr getPanel(mlir::Type type);
/// The element type of weights of this precision: f32, f16, bf16 or a
/// `!tenon.block`; null for what no weight has.
mlir::Type getWeightElement(mlir::MLIRContext *context, DType type);
/// Bytes of an element in memory: of a number, a superblock or an int8 group.
int64_t getElementBytes(mlir::Type element);
/// How many int8 groups a row of activations has that a linear with this weight
/// reads: those of whole superblocks.
int64_t getInt8Groups(mlir::RankedTensorType weight);
/// The bytes that a value of this tensor type takes: packed, if it has a panel.
int64_t getStorageBytes(mlir::RankedTensorType type);
/// The target of the module around an operation, or null.
TargetAttr getTarget(mlir::Operation *op);

/// What memrefs of keys and values in cache blocks hold, by the layouts of
/// `!tenon.kv_cache`.
struct CacheBlocks {
  int64_t heads, capacity;
  /// Components of a key and of a value. Keys in pairs of bf16 may have one
  /// less.
  int64_t keyDim, valueDim;
  /// As KVCacheType's: f32, f16, i8 or bf16.
  mlir::Type element;

  /// Nothing if the memrefs are no such blocks, or don't fit each other.
  static std::optional<CacheBlocks> get(mlir::MemRefType keys,
                                        mlir::MemRefType values);
  mlir::MemRefType getKeysType() const;
  mlir::MemRefType getValuesType() const;
  /// Whether keys of so many components are those of these blocks.
  bool holdKeys(int64_t dim) const {
    return element.isBF16()
               ? llvm::divideCeil(dim, 2) == llvm::divideCeil(keyDim, 2)
               : dim == keyDim;
  }
};

} // namespace tenon

#endif // TENON_DIALECT_TENON_IR_TENONDIALECT_H
