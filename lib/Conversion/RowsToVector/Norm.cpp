//===- Norm.cpp - kernels of norms ----------------------------------------===//

#include "Emitters.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace tenon;
using namespace tenon::rows;

/// The sum over a row of what `term` gives for each vector (0 in masked lanes):
/// vector i goes to accumulator i % 4, the accumulators are added in pairs,
/// then the lanes by halves. This order depends on nothing but the row's length
/// and the vector width (I5).
static Value sumOverRow(
    KernelBuilder &b, int64_t length,
    llvm::function_ref<Value(Value column, Value mask, Value sum)> term) {
  constexpr int64_t kAccumulators = 4;
  int64_t lanes = b.lanes(), block = kAccumulators * lanes;
  KernelBuilder::Values sums(kAccumulators, b.splat(0.0));
  int64_t blocked = length / block * block;
  if (blocked > 0)
    sums = b.loop(b.index(0), b.index(blocked), block, sums,
                  [&](Value column, ValueRange args) {
                    KernelBuilder::Values next;
                    for (int64_t i = 0; i < kAccumulators; ++i)
                      next.push_back(
                          term(b.addIndex(column, i * lanes), {}, args[i]));
                    return next;
                  });
  int64_t i = 0;
  for (int64_t column = blocked; column < length; column += lanes, ++i) {
    int64_t count = std::min(lanes, length - column);
    Value mask = count < lanes ? b.maskOf(count) : Value();
    sums[i] = term(b.index(column), mask, sums[i]);
  }
  return b.reduceAdd(b.add(b.add(sums[0], sums[1]), b.add(sums[2], sums[3])));
}

static int64_t rowLength(Value memref) {
  return cast<MemRefType>(memref.getType()).getShape().back();
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
      Value w = b.load(op.getWeight(), column, mask);
      if (op.getUnitOffset())
        w = b.add(w, b.splat(1.0));
      return b.mul(b.mul(x, factor), w);
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
      Value w = b.load(op.getWeight(), column, mask);
      Value y = b.mul(b.mul(x, factor), w);
      if (op.getBias())
        y = b.add(y, b.load(op.getBias(), column, mask));
      return y;
    });
  });
}
