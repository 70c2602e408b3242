//===- KernelPairs.cpp - products of pairs of bf16 ------------------------===//

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "tenon/Conversion/KernelBuilder.h"

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
  return LLVM::CallIntrinsicOp::create(
             *this, getLoc(), sum.getType(),
             getStringAttr("llvm.x86.avx512bf16.dpbf16ps.512"),
             ValueRange{sum, a, b})
      .getResult(0);
}
