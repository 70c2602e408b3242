//===- EntryRewriter.h - one entry point from tensors to memrefs -*- C++
//-*-===//

#ifndef TENON_LIB_DIALECT_TENON_MEMORY_ENTRYREWRITER_H
#define TENON_LIB_DIALECT_TENON_MEMORY_ENTRYREWRITER_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/IRMapping.h"
#include "tenon/Dialect/Tenon/IR/TenonLearning.h"
#include "tenon/Dialect/Tenon/IR/TenonMixture.h"
#include "tenon/Dialect/Tenon/IR/TenonTexts.h"
#include "tenon/Dialect/Tenon/IR/TenonTraining.h"
#include "tenon/Dialect/Tenon/IR/TenonWindows.h"
#include <deque>

namespace tenon {

/// The sizes of the memories that an entry point works on.
struct MemorySizes {
  int64_t weights = 0;  ///< bytes
  int64_t cache = 0;    ///< bytes, of the entry point's sequences
  int64_t maxChunk = 0; ///< tokens: the bound of T
  int64_t rows = 0;     ///< bytes: of the saved rows of a sequence that learns
};

/// What was done with the values of compute operations.
struct BufferCounts {
  int64_t allocated = 0, inPlace = 0, direct = 0, copied = 0;
};

/// Rewrites one entry point. The old function stays until `finish`.
///
/// A *buffer* is memory that holds one tensor value after another. Its aliases
/// are the values that live in it, whole or as views. It may be written by an
/// operation of its owner block when no alias is read later, and the operation
/// itself reads it only in ways that `canWriteInPlace` allows.
class EntryRewriter {
public:
  EntryRewriter(mlir::func::FuncOp oldFunc, const MemorySizes &sizes,
                BufferCounts &counts);

  /// Builds the new function beside the old one, and replaces it.
  mlir::LogicalResult run();

private:
  struct Buffer {
    /// What an operation writes to fill the buffer. The output's is all rows
    /// that there can be, until `fitOutput`.
    mlir::Value whole;
    /// The old block whose operations may write here; null for inputs.
    mlir::Block *owner = nullptr;
    llvm::SmallVector<mlir::Value> aliases;
    bool isOutput = false;
  };

  /// What an expert of a mixture sees: its number, how many rows (null: the
  /// only one there is), which, and their gates.
  struct ExpertRows {
    mlir::Value number, count, rows, gates;
  };

  // The signature.
  mlir::LogicalResult checkSignature();
  void createFunction();
  void mapArguments();

  // Operations, in order. Each maps the results of its operation.
  mlir::LogicalResult rewriteBlock(mlir::Block &block);
  mlir::LogicalResult rewriteOp(mlir::Operation *op);
  mlir::LogicalResult rewriteCompute(ComputeOpInterface op);
  mlir::LogicalResult rewriteLoop(mlir::scf::ForOp op);
  mlir::LogicalResult rewriteIf(mlir::scf::IfOp op);
  mlir::LogicalResult rewriteForEachText(ForEachTextOp op);
  mlir::LogicalResult rewriteMixture(MixtureOp op);
  mlir::LogicalResult rewriteMixtureGradient(MixtureGradientOp op);
  void rewriteYield(mlir::scf::ForOp loop);
  void rewriteReturn(mlir::func::ReturnOp op);
  void rewriteWeightRef(WeightRefOp op);
  void rewriteConcatRows(ConcatRowsOp op);
  void rewriteAttention(AttentionOp op);
  void rewriteCachedAttention(CachedAttentionOp op);
  void rewriteCacheAppend(CacheAppendOp op);
  /// What only a model that learns has (EntryTraining.cpp); false: it is
  /// something else.
  bool rewriteTraining(mlir::Operation *op);
  void rewriteHeadLoss(HeadLossOp op);
  /// A call of the runtime about the turn at section + trip; a null trip is 0.
  void takeTurn(mlir::Location loc, llvm::StringRef callee, int64_t section,
                mlir::Value trip);
  /// The memory of saved rows of so many tokens, `offset` numbers a token after
  /// its beginning.
  mlir::Value savedRowsAt(mlir::Location loc, mlir::RankedTensorType type,
                          int64_t offset, mlir::Value count);
  void rewriteAttentionGradient(AttentionGradientOp op);
  void rewriteGradientNorm(GradientNormOp op);
  void rewriteUpdate(UpdateOp op);
  /// Steps of other optimizers (EntryOptimizer.cpp), likewise.
  bool rewriteOptimizer(mlir::Operation *op);
  /// A weight with all of its layers as so many f32, and where it begins, in
  /// bytes: zeros between layers stay zeros.
  std::pair<mlir::MemRefType, int64_t> wholeWeight(WeightOp weight);
  mlir::LogicalResult rewriteView(mlir::Operation *op);

  /// Sorts rows by the experts whose gate isn't 0, and emits a body for those
  /// that have any.
  mlir::LogicalResult forEachExpert(
      mlir::Operation *op, mlir::Value oldGates, int64_t top, int64_t experts,
      llvm::function_ref<mlir::LogicalResult(const ExpertRows &)> emitBody);
  /// Binds an argument of a body to an expert's rows of a memref.
  void gatherRows(mlir::Operation *op, const ExpertRows &expert,
                  mlir::Value from, mlir::Value argument);

