//===- BlockWeights.cpp - kernels' access to quantized weights ------------===//

#include "tenon/Conversion/BlockWeights.h"
#include "tenon/Dialect/Micro/IR/Micro.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace tenon;

/// A constant of bytes, the same everywhere.
static Value splatBytes(KernelBuilder &b, VectorType type, int64_t value) {
  return arith::ConstantOp::create(
      b,
      DenseElementsAttr::get(type, APInt(8, value & 0xff, /*isSigned=*/false)));
}

//===----------------------------------------------------------------------===//
// BlockWeights
//===----------------------------------------------------------------------===//

BlockWeights::BlockWeights(KernelBuilder &b, Value weight, bool asMicro)
    : b(b), weight(weight), asMicro(asMicro) {
  auto type = cast<MemRefType>(weight.getType());
  auto element = cast<SuperblockType>(type.getElementType());
  format = element.getSuperblock();
  numPanels = type.getDimSize(0);
  numSuperblocks = type.getDimSize(1);
  numColumns = element.getColumns();
  bytes = ElementBytesOp::create(b, weight);
}

ColumnVector BlockWeights::vectorAt(const PanelVector &vector) {
  int64_t perHalf = Superblock::kLanes / b.lanes();
  if (!vector.first)
    return {b.index(vector.index / perHalf),
            b.index(vector.index % perHalf * b.lanes())};
  Value number = vector.number(b), count = b.index(perHalf);
  return {arith::DivUIOp::create(b, number, count),
          b.mulIndex(arith::RemUIOp::create(b, number, count), b.lanes())};
}

std::pair<ColumnVector, Value> BlockWeights::vectorOf(Value column) {
  auto divide = [&](Value value, int64_t by) -> std::pair<Value, Value> {
    return {arith::DivUIOp::create(b, value, b.index(by)),
            arith::RemUIOp::create(b, value, b.index(by))};
  };
  auto [half, inHalf] = divide(column, Superblock::kLanes);
  auto [vector, lane] = divide(inHalf, b.lanes());
  return {{half, b.mulIndex(vector, b.lanes())}, lane};
}

Value BlockWeights::load(VectorType type, const WeightGroup &group,
                         const ColumnVector &vector, int64_t offset,
                         int64_t bytesPerGroup, int64_t bytesPerLane) {
  Value place = b.mulIndex(vector.half, format.bytes());
  place = b.addIndex(place, b.mulIndex(group.group, bytesPerGroup));
  place = b.addIndex(place, b.mulIndex(vector.lane, bytesPerLane));
  place = b.addIndex(place, offset);
  return vector::LoadOp::create(
      b, type, bytes, ValueRange{group.panel, group.superblock, place});
}

/// The bits of every byte moved up (or down, if negative), and masked.
static Value shiftAndMask(KernelBuilder &b, Value bytes, int64_t up,
                          int64_t mask) {
  auto type = cast<VectorType>(bytes.getType());
  if (up != 0 && b.getTarget() && b.getTarget().isAArch64()) {
    Value count = splatBytes(b, type, std::abs(up));
    if (up > 0)
      bytes = arith::ShLIOp::create(b, bytes, count);
    else
      bytes = arith::ShRUIOp::create(b, bytes, count);
  } else if (up != 0) {
    // x86 shifts no bytes: what crosses into a neighbour is masked off.
    VectorType words = b.vectorType(b.getI32Type());
    Value value = vector::BitCastOp::create(b, words, bytes);
    Value count = b.splatI32(std::abs(up));
    if (up > 0)
      value = arith::ShLIOp::create(b, value, count);
    else
      value = arith::ShRUIOp::create(b, value, count);
    bytes = vector::BitCastOp::create(b, type, value);
  }
  return arith::AndIOp::create(b, bytes, splatBytes(b, type, mask));
}

Value tenon::halfBytes(KernelBuilder &b, Value bytes, bool upper) {
  return shiftAndMask(b, bytes, upper ? -4 : 0, 0x0f);
}

