//===- BlockFormat.cpp - inner products of quantized weights --------------===//
//
// For each group of 32 along K the products of weights' integers and 8-bit
// activations are added exactly, in 32 bits; the sum is scaled by the product
// of the two scales and added to the output's f32 sum. Groups come in order, so
// that an output is the same whatever is computed beside it (I5).
//
// Few rows take integers out of superblocks as they go. For many, a panel is
// unpacked once to bytes and f32 scales in scratch memory that stays in the
// second-level cache.
//
//===----------------------------------------------------------------------===//

#include "WeightFormat.h"
#include "tenon/Conversion/BlockWeights.h"

using namespace mlir;
using namespace tenon;
using namespace tenon::linear;

using Values = KernelBuilder::Values;

namespace {

/// A panel's weights as bytes, and its scales as f32, group by group.
class UnpackedPanel : public WeightSource {
public:
  UnpackedPanel(KernelBuilder &b, const BlockWeights &packed) : b(b) {
    const Superblock &format = packed.getSuperblock();
    int64_t groups = packed.superblocks() * format.groups;
    int64_t vectors = packed.panelColumns() / b.lanes();
    bytes = b.scratch({groups, Superblock::kChunks, vectors, 4 * b.lanes()},
                      b.getI8Type(), "integers");
    SmallVector<int64_t> shape = {groups, format.scalesPerGroup, vectors,
                                  b.lanes()};
    scales = b.scratch(shape, b.getF32Type(), "scales");
    if (format.hasMinimum())
      minimums = b.scratch(shape, b.getF32Type(), "minimums");
  }

  void fill(BlockWeights &packed, Value panel) {
    const Superblock &format = packed.getSuperblock();
    int64_t vectors = packed.panelColumns() / b.lanes();
    b.loopNest(
        {b.getIndexAttr(packed.superblocks()), b.getIndexAttr(format.groups)},
        [&](ValueRange place) {
          WeightGroup from = {panel, place[0], place[1]};
          Value to = b.addIndex(b.mulIndex(place[0], format.groups), place[1]);
          for (int64_t v = 0; v < vectors; ++v) {
            for (int64_t chunk = 0; chunk < Superblock::kChunks; ++chunk)
              vector::StoreOp::create(
                  b, packed.integers(from, v, chunk), bytes,
                  ValueRange{to, b.index(chunk), b.index(v), b.index(0)});
            for (int64_t half = 0; half < format.scalesPerGroup; ++half) {
              Values at = {to, b.index(half), b.index(v), b.index(0)};
              b.store(packed.scale(from, v, half), scales, at);
              if (minimums)
                b.store(packed.minimum(from, v, half), minimums, at);
            }
          }
        });
  }

  Value integers(const WeightGroup &group, int64_t vector,
                 int64_t chunk) override {
    return vector::LoadOp::create(
        b, VectorType::get({4 * b.lanes()}, b.getI8Type()), bytes,
        ValueRange{group.group, b.index(chunk), b.index(vector), b.index(0)});
  }
  Value scale(const WeightGroup &group, int64_t vector, int64_t half) override {
    return b.load(scales,
                  {group.group, b.index(half), b.index(vector), b.index(0)});
  }
  Value minimum(const WeightGroup &group, int64_t vector,
                int64_t half) override {
    if (!minimums)
      return {};
    return b.load(minimums,
                  {group.group, b.index(half), b.index(vector), b.index(0)});
  }

private:
  KernelBuilder &b;
  Value bytes, scales, minimums;
};

class BlockFormat : public WeightFormat {
public:
  BlockFormat(KernelBuilder &b, Value input, Value weight, int64_t panels,
              int64_t columns)
      : WeightFormat(b, panels, columns), packed(b, weight),
        activations(b, input), dot(b, packed.getSuperblock()) {}

  Values sum(ValueRange rows, ArrayRef<WeightVector> vectors) override;

  bool unpacks() const override { return true; }
  void unpack(Value panel) override {
    unpacked.emplace(b, packed);
    unpacked->fill(packed, panel);
  }
  void forget() override { unpacked.reset(); }

private:
  /// Adds a group to the sums. `group` is the group's number among all along K.
  Values addGroup(ValueRange rows, ArrayRef<WeightVector> vectors,
                  const WeightGroup &place, Value group, ValueRange sums);

  /// Asks for weights that the step at group `first` of a superblock comes to
  /// later. A single row is bound by reading them.
  void prefetchAhead(ArrayRef<WeightVector> vectors, Value superblock,
                     Value first) {
    int64_t steps = packed.getSuperblock().groups / kStep;
    Value step = first;
    if (steps > 1)
      step = arith::DivUIOp::create(b, first, b.index(kStep));
    Value last;
    for (const WeightVector &vector : vectors)
      if (vector.panel != last) {
        packed.prefetch(vector.panel, superblock, step, steps, kDistance);
        last = vector.panel;
      }
  }

  /// Bytes between what a single row reads and what it asks for: more than a
  /// core reads while memory answers.
  static constexpr int64_t kDistance = 4096;
  /// Groups that a step takes: those of the smallest superblock.
  static constexpr int64_t kStep = 2;

