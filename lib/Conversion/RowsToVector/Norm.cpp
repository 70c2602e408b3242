//===- Norm.cpp - kernels of norms ----------------------------------------===//

#include "Emitters.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace tenon;
using namespace tenon::rows;

static int64_t rowLength(Value memref) {
  return cast<MemRefType>(memref.getType()).getShape().back();
}

/// Times the norm's weight, if it has one.
template <typename NormOp>
static Value weighted(KernelBuilder &b, NormOp op, Value x, Value column,
                      Value mask) {
  if (!op.getWeight())
    return x;
  Value w = b.load(op.getWeight(), column, mask);
  if (op.getUnitOffset())
    w = b.add(w, b.splat(1.0));
  return b.mul(x, w);
}

/// Writes a row of a norm's results, as numbers or as int8 groups.
static void
storeRow(KernelBuilder &b, int64_t length, Value output, ValueRange row,
         llvm::function_ref<Value(Value column, Value mask)> number) {
  auto type = cast<MemRefType>(output.getType());
  if (isa<Int8GroupType>(type.getElementType()))
    return quantizeRow(b, length, output, row[0], number);
  b.forEachVector(b.getIndexAttr(length), [&](Value column, Value mask) {
    b.store(number(column, mask), output, at(row, column), mask);
  });
}

void rows::emit(KernelBuilder &b, RmsNormOp op) {
  Value input = op.getInput(), output = op.getOut();
  int64_t length = rowLength(input);
  b.loopNest(leadingDims(b, output), [&](ValueRange row) {
    Value squares =
        sumOverRow(b, length, [&](Value column, Value mask, Value sum) {
          Value x = b.load(input, at(row, column), mask);
          return b.fma(x, x, sum);
        });
    Value mean = b.mul(squares, b.f32(1.0 / length));
    Value root = math::SqrtOp::create(
        b, b.add(mean, b.f32(op.getEps().convertToFloat())));
    Value factor = b.splat(b.div(b.f32(1.0), root));
    storeRow(b, length, output, row, [&](Value column, Value mask) {
      Value x = b.load(input, at(row, column), mask);
      return weighted(b, op, b.mul(x, factor), column, mask);
    });
  });
}

void rows::emit(KernelBuilder &b, LayerNormOp op) {
  Value input = op.getInput(), output = op.getOut();
  int64_t length = rowLength(input);
  Value zero = b.splat(0.0);
  b.loopNest(leadingDims(b, output), [&](ValueRange row) {
    Value sum = sumOverRow(b, length, [&](Value column, Value mask, Value sum) {
      return b.add(sum, b.load(input, at(row, column), mask));
    });
    Value mean = b.splat(b.mul(sum, b.f32(1.0 / length)));
    Value squares =
        sumOverRow(b, length, [&](Value column, Value mask, Value sum) {
          Value x = b.sub(b.load(input, at(row, column), mask), mean);
          if (mask)
            x = arith::SelectOp::create(b, mask, x, zero);
          return b.fma(x, x, sum);
        });
    Value variance = b.mul(squares, b.f32(1.0 / length));
    Value root = math::SqrtOp::create(
        b, b.add(variance, b.f32(op.getEps().convertToFloat())));
    Value factor = b.splat(b.div(b.f32(1.0), root));
    storeRow(b, length, output, row, [&](Value column, Value mask) {
      Value x = b.sub(b.load(input, at(row, column), mask), mean);
      Value y = weighted(b, op, b.mul(x, factor), column, mask);
      if (op.getBias())
        y = b.add(y, b.load(op.getBias(), column, mask));
      return y;
    });
  });
}
