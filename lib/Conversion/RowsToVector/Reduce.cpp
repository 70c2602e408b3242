//===- Reduce.cpp - kernels of sums, means and maximums -------------------===//

#include "Emitters.h"

using namespace mlir;
using namespace tenon;
using namespace tenon::rows;

Value rows::sumOverRow(
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

/// A row of dynamic length: one accumulator, every vector masked.
static Value sumOverDynamicRow(KernelBuilder &b, OpFoldResult length,
                               Value input, ValueRange row) {
  KernelBuilder::Values sums = b.forEachVector(
      length, b.splat(0.0), [&](Value column, Value mask, ValueRange args) {
        Value x = b.load(input, at(row, column), mask);
        return KernelBuilder::Values{b.add(args[0], x)};
      });
  return b.reduceAdd(sums[0]);
}

static Value minusInfinity(KernelBuilder &b) {
  return b.splat(-std::numeric_limits<double>::infinity());
}

/// The extent as f32.
static Value toNumber(KernelBuilder &b, OpFoldResult extent) {
  Value integer =
      arith::IndexCastOp::create(b, b.getI32Type(), b.materialize(extent));
  return arith::UIToFPOp::create(b, b.getF32Type(), integer);
}

/// Over the last dimension: rows in vectors, then their lanes.
static void reduceRow(KernelBuilder &b, ReduceOp op) {
  Value input = op.getInput(), output = op.getOut();
  OpFoldResult length = lastDim(b, input);
  int64_t known = cast<MemRefType>(input.getType()).getShape().back();
  b.loopNest(leadingDims(b, output), [&](ValueRange row) {
    Value result;
    if (op.getKind() == Reduction::Max) {
      Value lowest = minusInfinity(b);
      KernelBuilder::Values maxima = b.forEachVector(
          length, lowest, [&](Value column, Value mask, ValueRange args) {
            Value x = b.load(input, at(row, column), mask);
            if (mask)
              x = arith::SelectOp::create(b, mask, x, lowest);
            return KernelBuilder::Values{b.max(args[0], x)};
          });
      result = b.reduceMax(maxima[0]);
    } else if (ShapedType::isDynamic(known)) {
      result = sumOverDynamicRow(b, length, input, row);
    } else {
      result = sumOverRow(b, known, [&](Value column, Value mask, Value sum) {
        return b.add(sum, b.load(input, at(row, column), mask));
      });
    }
    if (op.getKind() == Reduction::Mean)
      result = b.div(result, toNumber(b, length));
    b.storeScalar(result, output, at(row, b.index(0)));
  });
}

/// Over another dimension: a vector of columns at a time, blocks of 32 terms in
/// order, then the blocks in order, so that no tiling changes a sum.
static void reduceColumns(KernelBuilder &b, ReduceOp op) {
  constexpr int64_t kBlock = 32;
  Value input = op.getInput(), output = op.getOut();
  auto dim = static_cast<int64_t>(op.getDim());
  bool isMax = op.getKind() == Reduction::Max;
  auto combine = [&](Value x, Value y) {
    return isMax ? b.max(x, y) : b.add(x, y);
  };
  Value start = isMax ? minusInfinity(b) : b.splat(0.0);
  Value length = b.materialize(b.dim(input, dim));
  b.loopNest(leadingDims(b, output), [&](ValueRange row) {
    b.forEachVector(lastDim(b, output), [&](Value column, Value mask) {
      Value total = b.loop(
          b.index(0), length, kBlock, start, [&](Value first, ValueRange sums) {
            Value end =
                arith::MinUIOp::create(b, b.addIndex(first, kBlock), length);
            Value block =
                b.loop(first, end, 1, start, [&](Value i, ValueRange terms) {
                  KernelBuilder::Values place = at(row, column);
                  place[dim] = i;
                  return KernelBuilder::Values{
                      combine(terms[0], b.load(input, place, mask))};
                })[0];
            return KernelBuilder::Values{combine(sums[0], block)};
          })[0];
      if (op.getKind() == Reduction::Mean)
        total = b.div(total, b.splat(toNumber(b, b.dim(input, dim))));
      b.store(total, output, at(row, column), mask);
    });
  });
}

void rows::emit(KernelBuilder &b, ReduceOp op) {
  int64_t rank = cast<MemRefType>(op.getInput().getType()).getRank();
  if (static_cast<int64_t>(op.getDim()) == rank - 1)
    return reduceRow(b, op);
  reduceColumns(b, op);
}
