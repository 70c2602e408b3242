//===- BlockFormat.cpp - inner products of quantized weights --------------===//

#include "BlockFormat.h"
#include "DotFormat.h"
#include "tenon/Conversion/Opaque.h"
#include "tenon/Dialect/Tenon/IR/ByteProducts.h"

using namespace mlir;
using namespace tenon;
using namespace tenon::linear;

using Values = KernelBuilder::Values;

/// Of sums of rows and vectors those of `count` vectors from `first` on;
/// nothing of none.
Values BlockFormat::pick(ValueRange sums, size_t rows, size_t vectors,
                         size_t first, size_t count) {
  Values result;
  for (size_t r = 0; r < rows && !sums.empty(); ++r)
    llvm::append_range(result, sums.slice(r * vectors + first, count));
  return result;
}

/// Puts back what `pick` gave.
void BlockFormat::put(ValueRange part, Values &sums, size_t rows,
                      size_t vectors, size_t first, size_t count) {
  for (size_t r = 0; r < rows && !sums.empty(); ++r)
    llvm::copy(part.slice(r * count, count),
               sums.begin() + r * vectors + first);
}

BlockFormat::WeightScales
BlockFormat::loadScales(const WeightGroup &place,
                        ArrayRef<WeightVector> vectors, int64_t half) {
  const Superblock &format = packed.getSuperblock();
  WeightScales result;
  for (const WeightVector &vector : vectors) {
    WeightGroup group = placeOf(place, vector);
    result.scales.push_back(getSource().scale(group, vector.vector, half));
    if (format.hasMinimum() && !format.hasPairedMinimums())
      result.minimums.push_back(
          getSource().minimum(group, vector.vector, half));
  }
  return result;
}

BlockFormat::RowScale BlockFormat::loadRowScale(Value row, Value group,
                                                int64_t half) {
  const Superblock &format = packed.getSuperblock();
  Type f32 = b.getF32Type();
  RowScale result;
  result.scale = activations.field(row, group, offsetof(Int8Group, scale), f32);
  int64_t offset = format.scalesPerGroup == 2
                       ? offsetof(Int8Group, scaledHalfSums) + 4 * half
                       : offsetof(Int8Group, scaledSum);
  if (format.hasMinimum() && !format.hasPairedMinimums())
    result.scaledSum = activations.field(row, group, offset, f32);
  return result;
}

Value BlockFormat::addScaled(Value integers, const WeightScales &weights,
                             size_t vector, const RowScale &row, int64_t half,
                             Value &firstHalf, Value sum) {
  Value number = arith::SIToFPOp::create(b, b.f32VectorType(), integers);
  if (packed.getSuperblock().scalesPerGroup == 1) {
    sum = b.fma(number, b.mul(weights.scales[vector], row.scale), sum);
  } else if (half == 0) {
    firstHalf = b.mul(number, weights.scales[vector]);
  } else {
    // Both halves have the activations' scale: one product for both.
    Value both = b.fma(number, weights.scales[vector], firstHalf);
    sum = b.fma(both, row.scale, sum);
  }
  if (row.scaledSum)
    sum = b.fma(weights.minimums[vector], row.scaledSum, sum);
  return sum;
}

Values BlockFormat::addMinimums(ValueRange rows, ArrayRef<WeightVector> vectors,
                                Value superblock, Value first,
                                ValueRange sums) {
  const Superblock &format = packed.getSuperblock();
  if (!format.hasPairedMinimums())
    return Values(sums);
  WeightSource &source = getSource();
  ByteDot dot = getDot();
  Values next(sums), factors;
  auto placeOf = [&](const WeightVector &vector) {
    return WeightGroup{vector.panel, superblock, {}};
  };
  for (const WeightVector &vector : vectors)
    factors.push_back(source.minimumFactor(placeOf(vector), vector.vector));
  int64_t run = std::min<int64_t>(Int8Group::kSumRun, b.lanes());
  for (int64_t start = 0; start < format.groups; start += run) {
    Values products(sums.size(), dot.zeros());
    for (int64_t group = start; group < start + run; group += 2) {
      Values pairs;
      for (const WeightVector &vector : vectors)
        pairs.push_back(source.minimumPair(placeOf(vector), vector.vector,
                                           b.index(group / 2)));
      for (auto [r, row] : llvm::enumerate(rows)) {
        Value pairSums = activations.pairSums(row, b.addIndex(first, group));
        for (auto [i, pair] : llvm::enumerate(pairs)) {
          Value &product = products[r * vectors.size() + i];
          product = dot.addPairs(product, pair, pairSums);
        }
      }
    }
    for (auto [r, row] : llvm::enumerate(rows)) {
      Value scale =
          activations.field(row, b.addIndex(first, start + 1),
                            offsetof(Int8Group, sumScale), b.getF32Type());
      for (auto [i, factor] : llvm::enumerate(factors)) {
        size_t at = r * vectors.size() + i;
        Value number =
            arith::SIToFPOp::create(b, b.f32VectorType(), products[at]);
        next[at] = b.fma(number, b.mul(factor, scale), next[at]);
      }
    }
  }
  return next;
}

