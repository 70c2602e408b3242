//===- RegisterTiles.cpp - the tile of all products of learning -----------===//

#include "RegisterTiles.h"

using namespace mlir;
using namespace tenon;
using namespace tenon::rows;

using Values = KernelBuilder::Values;

RegisterTiles::RegisterTiles(KernelBuilder &b, int64_t rows)
    : b(b), rows(rows) {
  // Two vectors of a panel, a broadcast number and one more.
  constexpr int64_t kTemporaries = 4, kMostRows = 12, kPortable = 16;
  int64_t registers = b.getTarget() ? b.getTarget().getRegisters() : kPortable;
  if (rows <= 0)
    this->rows = std::clamp<int64_t>((registers - kTemporaries) / kVectors, 1,
                                     kMostRows);
}

Value RegisterTiles::maskOf(int64_t vector, int64_t columns) {
  int64_t count = columns - vector * b.lanes();
  return count < b.lanes() ? b.maskOf(count) : Value();
}

Value RegisterTiles::rest(Value extent, Value first, int64_t most) {
  return arith::MinSIOp::create(b, arith::SubIOp::create(b, extent, first),
                                b.index(most));
}

void RegisterTiles::addTile(const Matrix &out, Value row, Value column,
                            int64_t height, int64_t columns, Value panel,
                            Value panelColumn, Value depth, Begin begin,
                            function_ref<Value(int64_t row, Value k)> number) {
  int64_t vectors = vectorsOf(columns);
  auto forEach = [&](auto visit) {
    for (int64_t i = 0; i < height; ++i)
      for (int64_t v = 0; v < vectors; ++v)
        visit(i, v,
              out.at(b.addIndex(row, i), b.addIndex(column, v * b.lanes())));
  };
  Values sums;
  if (begin == Begin::Zero)
    sums = Values(height * vectors, b.splat(0.0));
  else
    forEach([&](int64_t, int64_t v, Values place) {
      sums.push_back(b.load(out.memref, place, maskOf(v, columns)));
    });
  sums = b.loop(b.index(0), depth, 1, sums, [&](Value k, ValueRange args) {
    Values terms, next;
    for (int64_t v = 0; v < vectors; ++v)
      terms.push_back(
          b.load(panel, {k, b.addIndex(panelColumn, v * b.lanes())}));
    for (int64_t i = 0; i < height; ++i) {
      Value factor = b.splat(number(i, k));
      for (int64_t v = 0; v < vectors; ++v)
        next.push_back(b.fma(factor, terms[v], args[i * vectors + v]));
    }
    return next;
  });
  forEach([&](int64_t i, int64_t v, Values place) {
    b.store(sums[i * vectors + v], out.memref, place, maskOf(v, columns));
  });
}

void RegisterTiles::forEachTile(
    OpFoldResult extent, function_ref<void(Value first, int64_t count)> body) {
  Value end = b.materialize(extent);
  Value whole = b.mulIndex(arith::DivUIOp::create(b, end, b.index(rows)), rows);
  b.loop(b.index(0), whole, rows, [&](Value first) { body(first, rows); });
  // Each size is code of its own: a third of a tile keeps both pipes half busy
  // where it is met.
  Value first = whole;
  for (int64_t count : {std::max<int64_t>(rows / 3, 1), int64_t(1)}) {
    if (count >= rows)
      continue;
    Value left = arith::SubIOp::create(b, end, first);
    Value covered =
        b.mulIndex(arith::DivUIOp::create(b, left, b.index(count)), count);
    Value next = arith::AddIOp::create(b, first, covered);
    b.loop(first, next, count, [&](Value row) { body(row, count); });
    first = next;
    if (count == 1)
      break;
  }
}

void RegisterTiles::forEachPanel(
    int64_t columns, function_ref<void(Value first, int64_t count)> body) {
  int64_t whole = columns / width() * width();
  if (whole)
    b.loop(b.index(0), b.index(whole), width(),
           [&](Value first) { body(first, width()); });
  if (whole < columns)
    body(b.index(whole), columns - whole);
}

void RegisterTiles::copyRows(const Matrix &from, Value first, Value count,
                             Value column, int64_t columns, Value panel) {
  b.loop(b.index(0), count, 1, [&](Value k) {
    for (int64_t v = 0; v < vectorsOf(columns); ++v)
      b.store(b.load(from.memref,
                     from.at(b.addIndex(first, k),
                             b.addIndex(column, v * b.lanes())),
                     maskOf(v, columns)),
              panel, {k, b.index(v * b.lanes())});
  });
}

void RegisterTiles::copyColumns(const Matrix &from, Value first, Value count,
                                Value row, int64_t rows, int64_t tail,
                                Value panel, Value panelColumn) {
  auto copySquare = [&](Value k, Value mask) {
    for (int64_t v = 0; v < vectorsOf(rows); ++v) {
      Values square;
      for (int64_t i = v * b.lanes(); i < (v + 1) * b.lanes(); ++i)
        square.push_back(
            i < rows ? b.load(from.memref,
                              from.at(b.addIndex(row, i), b.addIndex(first, k)),
                              mask)
                     : b.splat(0.0));
      square = b.transpose(square);
      for (auto [i, vector] : llvm::enumerate(square))
        b.store(vector, panel,
                {b.addIndex(k, i), b.addIndex(panelColumn, v * b.lanes())});
    }
  };
  Value whole = b.mulIndex(arith::DivUIOp::create(b, count, b.index(b.lanes())),
                           b.lanes());
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
