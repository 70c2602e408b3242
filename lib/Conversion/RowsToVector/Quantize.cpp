//===- Quantize.cpp - rows of int8 groups ---------------------------------===//

#include "Emitters.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace tenon;
using namespace tenon::rows;

using Values = KernelBuilder::Values;

/// The nearest integer, ties to even, of |x| < 2^22: adding 1.5 * 2^23 leaves
/// no place for a fraction. SSE2 has no instruction that rounds.
static Value roundToEven(KernelBuilder &b, Value x) {
  Value magic = b.splat(12582912.0);
  return b.sub(b.add(x, magic), magic);
}

/// Writes a group, given its 32 numbers in registers.
static void storeGroup(KernelBuilder &b, ValueRange numbers, Value bytes,
                       Value row, Value group) {
  Value largest;
  for (Value x : numbers) {
    Value magnitude = math::AbsFOp::create(b, x);
    largest = largest ? b.max(largest, magnitude) : magnitude;
  }
  Value most = b.reduceMax(largest);
  Value scale = b.mul(most, b.f32(1.0 / 127));
  Value isZero =
      arith::CmpFOp::create(b, arith::CmpFPredicate::OEQ, most, b.f32(0.0));
  Value inverse =
      arith::SelectOp::create(b, isZero, b.f32(0.0), b.div(b.f32(127.0), most));
  Value factor = b.splat(inverse);
  int64_t perHalf = numbers.size() / 2;
  Value sums[2];
  for (auto [i, x] : llvm::enumerate(numbers)) {
    Value q = roundToEven(b, b.mul(x, factor));
    Value &sum = sums[static_cast<int64_t>(i) / perHalf];
    sum = sum ? b.add(sum, q) : q;
    Value words = arith::FPToSIOp::create(b, b.vectorType(b.getI32Type()), q);
    vector::StoreOp::create(
        b, arith::TruncIOp::create(b, b.vectorType(b.getI8Type()), words),
        bytes, ValueRange{row, group, b.index(i * b.lanes())});
  }
  // Whole numbers below 2^24: the order of these additions doesn't matter.
  Value first = b.reduceAdd(sums[0]), second = b.reduceAdd(sums[1]);
  Value all = b.add(first, second);
  auto negative = [&](Value sum) -> Value {
    return arith::FPToSIOp::create(b, b.getI32Type(),
                                   arith::NegFOp::create(b, sum));
  };
  auto bits = [&](Value number) -> Value {
    return arith::BitcastOp::create(b, b.getI32Type(), number);
  };
  Value zero = arith::ConstantOp::create(b, b.getI32IntegerAttr(0));
  // In the order of Int8Group's fields.
  Values fields = {bits(scale),
                   bits(b.mul(scale, all)),
                   negative(all),
                   negative(first),
                   negative(second),
                   bits(b.mul(scale, first)),
                   bits(b.mul(scale, second)),
                   zero};
  static_assert(offsetof(Int8Group, scale) == 32 && sizeof(Int8Group) == 64);
  Value words = vector::FromElementsOp::create(
      b, VectorType::get({8}, b.getI32Type()), fields);
  vector::StoreOp::create(
      b,
      vector::BitCastOp::create(b, VectorType::get({32}, b.getI8Type()), words),
      bytes, ValueRange{row, group, b.index(offsetof(Int8Group, scale))});
}

void rows::quantizeRow(
    KernelBuilder &b, int64_t length, Value output, Value row,
    llvm::function_ref<Value(Value column, Value mask)> number) {
  Value bytes = ElementBytesOp::create(b, output);
  constexpr int64_t kGroup = Superblock::kGroup;
  auto emitGroup = [&](Value group, int64_t count) {
    Value column = b.mulIndex(group, kGroup);
    Values numbers;
    for (int64_t i = 0; i < kGroup; i += b.lanes()) {
      int64_t here = std::min(count - i, b.lanes());
      if (here <= 0)
        numbers.push_back(b.splat(0.0));
      else
        numbers.push_back(number(b.addIndex(column, i),
                                 here < b.lanes() ? b.maskOf(here) : Value()));
    }
    storeGroup(b, numbers, bytes, row, group);
  };
  int64_t full = length / kGroup;
  int64_t groups = cast<MemRefType>(output.getType()).getDimSize(1);
  if (full > 0)
    b.loop(b.index(0), b.index(full), 1,
           [&](Value group) { emitGroup(group, kGroup); });
  for (int64_t group = full; group < groups; ++group)
    emitGroup(b.index(group), std::max<int64_t>(length - group * kGroup, 0));
}

void rows::emit(KernelBuilder &b, QuantizeOp op) {
  Value input = op.getInput();
  int64_t length = cast<MemRefType>(input.getType()).getDimSize(1);
  b.loopNest({b.dim(op.getOut(), 0)}, [&](ValueRange row) {
    quantizeRow(b, length, op.getOut(), row[0], [&](Value column, Value mask) {
      return b.load(input, at(row, column), mask);
    });
  });
}
