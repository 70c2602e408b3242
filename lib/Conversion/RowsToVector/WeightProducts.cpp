//===- WeightProducts.cpp - products of learning --------------------------===//
//
// The three products of a linear whose weight lies as in the checkpoint: its
// result, what goes back to its input, and the gradient of the weight. All are
// made of one register tile: some rows by two vectors of columns, to which each
// step along the sum adds a broadcast number of each row times two vectors of a
// panel. Panels are copied, transposed if need be, to scratch of the task in
// the order in which they are read: rows of a weight are apart by powers of two
// often enough to fall on the same few lines of the first-level cache.
//
// A sum is cut where its panel ends, and its tile goes through memory there, as
// f32: which changes no bit of the chain (I5).
//
//===----------------------------------------------------------------------===//

#include "TrainingEmitters.h"

using namespace mlir;
using namespace tenon;
using namespace tenon::rows;

/// Vectors of columns in a register tile.
static constexpr int64_t kVectors = 2;
/// Terms of a sum in a panel of a weight: 16 KiB with vectors of 256 bits, half
/// of the first-level cache.
static constexpr int64_t kPanelDepth = 256;
/// Tokens in a panel of a weight's gradient, where the other operand is copied
/// beside it.
static constexpr int64_t kTokens = 128;
/// Rows of a register tile where no tile was chosen.
static constexpr int64_t kDefaultRows = 6;

namespace {

/// A task's register tiles.
class TileEmitter {
public:
  using Values = KernelBuilder::Values;

  TileEmitter(KernelBuilder &b, int64_t rows)
      : b(b), rows(rows), width(kVectors * b.lanes()) {}

  /// The mask of a vector of `columns` columns in all; null: all of its lanes.
  Value maskOf(int64_t vector, int64_t columns) {
    int64_t count = columns - vector * b.lanes();
    return count < b.lanes() ? b.maskOf(count) : Value();
  }
  int64_t vectorsOf(int64_t columns) {
    return llvm::divideCeilSigned(columns, b.lanes());
  }

  /// Adds to `height` rows of `out` from a place on: the sum over k < depth of
  /// number(row, k), in every lane, and row k of the panel.
  void addTile(Value out, Value row, Value column, int64_t height,
               int64_t columns, Value panel, Value depth,
               llvm::function_ref<Value(int64_t row, Value k)> number) {
    int64_t vectors = vectorsOf(columns);
    auto forEach = [&](auto visit) {
      for (int64_t i = 0; i < height; ++i)
        for (int64_t v = 0; v < vectors; ++v)
          visit(i, v,
                Values{b.addIndex(row, i), b.addIndex(column, v * b.lanes())});
    };
    Values sums;
    forEach([&](int64_t, int64_t v, Values place) {
      sums.push_back(b.load(out, place, maskOf(v, columns)));
    });
    sums = b.loop(b.index(0), depth, 1, sums, [&](Value k, ValueRange args) {
      Values terms, next;
      for (int64_t v = 0; v < vectors; ++v)
        terms.push_back(b.load(panel, {k, b.index(v * b.lanes())}));
      for (int64_t i = 0; i < height; ++i) {
        Value factor = b.splat(number(i, k));
        for (int64_t v = 0; v < vectors; ++v)
          next.push_back(b.fma(factor, terms[v], args[i * vectors + v]));
      }
      return next;
    });
    forEach([&](int64_t i, int64_t v, Values place) {
      b.store(sums[i * vectors + v], out, place, maskOf(v, columns));
    });
  }

  /// Covers [0, extent): whole tiles, then the rest in tiles of powers of two.
  void forEachTile(OpFoldResult extent,
                   llvm::function_ref<void(Value first, int64_t count)> body) {
    Value end = b.materialize(extent);
    Value whole =
        b.mulIndex(arith::DivUIOp::create(b, end, b.index(rows)), rows);
    b.loop(b.index(0), whole, rows, [&](Value first) { body(first, rows); });
    Value first = whole;
    for (int64_t count = llvm::bit_floor(uint64_t(rows - 1)); count > 0;
         count /= 2) {
      Value next = b.addIndex(first, count);
      Value fits =
          arith::CmpIOp::create(b, arith::CmpIPredicate::ule, next, end);
      auto branch = scf::IfOp::create(b, fits, /*withElseRegion=*/false);
      {
        OpBuilder::InsertionGuard guard(b);
        b.setInsertionPoint(branch.thenYield());
        body(first, count);
      }
      first = arith::SelectOp::create(b, fits, next, first);
    }
  }

  /// The columns of a matrix `[?, columns]` by panels; the last may be
  /// narrower.
  void forEachPanel(int64_t columns,
                    llvm::function_ref<void(Value first, int64_t count)> body) {
    int64_t whole = columns / width * width;
    if (whole)
      b.loop(b.index(0), b.index(whole), width,
             [&](Value first) { body(first, width); });
    if (whole < columns)
      body(b.index(whole), columns - whole);
  }

  /// Copies rows [first, + count) of columns [column, + columns) to a panel.
  void copyRows(Value from, Value first, Value count, Value column,
                int64_t columns, Value panel) {
    b.loop(b.index(0), count, 1, [&](Value k) {
      for (int64_t v = 0; v < vectorsOf(columns); ++v)
        b.store(
            b.load(from,
                   {b.addIndex(first, k), b.addIndex(column, v * b.lanes())},
                   maskOf(v, columns)),
            panel, {k, b.index(v * b.lanes())});
    });
  }

