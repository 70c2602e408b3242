//===- Optimizer.cpp - kernels of the optimizer's step --------------------===//

#include "TrainingEmitters.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace tenon;
using namespace tenon::rows;

void rows::emit(KernelBuilder &b, SumSquaresOp op) {
  constexpr int64_t kBlock = SumSquaresOp::kBlock;
  Value input = op.getInput(), output = op.getOut();
  int64_t length = cast<MemRefType>(input.getType()).getDimSize(0);
  auto emitBlock = [&](Value block, int64_t size) {
    Value begin = b.mulIndex(block, kBlock);
    Value sum =
        sumOverRow(b, size, [&](Value column, Value mask, Value partial) {
          Value x = b.load(input, b.addIndex(begin, column), mask);
          return b.fma(x, x, partial);
        });
    b.storeScalar(sum, output, block);
  };
  int64_t whole = length / kBlock;
  b.loop(b.index(0), b.index(whole), 1,
         [&](Value block) { emitBlock(block, kBlock); });
  if (length % kBlock)
    emitBlock(b.index(whole), length % kBlock);
}

void rows::emit(KernelBuilder &b, NormOfSumsOp op) {
  Value zero = arith::ConstantOp::create(b, b.getF64FloatAttr(0.0));
  Value sum = b.loop(
      b.index(0), b.materialize(b.dim(op.getInput(), 0)), 1, zero,
      [&](Value block, ValueRange args) {
        Value x = arith::ExtFOp::create(b, b.getF64Type(),
                                        b.loadScalar(op.getInput(), block));
        return KernelBuilder::Values{arith::AddFOp::create(b, args[0], x)};
      })[0];
  Value root =
      arith::TruncFOp::create(b, b.getF32Type(), math::SqrtOp::create(b, sum));
  Value scale = b.loadScalar(op.getNumbers(), b.index(0));
  b.storeScalar(b.mul(root, scale), op.getOut(), {b.index(0), b.index(0)});
}

void rows::emit(KernelBuilder &b, AdamWOp op) {
  auto number = [&](int64_t place) {
    return b.loadScalar(op.getNumbers(), b.index(place));
  };
  Value scale = gradientScale(b, op.getNumbers(), op.getNorm());
  Value keep = b.splat(number(2));
  Value beta1 = b.splat(number(3)), rest1 = b.splat(number(4));
  Value beta2 = b.splat(number(5)), rest2 = b.splat(number(6));
  Value rate = b.splat(number(7)), root = b.splat(number(8));
  Value epsilon = b.splat(number(9));
  b.forEachVector(lastDim(b, op.getWeight()), [&](Value i, Value mask) {
    Value g = b.mul(b.load(op.getGradient(), i, mask), scale);
    Value m = b.load(op.getFirst(), i, mask);
    Value v = b.load(op.getSecond(), i, mask);
    m = b.fma(beta1, m, b.mul(rest1, g));
    v = b.fma(beta2, v, b.mul(rest2, b.mul(g, g)));
    Value w = b.load(op.getWeight(), i, mask);
    if (op.getDecay())
      w = b.mul(w, keep);
    Value size = b.add(b.div(math::SqrtOp::create(b, v), root), epsilon);
    w = b.sub(w, b.mul(rate, b.div(m, size)));
    b.store(w, op.getWeight(), i, mask);
    b.store(m, op.getFirst(), i, mask);
    b.store(v, op.getSecond(), i, mask);
    b.store(b.splat(0.0), op.getGradient(), i, mask);
  });
}
