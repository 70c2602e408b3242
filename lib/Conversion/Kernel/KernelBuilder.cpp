//===- KernelBuilder.cpp - loops, loads and stores of kernels -------------===//

#include "tenon/Conversion/KernelBuilder.h"
#include "mlir/Dialect/UB/IR/UBOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "tenon/Dialect/Micro/IR/Micro.h"

using namespace mlir;
using namespace tenon;

KernelBuilder::KernelBuilder(Operation *op)
    : ImplicitLocOpBuilder(op->getLoc(), op), target(tenon::getTarget(op)),
      numLanes((target ? target.getVectorBits() : 128) / 32) {}

VectorType KernelBuilder::vectorType(Type element) const {
  return VectorType::get({numLanes}, element);
}

//===----------------------------------------------------------------------===//
// Scalars, indices, constants
//===----------------------------------------------------------------------===//

Value KernelBuilder::index(int64_t value) {
  return arith::ConstantIndexOp::create(*this, value);
}

Value KernelBuilder::f32(double value) {
  return arith::ConstantOp::create(*this, getF32FloatAttr(value));
}

Value KernelBuilder::splat(double value) {
  return arith::ConstantOp::create(
      *this,
      DenseElementsAttr::get(f32VectorType(), static_cast<float>(value)));
}

Value KernelBuilder::splatI32(int64_t value) {
  return arith::ConstantOp::create(
      *this, DenseElementsAttr::get(vectorType(getI32Type()),
                                    APInt(32, value, /*isSigned=*/true,
                                          /*implicitTrunc=*/true)));
}

Value KernelBuilder::splat(Value scalar) {
  return vector::BroadcastOp::create(*this, vectorType(scalar.getType()),
                                     scalar);
}

Value KernelBuilder::addIndex(Value a, Value b) {
  if (matchPattern(a, m_Zero()))
    return b;
  if (matchPattern(b, m_Zero()))
    return a;
  return arith::AddIOp::create(*this, a, b);
}

Value KernelBuilder::addIndex(Value a, int64_t b) {
  return b == 0 ? a : addIndex(a, index(b));
}

Value KernelBuilder::mulIndex(Value a, int64_t b) {
  return b == 1 ? a : Value(arith::MulIOp::create(*this, a, index(b)));
}

OpFoldResult KernelBuilder::dim(Value memref, int64_t dimension) {
  auto type = cast<MemRefType>(memref.getType());
  if (!type.isDynamicDim(dimension))
    return getIndexAttr(type.getDimSize(dimension));
  return memref::DimOp::create(*this, memref, dimension).getResult();
}

Value KernelBuilder::materialize(OpFoldResult extent) {
  if (auto attr = dyn_cast<Attribute>(extent))
    return index(cast<IntegerAttr>(attr).getInt());
  return cast<Value>(extent);
}

std::pair<Value, Value> KernelBuilder::divideIndex(Value a, int64_t b) {
  return {arith::DivUIOp::create(*this, a, index(b)),
          arith::RemUIOp::create(*this, a, index(b))};
}

//===----------------------------------------------------------------------===//
// Loops
//===----------------------------------------------------------------------===//

/// Fills an empty loop, and gives its results.
static KernelBuilder::Values
fillLoop(KernelBuilder &b, scf::ForOp forOp,
         function_ref<KernelBuilder::Values(Value, ValueRange)> body) {
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(forOp.getBody());
  KernelBuilder::Values next =
      body(forOp.getInductionVar(), forOp.getRegionIterArgs());
  if (forOp.getNumResults() > 0)
    scf::YieldOp::create(b, next);
  return KernelBuilder::Values(forOp.getResults());
}

KernelBuilder::Values
KernelBuilder::loop(Value lb, Value ub, int64_t step, ValueRange inits,
                    function_ref<Values(Value, ValueRange)> body) {
  return fillLoop(*this, scf::ForOp::create(*this, lb, ub, index(step), inits),
                  body);
}

void KernelBuilder::loop(Value lb, Value ub, int64_t step,
                         function_ref<void(Value)> body) {
  loop(lb, ub, step, {}, [&](Value iv, ValueRange) {
    body(iv);
    return Values{};
  });
}