Value BlockWeights::integers(const WeightGroup &group,
                             const ColumnVector &vector, int64_t chunk,
                             int64_t up) {
  VectorType type = VectorType::get({4 * b.lanes()}, b.getI8Type());
  Value value;
  for (const Superblock::Piece &piece : format.pieces(chunk)) {
    Value line =
        load(type, group, vector,
             format.lineOffset() + piece.line * Superblock::kChunkBytes,
             format.groupBytes(), 4);
    int64_t to = piece.to + up;
    assert(to + piece.bits <= 8 && "bytes are full");
    if (piece.bits < 8)
      line =
          shiftAndMask(b, line, to - piece.from, ((1 << piece.bits) - 1) << to);
    value = value ? arith::OrIOp::create(b, value, line).getResult() : line;
  }
  return format.isTable ? lookUp(value) : value;
}

/// The table's values, plus 128 to be unsigned.
Value BlockWeights::lookUp(Value nibbles) {
  SmallVector<int8_t> table;
  for (int64_t i = 0; i < 16; ++i)
    table.push_back(static_cast<int8_t>(format.tableValues()[i] + 128));
  return micro::LookupOp::create(b, nibbles.getType(), nibbles,
                                 b.getDenseI8ArrayAttr(table));
}

/// Bytes of a line of the caches.
static constexpr int64_t kLine = 64;

void BlockWeights::prefetchLine(Value panel, Value line) {
  b.prefetch(bytes, {panel, b.index(0), b.mulIndex(line, kLine)}, 2);
}

void BlockWeights::prefetch(const WeightGroup &group, Value half, int64_t part,
                            int64_t distance, int cache) {
  int64_t ahead = llvm::divideCeil(distance, superblockBytes());
  // The lines of 16 columns, over their groups, their vectors and the chunks of
  // those.
  int64_t perHalf = Superblock::kLanes / b.lanes();
  int64_t parts = perHalf * Superblock::kChunks;
  part %= parts;
  int64_t lines = llvm::divideCeil(format.bytes(), kLine * format.groups);
  Value first = b.addIndex(b.mulIndex(group.group, lines * kLine),
                           b.mulIndex(half, format.bytes()));
  for (int64_t line = part * lines / parts, end = (part + 1) * lines / parts;
       line < end; ++line)
    b.prefetch(bytes,
               {group.panel, b.addIndex(group.superblock, ahead),
                b.addIndex(first, line * kLine)},
               cache);
}

Value BlockWeights::loadHalves(const WeightGroup &group,
                               const ColumnVector &vector, int64_t offset,
                               int64_t bytesPerGroup) {
  Value halves = load(VectorType::get({2 * b.lanes()}, b.getI8Type()), group,
                      vector, offset, bytesPerGroup, 2);
  return b.toF32(
      vector::BitCastOp::create(b, b.vectorType(b.getF16Type()), halves));
}

Value BlockWeights::toF32(Value integers, bool isSigned) {
  VectorType words = b.vectorType(b.getI32Type());
  Value wide = isSigned ? Value(arith::ExtSIOp::create(b, words, integers))
                        : Value(arith::ExtUIOp::create(b, words, integers));
  return arith::SIToFPOp::create(b, b.f32VectorType(), wide);
}

Value BlockWeights::scale(const WeightGroup &group, const ColumnVector &vector,
                          int64_t half) {
  if (!format.hasIntegerScales())
    return loadHalves(group, vector, format.scaleOffset(),
                      2 * Superblock::kLanes);
  Value integers = load(b.vectorType(b.getI8Type()), group, vector,
                        format.scaleOffset() + half * Superblock::kLanes,
                        format.scalesPerGroup * Superblock::kLanes, 1);
  if (format.scale == Superblock::Scale::Nibbles)
    integers = arith::AndIOp::create(
        b, integers, splatBytes(b, b.vectorType(b.getI8Type()), 0x0f));
  return b.mul(toF32(integers, format.scale == Superblock::Scale::Signed),
               loadHalves(group, vector, format.factorOffset(), 0));
}

