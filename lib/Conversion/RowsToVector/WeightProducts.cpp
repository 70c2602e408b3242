//===- WeightProducts.cpp - products of learning --------------------------===//
//
// The three products of a linear whose weight lies as in the checkpoint: its
// result, what goes back to its input, and the gradient of the weight. Panels
// are copied, transposed if need be, to scratch of the task in the order in
// which they are read: rows of a weight are apart by powers of two often enough
// to fall on the same few lines of the first-level cache.
//
//===----------------------------------------------------------------------===//

#include "RegisterTiles.h"
#include "TrainingEmitters.h"

using namespace mlir;
using namespace tenon;
using namespace tenon::rows;

/// Terms of a sum in a panel of a weight: 16 KiB with vectors of 256 bits, half
/// of the first-level cache.
static constexpr int64_t kPanelDepth = 256;
/// Tokens in a panel of a weight's gradient, where the other operand is copied
/// beside it.
static constexpr int64_t kTokens = 128;

void rows::emit(KernelBuilder &b, WeightProductOp op) {
  RegisterTiles tiles(b, op.getTile() ? op.getTile()->getRows() : 0);
  Matrix x = {op.getInput(), {}}, w = {op.getWeight(), {}},
         y = {op.getOut(), {}};
  auto type = cast<MemRefType>(op.getWeight().getType());
  int64_t depth = type.getDimSize(op.getFlipped() ? 0 : 1);
  int64_t columns = type.getDimSize(op.getFlipped() ? 1 : 0);
  // Squares of a transposed panel may end behind its last term.
  int64_t panelRows =
      std::min(kPanelDepth, int64_t(llvm::alignTo(depth, b.lanes())));
  Value panel = b.scratch({panelRows, tiles.width()}, b.getF32Type(), "panel");
  Value zero = b.index(0);
  auto addPanel = [&](Value column, int64_t width, Value first, Value count,
                      RegisterTiles::Begin begin) {
    if (op.getFlipped())
      tiles.copyRows(w, first, count, column, width, panel);
    else
      tiles.copyColumns(w, first, count, column, width, depth % b.lanes(),
                        panel, zero);
    tiles.forEachTile(b.dim(y.memref, 0), [&](Value row, int64_t height) {
      tiles.addTile(y, row, column, height, width, panel, zero, count, begin,
                    [&](int64_t i, Value k) {
                      return b.loadScalar(x.memref, x.at(b.addIndex(row, i),
                                                         b.addIndex(first, k)));
                    });
    });
  };
  tiles.forEachPanel(columns, [&](Value column, int64_t width) {
    addPanel(column, width, zero, b.index(std::min(depth, kPanelDepth)),
             RegisterTiles::Begin::Zero);
    if (depth > kPanelDepth)
      b.loop(b.index(kPanelDepth), b.index(depth), kPanelDepth,
             [&](Value first) {
               addPanel(column, width, first,
                        tiles.rest(b.index(depth), first, kPanelDepth),
                        RegisterTiles::Begin::Memory);
             });
  });
}

void rows::emit(KernelBuilder &b, WeightGradientOp op) {
  RegisterTiles tiles(b);
  Value dy = op.getGradient();
  Matrix x = {op.getInput(), {}}, into = {op.getInto(), {}};
  auto type = cast<MemRefType>(op.getInto().getType());
  int64_t rows = type.getDimSize(0), columns = type.getDimSize(1);
  int64_t padded = llvm::alignTo(rows, b.lanes());
  Value numbers = b.scratch({kTokens, padded}, b.getF32Type(), "numbers");
  Value panel = b.scratch({kTokens, tiles.width()}, b.getF32Type(), "panel");
  Value tokens = b.materialize(b.dim(dy, 0)), zero = b.index(0);
  b.loop(zero, tokens, kTokens, [&](Value first) {
    Value count = tiles.rest(tokens, first, kTokens);
    b.loop(zero, count, 1, [&](Value t) {
      b.forEachVector(b.getIndexAttr(rows), [&](Value row, Value mask) {
        b.store(b.load(dy, {b.addIndex(first, t), row}, mask), numbers,
                {t, row});
      });
    });
    tiles.forEachPanel(columns, [&](Value column, int64_t width) {
      tiles.copyRows(x, first, count, column, width, panel);
      tiles.forEachTile(b.getIndexAttr(rows), [&](Value row, int64_t height) {
        // More rows than the CPU follows by itself: the next tile's lines come
        // from memory while this one is computed.
        for (int64_t i = 0; i < height; ++i)
          b.prefetch(into.memref, into.at(b.addIndex(row, height + i), column),
                     /*cache=*/1);
        tiles.addTile(into, row, column, height, width, panel, zero, count,
                      RegisterTiles::Begin::Memory, [&](int64_t i, Value t) {
                        return b.loadScalar(numbers, {t, b.addIndex(row, i)});
                      });
      });
    });
  });
}
