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

#include "CacheReader.h"
#include "tenon/Dialect/Tenon/IR/Plan.h"

namespace tenon::attention {

/// Keys whose part is computed apart, at its multiples.
constexpr int64_t kSplit = KVCacheType::kSplit;
static_assert(kSplit % kDefaultKeyBlock == 0 &&
              kDefaultKeyBlock % kLaneBlock == 0);
/// The running maximum before any key: finite, so that a difference to a masked
/// score of minus infinity is one too, and not NaN.
constexpr double kStartMaximum = -1e30;
/// Scores are in units of log 2.
constexpr double kLog2E = 1.44269504088896340736;

/// What a kernel computes, of either operation.
struct AttentionCall {
  explicit AttentionCall(BlockAttentionOp op);
  /// Keys up to the query's position.
  AttentionCall(KernelBuilder &b, PartialAttentionOp op);

  mlir::Value query, keys, values, position, length, valid;
  /// Null without them; a sink is null in a part over the keys, too.
  mlir::Value bias, sink;
  double scale;
  /// 0: none.
  double cap;
  double biasScale;
  bool isBiasByKey;
  bool isCausal;
  std::optional<int64_t> window, band;
  /// Whether the key of position p is in place p modulo the cache's capacity.
  bool isRing;
  /// Keys between two corrections of the running maximum, at its multiples.
  int64_t keyBlock;
  AttentionPlan plan;
};

/// A range of keys.
struct KeyRange {
  mlir::Value begin, end;
};

/// The keys that some query at positions first .. last sees, of `length`, from
/// a multiple of `keyBlock` on.
KeyRange getKeyRange(KernelBuilder &b, int64_t keyBlock, mlir::Value first,
                     mlir::Value last, mlir::Value length, bool isCausal,
                     std::optional<int64_t> window,
                     std::optional<int64_t> band = std::nullopt);

/// The running maximum and sum before any key: a sink is a score that is there
/// already. Of no sink if that is null.
KernelBuilder::Values startState(KernelBuilder &b, mlir::Value sink,
                                 mlir::Value head);

/// How a part over keys joins those before it: numbers are multiplied by
/// `before`, those of the part by `part`.
struct Junction {
  mlir::Value maximum, before, part;

  Junction(KernelBuilder &b, mlir::Value maximum, mlir::Value partMaximum);
  mlir::Value join(KernelBuilder &b, mlir::Value total,
                   mlir::Value ofPart) const;
};

class AttentionKernel {
public:
  AttentionKernel(KernelBuilder &b, AttentionCall call);

protected:
  using Value = mlir::Value;
  using ValueRange = mlir::ValueRange;
  using Values = KernelBuilder::Values;

  /// Keys between two corrections of the running maximum.
  struct Block {
    Value first; ///< position of its first key
    Value count; ///< of its keys
    Value place; ///< of its first key in the cache
  };

  KeyRange keyRange(Value first, Value last);
  /// Whether there can be keys of more than one part.
  bool isSplit() const {
    return call.isRing || cache.shape().capacity > kSplit;
  }
  /// Where the cache has a block of keys, by the position of its first.
  Value placeOf(Value block);
  /// The part of a range between a multiple of kSplit and the next.
  KeyRange splitRange(const KeyRange &range, Value split);
  /// Emits the parts of a range in order; the body gets and returns what is
  /// carried from one to the next.
  Values forEachSplit(const KeyRange &range, ValueRange inits,
                      llvm::function_ref<Values(KeyRange, ValueRange)> body);
  Value blockCount(const KeyRange &range, Value block);

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
  /// The scores of a register, in units of log 2, from products that are scaled
  /// already: under the cap, with their biases (null without).
  Value chainScores(Value products, Value bias);
  /// The place of the bias of the key at a position for the query at another.
  Value biasPlace(Value key, Value query);