Value BlockWeights::minimum(const WeightGroup &group,
                            const ColumnVector &vector, int64_t half) {
  if (!format.hasMinimum())
    return {};
  if (!format.hasIntegerScales())
    return loadHalves(group, vector, format.minimumOffset(),
                      2 * Superblock::kLanes);
  Value integers;
  VectorType bytes = b.vectorType(b.getI8Type());
  if (format.hasPairedMinimums()) {
    Value pair = arith::DivUIOp::create(b, group.group, b.index(2));
    Value isOdd = arith::RemUIOp::create(b, group.group, b.index(2));
    isOdd =
        arith::CmpIOp::create(b, arith::CmpIPredicate::ne, isOdd, b.index(0));
    Value words = vector::BitCastOp::create(
        b, b.vectorType(b.getI16Type()), loadMinimumPair(group, vector, pair));
    Value odd = arith::ShRUIOp::create(
        b, words,
        arith::ConstantOp::create(
            b, DenseElementsAttr::get(cast<VectorType>(words.getType()),
                                      APInt(16, 8))));
    integers = arith::TruncIOp::create(
        b, bytes, arith::SelectOp::create(b, isOdd, odd, words));
  } else {
    integers = load(bytes, group, vector,
                    format.minimumOffset() + half * Superblock::kLanes,
                    format.scalesPerGroup * Superblock::kLanes, 1);
    integers = arith::ShRUIOp::create(b, integers, splatBytes(b, bytes, 4));
  }
  return b.mul(toF32(integers, /*isSigned=*/false),
               minimumFactor(group, vector));
}

Value BlockWeights::minimumPair(const WeightGroup &group,
                                const PanelVector &vector, Value pair) {
  auto type = VectorType::get({2 * b.lanes()}, b.getI16Type());
  if (asMicro)
    return micro::UnpackMinimumPairOp::create(
        b, type, weight, group.panel, group.superblock, pair, vector.number(b));
  return arith::ExtUIOp::create(b, type,
                                loadMinimumPair(group, vectorAt(vector), pair));
}

Value BlockWeights::integers(const WeightGroup &group,
                             const PanelVector &vector, Value chunk,
                             int64_t up) {
  return micro::UnpackOp::create(
      b, VectorType::get({4 * b.lanes()}, b.getI8Type()), weight, group.panel,
      group.superblock, group.group, vector.number(b), chunk,
      b.getI64IntegerAttr(up));
}

Value BlockWeights::scale(const WeightGroup &group, const PanelVector &vector,
                          int64_t half) {
  if (!asMicro)
    return scale(group, vectorAt(vector), half);
  return micro::UnpackScaleOp::create(
      b, b.f32VectorType(), weight, group.panel, group.superblock, group.group,
      vector.number(b), b.getI64IntegerAttr(half));
}

Value BlockWeights::minimum(const WeightGroup &group, const PanelVector &vector,
                            int64_t half) {
  if (!asMicro || !format.hasMinimum())
    return minimum(group, vectorAt(vector), half);
  return micro::UnpackMinimumOp::create(
      b, b.f32VectorType(), weight, group.panel, group.superblock, group.group,
      vector.number(b), b.getI64IntegerAttr(half));
}

Value BlockWeights::minimumFactor(const WeightGroup &group,
                                  const PanelVector &vector) {
  if (!asMicro)
    return minimumFactor(group, vectorAt(vector));
  return micro::UnpackMinimumFactorOp::create(b, b.f32VectorType(), weight,
                                              group.panel, group.superblock,
                                              vector.number(b));
}

void BlockWeights::prefetch(const WeightGroup &group, const PanelVector &vector,
                            Value part, int64_t distance, int cache) {
  micro::PrefetchWeightsOp::create(
      b, weight, group.panel, group.superblock, group.group, vector.number(b),
      part, b.getI64IntegerAttr(distance), b.getI64IntegerAttr(cache));
}

Value BlockWeights::loadMinimumPair(const WeightGroup &group,
                                    const ColumnVector &vector, Value pair) {
  assert(format.hasPairedMinimums());
  return load(VectorType::get({2 * b.lanes()}, b.getI8Type()),
              {group.panel, group.superblock, pair}, vector,
              format.minimumOffset(), 2 * Superblock::kLanes, 2);
}

/// Minimums are subtracted.
Value BlockWeights::minimumFactor(const WeightGroup &group,
                                  const ColumnVector &vector) {
  return arith::NegFOp::create(
      b, loadHalves({group.panel, group.superblock, b.index(0)}, vector,
                    format.factorOffset() + 2 * Superblock::kLanes, 0));
}

//===----------------------------------------------------------------------===//
// Int8Activations
//===----------------------------------------------------------------------===//

Int8Activations::Int8Activations(KernelBuilder &b, Value input)
    : b(b), bytes(ElementBytesOp::create(b, input)),
      hasResidual(cast<Int8GroupType>(
                      cast<MemRefType>(input.getType()).getElementType())
                      .getResidual()) {}

