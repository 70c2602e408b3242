//===- MemoryPasses.h - from tensors to tiles in memory ---------*- C++ -*-===//
//
// The passes that take a module from packed tensors to dispatches of tiles in
// a static arena. They run in the order of buildTilePipeline.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_DIALECT_TENON_TRANSFORMS_MEMORYPASSES_H
#define TENON_DIALECT_TENON_TRANSFORMS_MEMORYPASSES_H

#include "mlir/Pass/Pass.h"
#include "tenon/Dialect/Tenon/IR/PassStatistic.h"
#include "tenon/Dialect/Tenon/IR/TenonDialect.h"

namespace mlir {
class OpPassManager;
} // namespace mlir

namespace tenon {

#define GEN_PASS_DECL
#include "tenon/Dialect/Tenon/Transforms/MemoryPasses.h.inc"
#define GEN_PASS_REGISTRATION
#include "tenon/Dialect/Tenon/Transforms/MemoryPasses.h.inc"

/// Names of the attributes that a module carries after these passes: sizes in
/// bytes of the three memories of an entry point.
inline constexpr llvm::StringLiteral kWeightsBytesAttrName =
    "tenon.weights_bytes";
inline constexpr llvm::StringLiteral kArenaBytesAttrName = "tenon.arena_bytes";
inline constexpr llvm::StringLiteral kCacheBytesAttrName = "tenon.cache_bytes";

/// On an operation in buffer form: its name in a profile.
inline constexpr llvm::StringLiteral kLabelAttrName = "tenon.label";
/// What that is for an operation on tensors: its kind, and the weights that it
/// reads or the name that the description gives to its result.
std::string makeLabel(mlir::Operation *op);

/// The function that tenon-insert-calibration calls. In C:
///   void tenon_observe(int64_t place, const void *input, int64_t rows,
///                      int64_t stride, int64_t elementBytes);
inline constexpr llvm::StringLiteral kObserverName = "tenon_observe";

/// Every buffer, weight and place in the cache starts at a multiple of this.
inline constexpr int64_t kMemoryAlignment = 64;

/// The places of an entry point's arguments after tenon-bufferize. Inputs
/// follow `Inputs`; the last four are counted from the end.
struct EntryArguments {
  enum : unsigned { Weights = 0, Arena = 1, Cache = 2, Inputs = 3 };
  enum : unsigned { NumTrailing = 5 };
  /// The output (of no elements, if there is none), the number of tokens, the
  /// position of the first token, the number of rows of the head, and the
  /// number of tokens of the source, of a function with `count` arguments.
  static unsigned output(unsigned count) { return count - 5; }
  static unsigned numTokens(unsigned count) { return count - 4; }
  static unsigned position(unsigned count) { return count - 3; }
  static unsigned numRows(unsigned count) { return count - 2; }
  static unsigned sourceLength(unsigned count) { return count - 1; }
};

/// On a function: an entry point (unit attribute; the import sets it, and
/// tenon-bufferize where it is missing).
inline constexpr llvm::StringLiteral kEntryAttrName = "tenon.entry";

/// select-tiles, bufferize, plan-arena, apply-tiles, fuse-dispatches.
void buildTilePipeline(mlir::OpPassManager &manager);
/// The same with tenon-insert-calibration: the program calls kObserverName.
void buildObservedTilePipeline(mlir::OpPassManager &manager);
/// Registers buildTilePipeline as --tenon-tile-pipeline.
void registerTilePipeline();

} // namespace tenon

#endif // TENON_DIALECT_TENON_TRANSFORMS_MEMORYPASSES_H
