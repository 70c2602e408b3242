//===- CacheReader.h - keys and values in registers -------------*- C++ -*-===//
//
// What kernels read of cache blocks, whatever their precision: f32 numbers,
// which for int8 a scale for each token has still to multiply.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_LIB_CONVERSION_ATTENTIONTOVECTOR_CACHEREADER_H
#define TENON_LIB_CONVERSION_ATTENTIONTOVECTOR_CACHEREADER_H

#include "tenon/Conversion/KernelBuilder.h"

namespace tenon::attention {

/// Keys in one transposed block in memory.
constexpr int64_t kLaneBlock = KVCacheType::kBlock;

class CacheReader {
  using Value = mlir::Value;

public:
  CacheReader(KernelBuilder &b, Value keys, Value values);

  const CacheBlocks &shape() const { return blocks; }
  /// Whether memory holds f32, which scalar code can read as it is.
  bool isPlain() const { return blocks.element.isF32(); }
  /// Whether every token has a scale.
  bool isScaled() const { return blocks.element.isInteger(); }
  int64_t elementBytes() const { return getElementBytes(blocks.element); }
  /// Whether memory holds pairs of bf16, which kernels read themselves.
  bool isPaired() const { return blocks.element.isBF16(); }

  /// A component of a register of tokens: those of a transposed block from
  /// `lane` on.
  Value loadKeys(Value head, Value laneBlock, Value component, Value lane);
  /// A register of a token's components. Lanes outside the mask hold anything.
  Value loadValues(Value head, Value token, Value component, Value mask);
  /// Ask for memory behind a block of keys or a token's values, so many
  /// elements on, for the first- or the second-level cache.
  void prefetchKeys(Value head, Value token, Value offset, int cache);
  void prefetchValues(Value head, Value token, Value offset, int cache);
  /// Elements of 16 tokens' keys and values, with their scales.
  int64_t keyElements() const { return elementsOfBlock(blocks.getKeysType()); }
  int64_t valueElements() const {
    return elementsOfBlock(blocks.getValuesType());
  }
  /// The scales of a register of tokens, whose number is a multiple of the
  /// lanes.
  Value loadKeyScales(Value head, Value token);
  Value loadValueScales(Value head, Value token);

  /// Memory of f32, for plain blocks: [heads][S/16][D][16], [heads][S][D].
  Value plainKeys() const { return keys; }
  Value plainValues() const { return values; }

private:
  Value loadBytes(Value bytes, Value head, Value block, Value offset);
  int64_t elementsOfBlock(mlir::MemRefType type) const;
  /// Those of tokens with so many components each.
  Value loadScales(Value bytes, int64_t dim, Value head, Value token);

  KernelBuilder &b;
  CacheBlocks blocks;
  /// For int8 the bytes of blocks: [heads][S/16][bytes].
  Value keys, values;
};

/// A register of pairs of neighbours of bf16, kept as the f32 that have their
/// bits; elements from `count` on, of twice the lanes, are 0.
mlir::Value loadWordsOfPairs(KernelBuilder &b, mlir::Value memref,
                             mlir::ValueRange indices, int64_t count);

/// token / 16 and token % 16.
std::pair<mlir::Value, mlir::Value> splitToken(KernelBuilder &b,
                                               mlir::Value token);

} // namespace tenon::attention

#endif // TENON_LIB_CONVERSION_ATTENTIONTOVECTOR_CACHEREADER_H