  BlockWeights packed;
  Int8Activations activations;
  ByteDot dot;
  std::optional<UnpackedPanel> unpacked;
};

} // namespace

Values BlockFormat::addGroup(ValueRange rows, ArrayRef<WeightVector> vectors,
                             const WeightGroup &place, Value group,
                             ValueRange sums) {
  const Superblock &format = packed.getSuperblock();
  WeightSource &source = unpacked ? static_cast<WeightSource &>(*unpacked)
                                  : static_cast<WeightSource &>(packed);
  Type f32 = b.getF32Type(), i32 = b.getI32Type();
  auto placeOf = [&](const WeightVector &vector) {
    WeightGroup result = place;
    result.panel = vector.panel;
    return result;
  };
  Values next(sums);
  bool halves = format.scalesPerGroup == 2;
  for (int64_t half = 0; half < format.scalesPerGroup; ++half) {
    // Fields of the whole group, or of the half.
    int64_t sumOffset = halves
                            ? offsetof(Int8Group, negativeHalfSums) + 4 * half
                            : offsetof(Int8Group, negativeSum);
    int64_t scaledOffset = halves
                               ? offsetof(Int8Group, scaledHalfSums) + 4 * half
                               : offsetof(Int8Group, scaledSum);
    Values integers;
    for (Value row : rows) {
      Value start = dot.start(activations.field(row, group, sumOffset, i32));
      integers.append(vectors.size(), start);
    }
    int64_t chunks = Superblock::kChunks / format.scalesPerGroup;
    for (int64_t chunk = half * chunks; chunk < (half + 1) * chunks; ++chunk) {
      Values weights;
      for (const WeightVector &vector : vectors)
        weights.push_back(
            source.integers(placeOf(vector), vector.vector, chunk));
      for (auto [r, row] : llvm::enumerate(rows)) {
        Value quad = activations.quad(row, group, chunk);
        for (auto [i, weight] : llvm::enumerate(weights)) {
          Value &sum = integers[r * vectors.size() + i];
          sum = dot.add(sum, weight, quad);
        }
      }
    }
    Values scales, minimums;
    for (const WeightVector &vector : vectors) {
      scales.push_back(source.scale(placeOf(vector), vector.vector, half));
      minimums.push_back(source.minimum(placeOf(vector), vector.vector, half));
    }
    for (auto [r, row] : llvm::enumerate(rows)) {
      Value scale =
          activations.field(row, group, offsetof(Int8Group, scale), f32);
      Value scaledSum;
      if (format.hasMinimum())
        scaledSum = activations.field(row, group, scaledOffset, f32);
      for (size_t i = 0; i < vectors.size(); ++i) {
        size_t at = r * vectors.size() + i;
        Value number =
            arith::SIToFPOp::create(b, b.f32VectorType(), integers[at]);
        next[at] = b.fma(number, b.mul(scales[i], scale), next[at]);
        if (scaledSum)
          next[at] = b.fma(minimums[i], scaledSum, next[at]);
      }
    }
  }
  return next;
}

Values BlockFormat::sum(ValueRange rows, ArrayRef<WeightVector> vectors) {
  const Superblock &format = packed.getSuperblock();
  Values sums(rows.size() * vectors.size(), b.splat(0.0));
  Value zero = b.index(0);
  if (unpacked)
    return b.loop(zero, b.index(packed.superblocks() * format.groups), 1, sums,
                  [&](Value group, ValueRange args) {
                    return addGroup(rows, vectors, {{}, {}, group}, group,
                                    args);
                  });
  return b.loop(zero, b.index(packed.superblocks()), 1, sums,
                [&](Value superblock, ValueRange args) {
                  Value base = b.mulIndex(superblock, format.groups);
                  auto step = [&](Value first, ValueRange args) {
                    Values next(args);
                    if (rows.size() == 1)
                      prefetchAhead(vectors, superblock, first);
                    for (int64_t i = 0; i < kStep; ++i) {
                      Value group = b.addIndex(first, i);
                      next = addGroup(rows, vectors, {{}, superblock, group},
                                      b.addIndex(base, group), next);
                    }
                    return next;
                  };
                  if (format.groups == kStep)
                    return step(zero, args);
                  return b.loop(zero, b.index(format.groups), kStep, args,
                                step);
                });
}

std::unique_ptr<WeightFormat>
linear::getBlockFormat(KernelBuilder &b, Value input, Value weight) {
  auto type = cast<MemRefType>(weight.getType());
  auto inputType = cast<MemRefType>(input.getType());
  auto element = cast<SuperblockType>(type.getElementType());
  bool fits = type.getRank() == 2 && type.hasStaticShape() &&
              isa<Int8GroupType>(inputType.getElementType()) &&
              inputType.getRank() == 2 && b.lanes() <= Superblock::kLanes &&
              inputType.getDimSize(1) ==
                  type.getDimSize(1) * element.getSuperblock().groups;
  if (!fits)
    return nullptr;
  return std::make_unique<BlockFormat>(b, input, weight, type.getDimSize(0),
                                       element.getColumns());
}
