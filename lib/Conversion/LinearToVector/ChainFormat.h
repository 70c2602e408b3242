//===- ChainFormat.h - quantized weights without VNNI -----------*- C++ -*-===//
//
// Products of bytes are added in 16 bits first, in chains that are sure to fit
// (ByteProducts.h), one for each output; a chain's end takes it to 32 bits:
//
//   group of 4 bits, one output:   p  = w0 a0            pmaddubsw
//                                  p += w1 a1  ... w7 a7 pmaddubsw, paddw
//                                  s  = p[0] + p[1]      pmaddwd
//                                  f += s * scales       cvtdq2ps, mulps, fma
//
// Activations of 16 bits, which are two terms of 8, and weights that are read
// once meet in words instead: for a column two pmaddwd of four products each
// take the place of two terms times two planes. One row's are in registers,
// several rows' in memory.
//
// Weights of 8 bits are two planes of half-bytes, whose chains are as long as
// those of 4 bits; sums of the upper one count 16 times. The 16 registers of
// AVX2 hold the chains of a tile, so that its f32 sums are in memory, read and
// written once for a group.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_LIB_CONVERSION_LINEARTOVECTOR_CHAINFORMAT_H
#define TENON_LIB_CONVERSION_LINEARTOVECTOR_CHAINFORMAT_H

#include "BlockFormat.h"

namespace tenon::linear {

class ChainFormat : public BlockFormat {
public:
  ChainFormat(KernelBuilder &b, Value input, Value weight,
              const LinearPlan &plan, int64_t panels, int64_t columns);

  int64_t steps() const override { return packed.superblocks(); }
  int64_t stepElements() const override {
    return packed.getSuperblock().columns();
  }
  mlir::Type sumType() const override {
    return packed.getSuperblock().isPerChannel ? mlir::Type(b.getI32Type())
                                               : mlir::Type(b.getF32Type());
  }

protected:
  using BlockFormat::addPart;
  using BlockFormat::finish;
  using BlockFormat::start;
  using BlockFormat::sum;
  Values sum(ValueRange rows, ArrayRef<WeightVector> vectors) override;
  void start(ValueRange rows, ArrayRef<WeightVector> vectors,
             StoredTile tile) override;
  void addPart(ValueRange rows, ArrayRef<WeightVector> vectors, StoredTile tile,
               Value first, Value end) override;
  Values finish(ValueRange rows, ArrayRef<WeightVector> vectors,
                StoredTile tile) override;

  UnpackedPanels::Form unpackedForm() const override {
    return {UnpackedPanels::Scaled::Sums, planes};
  }
  Values addGroup(ValueRange rows, ArrayRef<WeightVector> vectors,
                  const WeightGroup &place, Value group,
                  ValueRange sums) override;
  Values addMinimums(ValueRange rows, ArrayRef<WeightVector> vectors,
                     Value superblock, Value first, ValueRange sums) override;

private:
  /// What a group adds to the outputs of some vectors.
  class GroupSums;
  void addStreamed(GroupSums &all, ArrayRef<WeightVector> vectors,
                   const WeightGroup &place, LinearPlan::Prefetch later);

  /// Sums of outputs that are in memory, while they are computed: a register's
  /// place is by row and vector.
  struct StoredSums {
    StoredTile tile;
    ArrayRef<WeightVector> vectors;
    size_t placeOf(size_t row, const WeightVector &vector) const;
  };
  /// The tile, at a place in memory that LLVM doesn't know: it would keep sums
  /// in registers, and chains in memory.
  StoredTile unknownTile();

  /// Whether weights are made 16 bits wide to be multiplied by activations of
  /// 16 bits, whose two terms would take as many products each: where chains
  /// are short, or of two planes, and weights are read once.
  bool usesWords() const;
  /// Whether sums of so many rows and vectors are in memory.
  bool storesSums(size_t rows, size_t vectors) const;

  /// Writes the rows' activations of a group, 16 bits each, four in an element
  /// [row, chunk]: several rows' have no registers beside their sums.
  StoredTile storeWords(ValueRange rows, Value group);

  int64_t planes, length;
  std::optional<StoredSums> stored;
  /// Of the group that is computed, if several rows meet it in words.
  std::optional<StoredTile> words;
};

} // namespace tenon::linear

#endif // TENON_LIB_CONVERSION_LINEARTOVECTOR_CHAINFORMAT_H
