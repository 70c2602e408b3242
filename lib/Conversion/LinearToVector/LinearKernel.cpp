//===- LinearKernel.cpp - the register-tiled kernel of a linear -----------===//

#include "LinearKernel.h"

using namespace mlir;
using namespace tenon;
using namespace tenon::linear;

using Values = KernelBuilder::Values;

LinearKernel::LinearKernel(KernelBuilder &b, LinearOp op,
                           const LinearPlan &plan, WeightFormat &format)
    : b(b), op(op), plan(plan), format(format), gated(op.getGated()),
      columns(cast<MemRefType>(op.getOut().getType()).getDimSize(1)) {
  TileAttr tile = op.getTileAttr();
  tileRows = tile ? tile.getRows() : 4;
  tileVectors = std::max<int64_t>(1, tile ? tile.getColumns() / b.lanes() : 2);
}

int64_t LinearKernel::panelOutputs() const {
  return gated ? format.panelColumns() / 2 : format.panelColumns();
}

void LinearKernel::forEachPart(int64_t vectors,
                               llvm::function_ref<void(Value)> body) {
  int64_t all = panelOutputs() / b.lanes();
  if (all <= vectors)
    return body({});
  b.loop(b.index(0), b.index(all), vectors, body);
}

void LinearKernel::emit() {
  if (plan.panels > 0)
    emitFewRows();
  else
    emitManyRows();
}

void LinearKernel::emitFewRows() {
  format.setStreaming(true);
  TileRows rows(b, b.index(0),
                cast<MemRefType>(op.getOut().getType()).getDimSize(0));
  int64_t all = panelOutputs() / b.lanes();
  int64_t vectors = plan.streamColumns / b.lanes() / (gated ? 2 : 1);
  if (vectors == 0 || all % vectors != 0)
    vectors = all;
  auto tile = [&](Value panel, int64_t panels) {
    forEachPart(vectors, [&](Value first) {
      emitTile(rows, {panel, first, panels, vectors * b.lanes()});
    });
  };
  int64_t fullPanels = columns / panelOutputs();
  int64_t loopPanels = fullPanels / plan.panels * plan.panels;
  if (loopPanels > plan.panels)
    b.loop(b.index(0), b.index(loopPanels), plan.panels,
           [&](Value panel) { tile(panel, plan.panels); });
  else if (loopPanels > 0)
    tile(b.index(0), plan.panels);
  // Fewer panels than a tile's, the last of them perhaps in part.
  int64_t left = fullPanels - loopPanels, rest = columns % panelOutputs();
  if (left > 0 && (rest == 0 || vectors < all)) {
    tile(b.index(loopPanels), left);
    left = 0;
  }
  if (rest > 0)
    emitTile(rows,
             {b.index(fullPanels - left), {}, left, panelOutputs(), rest});
}

void LinearKernel::forEachTile(
    llvm::function_ref<void(const Outputs &part)> body) {
  // The outputs that have accumulators at once.
  int64_t vectors = std::max<int64_t>(1, tileVectors / (gated ? 2 : 1));
  int64_t all = panelOutputs() / b.lanes();
  if (all % vectors != 0)
    vectors = all;
  auto emitPanel = [&](Value panel) {
    forEachPart(vectors, [&](Value first) {
      body({panel, first, 1, std::min(vectors, all) * b.lanes()});
    });
  };
  int64_t fullPanels = columns / panelOutputs();
  if (fullPanels == 1)
    emitPanel(b.index(0));
  else if (fullPanels > 1)
    b.loop(b.index(0), b.index(fullPanels), 1, emitPanel);
  int64_t rest = columns % panelOutputs(), part = vectors * b.lanes();
  for (int64_t column = 0; column < rest; column += part)
    body({b.index(fullPanels), column ? b.index(column / b.lanes()) : Value(),
          /*panels=*/0, part, std::min(part, rest - column)});
}

