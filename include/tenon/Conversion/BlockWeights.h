//===- BlockWeights.h - kernels' access to quantized weights ----*- C++ -*-===//
//
// What micro-kernels of quantized weights share: integers and scales out of
// superblocks (tenon/Support/Superblock.h), activations out of int8 groups, and
// dot products of bytes with the instructions that the target has.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_CONVERSION_BLOCKWEIGHTS_H
#define TENON_CONVERSION_BLOCKWEIGHTS_H

#include "tenon/Conversion/KernelBuilder.h"

namespace tenon {

/// A group of 32 weights along K in all columns of a panel.
struct WeightGroup {
  mlir::Value panel;
  mlir::Value superblock; ///< along K
  mlir::Value group;      ///< in the superblock
};

/// Neighbouring columns of a panel, as many as a register has lanes of 32 bits.
struct ColumnVector {
  mlir::Value half; ///< which 16 columns of the panel
  mlir::Value lane; ///< the first of them
};

/// A register's columns of a panel, by number: `first`, which may be known only
/// when the kernel runs (null: 0), and `index` more.
struct PanelVector {
  mlir::Value first;
  int64_t index = 0;

  mlir::Value number(KernelBuilder &b) const {
    return first ? b.addIndex(first, index) : b.index(index);
  }
  /// The first column.
  mlir::Value column(KernelBuilder &b) const {
    return first ? b.mulIndex(number(b), b.lanes())
                 : b.index(index * b.lanes());
  }
};

/// Where a kernel gets the integers and scales of a panel's groups.
class WeightSource {
public:
  virtual ~WeightSource() = default;
  /// The unsigned integers of chunk v of a group: vector<4 lanes x i8>.
  virtual mlir::Value integers(const WeightGroup &group,
                               const PanelVector &vector, int64_t chunk) = 0;
  /// The scales (of half a group, if that has its own): f32.
  virtual mlir::Value scale(const WeightGroup &group, const PanelVector &vector,
                            int64_t half) = 0;
  /// What is added to scale times integer, or null: f32.
  virtual mlir::Value minimum(const WeightGroup &group,
                              const PanelVector &vector, int64_t half) = 0;
  /// Of formats with paired minimums those of groups 2 `pair` and 2 `pair` + 1
  /// of a superblock, side by side: vector<2 lanes x i16>.
  virtual mlir::Value minimumPair(const WeightGroup &group,
                                  const PanelVector &vector,
                                  mlir::Value pair) = 0;
  /// What multiplies those of a superblock: f32.
  virtual mlir::Value minimumFactor(const WeightGroup &group,
                                    const PanelVector &vector) = 0;
};

/// Superblocks as they lie in memory.
class BlockWeights : public WeightSource {
public:
  /// `weight` is a memref [panels, superblocks] of !tenon.superblock. What
  /// vectors of a panel have is read `asMicro`-operations, of chunks that only
  /// tenon-unroll makes known, or at once.
  BlockWeights(KernelBuilder &b, mlir::Value weight, bool asMicro = false);

  const Superblock &getSuperblock() const { return format; }
  int64_t panels() const { return numPanels; }
  int64_t panelColumns() const { return numColumns; }
  int64_t superblocks() const { return numSuperblocks; }
  ColumnVector vectorAt(const PanelVector &vector);
  /// The vector of a column of a panel, and the column's lane in it.
  std::pair<ColumnVector, mlir::Value> vectorOf(mlir::Value column);

  /// `up`: multiplied by 2^up, which must leave them below 256.
  mlir::Value integers(const WeightGroup &group, const ColumnVector &vector,
                       int64_t chunk, int64_t up = 0);
  mlir::Value scale(const WeightGroup &group, const ColumnVector &vector,
                    int64_t half);
  mlir::Value minimum(const WeightGroup &group, const ColumnVector &vector,
                      int64_t half);

  /// As micro.unpack; a sum's part is known then.
  mlir::Value integers(const WeightGroup &group, const PanelVector &vector,
                       mlir::Value chunk, int64_t up);
  mlir::Value integers(const WeightGroup &group, const PanelVector &vector,
                       int64_t chunk) override {
    return integers(group, vectorAt(vector), chunk);
  }
  mlir::Value scale(const WeightGroup &group, const PanelVector &vector,
                    int64_t half) override;
  mlir::Value minimum(const WeightGroup &group, const PanelVector &vector,
                      int64_t half) override;
  mlir::Value minimumPair(const WeightGroup &group, const PanelVector &vector,
                          mlir::Value pair) override;
  mlir::Value minimumFactor(const WeightGroup &group,
                            const PanelVector &vector) override;