void KernelBuilder::loopNest(ArrayRef<Extent> extents,
                             function_ref<void(ValueRange)> body) {
  OpBuilder::InsertionGuard guard(*this);
  Values ivs;
  for (Extent extent : extents) {
    if (isConstantIntValue(extent, 1)) {
      ivs.push_back(index(0));
      continue;
    }
    auto forOp =
        scf::ForOp::create(*this, index(0), materialize(extent), index(1));
    setInsertionPointToStart(forOp.getBody());
    ivs.push_back(forOp.getInductionVar());
  }
  body(ivs);
}

KernelBuilder::Values KernelBuilder::forEachVector(
    Extent length, ValueRange inits,
    function_ref<Values(Value, Value, ValueRange)> body) {
  std::optional<int64_t> extent = getConstantIntValue(length);
  if (!extent) {
    Value end = materialize(length);
    return loop(index(0), end, numLanes, inits, [&](Value iv, ValueRange args) {
      Value left = arith::SubIOp::create(*this, end, iv);
      Value mask =
          vector::CreateMaskOp::create(*this, vectorType(getI1Type()), left);
      return body(iv, mask, args);
    });
  }
  Values values(inits);
  int64_t full = *extent / numLanes * numLanes;
  if (full == numLanes)
    values = body(index(0), {}, values);
  else if (full > 0)
    values =
        loop(index(0), index(full), numLanes, values,
             [&](Value iv, ValueRange args) { return body(iv, {}, args); });
  if (full < *extent)
    values = body(index(full), maskOf(*extent - full), values);
  return values;
}

void KernelBuilder::forEachVector(Extent length,
                                  function_ref<void(Value, Value)> body) {
  forEachVector(length, {}, [&](Value column, Value mask, ValueRange) {
    body(column, mask);
    return Values{};
  });
}

KernelBuilder::Values
KernelBuilder::unrolled(int64_t count, ValueRange inits,
                        function_ref<Values(Value, ValueRange)> body) {
  if (count == 0)
    return Values(inits);
  if (count == 1)
    return body(index(0), inits);
  auto forOp =
      scf::ForOp::create(*this, index(0), index(count), index(1), inits);
  forOp->setAttr(micro::MicroDialect::getUnrollAttrName(), getUnitAttr());
  return fillLoop(*this, forOp, body);
}

void KernelBuilder::unrolled(int64_t count, function_ref<void(Value)> body) {
  unrolled(count, ValueRange(), [&](Value i, ValueRange) {
    body(i);
    return Values{};
  });
}

Value KernelBuilder::unrolled(int64_t count, Value array,
                              function_ref<Value(Value, Value)> body) {
  return unrolled(count, ValueRange(array),
                  [&](Value i, ValueRange args) {
                    return Values{body(i, args.front())};
                  })
      .front();
}

//===----------------------------------------------------------------------===//
// Arrays of registers
//===----------------------------------------------------------------------===//

static VectorType arrayType(ArrayRef<int64_t> shape, VectorType part) {
  SmallVector<int64_t> all(shape);
  all.push_back(part.getNumElements());
  return VectorType::get(all, part.getElementType());
}

Value KernelBuilder::array(ArrayRef<int64_t> shape, Type element) {
  // 32 bits a lane.
  int64_t perLane = 32 / element.getIntOrFloatBitWidth();
  return ub::PoisonOp::create(
      *this, arrayType(shape, VectorType::get({perLane * numLanes}, element)));
}

Value KernelBuilder::filledArray(ArrayRef<int64_t> shape, Value filling) {
  VectorType type = arrayType(shape, cast<VectorType>(filling.getType()));
  SplatElementsAttr constant;
  if (matchPattern(filling, m_Constant(&constant)))
    return arith::ConstantOp::create(*this, constant.resizeSplat(type));
  return vector::BroadcastOp::create(*this, type, filling);
}

KernelBuilder::Values KernelBuilder::placeInArray(ArrayRef<int64_t> shape,
                                                  int64_t number) {
  Values place(shape.size());
  for (size_t i = shape.size(); i-- > 0; number /= shape[i])
    place[i] = index(number % shape[i]);
  return place;
}

Value KernelBuilder::arrayOf(ArrayRef<int64_t> shape, ValueRange registers) {
  auto part = cast<VectorType>(registers.front().getType());
  Value result = ub::PoisonOp::create(*this, arrayType(shape, part));
  for (auto [i, next] : llvm::enumerate(registers))
    result = set(result, placeInArray(shape, i), next);
  return result;
}

