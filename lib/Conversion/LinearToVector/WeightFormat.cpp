//===- WeightFormat.cpp - inner products of a linear ----------------------===//

#include "WeightFormat.h"

using namespace mlir;
using namespace tenon;
using namespace tenon::linear;

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

Value WeightFormat::loadSum(StoredTile tile, int64_t place) {
  auto type = cast<MemRefType>(tile.sums.getType());
  return vector::LoadOp::create(
      b, b.vectorType(type.getElementType()), tile.sums,
      ValueRange{tile.number, b.index(place), b.index(0)});
}

void WeightFormat::storeSum(Value sum, StoredTile tile, int64_t place) {
  vector::StoreOp::create(b, sum, tile.sums,
                          ValueRange{tile.number, b.index(place), b.index(0)});
}
