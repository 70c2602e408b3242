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
    // A score that is there already.
    Value sink =
        op.getSink() ? b.loadScalar(op.getSink(), row.front()) : Value();
    KernelBuilder::Values maxima =
        b.forEachVector(lastDim(b, output), sink ? b.splat(sink) : lowest,
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
    Value sum = b.reduceAdd(sums[0]);
    if (sink)
      sum = b.add(sum, b.exp(b.sub(sink, b.reduceMax(maxima[0]))));
    Value factor = b.splat(b.div(b.f32(1.0), sum));
    b.forEachVector(lastDim(b, output), [&](Value column, Value mask) {
      Value e = b.load(output, at(row, column), mask);
      b.store(b.mul(e, factor), output, at(row, column), mask);
    });
  });
}

/// Scores of keys that a query doesn't see become minus infinity; `visible`
/// gets their positions and the query's, i32.
static void emitMask(KernelBuilder &b, Value input, Value output,
                     function_ref<Value(Value key, Value query)> visible) {
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
      Value x = b.load(input, at(row, column), mask);
      b.store(arith::SelectOp::create(b, visible(key, query), x, hidden),
              output, at(row, column), mask);
    });
  });
}

static Value splatI32(KernelBuilder &b, int64_t value) {
  return arith::ConstantOp::create(
      b, DenseElementsAttr::get(b.vectorType(b.getI32Type()),
                                static_cast<int32_t>(value)));
}

static Value compare(KernelBuilder &b, arith::CmpIPredicate predicate, Value x,
                     Value y) {
  return arith::CmpIOp::create(b, predicate, x, y);
}

void rows::emit(KernelBuilder &b, CausalMaskOp op) {
  emitMask(b, op.getInput(), op.getOut(), [&](Value key, Value query) -> Value {
    Value visible = compare(b, arith::CmpIPredicate::sle, key, query);
    if (!op.getWindow())
      return visible;
    Value first = arith::SubIOp::create(b, query, splatI32(b, *op.getWindow()));
    Value inside = compare(b, arith::CmpIPredicate::sgt, key, first);
    return arith::AndIOp::create(b, visible, inside);
  });
}

void rows::emit(KernelBuilder &b, BandMaskOp op) {
  emitMask(b, op.getInput(), op.getOut(), [&](Value key, Value query) -> Value {
    Value width = splatI32(b, op.getWidth());
    Value distance = arith::SubIOp::create(b, key, query);
    Value back = arith::SubIOp::create(b, query, key);
    return arith::AndIOp::create(
        b, compare(b, arith::CmpIPredicate::sle, distance, width),
        compare(b, arith::CmpIPredicate::sle, back, width));
  });
}

void rows::emit(KernelBuilder &b, ScoreBiasOp op) {
  Value input = op.getInput(), output = op.getOut();
  int64_t reach = cast<MemRefType>(op.getBias().getType()).getDimSize(1) / 2;
  b.loopNest(leadingDims(b, output), [&](ValueRange row) {
    b.forEachVector(lastDim(b, output), [&](Value column, Value mask) {
      Value place = column;
      if (!op.getByKey())
        place = b.addIndex(arith::SubIOp::create(b, column, row[1]), reach);
      Value bias = b.load(op.getBias(), {row[0], place}, mask);
      Value x = b.load(input, at(row, column), mask);
      b.store(b.add(x, bias), output, at(row, column), mask);
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

// One number after the other: a row of them is in the first-level cache.
void rows::emit(KernelBuilder &b, DistanceGatherOp op) {
  Value input = op.getInput(), output = op.getOut();
  int64_t reach = cast<MemRefType>(op.getIndex().getType()).getDimSize(0) / 2;
  b.loopNest(leadingDims(b, output), [&](ValueRange row) {
    Value columns = b.materialize(lastDim(b, output));
    b.loop(b.index(0), columns, 1, [&](Value column) {
      Value place = b.addIndex(arith::SubIOp::create(b, column, row[1]), reach);
      Value index = arith::IndexCastOp::create(
          b, b.getIndexType(), b.loadScalar(op.getIndex(), place));
      b.storeScalar(b.loadScalar(input, {row[0], row[1], index}), output,
                    at(row, column));
    });
  });
}
