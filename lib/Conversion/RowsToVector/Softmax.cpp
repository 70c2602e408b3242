//===- Softmax.cpp - kernels of softmax and of its masks ------------------===//
//
// Used where attention was not fused; the fused kernels have their own.
//
//===----------------------------------------------------------------------===//

#include "Emitters.h"

using namespace mlir;
using namespace tenon;
using namespace tenon::rows;

static Value minusInfinity(KernelBuilder &b) {
  return b.splat(-std::numeric_limits<double>::infinity());
}

void rows::emit(KernelBuilder &b, SoftmaxOp op) {
  Value input = op.getInput(), output = op.getOut();
  // Finite, so that a row with nothing visible gives zeros and no NaN.
  Value lowest = b.splat(-1e30);
  b.loopNest(leadingDims(b, output), [&](ValueRange row) {
    KernelBuilder::Values maxima =
        b.forEachVector(lastDim(b, output), lowest,
                        [&](Value column, Value mask, ValueRange args) {
                          Value x = b.load(input, at(row, column), mask);
                          if (mask)
                            x = arith::SelectOp::create(b, mask, x, lowest);
                          return KernelBuilder::Values{b.max(args[0], x)};
                        });
    Value maximum = b.splat(b.reduceMax(maxima[0]));
    KernelBuilder::Values sums = b.forEachVector(
        lastDim(b, output), b.splat(0.0),
        [&](Value column, Value mask, ValueRange args) {
          Value x = b.load(input, at(row, column), mask);
          Value e = b.exp(b.sub(x, maximum));
          if (mask)
            e = arith::SelectOp::create(b, mask, e, b.splat(0.0));
          b.store(e, output, at(row, column), mask);
          return KernelBuilder::Values{b.add(args[0], e)};
        });
    Value factor = b.splat(b.div(b.f32(1.0), b.reduceAdd(sums[0])));
    b.forEachVector(lastDim(b, output), [&](Value column, Value mask) {
      Value e = b.load(output, at(row, column), mask);
      b.store(b.mul(e, factor), output, at(row, column), mask);
    });
  });
}

void rows::emit(KernelBuilder &b, CausalMaskOp op) {
  Value input = op.getInput(), output = op.getOut();
  int64_t rank = cast<MemRefType>(input.getType()).getRank();
  auto intVector = b.vectorType(b.getI32Type());
  llvm::SmallVector<int32_t> counting(b.lanes());
  std::iota(counting.begin(), counting.end(), 0);
  Value lane = arith::ConstantOp::create(
      b, DenseElementsAttr::get(intVector, ArrayRef<int32_t>(counting)));
  auto splatIndex = [&](Value index) {
    return b.splat(arith::IndexCastOp::create(b, b.getI32Type(), index));
  };
  Value hidden = minusInfinity(b);
  b.loopNest(leadingDims(b, output), [&](ValueRange row) {
    Value query = splatIndex(row[rank - 2]);
    b.forEachVector(lastDim(b, output), [&](Value column, Value mask) {
      Value key = arith::AddIOp::create(b, splatIndex(column), lane);
      Value visible =
          arith::CmpIOp::create(b, arith::CmpIPredicate::sle, key, query);
      if (op.getWindow()) {
        Value window = arith::ConstantOp::create(
            b, DenseElementsAttr::get(intVector,
                                      static_cast<int32_t>(*op.getWindow())));
        Value first = arith::SubIOp::create(b, query, window);
        Value inside =
            arith::CmpIOp::create(b, arith::CmpIPredicate::sgt, key, first);
        visible = arith::AndIOp::create(b, visible, inside);
      }
      Value x = b.load(input, at(row, column), mask);
      b.store(arith::SelectOp::create(b, visible, x, hidden), output,
              at(row, column), mask);
    });
  });
}

void rows::emit(KernelBuilder &b, PaddingMaskOp op) {
  Value input = op.getInput(), output = op.getOut();
  Value hidden = minusInfinity(b);
  Value zero =
      arith::ConstantOp::create(b, b.getZeroAttr(b.vectorType(b.getI32Type())));
  b.loopNest(leadingDims(b, output), [&](ValueRange row) {
    b.forEachVector(lastDim(b, output), [&](Value column, Value mask) {
      Value valid = b.load(op.getValid(), column, mask);
      Value visible =
          arith::CmpIOp::create(b, arith::CmpIPredicate::ne, valid, zero);
      Value x = b.load(input, at(row, column), mask);
      b.store(arith::SelectOp::create(b, visible, x, hidden), output,
              at(row, column), mask);
    });
  });
}
