//===- ByteProducts.cpp - how products of bytes are added up --------------===//

#include "tenon/Dialect/Tenon/IR/ByteProducts.h"

using namespace tenon;

// Of q7_channel.
static_assert(chainLength(127, 64) == 2);

int64_t tenon::mostInteger(const Superblock &format) {
  return format.isTable ? 255
                        : (int64_t(1) << (format.bits - format.spareBits)) - 1;
}

int64_t tenon::chainLength(const Superblock &format) {
  return chainLength(mostInteger(format), format.mostActivation);
}

int64_t tenon::planesOfBytes(const Superblock &format) {
  return chainLength(format) == 0 ? 2 : 1;
}

bool tenon::prefersWords(const Superblock &format) {
  return planesOfBytes(format) == 2 ||
         chainLength(format) < Superblock::kChunks;
}

bool tenon::addsInChains(TargetAttr target) {
  return target && !target.hasByteDot() && target.has("ssse3");
}