  /// Asks for the lines that a chunk of this group stands for in the superblock
  /// `distance` bytes or a little more behind this one, in the order of memory,
  /// for the first or the second cache. `vector.first` is the first of 16
  /// columns.
  void prefetch(const WeightGroup &group, const PanelVector &vector,
                int64_t chunk, int64_t distance, int cache) {
    prefetch(group, vectorAt(vector).half,
             vector.index * Superblock::kChunks + chunk, distance, cache);
  }
  /// The same by the number of 16 columns in the panel, and the number of the
  /// vector times 8 plus that of the chunk, of which the place within 16
  /// columns counts.
  void prefetch(const WeightGroup &group, mlir::Value half, int64_t part,
                int64_t distance, int cache);
  /// As micro.prefetch_weights.
  void prefetch(const WeightGroup &group, const PanelVector &vector,
                mlir::Value part, int64_t distance, int cache);
  /// Asks for the line of 64 bytes of this number in a panel, for the second
  /// cache. May be past the end.
  void prefetchLine(mlir::Value panel, mlir::Value line);
  /// Bytes of all columns of a panel in a superblock.
  int64_t superblockBytes() const {
    return numColumns / Superblock::kLanes * format.bytes();
  }

private:
  /// `type` from a part of the superblock: `bytesPerGroup` apart for groups,
  /// `bytesPerLane` for lanes.
  mlir::Value load(mlir::VectorType type, const WeightGroup &group,
                   const ColumnVector &vector, int64_t offset,
                   int64_t bytesPerGroup, int64_t bytesPerLane);
  mlir::Value loadHalves(const WeightGroup &group, const ColumnVector &vector,
                         int64_t offset, int64_t bytesPerGroup);
  /// The bytes of a pair of minimums: vector<2 lanes x i8>.
  mlir::Value loadMinimumPair(const WeightGroup &group,
                              const ColumnVector &vector, mlir::Value pair);
  /// Integer scales, or minimums, as f32.
  mlir::Value toF32(mlir::Value bytes, bool isSigned);
  mlir::Value minimumFactor(const WeightGroup &group,
                            const ColumnVector &vector);
  mlir::Value lookUp(mlir::Value nibbles);

  KernelBuilder &b;
  mlir::Value weight, bytes;
  bool asMicro;
  Superblock format;
  int64_t numPanels, numColumns, numSuperblocks;
};

/// The lower or the upper half of each byte of a vector, as a byte.
mlir::Value halfBytes(KernelBuilder &b, mlir::Value bytes, bool upper);

/// Rows of int8 groups, read by kernels.
class Int8Activations {
public:
  /// `input` is a memref [M, G] of !tenon.int8_group.
  Int8Activations(KernelBuilder &b, mlir::Value input);

  /// Parts of an activation: 1, or 2 if what rounding left is there as well.
  int64_t terms() const { return hasResidual ? 2 : 1; }
  /// Elements 4 chunk ... 4 chunk + 3 of a group in every 32 bits: i8. Term 0
  /// are their numbers, term 1 what rounding left.
  mlir::Value quad(mlir::Value row, mlir::Value group, int64_t chunk,
                   int64_t term = 0) {
    return quad(row, group, b.index(chunk), term);
  }
  mlir::Value quad(mlir::Value row, mlir::Value group, mlir::Value chunk,
                   int64_t term = 0);
  /// With what rounding left, the group's elements 128 q + r: vector<32 x i16>.
  mlir::Value words(mlir::Value row, mlir::Value group);
  /// Elements 4 chunk ... 4 chunk + 3 of `words`, over and over: vector<2 lanes
  /// x i16>.
  mlir::Value wordQuad(mlir::Value words, int64_t chunk);
  /// Int8Group::pairSums of an even group in every lane: vector<2 lanes x i16>.
  mlir::Value pairSums(mlir::Value row, mlir::Value group);
  /// A field of Int8Group at this offset in every lane.
  mlir::Value field(mlir::Value row, mlir::Value group, int64_t offset,
                    mlir::Type type);

private:
  /// The four bytes at a place in every lane: vector<4 lanes x i8>.
  mlir::Value broadcast(mlir::Value row, mlir::Value group, mlir::Value offset);

  KernelBuilder &b;
  mlir::Value bytes;
  bool hasResidual;
};

/// Sums of products of unsigned integers (weights) and signed ones: exact.
class ByteDot {
public:
  /// `zero`, which is subtracted from weights, is 0 or a power of two up to
  /// kFullRange.
  ByteDot(KernelBuilder &b, int64_t zero);

  /// Half of what a byte can hold.
  static constexpr int64_t kFullRange = 128;

  /// A sum with nothing added yet, given -128 times the sum of the signed
  /// integers. What `add` makes of it is the sum of `(weight - zero) *
  /// activation`.
  mlir::Value start(mlir::Value offsetSum);
  /// Whether that is a sum of 0, whatever is given.
  bool startsFromZero() const {
    return zero == 0 || (isSigned && zero == kFullRange);
  }
  /// A sum of 0.
  mlir::Value zeros();
  /// Adds four products in every lane. Targets that add in chains take those.
  mlir::Value add(mlir::Value sum, mlir::Value weights,
                  mlir::Value activations);
  /// Adds two products of 16 bits in every lane.
  mlir::Value addPairs(mlir::Value sum, mlir::Value a, mlir::Value c);

  /// Of targets that add in chains (ByteProducts.h): products of bytes, those
  /// of neighbours added up, vector<2 lanes x i16>. They must fit.
  mlir::Value multiply(mlir::Value weights, mlir::Value activations);
  /// Adds both products of every lane, times `factor`; without a sum (null)
  /// they are one.
  mlir::Value addProducts(mlir::Value sum, mlir::Value products,
                          int64_t factor = 1);

private:
  KernelBuilder &b;
  int64_t zero;
  /// Weights are multiplied as signed bytes: minus 128, if that is their zero.
  bool isSigned;
};

} // namespace tenon

#endif // TENON_CONVERSION_BLOCKWEIGHTS_H