  // Where results go.
  void findDestinations(mlir::Operation *terminator,
                        llvm::ArrayRef<Buffer *> buffers);
  bool canWrite(Buffer *buffer, mlir::Operation *op);
  mlir::Value chooseOutput(mlir::Operation *op);
  void fitOutput(mlir::Location loc, mlir::Value count);
  mlir::Value allocate(mlir::Location loc, mlir::RankedTensorType type,
                       mlir::Value rows, mlir::Value columns = {});
  /// The extent of the last dimension, if that is dynamic: of scores the number
  /// of keys, which is that of rows unless they are another text's.
  mlir::Value columnsOf(mlir::Value old);
  /// Memory for the value of an old one, whose extents are known.
  mlir::Value allocateFor(mlir::Location loc, mlir::Value old);
  /// Notes how many rows and columns the result of an operation has. Error: a
  /// dynamic result whose operands say nothing.
  mlir::LogicalResult trackExtents(ComputeOpInterface op);
  Buffer *addBuffer(mlir::Value whole, mlir::Block *owner);
  void bind(mlir::Value old, mlir::Value memref, Buffer *buffer,
            mlir::Value rows);
  void copy(mlir::Location loc, mlir::Value from, mlir::Value to);

  // Views and scalars.
  /// The new value of an optional operand; null if there is none.
  mlir::Value lookupIf(mlir::Value old) {
    return old ? mapping.lookup(old) : mlir::Value();
  }
  mlir::Value constant(mlir::Location loc, int64_t value);
  /// A rectangle of `from` with dynamic extents `count`, at `offset` in `dim`.
  mlir::Value rectangleOf(mlir::Location loc, mlir::Value from,
                          llvm::ArrayRef<int64_t> shape, mlir::Value count,
                          unsigned dim = 0, mlir::OpFoldResult offset = {});
  /// The memref of an old value, copied if its last dimension has a stride, as
  /// that of a transposed value: kernels read vectors of it.
  mlir::Value withUnitStride(mlir::Location loc, mlir::Value old);
  mlir::Value headsOfRows(mlir::Location loc, mlir::Value tokenMajor);
  /// The memrefs of a layer's keys and values in %cache, of one of its
  /// sequences or of the only one.
  std::pair<mlir::Value, mlir::Value> cacheViews(mlir::Location loc,
                                                 mlir::Value cache,
                                                 mlir::Value layer,
                                                 mlir::Value sequence);
  /// Emits `body` for tokens at an old position: once if they are one
  /// sequence's (`row` is null), or for the row of each sequence.
  void forEachSequence(
      mlir::Location loc, mlir::Value oldPosition,
      llvm::function_ref<void(mlir::Value row, mlir::Value position)> body);
  /// The token of a row in a head tensor, or all if `row` is null.
  mlir::Value tokenOf(mlir::Location loc, mlir::Value heads, mlir::Value row);
  /// A view of this type at so many bytes of a memory.
  mlir::Value viewAt(mlir::Location loc, mlir::Value memory,
                     mlir::MemRefType type, mlir::Value offset);
  /// Where a weight's layer begins in its memory, in bytes.
  mlir::Value layerOffset(mlir::Location loc, WeightOp weight,
                          mlir::Value oldLayer);
  /// The memory of a stash that belongs to a trip.
  mlir::Value tripOf(mlir::Location loc, mlir::Value stash, mlir::Value trip);
  /// The rows of an old value: the tracked count, or a constant if static.
  mlir::Value rowsOf(mlir::Location loc, mlir::Value old);
  /// Attention of one query in parts over the keys, and their combination.
  void emitPartialAttention(CachedAttentionOp op, mlir::Value out);
  /// How operations on the blocks of a cache are told that it is a ring.
  mlir::UnitAttr ringOf(mlir::Value cache);
  void finishOp(mlir::Operation *created, mlir::Operation *from);
  /// Gives an operation that only the memory level has its tile and label.
  void finishHelper(mlir::Operation *created, const llvm::Twine &label);

  mlir::func::FuncOp oldFunc, newFunc;
  const MemorySizes &sizes;
  BufferCounts &counts;
  mlir::OpBuilder builder;
  TargetAttr target;

  mlir::IRMapping mapping;                       // old value -> new value
  llvm::DenseMap<mlir::Value, mlir::Value> rows; // old value -> its T
  /// Scores of keys of another text: old value -> how many there are.
  llvm::DenseMap<mlir::Value, mlir::Value> columns;
  llvm::DenseMap<mlir::Value, Buffer *> bufferOf;     // old value -> buffer
  llvm::DenseMap<mlir::Value, Buffer *> destinations; // old value -> wanted
  llvm::DenseMap<mlir::Value, int64_t> cacheOffsets;  // old cache -> bytes
  int64_t sequenceBytes = 0; // of all caches of a sequence
  std::deque<Buffer> buffers;
  /// For each loop, the buffers of its carried tensors (null for scalars).
  llvm::DenseMap<mlir::Operation *, llvm::SmallVector<Buffer *>> loopBuffers;
  /// The memories of a model that learns; null for others.
  mlir::Value gradients, moments, savedRows;
  Buffer *output = nullptr;
  bool outputFitted = false;
};

} // namespace tenon

#endif // TENON_LIB_DIALECT_TENON_MEMORY_ENTRYREWRITER_H
