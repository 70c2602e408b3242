//===- Windows.cpp - kernels of windows -----------------------------------===//

#include "WindowEmitters.h"

using namespace mlir;
using namespace tenon;
using namespace tenon::rows;

namespace {

/// The windows of one operation: a row of the output each.
class Windows {
public:
  Windows(KernelBuilder &b, UnfoldOp op)
      : b(b), op(op), type(cast<MemRefType>(op.getInput().getType())),
        rank(type.getRank()), size(op.getSize()), stride(op.getStride()),
        padding(op.getPadding()) {}

  void emit();

private:
  /// Where a window begins in dimension `dim` of the input, if that had its
  /// padding before it.
  Value begin(Value window, unsigned dim);
  void emitWhole(Value row, ValueRange begins);
  void emitPadded(Value row, ValueRange begins);
  /// The numbers before a channel's in a row, and what follows.
  Value column(Value channel, Value inWindow) {
    int64_t width = rank == 2 ? size : size * size;
    return b.addIndex(b.mulIndex(channel, width), inWindow);
  }

  KernelBuilder &b;
  UnfoldOp op;
  MemRefType type;
  int64_t rank, size, stride, padding;
};

} // namespace

Value Windows::begin(Value window, unsigned dim) {
  if (rank == 2)
    return b.mulIndex(window, stride);
  Value perLine = b.index(
      *UnfoldOp::countWindows(type.getDimSize(2), size, stride, padding));
  Value place = dim == 1 ? Value(arith::DivUIOp::create(b, window, perLine))
                         : Value(arith::RemUIOp::create(b, window, perLine));
  return b.mulIndex(place, stride);
}

void Windows::emit() {
  auto [strides, offset] = type.getStridesAndOffset();
  bool isWhole = padding == 0 && strides.back() == 1;
  b.loop(b.index(0), b.materialize(b.dim(op.getOut(), 0)), 1, [&](Value row) {
    Value window = op.getFirst() ? b.addIndex(row, op.getFirst()) : row;
    KernelBuilder::Values begins;
    for (unsigned dim = 1; dim < rank; ++dim)
      begins.push_back(begin(window, dim));
    isWhole ? emitWhole(row, begins) : emitPadded(row, begins);
  });
}

/// Nothing is missing: a line of a window is a run of memory.
void Windows::emitWhole(Value row, ValueRange begins) {
  SmallVector<OpFoldResult> lines = {b.dim(op.getInput(), 0)};
  if (rank == 3)
    lines.push_back(b.getIndexAttr(size));
  b.loopNest(lines, [&](ValueRange line) {
    Value first =
        column(line[0], rank == 3 ? b.mulIndex(line[1], size) : b.index(0));
    b.forEachVector(b.getIndexAttr(size), [&](Value k, Value mask) {
      KernelBuilder::Values place = {line[0]};
      if (rank == 3)
        place.push_back(b.addIndex(begins[0], line[1]));
      place.push_back(b.addIndex(begins.back(), k));
      b.store(b.load(op.getInput(), place, mask), op.getOut(),
              {row, b.addIndex(first, k)}, mask);
    });
  });
}

/// One place of a window after the other, of all channels: whether the signal
/// has it is the same for them.
void Windows::emitPadded(Value row, ValueRange begins) {
  SmallVector<OpFoldResult> places(rank - 1, b.getIndexAttr(size));
  Value zero = b.index(0);
  b.loopNest(places, [&](ValueRange inWindow) {
    KernelBuilder::Values clamped;
    Value isThere, index;
    for (unsigned dim = 1; dim < rank; ++dim) {
      Value extent = b.materialize(b.dim(op.getInput(), dim));
      Value padded = b.addIndex(begins[dim - 1], inWindow[dim - 1]);
      Value place = arith::SubIOp::create(b, padded, b.index(padding));
      // Before the signal it is above any extent, as an unsigned number.
      Value inside =
          arith::CmpIOp::create(b, arith::CmpIPredicate::ult, place, extent);
      isThere =
          isThere ? Value(arith::AndIOp::create(b, isThere, inside)) : inside;
      clamped.push_back(arith::SelectOp::create(b, inside, place, zero));
      index = index ? b.addIndex(b.mulIndex(index, size), inWindow[dim - 1])
                    : inWindow[dim - 1];
    }
    b.loopNest({b.dim(op.getInput(), 0)}, [&](ValueRange channel) {
      KernelBuilder::Values place = {channel[0]};
      llvm::append_range(place, clamped);
      Value x = b.loadScalar(op.getInput(), place);
      x = arith::SelectOp::create(b, isThere, x, b.f32(0));
      b.storeScalar(x, op.getOut(), {row, column(channel[0], index)});
    });
  });
}

void rows::emit(KernelBuilder &b, UnfoldOp op) { Windows(b, op).emit(); }
