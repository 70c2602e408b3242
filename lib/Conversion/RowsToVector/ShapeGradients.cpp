//===- ShapeGradients.cpp - gradients that move and add up numbers --------===//

#include "TrainingEmitters.h"

using namespace mlir;
using namespace tenon;
using namespace tenon::rows;

/// Writes zeros to the columns [begin, end) of a row.
static void clear(KernelBuilder &b, Value output, ValueRange row,
                  OpFoldResult begin, OpFoldResult end) {
  Value first = b.materialize(begin);
  std::optional<int64_t> from = getConstantIntValue(begin),
                         to = getConstantIntValue(end);
  OpFoldResult count;
  if (from && to)
    count = b.getIndexAttr(*to - *from);
  else
    count = arith::SubIOp::create(b, b.materialize(end), first).getResult();
  b.forEachVector(count, [&](Value j, Value mask) {
    b.store(b.splat(0.0), output, at(row, b.addIndex(first, j)), mask);
  });
}

void rows::emit(KernelBuilder &b, ZeroPadOp op) {
  Value input = op.getInput(), output = op.getOut();
  auto offset = static_cast<int64_t>(op.getOffset());
  int64_t size = cast<MemRefType>(input.getType()).getShape().back();
  int64_t columns = cast<MemRefType>(output.getType()).getShape().back();
  b.loopNest(leadingDims(b, output), [&](ValueRange row) {
    clear(b, output, row, b.getIndexAttr(0), b.getIndexAttr(offset));
    b.forEachVector(b.getIndexAttr(size), [&](Value column, Value mask) {
      Value x = b.load(input, at(row, column), mask);
      b.store(x, output, at(row, b.addIndex(column, offset)), mask);
    });
    clear(b, output, row, b.getIndexAttr(offset + size),
          b.getIndexAttr(columns));
  });
}

void rows::emit(KernelBuilder &b, SumHeadsOp op) {
  Value input = op.getInput(), output = op.getOut();
  int64_t group = cast<MemRefType>(input.getType()).getDimSize(0) /
                  cast<MemRefType>(output.getType()).getDimSize(0);
  b.loopNest(leadingDims(b, output), [&](ValueRange row) {
    Value first = b.mulIndex(row[0], group);
    b.forEachVector(lastDim(b, output), [&](Value column, Value mask) {
      Value sum = b.splat(0.0);
      for (int64_t i = 0; i < group; ++i)
        sum = b.add(
            sum, b.load(input, {b.addIndex(first, i), row[1], column}, mask));
      b.store(sum, output, at(row, column), mask);
    });
  });
}

void rows::emit(KernelBuilder &b, ZerosLikeOp op) {
  Value output = op.getOut();
  b.loopNest(leadingDims(b, output), [&](ValueRange row) {
    clear(b, output, row, b.getIndexAttr(0), lastDim(b, output));
  });
}

void rows::emit(KernelBuilder &b, PadRowsOp op) {
  Value input = op.getInput(), output = op.getOut();
  auto offset = static_cast<int64_t>(op.getOffset());
  Value first = b.index(offset);
  if (offset < 0)
    first = b.addIndex(b.materialize(b.dim(output, 0)), offset);
  b.loopNest(leadingDims(b, output), [&](ValueRange row) {
    clear(b, output, row, b.getIndexAttr(0), lastDim(b, output));
  });
  b.loopNest(leadingDims(b, input), [&](ValueRange row) {
    Value to = b.addIndex(first, row[0]);
    b.forEachVector(lastDim(b, input), [&](Value column, Value mask) {
      b.store(b.load(input, at(row, column), mask), output, {to, column}, mask);
    });
  });
}

void rows::emit(KernelBuilder &b, ClampGradientOp op) {
  Value output = op.getOut();
  b.loopNest(leadingDims(b, output), [&](ValueRange row) {
    b.forEachVector(lastDim(b, output), [&](Value column, Value mask) {
      Value dy = b.load(op.getGradient(), at(row, column), mask);
      Value x = b.load(op.getInput(), at(row, column), mask);
      auto keepWhere = [&](arith::CmpFPredicate predicate,
                           std::optional<APFloat> bound) {
        if (!bound)
          return;
        Value inside = arith::CmpFOp::create(
            b, predicate, x, b.constantLike(bound->convertToFloat(), x));
        dy = arith::SelectOp::create(b, inside, dy, b.splat(0.0));
      };
      keepWhere(arith::CmpFPredicate::OGE, op.getLow());
      keepWhere(arith::CmpFPredicate::OLE, op.getHigh());
      b.store(dy, output, at(row, column), mask);
    });
  });
}

/// A vector of distances at a time: of each row, neighbouring scores.
void rows::emit(KernelBuilder &b, ScoreBiasGradientOp op) {
  Value scores = op.getGradient(), output = op.getOut();
  int64_t reach = cast<MemRefType>(output.getType()).getDimSize(1) / 2;
  Value queries = b.materialize(b.dim(scores, 1));
  b.loopNest(leadingDims(b, output), [&](ValueRange head) {
    clear(b, output, head, b.getIndexAttr(0), lastDim(b, output));
    b.loop(b.index(0), queries, 1, [&](Value query) {
      // Places of the first key, and of those after it.
      Value first = arith::SubIOp::create(b, b.index(reach), query);
      b.forEachVector(b.dim(scores, 2), [&](Value key, Value mask) {
        Value place = b.addIndex(first, key);
        Value sum = b.add(b.load(output, at(head, place), mask),
                          b.load(scores, {head[0], query, key}, mask));
        b.store(sum, output, at(head, place), mask);
      });
    });
  });
}

// One number after the other, as they are gathered.
void rows::emit(KernelBuilder &b, DistanceGatherGradientOp op) {
  Value scores = op.getGradient(), output = op.getOut();
  int64_t reach = cast<MemRefType>(op.getIndex().getType()).getDimSize(0) / 2;
  Value keys = b.materialize(lastDim(b, scores));
  b.loopNest(leadingDims(b, output), [&](ValueRange row) {
    clear(b, output, row, b.getIndexAttr(0), lastDim(b, output));
    b.loop(b.index(0), keys, 1, [&](Value key) {
      Value place = b.addIndex(arith::SubIOp::create(b, key, row[1]), reach);
      Value index = arith::IndexCastOp::create(
          b, b.getIndexType(), b.loadScalar(op.getIndex(), place));
      Value sum = b.add(b.loadScalar(output, at(row, index)),
                        b.loadScalar(scores, at(row, key)));
      b.storeScalar(sum, output, at(row, index));
    });
  });
}
