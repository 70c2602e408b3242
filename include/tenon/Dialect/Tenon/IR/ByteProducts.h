//===- ByteProducts.h - how products of bytes are added up ------*- C++ -*-===//
//
// Without VNNI the products of bytes are added up in 16 bits first: pmaddubsw
// multiplies unsigned bytes (weights) by signed ones (activations, at most 127)
// and adds neighbouring products, and would saturate what 16 bits don't hold.
// How many of its results can be added in 16 bits is known from the largest
// weight and activation, so that nothing ever saturates or wraps: one pmaddwd
// then takes the sum of such a *chain* to 32 bits. Weights of 4 bits have
// chains of 8, a whole group of 32; for those of 8 bits not even one result is
// sure to fit. Weights and activations of 7 bits (q7_channel) have chains of 2.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_DIALECT_TENON_IR_BYTEPRODUCTS_H
#define TENON_DIALECT_TENON_IR_BYTEPRODUCTS_H

#include "tenon/Dialect/Tenon/IR/TenonDialect.h"
#include "tenon/Support/Superblock.h"

namespace tenon {

/// The largest unsigned integer that a weight of this format is multiplied as.
int64_t mostInteger(const Superblock &format);

/// The largest magnitude of an activation of 8 bits.
inline constexpr int64_t kMostActivation = 127;

/// Results of pmaddubsw, two products each, whose sum 16 bits hold if no weight
/// is above `mostWeight` and no activation's magnitude above `mostActivation`;
/// 0 if not even one is sure to.
///
///     chainLength(15) == 8        // 8 * 2 * 15 * 127 = 30480 <= 32767
///     chainLength(127, 64) == 2   // 2 * 2 * 127 * 64 = 32512
constexpr int64_t chainLength(int64_t mostWeight,
                              int64_t mostActivation = kMostActivation) {
  return 32767 / (2 * mostWeight * mostActivation);
}

/// That of weights of this format and the activations that it takes.
int64_t chainLength(const Superblock &format);

/// Planes of half-bytes that weights are multiplied in: 2 if whole ones have no
/// chains.
int64_t planesOfBytes(const Superblock &format);

/// Whether a chunk of weights takes fewer instructions as words: where
/// activations have 16 bits, two terms of 8, and chains are of two planes, or
/// end within a group.
bool prefersWords(const Superblock &format);

/// Whether kernels of this target (may be null) add products in chains.
bool addsInChains(TargetAttr target);

} // namespace tenon

#endif // TENON_DIALECT_TENON_IR_BYTEPRODUCTS_H