KernelBuilder::Values KernelBuilder::registersOf(Value array) {
  ArrayRef<int64_t> shape =
      cast<VectorType>(array.getType()).getShape().drop_back();
  Values result;
  for (int64_t i = 0, end = ShapedType::getNumElements(shape); i < end; ++i)
    result.push_back(get(array, placeInArray(shape, i)));
  return result;
}

Value KernelBuilder::get(Value array, ValueRange place) {
  auto type = cast<VectorType>(array.getType());
  return micro::GetOp::create(
      *this,
      VectorType::get(type.getShape().take_back(), type.getElementType()),
      array, place);
}

Value KernelBuilder::set(Value array, ValueRange place, Value next) {
  return micro::SetOp::create(*this, array.getType(), next, array, place);
}

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

Value KernelBuilder::maskOf(int64_t count) {
  return vector::ConstantMaskOp::create(*this, vectorType(getI1Type()),
                                        ArrayRef<int64_t>{count});
}

/// Constants and types in the shape of a scalar or vector.
static Type typeLike(Value value, Type element) {
  auto shaped = dyn_cast<VectorType>(value.getType());
  return shaped ? Type(shaped.clone(element)) : element;
}
static Value bitsLike(KernelBuilder &b, Value value, Type element,
                      int64_t bits) {
  IntegerAttr attr = b.getIntegerAttr(element, bits);
  if (auto shaped = dyn_cast<VectorType>(value.getType()))
    return arith::ConstantOp::create(
        b, DenseElementsAttr::get(shaped.clone(element), Attribute(attr)));
  return arith::ConstantOp::create(b, attr);
}

/// f16 to f32 on the bits, exact: the magnitude's bits are those of the value
/// times 2^-112. Without F16C LLVM calls a function for every element.
static Value extendF16(KernelBuilder &b, Value value) {
  Type i16 = b.getI16Type(), i32 = b.getI32Type();
  Value half = arith::BitcastOp::create(b, typeLike(value, i16), value);
  Value bits = arith::ExtUIOp::create(b, typeLike(value, i32), half);
  auto constant = [&](int64_t c) { return bitsLike(b, value, i32, c); };
  Value magnitude = arith::AndIOp::create(b, bits, constant(0x7fff));
  Value sign = arith::ShLIOp::create(
      b, arith::AndIOp::create(b, bits, constant(0x8000)), constant(16));
  Value small = arith::BitcastOp::create(
      b, typeLike(value, b.getF32Type()),
      arith::ShLIOp::create(b, magnitude, constant(13)));
  Value scaled = b.mul(small, b.constantLike(0x1p112, small));
  Value result = arith::BitcastOp::create(b, typeLike(value, i32), scaled);
  // Infinities and NaNs keep all bits of the exponent.
  Value special = arith::CmpIOp::create(b, arith::CmpIPredicate::uge, magnitude,
                                        constant(0x7c00));
  Value withExponent = arith::OrIOp::create(b, result, constant(0x7f800000));
  result = arith::SelectOp::create(b, special, withExponent, result);
  result = arith::OrIOp::create(b, result, sign);
  return arith::BitcastOp::create(b, typeLike(value, b.getF32Type()), result);
}

/// Whether instructions convert f16. Every x86 CPU with vectors of 256 bits
/// that is described has F16C, every AArch64 has fcvtl and fcvtn.
static bool convertsF16(const KernelBuilder &b) {
  return b.lanes() >= 8 || (b.getTarget() && b.getTarget().isAArch64());
}

Value KernelBuilder::toF32(Value value) {
  Type element = getElementTypeOrSelf(value.getType());
  if (element.isF32() || !isa<FloatType>(element))
    return value;
  if (element.isF16() && !convertsF16(*this))
    return extendF16(*this, value);
  return arith::ExtFOp::create(*this, typeLike(value, getF32Type()), value);
}

