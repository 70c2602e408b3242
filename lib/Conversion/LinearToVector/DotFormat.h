//===- DotFormat.h - quantized weights in rolled loops ----------*- C++ -*-===//
//
// For each group of 32 along K the products of weights' integers and 8-bit
// activations are added exactly, in 32 bits; the sum is scaled by the product
// of the two scales and added to the output's f32 sum. Groups come in order, so
// that an output is the same whatever is computed beside it (I5). Weights
// quantized per channel are summed up exactly over all of K, and scaled once.
//
// Few rows take integers out of superblocks as they go. For many, the
// panels of a task are unpacked once to bytes and f32 scales in scratch memory
// that stays in the second-level cache; weights that are bytes already are read
// where they lie.
//
// For targets with an instruction that adds products of bytes in 32 bits
// (VNNI), or with nothing for bytes at all. ChainFormat is for those between.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_LIB_CONVERSION_LINEARTOVECTOR_DOTFORMAT_H
#define TENON_LIB_CONVERSION_LINEARTOVECTOR_DOTFORMAT_H

#include "UnpackedPanels.h"
#include "WeightFormat.h"

namespace tenon::linear {

class DotFormat : public WeightFormat {
  using Value = mlir::Value;

public:
  DotFormat(KernelBuilder &b, Value input, Value weight, const LinearPlan &plan,
            int64_t panels, int64_t columns)
      : WeightFormat(b, plan, panels, columns),
        packed(b, weight, /*asMicro=*/true), activations(b, input),
        format(packed.getSuperblock()) {}

  Value sum(const TileRows &rows, const WeightVectors &vectors) override;

  int64_t asksPerSum() const override {
    return !unpacked || format.hasPairedMinimums()
               ? packed.superblocks()
               : packed.superblocks() * format.groups;
  }
  int64_t linesPerPanel() const override {
    return packed.superblocks() * packed.superblockBytes() / kLine;
  }

  void unpack() override;
  void forget() override { unpacked.reset(); }

private:
  /// Vectors of a tile that are computed together: so many from number `first`
  /// on.
  struct Part {
    const WeightVectors &vectors;
    Value first;
    int64_t count;

    /// The place of vector `v` among the tile's.
    Value number(KernelBuilder &b, Value v) const {
      return b.addIndex(first, v);
    }
    WeightVector at(KernelBuilder &b, Value v) const {
      return vectors.at(b, number(b, v));
    }
  };
  /// What is added: a group's number in its superblock and among all along K.
  /// Panels that are unpacked know only the latter.
  struct Group {
    Value superblock, number, ofAll;
  };

  /// Adds all of K to the sums [rows, vectors of the tile].
  Value addAll(const TileRows &rows, const WeightVectors &vectors, Value sums);
  Value addSuperblock(const TileRows &rows, const Part &part, Value superblock,
                      Value sums);
  /// Adds the paired minimums of a superblock, whose first group is number
  /// `first` among all along K.
  Value addMinimums(const TileRows &rows, const Part &part, Value superblock,
                    Value first, Value sums);
  Value addGroup(const TileRows &rows, const Part &part, const Group &group,
                 Value sums);
  /// Per channel: the sums of all groups as numbers.
  Value scaleSums(const TileRows &rows, const WeightVectors &vectors,
                  Value sums);

  /// Exact sums of a group, or of half of one that has two scales: an array
  /// [terms of activations, parts, rows, vectors], without the first two if
  /// they are one. Half-bytes that are the upper ones of their bytes can be
  /// left there, 16 times what they are, and be added up apart, which is the
  /// second part: no shift for each, and two short chains of sums instead of a
  /// long one.
  class Exact;
  int64_t parts(const TileRows &rows) const {
    return isStreaming && rows.count <= plan.splitRows ? 2 : 1;
  }
  /// Adds exact sums of a group, or of its half. `firsts` are those of the
  /// first half until the second one comes.
  Value finish(Exact &exact, const TileRows &rows, const Part &part,
               const Group &group, int64_t half, Value integers, Value &firsts,
               Value sums);
  Value addStreamed(const TileRows &rows, const Part &part, const Group &group,
                    Value sums);
  void prefetch(const Part &part, const Group &group, Value line,
                LinearPlan::Prefetch later);

  Value loadIntegers(const Group &group, const WeightVector &vector,
                     Value chunk, int64_t up);

  /// Asks for what a sum shall, at the start of a piece, not within: LLVM would
  /// read what comes behind before it, and keep it on the stack.
  void askAhead(Value number) {
    if (ahead)
      ask(number, [&](Value line) { packed.prefetchLine(ahead->panel, line); });
  }
  WeightSource &getSource() {
    if (unpacked)
      return *unpacked;
    return packed;
  }
  ByteDot getDot();

  BlockWeights packed;
  Int8Activations activations;
  const Superblock &format;
  std::optional<UnpackedPanels> unpacked;
};

} // namespace tenon::linear

#endif // TENON_LIB_CONVERSION_LINEARTOVECTOR_DOTFORMAT_H
