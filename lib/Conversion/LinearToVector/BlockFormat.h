//===- BlockFormat.h - inner products of quantized weights ------*- C++ -*-===//
//
// What ChainFormat is made of, which writes its tiles out (WrittenOutFormat):
// the loop over superblocks and groups, scales and minimums. DotFormat does the
// same in rolled loops, and says what is computed.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_LIB_CONVERSION_LINEARTOVECTOR_BLOCKFORMAT_H
#define TENON_LIB_CONVERSION_LINEARTOVECTOR_BLOCKFORMAT_H

#include "UnpackedPanels.h"
#include "WeightFormat.h"

namespace tenon::linear {

class BlockFormat : public WrittenOutFormat {
protected:
  using Value = mlir::Value;
  using Values = KernelBuilder::Values;
  using ValueRange = mlir::ValueRange;
  template <typename T> using ArrayRef = llvm::ArrayRef<T>;

public:
  BlockFormat(KernelBuilder &b, Value input, Value weight,
              const LinearPlan &plan, int64_t panels, int64_t columns)
      : WrittenOutFormat(b, plan, panels, columns), packed(b, weight),
        activations(b, input) {}

  int64_t asksPerSum() const override {
    const Superblock &format = packed.getSuperblock();
    return !unpacked || format.hasPairedMinimums()
               ? packed.superblocks()
               : packed.superblocks() * format.groups;
  }
  int64_t linesPerPanel() const override {
    return packed.superblocks() * packed.superblockBytes() / kLine;
  }

  void unpack() override {
    unpacked.emplace(b, packed, unpackedForm());
    unpacked->fill(packed);
  }
  void forget() override { unpacked.reset(); }

protected:
  using WrittenOutFormat::sum;
  Values sum(ValueRange rows, ArrayRef<WeightVector> vectors) override;

  virtual UnpackedPanels::Form unpackedForm() const = 0;

  /// Adds a group to the sums, f32 (per channel: i32). `group` is the group's
  /// number among all along K.
  virtual Values addGroup(ValueRange rows, ArrayRef<WeightVector> vectors,
                          const WeightGroup &place, Value group,
                          ValueRange sums) = 0;

  /// Adds the paired minimums of a superblock, whose first group is number
  /// `first` among all along K.
  virtual Values addMinimums(ValueRange rows, ArrayRef<WeightVector> vectors,
                             Value superblock, Value first, ValueRange sums);

  static Values pick(ValueRange sums, size_t rows, size_t vectors, size_t first,
                     size_t count);
  static void put(ValueRange part, Values &sums, size_t rows, size_t vectors,
                  size_t first, size_t count);

  /// Adds all groups, or those of superblocks `first` .. `end` - 1.
  Values addAll(ValueRange rows, ArrayRef<WeightVector> vectors, Values sums,
                Value first = {}, Value end = {});
  /// Per channel: the sums of all groups as numbers.
  Values scaleSums(ValueRange rows, ArrayRef<WeightVector> vectors,
                   Values sums);

  /// Where a group's sums meet their scales. Scales of vectors of weights, of a
  /// group or of half of one; minimums are null if there are none or if they
  /// are added for a superblock at once.
  struct WeightScales {
    Values scales, minimums;
  };
  WeightScales loadScales(const WeightGroup &place,
                          ArrayRef<WeightVector> vectors, int64_t half);
  struct RowScale {
    Value scale, scaledSum;
  };
  RowScale loadRowScale(Value row, Value group, int64_t half);
  /// Adds the exact sum (i32) of a group, or of half of one, of the vector of
  /// this place in `weights`. `firstHalf` goes from the first half to the
  /// second, which gives the new sum; the first gives back `sum`.
  Value addScaled(Value integers, const WeightScales &weights, size_t vector,
                  const RowScale &row, int64_t half, Value &firstHalf,
                  Value sum);

  static WeightGroup placeOf(const WeightGroup &group,
                             const WeightVector &vector) {
    return {vector.panel, group.superblock, group.group};
  }

  WeightSource &getSource() {
    if (unpacked)
      return *unpacked;
    return packed;
  }
  ByteDot getDot() {
    assert(
        (packed.getSuperblock().zero == ByteDot::kFullRange ||
         (packed.getSuperblock().bits - packed.getSuperblock().spareBits < 8 &&
          !packed.getSuperblock().isTable)) &&
        "bytes above 127 have the zero point 128");
    return ByteDot(b,
                   unpacked ? unpacked->zero() : packed.getSuperblock().zero);
  }

  BlockWeights packed;
  Int8Activations activations;
  std::optional<UnpackedPanels> unpacked;

private:
  /// Ask `number` of a sum, at the start of a piece, not within: LLVM would
  /// read what comes behind before it, and keep it on the stack.
  void askAhead(Value number) {
    if (ahead)
      ask(number, [&](Value line) { packed.prefetchLine(ahead->panel, line); });
  }

  /// Adds all groups of a superblock.
  Values addSuperblock(ValueRange rows, ArrayRef<WeightVector> vectors,
                       Value superblock, ValueRange sums);
};

/// BlockFormat where products of bytes are added in chains (ByteProducts.h).
std::unique_ptr<WeightFormat>
makeChainFormat(KernelBuilder &b, mlir::Value input, mlir::Value weight,
                const LinearPlan &plan, int64_t panels, int64_t columns);

} // namespace tenon::linear

#endif // TENON_LIB_CONVERSION_LINEARTOVECTOR_BLOCKFORMAT_H
