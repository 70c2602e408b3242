//===- ProductBits.h - how fast products of blocks are ----------*- C++ -*-===//

#ifndef TENON_DIALECT_TENON_IR_PRODUCTBITS_H
#define TENON_DIALECT_TENON_IR_PRODUCTBITS_H

#include "tenon/Support/Superblock.h"

#include <algorithm>

namespace tenon {

/// The bits of weights whose products are as fast as those of this format: 8,
/// 6, 5, or 4 for all below. What a table holds are bytes. Why they differ:
/// ByteProducts.h.
inline int64_t bitsOfProducts(const Superblock &format) {
  // Fewer bits of activations make up for more of weights.
  int64_t bits = format.spareBits > 0 ? 6 : format.bits;
  return format.isTable || bits > 6 ? 8 : std::max<int64_t>(bits, 4);
}

} // namespace tenon

#endif // TENON_DIALECT_TENON_IR_PRODUCTBITS_H