/// A tile's activations stay near while all panels pass, which stay in the
/// second-level cache while all tiles do. Whole tiles of rows share the work of
/// unpacking the panels; the few rows that are left, and all where that were
/// not worth it, read them as they are.
void LinearKernel::emitManyRows() {
  auto tiles = [&](Value row, int64_t rows) {
    forEachTile(
        [&](const Outputs &part) { emitTile(TileRows(b, row, rows), part); });
  };
  auto many = [&](Value full) {
    if (plan.unpackFrom > 0)
      format.unpack();
    if (int64_t steps = depthBlock()) {
      emitByDepth(full, steps);
      format.forget();
      return;
    }
    std::optional<Asking> asking = planAsking(full);
    b.loop(b.index(0), full, tileRows, [&](Value row) {
      forEachTile([&](const Outputs &part) {
        if (asking)
          askForNext(*asking, row, part.panel);
        emitTile(TileRows(b, row, tileRows), part);
      });
    });
    format.askFor(std::nullopt);
    format.forget();
  };
  OpFoldResult extent = b.dim(op.getOut(), 0);
  if (std::optional<int64_t> rows = getConstantIntValue(extent)) {
    int64_t full = *rows / tileRows * tileRows, size = *rows - full;
    if (*rows < plan.unpackFrom) {
      full = 0;
      size = plan.streamRows;
    }
    if (full > 0)
      many(b.index(full));
    format.setStreaming(true);
    for (int64_t row = full; row < *rows; row += size)
      tiles(b.index(row), std::min(size, *rows - row));
    return;
  }
  Value rows = b.materialize(extent);
  Value full = arith::SubIOp::create(
      b, rows, arith::RemUIOp::create(b, rows, b.index(tileRows)));
  if (plan.unpackFrom > 1) {
    Value isFew = arith::CmpIOp::create(b, arith::CmpIPredicate::ult, rows,
                                        b.index(plan.unpackFrom));
    full = arith::SelectOp::create(b, isFew, b.index(0), full);
  }
  Value hasTiles =
      arith::CmpIOp::create(b, arith::CmpIPredicate::ne, full, b.index(0));
  auto branch = scf::IfOp::create(b, hasTiles, /*withElseRegion=*/false);
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(branch.thenBlock());
    many(full);
  }
  if (tileRows == 1 && plan.unpackFrom <= 1)
    return; // Full tiles leave no row.
  format.setStreaming(true);
  emitStreamed(full, rows, tiles);
}

/// All sums together ask for as many panels as they use, however few they are.
std::optional<LinearKernel::Asking> LinearKernel::planAsking(Value full) {
  int64_t asks = format.asksPerSum(), lines = format.linesPerPanel();
  if (asks <= 0 || !plan.nextPanels)
    return std::nullopt;
  Value tiles = arith::DivUIOp::create(b, full, b.index(tileRows));
  Asking asking;
  asking.each =
      arith::CeilDivUIOp::create(b, b.index(lines), b.mulIndex(tiles, asks));
  asking.perSum = b.mulIndex(asking.each, asks);
  // Once all were asked for, the last again: it is near.
  asking.last = arith::DivUIOp::create(
      b, b.index(format.numPanels() * lines - 1), asking.perSum);
  return asking;
}

void LinearKernel::askForNext(const Asking &asking, Value row, Value panel) {
  int64_t panels = llvm::divideCeil(columns, panelOutputs());
  Value tile = arith::DivUIOp::create(b, row, b.index(tileRows));
  Value sum = b.addIndex(b.mulIndex(tile, panels), panel);
  sum = arith::MinUIOp::create(b, sum, asking.last);
  format.askFor(WeightFormat::Lines{
      b.index(format.numPanels()), arith::MulIOp::create(b, sum, asking.perSum),
      asking.each});
}

/// The last rows are less than a tile's: each set bit of their number is a
/// tile, which starts where those of the higher bits end.
void LinearKernel::emitStreamed(Value first, Value end,
                                llvm::function_ref<void(Value, int64_t)> tile) {
  int64_t size = plan.streamRows;
  Value count = arith::SubIOp::create(b, end, first);
  Value rest = arith::RemUIOp::create(b, count, b.index(size));
  Value last = arith::SubIOp::create(b, end, rest);
  b.loop(first, last, size, [&](Value row) { tile(row, size); });
  while ((size /= 2) > 0) {
    Value bit = arith::AndIOp::create(b, rest, b.index(size));
    Value isSet =
        arith::CmpIOp::create(b, arith::CmpIPredicate::ne, bit, b.index(0));
    auto ifOp = scf::IfOp::create(b, isSet, /*withElseRegion=*/false);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(ifOp.thenBlock());
    Value before = arith::AndIOp::create(b, rest, b.index(-2 * size));
    tile(b.addIndex(last, before), size);
  }
}

void LinearKernel::emitTile(const TileRows &rows, const Outputs &outputs) {
  emitEpilogue(rows, outputs, format.sum(rows, vectorsOf(outputs)));
}

WeightVectors LinearKernel::vectorsOf(const Outputs &outputs) const {
  return {outputs.panel,
          outputs.first,
          outputs.panels,
          outputs.columns / b.lanes(),
          llvm::divideCeilSigned(outputs.rest, b.lanes()),
          gated,
          format.panelColumns() / 2 / b.lanes()};
}

