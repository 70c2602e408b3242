//===- Superblock.h - how quantized weights lie in memory -------*- C++ -*-===//
//
// Weights quantized in blocks are repacked, bit-exact in value, so that one
// layout serves one row and many, and that scales ride in the same stream as
// their weights. A *superblock* holds 16 output columns times `columns()`
// elements along K; a panel of 32 columns is two superblocks side by side.
//
// The unit is a *chunk* of 64 bytes: 4 neighbouring elements along K of 16
// output columns, byte 4 r + b for column r, the operand of a dot product of
// bytes (vpdpbusd). A group of 32 elements along K has 8 chunks of values;
// chunk v holds the elements k = 4 v + b. Values of fewer than 8 bits share a
// byte:
//
//   8 bits   8 chunks, chunk v
//   4 bits   4 chunks; the low half of chunk j is v = j, the high half v = 4 +
//   j 2 bits   2 chunks; bits 2 s, 2 s + 1 of chunk p are v = 4 p + s 1 bit 1
//   chunk; bit v
//
// A value of 5 or 6 bits is 4 bits and, in a second plane, 1 or 2 above them;
// of 3 bits, 2 and 1. The value of an element is `scale * (u - zero)` with the
// unsigned integer u, or `scale * u + minimum`. A scale or minimum belongs to a
// group of 32 elements, or to half a group.
//
// The parts of a superblock, in order: values of all groups, second planes of
// all groups, then either f16 scales [groups][16] and f16 minimums
// [groups][16], or integer scales [groups * scalesPerGroup][16], integer
// minimums (alike), one f16 factor of the scales [16], one of the minimums
// [16]. Padded to 64 bytes.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_SUPPORT_SUPERBLOCK_H
#define TENON_SUPPORT_SUPERBLOCK_H

#include "tenon/Support/DType.h"

namespace tenon {

struct Superblock {
  enum class Scale : uint8_t {
    Half,           ///< f16
    HalfAndMinimum, ///< f16, and an f16 minimum
    Signed,         ///< s8 times an f16 factor
    Unsigned,       ///< u8 times an f16 factor, and a minimum alike, subtracted
    Nibbles,        ///< the same, scale and minimum in one byte, the scale low
  };
  /// Output columns of a superblock.
  static constexpr int64_t kLanes = 16;
  /// Elements along K of a group, which has one scale (or two).
  static constexpr int64_t kGroup = 32;
  /// Chunks of values in a group.
  static constexpr int64_t kChunks = 8;
  static constexpr int64_t kChunkBytes = 4 * kLanes;

  /// Groups along K: 2, or the 8 that a block of 256 has.
  int64_t groups = 2;
  /// 1, or 2 if half a group has a scale of its own.
  int64_t scalesPerGroup = 1;
  /// Bits of the first plane, and of the second above it.
  int64_t bits = 8, highBits = 0;
  Scale scale = Scale::Half;
  /// Subtracted from the stored integer.
  int64_t zero = 0;
  /// The integers are indices to kIQ4Values.
  bool isTable = false;
  /// All groups of an output column have the same scale, and all of an input's
  /// row: products of a whole row are added up as integers.
  bool isPerChannel = false;

  constexpr int64_t columns() const { return groups * kGroup; }
  constexpr bool hasMinimum() const {
    return scale != Scale::Half && scale != Scale::Signed;
  }
  constexpr bool hasIntegerScales() const {
    return scale != Scale::Half && scale != Scale::HalfAndMinimum;
  }

  // Bytes of a group.
  constexpr int64_t valueBytes() const { return kLanes * kGroup * bits / 8; }
  constexpr int64_t highBytes() const { return kLanes * kGroup * highBits / 8; }

  // Offsets from the start of a superblock.
  constexpr int64_t highOffset() const { return groups * valueBytes(); }
  constexpr int64_t scaleOffset() const {
    return highOffset() + groups * highBytes();
  }
  /// Bytes of all scales, and of all minimums where they have bytes of their
  /// own.
  constexpr int64_t scaleBytes() const {
    return groups * scalesPerGroup * kLanes * (hasIntegerScales() ? 1 : 2);
  }
  constexpr int64_t minimumOffset() const {
    return scaleOffset() + (scale == Scale::Nibbles ? 0 : scaleBytes());
  }
  /// The f16 factor of integer scales; that of the minimums follows it.
  constexpr int64_t factorOffset() const {
    return scale == Scale::Unsigned ? minimumOffset() + scaleBytes()
                                    : scaleOffset() + scaleBytes();
  }
  constexpr int64_t bytes() const {
    int64_t end = scaleOffset() + scaleBytes() * (hasMinimum() ? 2 : 1);
    if (hasIntegerScales())
      end = factorOffset() + 2 * kLanes * (hasMinimum() ? 2 : 1);
    return (end + 63) / 64 * 64;
  }
};

/// The superblock of a block type. Asserts isBlock(type).
Superblock getSuperblock(DType type);

/// IQ4_NL's non-linear steps (llama.cpp, `kvalues_iq4nl`).
inline constexpr int8_t kIQ4Values[16] = {
    -127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};

/// Most columns of a weight quantized per channel: the sum of as many products
/// of a byte and a signed byte fits 32 bits.
inline constexpr int64_t kMostPerChannel = 65536;

/// 32 activations of a row, quantized dynamically:
/// x ≈ scale * q with scale = max|x| / 127.
/// Quantized per token (for weights per channel) all groups of a row have one
/// scale; the first holds it and the offsetSum of the row, and the other fields
/// hold nothing.
struct Int8Group {
  int8_t q[32];
  float scale;
  /// scale times the sum of q: what the minimum of a weight's group multiplies.
  float scaledSum;
  /// -128 times the sums of q, of all and of each half: what a zero point of
  /// 128, the largest there is, adds to the products.
  int32_t offsetSum;
  int32_t offsetHalfSums[2];
  float scaledHalfSums[2];
  int32_t padding;
};
static_assert(sizeof(Int8Group) == 64);

} // namespace tenon

#endif // TENON_SUPPORT_SUPERBLOCK_H