  KernelBuilder &b;
  AttentionCall call;
  CacheReader cache;
  int64_t heads, groups, keyDim, valueDim, keyBlock;
  /// Applied to products: the operation's scale times log2 e; under a cap c
  /// times 2 / c, too, for 2^x = e^(2 s / c).
  double scale;
};

/// Several queries, in the lanes.
class TiledQueries : protected AttentionKernel {
public:
  TiledQueries(KernelBuilder &b, BlockAttentionOp op);
  virtual ~TiledQueries() = default;
  void emit();

protected:
  struct Tile {
    /// The first of the heads, or the only one.
    Value head, group;
    /// First query of the tile, and how many there are.
    Value start, count;
    /// Positions of the first and the last of them.
    Value first, last;
    /// Positions by lanes, i32.
    Values positions;
    KeyRange range;
    /// [heads][keyDim][queries], [heads][valueDim][queries], and kMaxima and
    /// kSums of what is in the output, [heads][2][queries]; of one head
    /// without their first dimension.
    Value queries, output, state;
    /// [keyBlock][queries], of one head at a time.
    Value scores;
    /// A block's keys [keyBlock / 16][keyDim][16] and values
    /// [keyBlock][valueDim] in f32, unless the cache is plain; the scales of
    /// its tokens.
    Value keys, values, keyScales, valueScales;
    /// Of pairs: [keyBlock / 2][queries] probabilities of two keys.
    Value weights;
  };
  // What depends on the precision of the products.
  virtual void allocate(Tile &tile);
  virtual void packQueries(const Tile &tile);
  /// The rows of the queries in as many lanes as a register has, from `lane`;
  /// lanes without a query repeat the last one.
  Values queryRows(const Tile &tile, Value lane);
  /// Before the first read of a block of keys.
  virtual void prepareBlock(const Tile &tile, const Block &block);
  /// Products of the queries with so many keys from an offset on: an array of
  /// registers [keys, vectors of queries].
  virtual Value emitProducts(const Tile &tile, const Block &block, Value offset,
                             int64_t count);
  /// 2^(score - maximum) of a block, for emitOutput; returns the sums with
  /// those before.
  virtual Values emitProbabilities(const Tile &tile, const Block &block,
                                   ValueRange maxima, ValueRange sums);
  /// Adds a block's probabilities times its values, for some components:
  /// [components, vectors of queries].
  virtual Value emitWeightedSums(const Tile &tile, const Block &block,
                                 Value component, int64_t count, Value sums);
  /// Adds to sums [count, vectors] what `add` makes of a vector, of the number
  /// that `load` gives for each row of them, and of a sum.
  Value
  forSums(int64_t count, Value sums, llvm::function_ref<Value(Value row)> load,
          llvm::function_ref<Value(Value vector, Value number, Value sum)> add);
  /// A register for each vector of queries, by its first lane.
  Value loadVectors(mlir::Type element,
                    llvm::function_ref<Value(Value lane)> load);
  /// A loop from 0 that carries an array.
  Value loop(Value end, Value sums,
             llvm::function_ref<Value(Value, Value)> body);

  /// Registers of queries in a tile; keys and components that have
  /// accumulators at once; heads of a tile.
  int64_t vectors, keysAtOnce, componentsAtOnce, headsTogether;

private:
  enum { kMaxima, kSums };

  void emitTile(Value head, Value group, Value start, Value total);
  /// The body gets a tile of one head; or those of several tiles' same head.
  void forEachHead(const Tile &tile,
                   llvm::function_ref<void(const Tile &)> body);
  void forEachHeadOf(llvm::ArrayRef<Tile> tiles,
                     llvm::function_ref<void(llvm::ArrayRef<Tile>)> body);
  /// Before any key, of a head that has a sink or of one that has none.
  void begin(const Tile &tile, Value sink);
  Values loadState(const Tile &tile, int64_t which);
  void storeState(const Tile &tile, int64_t which, ValueRange state);
  /// Adds a range of keys to all heads' outputs and states.
  void emitKeys(const Tile &tile, const KeyRange &range);
  void emitBlock(const Tile &tile, const Block &block);
  /// The biases of a key for a register of queries, or null.
  Value loadBias(const Tile &tile, Value key, Value vector);
  void joinSplit(const Tile &total, const Tile &part);
  /// One component of a key of the block, of a value; in every lane.
  Value keyComponent(const Tile &tile, const Block &block, Value offset,
                     Value key, Value component);
  Value valueComponent(const Tile &tile, const Block &block, Value offset,
                       Value component);
  /// Write scaled scores of a block, or of so many keys from an offset on;
  /// return the maxima with those before.
  Values emitScores(const Tile &tile, const Block &block, ValueRange maxima,
                    bool masked);
  Value emitScoresOf(const Tile &tile, const Block &block, Value offset,
                     int64_t count, Value maxima, bool masked);
  Value isFullyVisible(const Tile &tile, const Block &block);
  /// Which queries of a register, at these positions, see a key.
  Value visible(const Tile &tile, Value key, Value position);
  void emitOutput(const Tile &tile, const Block &block, ValueRange correction);
  void emitOutputChunk(const Tile &tile, const Block &block,
                       ValueRange correction, Value component, int64_t count);
  void unpackOutput(const Tile &tile);