Values BlockFormat::sum(ValueRange rows, ArrayRef<WeightVector> vectors) {
  if (!packed.getSuperblock().isPerChannel)
    return addAll(rows, vectors,
                  Values(rows.size() * vectors.size(), b.splat(0.0)));
  ByteDot dot = getDot();
  Value zero = b.index(0);
  Values sums;
  for (Value row : rows)
    sums.append(vectors.size(), dot.start(activations.field(
                                    row, zero, offsetof(Int8Group, offsetSum),
                                    b.getI32Type())));
  return scaleSums(rows, vectors, addAll(rows, vectors, sums));
}

Values BlockFormat::scaleSums(ValueRange rows, ArrayRef<WeightVector> vectors,
                              Values sums) {
  Value zero = b.index(0);
  Values scales;
  for (const WeightVector &vector : vectors)
    scales.push_back(
        getSource().scale({vector.panel, zero, zero}, vector.vector, 0));
  for (auto [r, row] : llvm::enumerate(rows)) {
    Value scale = activations.field(row, zero, offsetof(Int8Group, scale),
                                    b.getF32Type());
    for (auto [i, weightScale] : llvm::enumerate(scales)) {
      Value &sum = sums[r * vectors.size() + i];
      sum = b.mul(arith::SIToFPOp::create(b, b.f32VectorType(), sum),
                  b.mul(weightScale, scale));
    }
  }
  return sums;
}

Values BlockFormat::addAll(ValueRange rows, ArrayRef<WeightVector> vectors,
                           Values sums, Value start, Value end) {
  const Superblock &format = packed.getSuperblock();
  bool isWhole = !start;
  if (isWhole) {
    start = b.index(0);
    end = b.index(packed.superblocks());
  }
  if (unpacked) {
    auto addOne = [&](Value group, ValueRange args) {
      return addGroup(rows, vectors, {{}, {}, group}, group, args);
    };
    if (!format.hasPairedMinimums())
      return b.loop(isWhole ? start : b.mulIndex(start, format.groups),
                    isWhole ? b.index(packed.superblocks() * format.groups)
                            : b.mulIndex(end, format.groups),
                    1, sums, [&](Value number, ValueRange args) {
                      askAhead(number);
                      return addOne(number, args);
                    });
    return b.loop(start, end, 1, sums, [&](Value superblock, ValueRange args) {
      askAhead(superblock);
      Value first = b.mulIndex(superblock, format.groups);
      Value last = b.addIndex(first, format.groups);
      return b.loop(first, last, 1,
                    addMinimums(rows, vectors, superblock, first, args),
                    addOne);
    });
  }
  return b.loop(start, end, 1, sums, [&](Value superblock, ValueRange args) {
    if (!isStreaming)
      return addSuperblock(rows, vectors, superblock, args);
    Values next(args);
    // In the order in which they lie in memory, which is what
    // prefetchers of the CPU expect.
    size_t together = plan.streamVectors, all = vectors.size();
    for (size_t first = 0; first < all; first += together) {
      auto part = vectors.slice(first, std::min(together, all - first));
      Values own = pick(next, rows.size(), all, first, part.size());
      own = addSuperblock(rows, part, superblock, own);
      put(own, next, rows.size(), all, first, part.size());
    }
    return next;
  });
}

Values BlockFormat::addSuperblock(ValueRange rows,
                                  ArrayRef<WeightVector> vectors,
                                  Value superblock, ValueRange sums) {
  const Superblock &format = packed.getSuperblock();
  Value base = b.mulIndex(superblock, format.groups);
  // LLVM would keep the activations of several rows, or of as many numbers, for
  // the next vectors, on the stack: they are nearer where they are.
  if (isStreaming && (rows.size() > 1 || plan.streamVectors > 1))
    base = makeOpaque(b, base);
  auto step = [&](Value first, ValueRange args) {
    Values next(args);
    if (!isStreaming)
      askAhead(superblock);
    for (int64_t i = 0; i < plan.unrollGroups; ++i) {
      Value group = b.addIndex(first, i);
      next = addGroup(rows, vectors, {{}, superblock, group},
                      b.addIndex(base, group), next);
    }
    return next;
  };
  // First, as they lie before the groups.
  Values started = addMinimums(rows, vectors, superblock, base, sums);
  if (format.groups == plan.unrollGroups)
    return step(b.index(0), started);
  return b.loop(b.index(0), b.index(format.groups), plan.unrollGroups, started,
                step);
}

std::unique_ptr<WeightFormat> linear::getBlockFormat(KernelBuilder &b,
                                                     Value input, Value weight,
                                                     const LinearPlan &plan) {
  auto type = cast<MemRefType>(weight.getType());
  auto inputType = cast<MemRefType>(input.getType());
  auto element = cast<SuperblockType>(type.getElementType());
  bool fits = type.getRank() == 2 && type.hasStaticShape() &&
              isa<Int8GroupType>(inputType.getElementType()) &&
              cast<Int8GroupType>(inputType.getElementType()).getPerToken() ==
                  element.getSuperblock().isPerChannel &&
              inputType.getRank() == 2 && b.lanes() <= Superblock::kLanes &&
              inputType.getDimSize(1) ==
                  type.getDimSize(1) * element.getSuperblock().groups;
  if (!fits)
    return nullptr;
  if (addsInChains(b.getTarget()))
    return makeChainFormat(b, input, weight, plan, type.getDimSize(0),
                           element.getColumns());
  return std::make_unique<DotFormat>(b, input, weight, plan, type.getDimSize(0),
                                     element.getColumns());
}