int64_t LinearKernel::depthBlock() const {
  if (plan.depthBlock == 0)
    return 0;
  int64_t steps = std::max<int64_t>(plan.depthBlock / format.stepElements(), 1);
  steps = llvm::alignTo(steps, format.stepsTogether());
  return steps < format.steps() ? steps : 0;
}

/// Weights of a part of K are in the first cache while several tiles of rows
/// pass, whose sums wait in memory.
void LinearKernel::emitByDepth(Value full, int64_t steps) {
  auto least = [&](Value x, Value y) -> Value {
    return arith::MinUIOp::create(b, x, y);
  };
  int64_t rowsTogether = plan.depthTiles * tileRows;
  std::optional<Asking> asking = planAsking(full);
  b.loop(b.index(0), full, rowsTogether, [&](Value first) {
    Value end = least(b.addIndex(first, rowsTogether), full);
    forEachTile([&](const Outputs &part) {
      WeightVectors vectors = vectorsOf(part);
      Value sums =
          b.scratch({plan.depthTiles, tileRows * vectors.size(), b.lanes()},
                    format.sumType(), "sums of tiles");
      auto forTiles =
          [&](llvm::function_ref<void(Value, WeightFormat::StoredTile)> body) {
            b.loop(first, end, tileRows, [&](Value row) {
              Value number = arith::DivUIOp::create(
                  b, arith::SubIOp::create(b, row, first), b.index(tileRows));
              body(row, {sums, number});
            });
          };
      forTiles([&](Value row, WeightFormat::StoredTile tile) {
        format.start(TileRows(b, row, tileRows), vectors, tile);
      });
      b.loop(b.index(0), b.index(format.steps()), steps, [&](Value step) {
        Value last = least(b.addIndex(step, steps), b.index(format.steps()));
        forTiles([&](Value row, WeightFormat::StoredTile tile) {
          if (asking)
            askForNext(*asking, row, part.panel);
          format.addPart(TileRows(b, row, tileRows), vectors, tile, step, last);
        });
      });
      forTiles([&](Value row, WeightFormat::StoredTile tile) {
        TileRows rows(b, row, tileRows);
        emitEpilogue(rows, part, format.finish(rows, vectors, tile));
      });
    });
  });
  format.askFor(std::nullopt);
}

void LinearKernel::emitEpilogue(const TileRows &rows, const Outputs &outputs,
                                Value sums) {
  WeightVectors vectors = vectorsOf(outputs);
  auto emit = [&](Value inTile, int64_t count, int64_t all) {
    b.unrolled(count, [&](Value vector) {
      emitOutput(rows, outputs, inTile, vector, all, {}, sums);
    });
  };
  b.unrolled(outputs.panels,
             [&](Value panel) { emit(panel, vectors.each, vectors.each); });
  Value last = b.index(outputs.panels);
  emit(last, outputs.rest / b.lanes(), vectors.last);
  if (int64_t lanes = outputs.rest % b.lanes())
    emitOutput(rows, outputs, last, b.index(vectors.last - 1), vectors.last,
               b.maskOf(lanes), sums);
}

void LinearKernel::emitOutput(const TileRows &rows, const Outputs &outputs,
                              Value inTile, Value vector, int64_t vectors,
                              Value mask, Value sums) {
  Value accumulator =
      b.addIndex(b.mulIndex(inTile, vectorsOf(outputs).ofPanel()), vector);
  Value inPanel = outputs.first ? b.addIndex(outputs.first, vector) : vector;
  Value column =
      b.addIndex(b.mulIndex(b.addIndex(outputs.panel, inTile), panelOutputs()),
                 b.mulIndex(inPanel, b.lanes()));
  Value bias, upBias;
  if (op.getBias()) {
    bool halves = cast<MemRefType>(op.getBias().getType()).getRank() == 2;
    auto loadBias = [&](int64_t half) {
      if (halves)
        return b.load(op.getBias(), {b.index(half), column}, mask);
      return b.load(op.getBias(), b.addIndex(column, half * columns), mask);
    };
    bias = loadBias(0);
    if (gated)
      upBias = loadBias(1);
  }
  b.unrolled(rows.count, [&](Value r) {
    Value y = b.get(sums, {r, accumulator});
    if (bias)
      y = b.add(y, bias);
    y = b.activation(op.getActivation(), y);
    if (gated) {
      Value up = b.get(sums, {r, b.addIndex(accumulator, vectors)});
      if (upBias)
        up = b.add(up, upBias);
      y = b.mul(y, up);
    }
    Value row = rows.at(b, r);
    if (op.getResidual())
      y = b.add(y, b.load(op.getResidual(), {row, column}, mask));
    b.store(y, op.getOut(), {row, column}, mask);
  });
}