/// f32 to bf16 on the bits, rounding to nearest even; a NaN becomes the quiet
/// one. Without vcvtneps2bf16 LLVM calls a function for every element.
static Value roundToBF16(KernelBuilder &b, Value value, Type narrow) {
  auto typeOf = [&](Type element) { return typeLike(value, element); };
  auto constant = [&](Type element, int64_t bits) {
    return bitsLike(b, value, element, bits);
  };
  Type i32 = b.getI32Type(), i16 = b.getI16Type();
  Value bits = arith::BitcastOp::create(b, typeOf(i32), value);
  Value upper = arith::ShRUIOp::create(b, bits, constant(i32, 16));
  Value odd = arith::AndIOp::create(b, upper, constant(i32, 1));
  Value rounded = arith::AddIOp::create(
      b, arith::AddIOp::create(b, bits, constant(i32, 0x7fff)), odd);
  Value high = arith::TruncIOp::create(
      b, typeOf(i16), arith::ShRUIOp::create(b, rounded, constant(i32, 16)));
  Value isNaN =
      arith::CmpFOp::create(b, arith::CmpFPredicate::UNO, value, value);
  high = arith::SelectOp::create(b, isNaN, constant(i16, 0x7fc0), high);
  return arith::BitcastOp::create(b, narrow, high);
}

/// f32 to f16 on the bits, rounding to nearest even, as F16C does.
static Value roundToF16(KernelBuilder &b, Value value, Type narrow) {
  Type i32 = b.getI32Type(), i16 = b.getI16Type();
  auto constant = [&](int64_t bits) { return bitsLike(b, value, i32, bits); };
  Type words = typeLike(value, i32), floats = typeLike(value, b.getF32Type());
  Value bits = arith::BitcastOp::create(b, words, value);
  Value sign = arith::AndIOp::create(b, bits, constant(0x80000000));
  Value magnitude = arith::XOrIOp::create(b, bits, sign);
  // Subnormal: adding 1/2 puts the last bit of f16 in the last place.
  Value half = arith::BitcastOp::create(b, floats, constant(0x3f000000));
  Value sum = b.add(arith::BitcastOp::create(b, floats, magnitude), half);
  Value small = arith::SubIOp::create(
      b, arith::BitcastOp::create(b, words, sum), constant(0x3f000000));
  // Normal: another bias; what rounds past the largest becomes infinity.
  Value odd = arith::AndIOp::create(
      b, arith::ShRUIOp::create(b, magnitude, constant(13)), constant(1));
  Value large =
      arith::AddIOp::create(b, arith::AddIOp::create(b, magnitude, odd),
                            constant(0xfff - ((127 - 15) << 23)));
  large = arith::ShRUIOp::create(b, large, constant(13));
  auto below = [&](int64_t bound) -> Value {
    return arith::CmpIOp::create(b, arith::CmpIPredicate::ult, magnitude,
                                 constant(bound));
  };
  Value result = arith::SelectOp::create(b, below(0x38800000), small, large);
  Value isNaN =
      arith::CmpFOp::create(b, arith::CmpFPredicate::UNO, value, value);
  Value special =
      arith::SelectOp::create(b, isNaN, constant(0x7e00), constant(0x7c00));
  result = arith::SelectOp::create(b, below(0x47800000), result, special);
  result = arith::OrIOp::create(b, result,
                                arith::ShRUIOp::create(b, sign, constant(16)));
  return arith::BitcastOp::create(
      b, narrow, arith::TruncIOp::create(b, typeLike(value, i16), result));
}

Value KernelBuilder::fromF32(Value value, Type element) {
  if (getElementTypeOrSelf(value.getType()) == element)
    return value;
  Type narrow = element;
  auto vector = dyn_cast<VectorType>(value.getType());
  if (vector)
    narrow = vector.clone(element);
  if (element.isBF16() && !(vector && target && target.hasBf16Dot()))
    return roundToBF16(*this, value, narrow);
  if (element.isF16() && !convertsF16(*this))
    return roundToF16(*this, value, narrow);
  return arith::TruncFOp::create(*this, narrow, value);
}

/// The number of lanes set in a constant mask that LLVM would expand badly:
/// masked accesses of bf16 on a CPU without bf16 call a function per element.
static std::optional<int64_t> lanesOneByOne(TargetAttr target, Type element,
                                            Value mask) {
  auto constant = mask ? mask.getDefiningOp<vector::ConstantMaskOp>() : nullptr;
  if (!constant || !element.isBF16() || (target && target.hasBf16Dot()))
    return std::nullopt;
  return constant.getMaskDimSizes()[0];
}