  /// Copies columns [first, + count) of rows [row, + rows) to a panel, as its
  /// rows. Of the last columns, `tail` make no whole square; the others are a
  /// multiple of the lanes.
  void copyColumns(Value from, Value first, Value count, Value row,
                   int64_t rows, int64_t tail, Value panel) {
    auto copySquare = [&](Value k, Value mask) {
      for (int64_t v = 0; v < vectorsOf(rows); ++v) {
        Values square;
        for (int64_t i = v * b.lanes(); i < (v + 1) * b.lanes(); ++i)
          square.push_back(
              i < rows
                  ? b.load(from, {b.addIndex(row, i), b.addIndex(first, k)},
                           mask)
                  : b.splat(0.0));
        square = b.transpose(square);
        for (auto [i, vector] : llvm::enumerate(square))
          b.store(vector, panel, {b.addIndex(k, i), b.index(v * b.lanes())});
      }
    };
    Value whole = b.mulIndex(
        arith::DivUIOp::create(b, count, b.index(b.lanes())), b.lanes());
    b.loop(b.index(0), whole, b.lanes(),
           [&](Value k) { copySquare(k, Value()); });
    if (!tail)
      return;
    Value isLast =
        arith::CmpIOp::create(b, arith::CmpIPredicate::ult, whole, count);
    auto branch = scf::IfOp::create(b, isLast, /*withElseRegion=*/false);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPoint(branch.thenYield());
    copySquare(whole, b.maskOf(tail));
  }

  /// What is left of [0, extent) from a place on, `most` at most.
  Value rest(Value extent, Value first, int64_t most) {
    return arith::MinSIOp::create(b, arith::SubIOp::create(b, extent, first),
                                  b.index(most));
  }

  KernelBuilder &b;
  int64_t rows, width;
};

} // namespace

void rows::emit(KernelBuilder &b, WeightProductOp op) {
  TileEmitter tiles(b, op.getTile() ? op.getTile()->getRows() : kDefaultRows);
  Value x = op.getInput(), w = op.getWeight(), y = op.getOut();
  auto type = cast<MemRefType>(w.getType());
  int64_t depth = type.getDimSize(op.getFlipped() ? 0 : 1);
  int64_t columns = type.getDimSize(op.getFlipped() ? 1 : 0);
  // Squares of a transposed panel may end behind its last term.
  int64_t panelRows =
      std::min(kPanelDepth, int64_t(llvm::alignTo(depth, b.lanes())));
  Value panel = b.scratch({panelRows, tiles.width}, b.getF32Type(), "panel");
  Value zero = b.splat(0.0);
  tiles.forEachPanel(columns, [&](Value column, int64_t width) {
    b.loopNest({b.dim(y, 0)}, [&](ValueRange row) {
      for (int64_t v = 0; v < tiles.vectorsOf(width); ++v)
        b.store(zero, y, {row[0], b.addIndex(column, v * b.lanes())},
                tiles.maskOf(v, width));
    });
    b.loop(b.index(0), b.index(depth), kPanelDepth, [&](Value first) {
      Value count = tiles.rest(b.index(depth), first, kPanelDepth);
      if (op.getFlipped())
        tiles.copyRows(w, first, count, column, width, panel);
      else
        tiles.copyColumns(w, first, count, column, width, depth % b.lanes(),
                          panel);
      tiles.forEachTile(b.dim(y, 0), [&](Value row, int64_t height) {
        tiles.addTile(y, row, column, height, width, panel, count,
                      [&](int64_t i, Value k) {
                        return b.loadScalar(
                            x, {b.addIndex(row, i), b.addIndex(first, k)});
                      });
      });
    });
  });
}

void rows::emit(KernelBuilder &b, WeightGradientOp op) {
  // What a tile of a weight product leaves free holds for this one, too.
  int64_t registers = b.getTarget() ? b.getTarget().getRegisters() : 16;
  TileEmitter tiles(b, std::min<int64_t>((registers - 4) / kVectors, 12));
  Value dy = op.getGradient(), x = op.getInput(), into = op.getInto();
  auto type = cast<MemRefType>(into.getType());
  int64_t rows = type.getDimSize(0), columns = type.getDimSize(1);
  int64_t padded = llvm::alignTo(rows, b.lanes());
  Value numbers = b.scratch({kTokens, padded}, b.getF32Type(), "numbers");
  Value panel = b.scratch({kTokens, tiles.width}, b.getF32Type(), "panel");
  Value tokens = b.materialize(b.dim(dy, 0));
  b.loop(b.index(0), tokens, kTokens, [&](Value first) {
    Value count = tiles.rest(tokens, first, kTokens);
    b.loop(b.index(0), count, 1, [&](Value t) {
      b.forEachVector(b.getIndexAttr(rows), [&](Value row, Value mask) {
        b.store(b.load(dy, {b.addIndex(first, t), row}, mask), numbers,
                {t, row});
      });
    });
    tiles.forEachPanel(columns, [&](Value column, int64_t width) {
      tiles.copyRows(x, first, count, column, width, panel);
      tiles.forEachTile(b.getIndexAttr(rows), [&](Value row, int64_t height) {
        tiles.addTile(into, row, column, height, width, panel, count,
                      [&](int64_t i, Value t) {
                        return b.loadScalar(numbers, {t, b.addIndex(row, i)});
                      });
      });
    });
  });
}
