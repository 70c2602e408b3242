//===- Blocks.h - GGML's block formats --------------------------*- C++ -*-===//
//
// A block holds 32 or 256 neighbours of a row as small integers and the scales
// they share. With d, m and dmin in binary16, everything little-endian, and
// byte arrays named as GGML's ggml-common.h names them (its public definition
// of the format):
//
//   q4_0   d · qs[16]             w = d (u - 8)
//   q4_1   d · m · qs[16]         w = d u + m
//   q5_0   d · qh[4] · qs[16]     w = d (u - 16)
//   q5_1   d · m · qh[4] · qs[16] w = d u + m
//   q8_0   d · i8 qs[32]          w = d (u - 128), u = qs + 128
//   iq4_nl d · qs[16]             w = d table[nibble], u = table + 128
//   mxfp4  e · qs[16]             w = 2^(e - 128) table[nibble], likewise
//   q2_k   scales[16] · qs[64] · d · dmin          w = d s u - dmin m
//   q3_k   hmask[32] · qs[64] · scales[12] · d     w = d s (u - 4)
//   q4_k   d · dmin · scales[12] · qs[128]         w = d s u - dmin m
//   q5_k   d · dmin · scales[12] · qh[32] · qs[128] w = d s u - dmin m
//   q6_k   ql[128] · qh[64] · i8 scales[16] · d    w = d s (u - 32)
//   iq4_xs d · scales_h[2] · scales_l[4] · qs[128] w = d s table[nibble]
//   tq1_0  qs[48] · qh[4] · d     w = d (u - 1), five digits of base 3 a byte
//   tq2_0  qs[64] · d             w = d (u - 1)
//
// Products of a binary16 with the small integers are exact in binary32 but for
// q6_k and iq4_xs, where the last one rounds, and for the sum with a minimum, which
// rounds: each value is rounded once at most, so that its bits don't depend on
// fused multiply-adds.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_CHECKPOINT_BLOCKS_H
#define TENON_CHECKPOINT_BLOCKS_H

#include "tenon/Support/DType.h"

#include <cstddef>
#include <cstdint>
#include <span>

namespace tenon {

/// What the blocks of a type consist of.
struct BlockFormat {
  int elements;  ///< of a block, 32 or 256
  int group;     ///< elements that share one sub-scale: 32 or 16
  int zeroPoint; ///< z
  bool hasMinimum;
  /// Whether groups have integer scales (and minimums): types with 256
  /// elements. Those of tq1_0 and tq2_0 are 1.
  bool hasSubScales;

  int groups() const { return elements / group; }
};

/// Only for types with isBlock().
const BlockFormat &blockFormat(DType type);

/// A block taken apart. Element k, of group g = k / group, is
///
///   with sub-scales:  w = d scales[g] (u[k] - z)  [- m minimums[g]]
///   without:          w = d (u[k] - z)            [+ m]
struct BlockValues {
  uint8_t u[256];       ///< in the row's order
  int16_t scales[16];   ///< 1 for types without; q3_k, q6_k, iq4_xs: signed
  uint8_t minimums[16]; ///< 0 for types without
  uint16_t d;           ///< bits of a binary16
  uint16_t m;           ///< likewise: m, or dmin; 0 for types without
};

/// Takes a block apart, exactly. `block` has blockBytes(type) bytes at any
/// alignment. Only the first entries of each array are set, as many as the
/// format has.
void readBlock(DType type, const std::byte *block, BlockValues &values);

/// The values of `count` blocks, blockElements(type) each.
void dequantizeBlocks(DType type, const std::byte *blocks, int64_t count,
                      float *out);

/// Whether a scale of the block is infinite or NaN; then so are its values.
/// Of mxfp4, also whether it is no binary16, as blocks are held: 2^(e - 128)
/// has exponents from -24 to 15.
bool isNonFiniteBlock(DType type, const std::byte *block);

//===----------------------------------------------------------------------===//
// Quantizing
//===----------------------------------------------------------------------===//

enum class BlockSearch {
  /// GGML's reference: q8_0 scales the greatest magnitude to 127, q4_0 the
  /// value of greatest magnitude to -8. Rounded to nearest.
  None,
  /// The scale, among many, with the smallest squared error, weighted by
  /// importance. Never worse than None.
  Best,
};

/// Quantizes `values`, whole blocks, as q8_0 or q4_0 into `out`. `importance`
/// is empty or has a weight, at least 0, for each value (for a row: the mean
/// square of the activation it is multiplied by). Values that are not finite
/// give blocks that are not either. Returns the squared error, unweighted.
double quantizeBlocks(DType type, std::span<const float> values,
                      std::span<const float> importance, BlockSearch search,
                      std::byte *out);

} // namespace tenon

#endif // TENON_CHECKPOINT_BLOCKS_H