/// A register of numbers that lie apart, as those of a transposed view do. What
/// is past the end of a row is its last number, until the mask takes it away.
static Value loadApart(KernelBuilder &b, Value memref, ValueRange indices,
                       Value mask) {
  int64_t rank = cast<MemRefType>(memref.getType()).getRank();
  Value last = b.addIndex(b.materialize(b.dim(memref, rank - 1)), -1);
  KernelBuilder::Values place(indices);
  Value result, zero;
  for (int64_t i = 0; i < b.lanes(); ++i) {
    place.back() =
        arith::MinSIOp::create(b, b.addIndex(indices.back(), i), last);
    Value number = b.loadScalar(memref, place);
    if (!result)
      result = zero = arith::ConstantOp::create(
          b, b.getZeroAttr(b.vectorType(number.getType())));
    result = vector::InsertOp::create(b, number, result, i);
  }
  if (!mask)
    return result;
  return arith::SelectOp::create(b, mask, result, zero);
}

Value KernelBuilder::load(Value memref, ValueRange indices, Value mask) {
  auto source = cast<MemRefType>(memref.getType());
  if (source.getStridesAndOffset().first.back() != 1)
    return loadApart(*this, memref, indices, mask);
  Type element = source.getElementType();
  VectorType type = vectorType(element);
  if (std::optional<int64_t> count = lanesOneByOne(target, element, mask)) {
    Value result = splat(0.0);
    Values place(indices);
    for (int64_t i = 0; i < *count; ++i) {
      place.back() = addIndex(indices.back(), i);
      result =
          vector::InsertOp::create(*this, loadScalar(memref, place), result, i);
    }
    return result;
  }
  if (!mask)
    return toF32(vector::LoadOp::create(*this, type, memref, indices));
  Value zero = arith::ConstantOp::create(*this, getZeroAttr(type));
  return toF32(
      vector::MaskedLoadOp::create(*this, type, memref, indices, mask, zero));
}

void KernelBuilder::store(Value vector, Value memref, ValueRange indices,
                          Value mask) {
  Type element = cast<MemRefType>(memref.getType()).getElementType();
  if (std::optional<int64_t> count = lanesOneByOne(target, element, mask)) {
    Values place(indices);
    for (int64_t i = 0; i < *count; ++i) {
      place.back() = addIndex(indices.back(), i);
      storeScalar(vector::ExtractOp::create(*this, vector, i), memref, place);
    }
    return;
  }
  Value narrow = fromF32(vector, element);
  if (mask)
    vector::MaskedStoreOp::create(*this, memref, indices, mask, narrow);
  else
    vector::StoreOp::create(*this, narrow, memref, indices);
}

Value KernelBuilder::scratch(ArrayRef<int64_t> shape, Type element,
                             StringRef purpose) {
  constexpr StringLiteral kPurpose = "tenon.scratch";
  constexpr int64_t kAlignment = 64;
  auto type = MemRefType::get(shape, element);
  // The dispatch or the step of its prologue, or the function that a kernel
  // stands in alone.
  Operation *task = getInsertionBlock()->getParentOp();
  while (!isa<DispatchOp, StepOp, FunctionOpInterface, ModuleOp>(task))
    task = task->getParentOp();
  Block &body = task->getRegion(0).front();
  for (auto known : body.getOps<memref::AllocaOp>())
    if (auto other = known->getAttrOfType<StringAttr>(kPurpose);
        other && other == purpose && known.getType() == type)
      return known;
  OpBuilder::InsertionGuard guard(*this);
  setInsertionPointToStart(&body);
  auto alloca =
      memref::AllocaOp::create(*this, type, getI64IntegerAttr(kAlignment));
  alloca->setAttr(kPurpose, getStringAttr(purpose));
  return alloca;
}

void KernelBuilder::prefetch(Value memref, ValueRange indices, int cache) {
  // llvm.prefetch counts the other way round, from 3.
  memref::PrefetchOp::create(*this, memref, indices, /*isWrite=*/false,
                             /*localityHint=*/4 - cache, /*isDataCache=*/true);
}

Value KernelBuilder::loadScalar(Value memref, ValueRange indices) {
  return toF32(memref::LoadOp::create(*this, memref, indices));
}

void KernelBuilder::storeScalar(Value scalar, Value memref,
                                ValueRange indices) {
  Type element = cast<MemRefType>(memref.getType()).getElementType();
  memref::StoreOp::create(*this, fromF32(scalar, element), memref, indices);
}
