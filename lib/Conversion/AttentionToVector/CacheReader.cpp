//===- CacheReader.cpp - keys and values in registers ---------------------===//

#include "CacheReader.h"

using namespace mlir;
using namespace tenon;
using namespace tenon::attention;

std::pair<Value, Value> attention::splitToken(KernelBuilder &b, Value token) {
  return {arith::ShRUIOp::create(b, token, b.index(4)),
          arith::AndIOp::create(b, token, b.index(kLaneBlock - 1))};
}

Value attention::loadWordsOfPairs(KernelBuilder &b, Value memref,
                                  ValueRange indices, int64_t count) {
  VectorType type = b.pairsType();
  Value pairs;
  if (count == type.getDimSize(0)) {
    pairs = vector::LoadOp::create(b, type, memref, indices);
  } else {
    Value mask = vector::ConstantMaskOp::create(b, type.clone(b.getI1Type()),
                                                ArrayRef<int64_t>{count});
    Value zero = arith::ConstantOp::create(b, b.getZeroAttr(type));
    pairs = vector::MaskedLoadOp::create(b, type, memref, indices, mask, zero);
  }
  return vector::BitCastOp::create(b, b.f32VectorType(), pairs);
}

CacheReader::CacheReader(KernelBuilder &b, Value keys, Value values)
    : b(b), blocks(*CacheBlocks::get(cast<MemRefType>(keys.getType()),
                                     cast<MemRefType>(values.getType()))),
      keys(keys), values(values) {
  if (isScaled()) {
    this->keys = ElementBytesOp::create(b, keys);
    this->values = ElementBytesOp::create(b, values);
  }
}

/// A register of numbers from a register's count of bytes.
Value CacheReader::loadBytes(Value bytes, Value head, Value block,
                             Value offset) {
  Value narrow = vector::LoadOp::create(b, b.vectorType(b.getI8Type()), bytes,
                                        ValueRange{head, block, offset});
  Value wide = arith::ExtSIOp::create(b, b.vectorType(b.getI32Type()), narrow);
  return arith::SIToFPOp::create(b, b.f32VectorType(), wide);
}

Value CacheReader::loadKeys(Value head, Value laneBlock, Value component,
                            Value lane) {
  if (!isScaled())
    return b.load(keys, {head, laneBlock, component, lane});
  Value offset = b.addIndex(b.mulIndex(component, kLaneBlock), lane);
  return loadBytes(keys, head, laneBlock, offset);
}

Value CacheReader::loadValues(Value head, Value token, Value component,
                              Value mask) {
  if (!isScaled())
    return b.load(values, {head, token, component}, mask);
  // No mask: behind a row comes another, or the scales.
  auto [block, row] = splitToken(b, token);
  Value offset = b.addIndex(b.mulIndex(row, blocks.valueDim), component);
  return loadBytes(values, head, block, offset);
}

Value CacheReader::loadScales(Value bytes, int64_t dim, Value head,
                              Value token) {
  auto [block, lane] = splitToken(b, token);
  Value offset = b.addIndex(b.mulIndex(lane, sizeof(float)), kLaneBlock * dim);
  Value scales =
      vector::LoadOp::create(b, VectorType::get({4 * b.lanes()}, b.getI8Type()),
                             bytes, ValueRange{head, block, offset});
  return vector::BitCastOp::create(b, b.f32VectorType(), scales);
}

Value CacheReader::loadKeyScales(Value head, Value token) {
  return loadScales(keys, blocks.keyDim, head, token);
}

Value CacheReader::loadValueScales(Value head, Value token) {
  return loadScales(values, blocks.valueDim, head, token);
}

// Blocks of tokens follow each other in memory, so that an offset may lead on.
void CacheReader::prefetchKeys(Value head, Value token, Value offset,
                               int cache) {
  Value block = splitToken(b, token).first;
  if (isScaled())
    b.prefetch(keys, {head, block, offset}, cache);
  else
    b.prefetch(keys, {head, block, b.index(0), offset}, cache);
}

void CacheReader::prefetchValues(Value head, Value token, Value offset,
                                 int cache) {
  if (isScaled())
    b.prefetch(values, {head, splitToken(b, token).first, offset}, cache);
  else
    b.prefetch(values, {head, token, offset}, cache);
}

// Whatever dimensions have them.
int64_t CacheReader::elementsOfBlock(MemRefType type) const {
  int64_t bytes =
      type.getNumElements() * getElementBytes(type.getElementType());
  return bytes / (blocks.heads * blocks.capacity / kLaneBlock) / elementBytes();
}