Value Int8Activations::broadcast(Value row, Value group, Value offset) {
  return micro::Broadcast4Op::create(
      b, VectorType::get({4 * b.lanes()}, b.getI8Type()), bytes,
      ValueRange{row, group, offset});
}

Value Int8Activations::quad(Value row, Value group, Value chunk, int64_t term) {
  int64_t first = term ? offsetof(Int8ResidualGroup, r) : 0;
  return broadcast(row, group, b.addIndex(b.mulIndex(chunk, 4), first));
}

Value Int8Activations::words(Value row, Value group) {
  constexpr int64_t kCount = sizeof(Int8Group::q);
  VectorType type = VectorType::get({kCount}, b.getI16Type());
  auto loadWide = [&](int64_t offset) -> Value {
    Value loaded =
        vector::LoadOp::create(b, VectorType::get({kCount}, b.getI8Type()),
                               bytes, ValueRange{row, group, b.index(offset)});
    return arith::ExtSIOp::create(b, type, loaded);
  };
  Value shift = arith::ConstantOp::create(
      b, DenseElementsAttr::get(type, APInt(16, Int8ResidualGroup::kShift)));
  Value upper =
      arith::ShLIOp::create(b, loadWide(offsetof(Int8Group, q)), shift);
  return arith::AddIOp::create(b, upper,
                               loadWide(offsetof(Int8ResidualGroup, r)));
}

Value Int8Activations::wordQuad(Value words, int64_t chunk) {
  SmallVector<int64_t> from;
  for (int64_t i = 0; i < 2 * b.lanes(); ++i)
    from.push_back(4 * chunk + i % 4);
  return vector::ShuffleOp::create(b, words, words, from);
}

Value Int8Activations::pairSums(Value row, Value group) {
  return vector::BitCastOp::create(
      b, VectorType::get({2 * b.lanes()}, b.getI16Type()),
      broadcast(row, group, b.index(offsetof(Int8Group, pairSums))));
}

Value Int8Activations::field(Value row, Value group, int64_t offset,
                             Type type) {
  return vector::BitCastOp::create(b, b.vectorType(type),
                                   broadcast(row, group, b.index(offset)));
}

//===----------------------------------------------------------------------===//
// ByteDot
//===----------------------------------------------------------------------===//

/// Without i8mm AArch64 multiplies signed bytes by signed ones only.
static bool multipliesSigned(TargetAttr target) {
  return target && target.isAArch64() && !target.has("i8mm");
}

ByteDot::ByteDot(KernelBuilder &b, int64_t zero)
    : b(b), zero(zero), isSigned(multipliesSigned(b.getTarget())) {}

Value ByteDot::zeros() {
  return arith::ConstantOp::create(b,
                                   b.getZeroAttr(b.vectorType(b.getI32Type())));
}

Value ByteDot::start(Value offsetSum) {
  if (zero == 0 || (isSigned && zero == kFullRange))
    return zeros();
  assert(llvm::isPowerOf2_64(zero) && "zero points are powers of two");
  if (zero == kFullRange)
    return offsetSum;
  return arith::ShRSIOp::create(b, offsetSum,
                                b.splatI32(llvm::Log2_64(kFullRange / zero)));
}

Value ByteDot::addPairs(Value sum, Value a, Value c) {
  return micro::Dot2I16Op::create(b, sum.getType(), sum, a, c);
}

Value ByteDot::multiply(Value weights, Value activations) {
  return micro::Dot2I8Op::create(
      b, VectorType::get({2 * b.lanes()}, b.getI16Type()), weights,
      activations);
}

Value ByteDot::addProducts(Value sum, Value products, int64_t factor) {
  Value factors = arith::ConstantOp::create(
      b, DenseElementsAttr::get(cast<VectorType>(products.getType()),
                                APInt(16, factor)));
  return addPairs(sum ? sum : zeros(), products, factors);
}

Value ByteDot::add(Value sum, Value weights, Value activations) {
  if (isSigned) {
    // Subtracting 128 from a byte is changing its highest bit. Weights with
    // another zero point are below 128, and the same as signed bytes.
    if (zero == kFullRange)
      weights = arith::XOrIOp::create(
          b, weights,
          splatBytes(b, cast<VectorType>(weights.getType()), kFullRange));
    return micro::Dot4S8Op::create(b, sum.getType(), sum, weights, activations);
  }
  return micro::Dot4I8Op::create(b, sum.getType(), sum, weights, activations);
}
