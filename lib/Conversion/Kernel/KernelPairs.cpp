//===- KernelPairs.cpp - products of pairs of bf16 ------------------------===//

#include "tenon/Conversion/KernelBuilder.h"
#include "tenon/Dialect/Micro/IR/Micro.h"

using namespace mlir;
using namespace tenon;

VectorType KernelBuilder::pairsType() {
  return VectorType::get({2 * numLanes}, getBF16Type());
}

Value KernelBuilder::splatPair(Value pair) {
  // One 32-bit broadcast.
  Value word = vector::BitCastOp::create(
      *this, VectorType::get({1}, getI32Type()), pair);
  Value words = splat(vector::ExtractOp::create(*this, word, 0));
  return vector::BitCastOp::create(*this, pairsType(), words);
}

Value KernelBuilder::loadPair(Value memref, ValueRange indices) {
  return splatPair(vector::LoadOp::create(
      *this, VectorType::get({2}, getBF16Type()), memref, indices));
}

Value KernelBuilder::dotPairs(Value a, Value b, Value sum) {
  return micro::Dot2BF16Op::create(*this, sum.getType(), sum, a, b);
}
