//===- UnpackedPanels.cpp - panels of blocks as plain bytes ---------------===//

#include "UnpackedPanels.h"

using namespace mlir;
using namespace tenon;
using namespace tenon::linear;

using Values = KernelBuilder::Values;

UnpackedPanels::UnpackedPanels(KernelBuilder &b, const BlockWeights &packed,
                               Form form)
    : b(b), form(form), zeroPoint(packed.getSuperblock().zero) {
  const Superblock &format = packed.getSuperblock();
  if (zeroPoint && form.scaled != Scaled::Nothing) {
    up = llvm::Log2_64(ByteDot::kFullRange / zeroPoint);
    // Integers stay bytes: those of 2 bits with a zero point of 1 go up to 3.
    if (form.scaled == Scaled::Integers)
      up = std::min<int64_t>(up, 8 - format.bits);
    zeroPoint <<= up;
  }
  int64_t panels = packed.panels(), superblocks = packed.superblocks();
  int64_t groups = superblocks * format.groups, lanes = b.lanes();
  int64_t vectors = packed.panelColumns() / lanes;
  bytes = b.scratch(
      {panels, groups, Superblock::kChunks * form.planes, vectors, 4 * lanes},
      b.getI8Type(), "integers");
  SmallVector<int64_t> shape = {panels, groups, format.scalesPerGroup, vectors,
                                lanes};
  scales = b.scratch(shape, b.getF32Type(), "scales");
  if (format.hasPairedMinimums()) {
    pairs =
        b.scratch({panels, superblocks, format.groups / 2, vectors, 2 * lanes},
                  b.getI16Type(), "pairs of minimums");
    factors = b.scratch({panels, superblocks, 1, vectors, lanes},
                        b.getF32Type(), "factors of minimums");
  } else if (format.hasMinimum()) {
    minimums = b.scratch(shape, b.getF32Type(), "minimums");
  }
}

void UnpackedPanels::fill(BlockWeights &packed) {
  int64_t groups = packed.getSuperblock().groups;
  // Two vectors of a panel at a time, however many there are: a loop over short
  // ones is less code.
  int64_t vectors = packed.panelColumns() / b.lanes();
  int64_t step = vectors % 2 ? 1 : 2;
  auto extent = [&](int64_t size) { return b.getIndexAttr(size); };
  b.loopNest(
      {extent(packed.panels()), extent(packed.superblocks()), extent(groups),
       extent(vectors / step)},
      [&](ValueRange place) {
        WeightGroup from = {place[0], place[1], place[2]};
        WeightGroup to = {
            place[0], {}, b.addIndex(b.mulIndex(place[1], groups), place[2])};
        Value first;
        if (vectors > step)
          first = b.mulIndex(place[3], step);
        for (int64_t v = 0; v < step; ++v)
          fillVector(packed, from, to, {first, v});
      });
  if (pairs)
    b.loopNest({extent(packed.panels()), extent(packed.superblocks()),
                extent(vectors)},
               [&](ValueRange place) {
                 fillPairs(packed, {place[0], place[1], {}}, {place[2]});
               });
}

void UnpackedPanels::fillVector(BlockWeights &packed, const WeightGroup &from,
                                const WeightGroup &to,
                                const PanelVector &vector) {
  int64_t integersUp = form.scaled == Scaled::Integers ? up : 0;
  for (int64_t chunk = 0; chunk < Superblock::kChunks; ++chunk) {
    Value integers =
        packed.integers(from, packed.vectorAt(vector), chunk, integersUp);
    if (form.planes == 1) {
      vector::StoreOp::create(b, integers, bytes, placeOf(to, chunk, vector));
      continue;
    }
    for (int64_t plane = 0; plane < 2; ++plane)
      vector::StoreOp::create(b, halfBytes(b, integers, plane), bytes,
                              placeOf(to, 2 * chunk + plane, vector));
  }
  for (int64_t half = 0; half < packed.getSuperblock().scalesPerGroup; ++half) {
    Values place = placeOf(to, half, vector);
    Value scale = packed.scale(from, vector, half);
    if (up)
      scale = b.mul(scale, b.splat(1.0 / (1 << up)));
    b.store(scale, scales, place);
    if (minimums)
      b.store(packed.minimum(from, vector, half), minimums, place);
  }
}

void UnpackedPanels::fillPairs(BlockWeights &packed, const WeightGroup &group,
                               const PanelVector &vector) {
  b.unrolled(packed.getSuperblock().groups / 2, [&](Value pair) {
    vector::StoreOp::create(b, packed.minimumPair(group, vector, pair), pairs,
                            placeInSuperblock(group, pair, vector));
  });
  b.store(packed.minimumFactor(group, vector), factors,
          placeInSuperblock(group, b.index(0), vector));
}

Values UnpackedPanels::placeOf(const WeightGroup &group, Value part,
                               const PanelVector &vector) {
  return {group.panel, group.group, part, vector.number(b), b.index(0)};
}

Values UnpackedPanels::placeInSuperblock(const WeightGroup &group, Value part,
                                         const PanelVector &vector) {
  return {group.panel, group.superblock, part, vector.number(b), b.index(0)};
}

Value UnpackedPanels::integers(const WeightGroup &group,
                               const PanelVector &vector, int64_t chunk,
                               int64_t plane) {
  return vector::LoadOp::create(
      b, VectorType::get({4 * b.lanes()}, b.getI8Type()), bytes,
      placeOf(group, chunk * form.planes + plane, vector));
}

Value UnpackedPanels::integers(const WeightGroup &group,
                               const PanelVector &vector, Value chunk) {
  assert(form.planes == 1);
  return vector::LoadOp::create(b,
                                VectorType::get({4 * b.lanes()}, b.getI8Type()),
                                bytes, placeOf(group, chunk, vector));
}

Value UnpackedPanels::scale(const WeightGroup &group, const PanelVector &vector,
                            int64_t half) {
  return b.load(scales, placeOf(group, half, vector));
}

Value UnpackedPanels::minimum(const WeightGroup &group,
                              const PanelVector &vector, int64_t half) {
  return minimums ? b.load(minimums, placeOf(group, half, vector)) : Value();
}

Value UnpackedPanels::minimumPair(const WeightGroup &group,
                                  const PanelVector &vector, Value pair) {
  return vector::LoadOp::create(
      b, VectorType::get({2 * b.lanes()}, b.getI16Type()), pairs,
      placeInSuperblock(group, pair, vector));
}

Value UnpackedPanels::minimumFactor(const WeightGroup &group,
                                    const PanelVector &vector) {
  return b.load(factors, placeInSuperblock(group, b.index(0), vector));
}
