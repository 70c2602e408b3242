//===- WeightFormat.cpp - inner products of a linear ----------------------===//

#include "WeightFormat.h"

using namespace mlir;
using namespace tenon;
using namespace tenon::linear;

std::unique_ptr<WeightFormat> WeightFormat::get(KernelBuilder &b, Value input,
                                                Value weight) {
  auto type = dyn_cast<MemRefType>(weight.getType());
  if (type && isa<SuperblockType>(type.getElementType()))
    return getBlockFormat(b, input, weight);
  return getStepFormat(b, input, weight);
}
