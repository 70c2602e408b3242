//===- WeightFormat.cpp - inner products of a linear ----------------------===//

#include "WeightFormat.h"
#include "tenon/Dialect/Micro/IR/Micro.h"

using namespace mlir;
using namespace tenon;
using namespace tenon::linear;

TileRows::TileRows(KernelBuilder &b, Value first, int64_t count)
    : count(count) {
  for (int64_t r = 0; r < count; ++r)
    numbers.push_back(b.addIndex(first, r));
}

Value TileRows::at(KernelBuilder &b, Value i) const {
  if (count == 1)
    return numbers.front();
  return micro::PickOp::create(b, b.getIndexType(), i, numbers);
}

WeightVector WeightVectors::at(KernelBuilder &b, Value i) const {
  Value from = panel;
  Value perHalf = b.index(panels > 0 ? each : last);
  if (panels + (last > 0) > 1) {
    auto [number, rest] = b.divideIndex(i, ofPanel());
    from = b.addIndex(panel, number);
    i = rest;
    if (last > 0 && gated) {
      Value isLast = arith::CmpIOp::create(b, arith::CmpIPredicate::eq, number,
                                           b.index(panels));
      perHalf = arith::SelectOp::create(b, isLast, b.index(last), perHalf);
    }
  }
  if (gated && (upper != each || last > 0)) {
    Value half = arith::DivUIOp::create(b, i, perHalf);
    Value rest = arith::RemUIOp::create(b, i, perHalf);
    i = b.addIndex(b.mulIndex(half, upper), rest);
  }
  return {from, {first ? b.addIndex(first, i) : i, 0}};
}

SmallVector<WeightVector> WeightVectors::list(KernelBuilder &b) const {
  SmallVector<WeightVector> result;
  std::optional<int64_t> known;
  if (first)
    known = getConstantIntValue(first);
  for (int64_t i = 0; i < panels + (last > 0); ++i) {
    Value from = b.addIndex(panel, i);
    int64_t vectors = i < panels ? each : last;
    for (int64_t half = 0; half < (gated ? 2 : 1); ++half)
      for (int64_t k = 0; k < vectors; ++k)
        result.push_back(
            {from,
             {known ? Value() : first, half * upper + k + known.value_or(0)}});
  }
  return result;
}

std::unique_ptr<WeightFormat> WeightFormat::get(KernelBuilder &b, Value input,
                                                Value weight,
                                                const LinearPlan &plan) {
  auto type = dyn_cast<MemRefType>(weight.getType());
  if (type && isa<SuperblockType>(type.getElementType()))
    return getBlockFormat(b, input, weight, plan);
  return getStepFormat(b, input, weight, plan);
}

void WeightFormat::ask(Value number,
                       llvm::function_ref<void(Value line)> prefetch) {
  Value first = arith::MulIOp::create(b, number, ahead->each);
  first = b.addIndex(ahead->first, first);
  b.loop(b.index(0), ahead->each, 1,
         [&](Value i) { prefetch(b.addIndex(first, i)); });
}

void WeightFormat::forEachSum(
    const TileRows &rows, const WeightVectors &vectors,
    llvm::function_ref<void(Value, Value, Value)> body) {
  b.unrolled(rows.count, [&](Value r) {
    b.unrolled(vectors.size(), [&](Value v) {
      body(r, v, b.addIndex(b.mulIndex(r, vectors.size()), v));
    });
  });
}

Value WeightFormat::loadTile(const TileRows &rows, const WeightVectors &vectors,
                             StoredTile tile) {
  return b.unrolled(
      rows.count, b.array({rows.count, vectors.size()}, sumType()),
      [&](Value r, Value sums) {
        return b.unrolled(vectors.size(), sums, [&](Value v, Value sums) {
          Value place = b.addIndex(b.mulIndex(r, vectors.size()), v);
          return b.set(sums, {r, v}, loadSum(tile, place));
        });
      });
}

Value WeightFormat::loadSum(StoredTile tile, Value place) {
  auto type = cast<MemRefType>(tile.sums.getType());
  return vector::LoadOp::create(b, b.vectorType(type.getElementType()),
                                tile.sums,
                                ValueRange{tile.number, place, b.index(0)});
}

void WeightFormat::storeSum(Value sum, StoredTile tile, Value place) {
  vector::StoreOp::create(b, sum, tile.sums,
                          ValueRange{tile.number, place, b.index(0)});
}

//===----------------------------------------------------------------------===//
// WrittenOutFormat
//===----------------------------------------------------------------------===//

Value WrittenOutFormat::sum(const TileRows &rows,
                            const WeightVectors &vectors) {
  return b.arrayOf({rows.count, vectors.size()},
                   sum(rows.numbers, vectors.list(b)));
}

void WrittenOutFormat::start(const TileRows &rows, const WeightVectors &vectors,
                             StoredTile tile) {
  start(rows.numbers, vectors.list(b), tile);
}

void WrittenOutFormat::addPart(const TileRows &rows,
                               const WeightVectors &vectors, StoredTile tile,
                               Value first, Value end) {
  addPart(rows.numbers, vectors.list(b), tile, first, end);
}

Value WrittenOutFormat::finish(const TileRows &rows,
                               const WeightVectors &vectors, StoredTile tile) {
  return b.arrayOf({rows.count, vectors.size()},
                   finish(rows.numbers, vectors.list(b), tile));
}
