//===- Elementwise.cpp - kernels of elementwise operations ----------------===//

#include "Emitters.h"

using namespace mlir;
using namespace tenon;
using namespace tenon::rows;

/// One input, one output of the same shape.
static void emitUnary(KernelBuilder &b, Value input, Value output,
                      llvm::function_ref<Value(Value)> compute) {
  b.loopNest(leadingDims(b, output), [&](ValueRange row) {
    b.forEachVector(lastDim(b, output), [&](Value column, Value mask) {
      Value x = b.load(input, at(row, column), mask);
      b.store(compute(x), output, at(row, column), mask);
    });
  });
}

void rows::emit(KernelBuilder &b, ScaleOp op) {
  Value factor = b.splat(op.getFactor().convertToFloat());
  emitUnary(b, op.getInput(), op.getOut(),
            [&](Value x) { return b.mul(x, factor); });
}

void rows::emit(KernelBuilder &b, ShiftOp op) {
  Value amount = b.splat(op.getAmount().convertToFloat());
  emitUnary(b, op.getInput(), op.getOut(),
            [&](Value x) { return b.add(x, amount); });
}

void rows::emit(KernelBuilder &b, ReciprocalOp op) {
  Value numerator = b.splat(op.getNumerator().convertToFloat());
  emitUnary(b, op.getInput(), op.getOut(),
            [&](Value x) { return b.div(numerator, x); });
}

void rows::emit(KernelBuilder &b, ClampOp op) {
  emitUnary(b, op.getInput(), op.getOut(), [&](Value x) {
    if (std::optional<APFloat> low = op.getLow())
      x = b.max(x, b.splat(low->convertToFloat()));
    if (std::optional<APFloat> high = op.getHigh())
      x = b.min(x, b.splat(high->convertToFloat()));
    return x;
  });
}

void rows::emit(KernelBuilder &b, ActivationOp op) {
  emitUnary(b, op.getInput(), op.getOut(),
            [&](Value x) { return b.activation(op.getKind(), x); });
}

void rows::emit(KernelBuilder &b, CastOp op) {
  emitUnary(b, op.getInput(), op.getOut(), [](Value x) { return x; });
}

void rows::emit(KernelBuilder &b, CopyOp op) {
  auto [strides, offset] =
      cast<MemRefType>(op.getInput().getType()).getStridesAndOffset();
  if (!strides.empty() && strides.back() != 1) {
    // A transposed source: one number at a time.
    llvm::SmallVector<OpFoldResult> extents = leadingDims(b, op.getOut());
    extents.push_back(lastDim(b, op.getOut()));
    return b.loopNest(extents, [&](ValueRange place) {
      b.storeScalar(b.loadScalar(op.getInput(), place), op.getOut(), place);
    });
  }
  emitUnary(b, op.getInput(), op.getOut(), [](Value x) { return x; });
}

/// The operand's vector at a place of the output, broadcast by NumPy's rule:
/// missing leading dimensions and dimensions of 1 repeat.
static Value loadBroadcast(KernelBuilder &b, Value operand, ValueRange row,
                           Value column, Value mask) {
  auto type = cast<MemRefType>(operand.getType());
  KernelBuilder::Values place = at(row, column);
  ArrayRef<Value> tail = ArrayRef(place).take_back(type.getRank());
  KernelBuilder::Values indices;
  for (auto [extent, index] : llvm::zip_equal(type.getShape(), tail))
    indices.push_back(extent == 1 ? b.index(0) : index);
  if (type.getRank() == 0 || type.getShape().back() == 1)
    return b.splat(b.loadScalar(operand, indices));
  return b.load(operand, indices, mask);
}

void rows::emit(KernelBuilder &b, ConcatOp op) {
  Value output = op.getOut();
  b.loopNest(leadingDims(b, output), [&](ValueRange row) {
    int64_t offset = 0;
    for (Value part : {op.getLhs(), op.getRhs()}) {
      int64_t count = cast<MemRefType>(part.getType()).getShape().back();
      b.forEachVector(b.getIndexAttr(count), [&](Value column, Value mask) {
        Value x = loadBroadcast(b, part, row, column, mask);
        b.store(x, output, at(row, b.addIndex(column, offset)), mask);
      });
      offset += count;
    }
  });
}

template <typename Op>
static void emitBinary(KernelBuilder &b, Op op,
                       llvm::function_ref<Value(Value, Value)> compute) {
  Value output = op.getOut();
  b.loopNest(leadingDims(b, output), [&](ValueRange row) {
    b.forEachVector(lastDim(b, output), [&](Value column, Value mask) {
      Value x = loadBroadcast(b, op.getLhs(), row, column, mask);
      Value y = loadBroadcast(b, op.getRhs(), row, column, mask);
      b.store(compute(x, y), output, at(row, column), mask);
    });
  });
}

void rows::emit(KernelBuilder &b, AddOp op) {
  emitBinary(b, op, [&](Value x, Value y) { return b.add(x, y); });
}
void rows::emit(KernelBuilder &b, SubOp op) {
  emitBinary(b, op, [&](Value x, Value y) { return b.sub(x, y); });
}
void rows::emit(KernelBuilder &b, MulOp op) {
  emitBinary(b, op, [&](Value x, Value y) { return b.mul(x, y); });
}
void rows::emit(KernelBuilder &b, DivOp op) {
  emitBinary(b, op, [&](Value x, Value y) { return b.div(x, y); });
}