  Value out;
};

/// Several queries, in the lanes, in products of pairs of bf16: two components
/// of queries and keys, two keys' probabilities and values. The pairs of the
/// cache are such already.
class TiledPairs : public TiledQueries {
public:
  using TiledQueries::TiledQueries;

protected:
  void allocate(Tile &tile) override;
  void packQueries(const Tile &tile) override;
  void prepareBlock(const Tile &tile, const Block &block) override {}
  Value emitProducts(const Tile &tile, const Block &block, Value offset,
                     int64_t count) override;
  Values emitProbabilities(const Tile &tile, const Block &block,
                           ValueRange maxima, ValueRange sums) override;
  Value emitWeightedSums(const Tile &tile, const Block &block, Value component,
                         int64_t count, Value sums) override;
};

/// One query of each head.
class SingleQuery : AttentionKernel {
public:
  SingleQuery(KernelBuilder &b, BlockAttentionOp op);
  SingleQuery(KernelBuilder &b, PartialAttentionOp op);
  void emit();

private:
  SingleQuery(KernelBuilder &b, AttentionCall call);

  /// Heads that share a key head and are computed together.
  struct Heads {
    Value group;
    Value first;
    int64_t count;
    KeyRange range;
    /// [count][keyBlock], [count][valueDim rounded up to registers]; what
    /// values are multiplied by, if that is not the probabilities.
    Value scores, output, weights;
  };

  void emitHeads(Value group, Value first, int64_t count);
  /// Maxima and sums of a range of keys, whose output is in the heads', from
  /// those before it.
  Values emitKeys(const Heads &heads, const KeyRange &range, Values state);
  /// Maxima and sums before any key, of heads with a sink or without.
  Values startStates(const Heads &heads, Value sink);
  void clear(const Heads &heads, Value output);
  void emitParts(const Heads &heads);
  void joinSplits(const Heads &heads);
  Values emitScores(const Heads &heads, const Block &block, ValueRange maxima);
  Value visible(const Heads &heads, Value key);
  void prefetchValues(const Heads &heads, Value key, Value component);
  void prefetchKeys(const Heads &heads, Value block, int64_t pass,
                    int64_t passes, Value offset);
  void emitProbabilities(const Heads &heads, const Block &block,
                         ValueRange maxima);
  Values emitOutput(const Heads &heads, const Block &block,
                    ValueRange correction, ValueRange sums);
  void storeOutput(const Heads &heads, Value output, ValueRange sums);
  /// Of `count` heads: how many, and how many registers of their components,
  /// have accumulators at once.
  std::pair<int64_t, int64_t> outputTile(int64_t count) const;
  /// The mask of a register of components, null if all exist.
  Value componentMask(int64_t vector);
  /// Registers `first` .. `end` - 1 of components in a loop that is unrolled,
  /// with their masks, carrying values.
  Values forComponents(
      int64_t first, int64_t end, ValueRange inits,
      llvm::function_ref<Values(Value vector, Value mask, ValueRange)> body);
  void forComponents(llvm::function_ref<void(Value vector, Value mask)> body);

  /// The result; or parts, of which the first has this index.
  Value out, partials, firstPart;
  /// Registers of components, and of a transposed block of keys.
  int64_t componentVectors, laneVectors;
};

/// Emits tenon.append_kv before it. The caller erases it.
void emitAppend(KernelBuilder &b, AppendKVOp op);
/// Emits tenon.combine_attention before it. The caller erases it.
void emitCombine(KernelBuilder &b, CombineAttentionOp op);

} // namespace tenon::attention

#endif // TENON_LIB_CONVERSION_ATTENTIONTOVECTOR_ATTENTIONKERNEL_H
