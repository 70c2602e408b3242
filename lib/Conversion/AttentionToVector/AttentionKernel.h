//===- AttentionKernel.h - what attention kernels share ---------*- C++ -*-===//
//
// The two kernels of tenon.block_attention differ in what lies in the lanes:
// the queries of a tile, or the keys and then the components of the values for
// a single query. Both do the same arithmetic on every number, in the order
// that `tenon-attention-to-vector` describes, so that their results have the
// same bits.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_LIB_CONVERSION_ATTENTIONTOVECTOR_ATTENTIONKERNEL_H
#define TENON_LIB_CONVERSION_ATTENTIONTOVECTOR_ATTENTIONKERNEL_H

#include "tenon/Conversion/KernelBuilder.h"

namespace tenon::attention {

/// Keys between two corrections of the running maximum, at its multiples.
constexpr int64_t kKeyBlock = 128;
/// Keys in one transposed block in memory.
constexpr int64_t kLaneBlock = KVCacheType::kBlock;
/// The running maximum before any key: finite, so that a difference to a masked
/// score of minus infinity is one too, and not NaN.
constexpr double kStartMaximum = -1e30;

class AttentionKernel {
public:
  AttentionKernel(KernelBuilder &b, BlockAttentionOp op);

protected:
  using Value = mlir::Value;
  using ValueRange = mlir::ValueRange;
  using Values = KernelBuilder::Values;

  /// The keys that some query at positions first .. last sees.
  struct KeyRange {
    /// A multiple of kKeyBlock.
    Value begin;
    Value end;
  };
  KeyRange keyRange(Value first, Value last);

  /// f32 memory on the stack, aligned to cache lines, until the kernel's end.
  Value scratch(llvm::ArrayRef<int64_t> shape);
  /// Emits into a scope that frees its scratch at its end.
  void scoped(llvm::function_ref<void()> body);
  Value minIndex(Value a, Value b);
  Value toI32(Value index);
  /// A register of i32 start + 0, start + 1, ...
  Value sequence(Value start);
  Value compare(mlir::arith::CmpIPredicate predicate, Value a, Value b);
  /// a and b; either may be null, which is true.
  Value both(Value a, Value b);
  /// A register of minus infinity where a mask is false.
  Value maskScores(Value mask, Value scores);

  KernelBuilder &b;
  BlockAttentionOp op;
  Value query, keys, values, out;
  int64_t heads, groups, headDim;
  /// Applied to scores: the operation's scale times log2 e.
  double scale;
};

/// Several queries, in the lanes.
class TiledQueries : AttentionKernel {
public:
  TiledQueries(KernelBuilder &b, BlockAttentionOp op);
  void emit();

private:
  struct Tile {
    Value head, group;
    /// First query of the tile, and how many there are.
    Value start, count;
    /// Positions of the first and the last of them.
    Value first, last;
    /// Positions by lanes, i32.
    Values positions;
    KeyRange range;
    /// [headDim][queries], [kKeyBlock][queries], [headDim][queries].
    Value queries, scores, output;
  };
  struct Block {
    Value first;
    Value count;
  };

  void emitTile(Value head, Value group, Value start, Value total);
  void packQueries(const Tile &tile);
  /// Writes scaled scores; returns the maxima with those before.
  Values emitScores(const Tile &tile, const Block &block, ValueRange maxima,
                    bool masked);
  Value isFullyVisible(const Tile &tile, const Block &block);
  Value visible(const Tile &tile, Value key, int64_t vector);
  Values emitProbabilities(const Tile &tile, const Block &block,
                           ValueRange maxima, ValueRange sums);
  void emitOutput(const Tile &tile, const Block &block, ValueRange correction);
  void emitOutputChunk(const Tile &tile, const Block &block,
                       ValueRange correction, Value component, int64_t count);
  void unpackOutput(const Tile &tile, ValueRange sums);

  /// Registers of queries in a tile; keys and components that have
  /// accumulators at once.
  int64_t vectors, keysAtOnce, componentsAtOnce;
};

/// One query of each head.
class SingleQuery : AttentionKernel {
public:
  SingleQuery(KernelBuilder &b, BlockAttentionOp op);
  void emit();

private:
  /// Heads that share a key head and are computed together.
  struct Heads {
    Value group;
    Value first;
    int64_t count;
    KeyRange range;
    /// [count][kKeyBlock], [count][headDim rounded up to registers].
    Value scores, output;
  };

  void emitHeads(Value group, Value first, int64_t count);
  Values emitScores(const Heads &heads, Value block, Value blockCount,
                    ValueRange maxima);
  Value visible(const Heads &heads, Value key);
  void emitProbabilities(const Heads &heads, Value blockCount,
                         ValueRange maxima);
  Values emitOutput(const Heads &heads, Value block, Value blockCount,
                    ValueRange correction, ValueRange sums);
  void storeOutput(const Heads &heads, ValueRange sums);
  /// The mask of a register of components, null if all exist.
  Value componentMask(int64_t vector);

  int64_t registers;
  /// Registers of components, and of a transposed block of keys.
  int64_t componentVectors, laneVectors;
};

/// Emits tenon.append_kv before it. The caller erases it.
void emitAppend(KernelBuilder &b, AppendKVOp op);

} // namespace tenon::attention

#endif // TENON_LIB_CONVERSION_ATTENTIONTOVECTOR_ATTENTIONKERNEL_H
