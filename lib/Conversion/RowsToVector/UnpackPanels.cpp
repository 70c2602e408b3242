//===- UnpackPanels.cpp - weights in blocks as numbers --------------------===//
//
// A register has as many neighbouring rows of the weight as it has lanes, at
// one place along K, as superblocks have them. As many such registers are a
// square, whose transpose has neighbours along K, as rows of numbers have them.
//
//===----------------------------------------------------------------------===//

#include "TrainingEmitters.h"
#include "tenon/Conversion/BlockWeights.h"

using namespace mlir;
using namespace tenon;
using namespace tenon::rows;

namespace {

class UnpackKernel {
public:
  UnpackKernel(KernelBuilder &b, UnpackPanelsOp op)
      : b(b), op(op), weights(b, op.getWeight()),
        format(weights.getSuperblock()) {}

  void emit() {
    int64_t rows = outType().getDimSize(0), each = weights.panelColumns();
    b.loop(b.index(0), b.index(rows / each), 1,
           [&](Value panel) { emitPanel(panel, each); });
    if (rows % each)
      emitPanel(b.index(rows / each), rows % each);
  }

private:
  MemRefType outType() { return cast<MemRefType>(op.getOut().getType()); }

  /// The first `rows` rows of a panel, counted from the operation's first.
  void emitPanel(Value panel, int64_t rows) {
    Value first = b.mulIndex(panel, weights.panelColumns());
    Value source = arith::AddIOp::create(b, op.getFirst(), panel);
    int64_t whole = rows / b.lanes();
    b.loop(b.index(0), b.index(whole), 1, [&](Value vector) {
      emitRows(source, {vector, 0}, first, b.lanes());
    });
    if (rows % b.lanes())
      emitRows(source, {b.index(whole), 0}, first, rows % b.lanes());
  }

  /// All of K for the rows of a register, of which so many are stored.
  void emitRows(Value panel, PanelVector vector, Value first, int64_t rows) {
    constexpr int64_t kGroup = Superblock::kGroup;
    Value row = arith::AddIOp::create(b, first, vector.column(b));
    int64_t columns = outType().getDimSize(1), full = columns / kGroup;
    b.loop(b.index(0), b.index(full), 1, [&](Value group) {
      WeightGroup place = {
          panel, arith::DivUIOp::create(b, group, b.index(format.groups)),
          arith::RemUIOp::create(b, group, b.index(format.groups))};
      emitGroup(place, vector, row, rows, b.mulIndex(group, kGroup), kGroup);
    });
    if (columns % kGroup)
      emitGroup(
          {panel, b.index(full / format.groups), b.index(full % format.groups)},
          vector, row, rows, b.index(full * kGroup), columns % kGroup);
  }

  /// The first `count` places along K of a group.
  void emitGroup(const WeightGroup &group, const PanelVector &vector, Value row,
                 int64_t rows, Value column, int64_t count) {
    int64_t perScale = Superblock::kChunks / format.scalesPerGroup;
    int64_t chunks = b.lanes() / 4; // of a square
    // Not again for each chunk: stores in between could have changed them.
    Value scales[2], minimums[2];
    for (int64_t half = 0; half < format.scalesPerGroup; ++half) {
      scales[half] = weights.scale(group, vector, half);
      minimums[half] = weights.minimum(group, vector, half);
    }
    for (int64_t chunk = 0; 4 * chunk < count; chunk += chunks) {
      KernelBuilder::Values square;
      for (int64_t i = chunk; i < chunk + chunks; ++i)
        addChunk(weights.integers(group, vector, i), scales[i / perScale],
                 minimums[i / perScale], square);
      square = b.transpose(square);
      int64_t stored = std::min(b.lanes(), count - 4 * chunk);
      Value mask = stored < b.lanes() ? b.maskOf(stored) : Value();
      for (int64_t i = 0; i < rows; ++i)
        b.store(square[i], op.getOut(),
                {b.addIndex(row, i), b.addIndex(column, 4 * chunk)}, mask);
    }
  }

  /// The numbers of four neighbours along K, each in the lanes of its rows.
  void addChunk(Value bytes, Value scale, Value minimum,
                KernelBuilder::Values &square) {
    Value words =
        vector::BitCastOp::create(b, b.vectorType(b.getI32Type()), bytes);
    for (int64_t byte = 0; byte < 4; ++byte) {
      Value integers = words;
      if (byte > 0)
        integers = arith::ShRUIOp::create(b, integers, b.splatI32(8 * byte));
      if (byte < 3)
        integers = arith::AndIOp::create(b, integers, b.splatI32(255));
      Value numbers = arith::SIToFPOp::create(b, b.f32VectorType(), integers);
      if (format.zero != 0)
        numbers = b.sub(numbers, b.splat(double(format.zero)));
      numbers = b.mul(numbers, scale);
      square.push_back(minimum ? b.add(numbers, minimum) : numbers);
    }
  }

  KernelBuilder &b;
  UnpackPanelsOp op;
  BlockWeights weights;
  const Superblock &format;
};

} // namespace

void rows::emit(KernelBuilder &b, UnpackPanelsOp op) {
  UnpackKernel(b, op).emit();
}
