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
// chunk v holds the elements k = 4 v + b. Values of fewer than 8 bits share
// bytes: a group has as many lines of 64 bytes as a value has bits, and a chunk
// is made of pieces of lines (`Superblock::pieces`). As many whole values are
// in a byte as fit, in its lowest bits; what is left of bytes makes up the
// other chunks. `l.b` are the bits of line l from b on:
//
// * 8 bits: chunk v is line v;
// * 4 bits: chunks 0 to 3 are 0.0 to 3.0, chunks 4 to 7 are 0.4 to 3.4;
// * 2 bits: chunk 4 p + s is p.(2 s);
// * 6 bits, in each half: chunks 0 to 2 are 0.0 to 2.0, chunk 3 is 0.6, 1.6 and
//   2.6;
// * 5 bits: chunks 0 to 4 are 0.0 to 4.0, chunk 5 is 0.5 and two bits of 1.5,
//   chunk 6 is 2.5 and two bits of 3.5, chunk 7 is 4.5, 1.7 and 3.7;
// * 3 bits: chunks 2 l and 2 l + 1 are l.0 and l.3, chunk 6 is 0.6 and a bit of
//   1.6, chunk 7 is 2.6 and 1.7.
//
// The value of an element is `scale * (u - zero)` with the unsigned integer u,
// or `scale * u + minimum`. A scale or minimum belongs to a group of 32
// elements, or to half a group.
//
// A superblock starts with either f16 scales [groups][16] and f16 minimums
// [groups][16], or integer scales [groups * scalesPerGroup][16], integer
// minimums (in bytes of their own those of neighbouring groups together,
// [groups / 2][16][2]), one f16 factor of the scales [16], one of the minimums
// [16], padded to 64 bytes. Then come the lines of the groups: who reads a
// panel reads memory from its first byte to its last, as the prefetchers of
// CPUs expect.
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
  /// Bits of an integer: 8, or 2 to 6.
  int64_t bits = 8;
  /// Of them, from the highest on, those that are 0 in every integer.
  int64_t spareBits = 0;
  /// The largest magnitude of the activations that meet these weights
  /// (`!tenon.int8_group`): less than 127 leaves sums of products room.
  int64_t mostActivation = 127;
  Scale scale = Scale::Half;
  /// Subtracted from the stored integer.
  int64_t zero = 0;
  /// The integers are indices to 16 values, `tableValues`, which take the place
  /// of `u - zero`.
  bool isTable = false;
  /// All groups of an output column have the same scale, and all of an input's
  /// row: products of a whole row are added up as integers.
  bool isPerChannel = false;
  /// Of a table: its values are kE2M1Values, not kIQ4Values.
  bool isE2M1 = false;

  /// Null without a table.
  const int8_t *tableValues() const;

  constexpr int64_t columns() const { return groups * kGroup; }
  constexpr bool hasMinimum() const {
    return scale != Scale::Half && scale != Scale::Signed;
  }
  constexpr bool hasIntegerScales() const {
    return scale != Scale::Half && scale != Scale::HalfAndMinimum;
  }

  /// Whether minimums are applied to all groups of a superblock at once: the
  /// sum over its groups of integer minimums times Int8Group::pairSums.
  constexpr bool hasPairedMinimums() const { return scale == Scale::Unsigned; }

  constexpr int64_t groupBytes() const { return bits * kChunkBytes; }

  /// `bits` bits of a line's bytes from `from` on, which are the bits of a
  /// chunk's integers from `to` on.
  struct Piece {
    int8_t line, from, bits, to;
  };
  /// The pieces of a chunk, lowest bits first.
  struct Pieces {
    Piece piece[3] = {};
    int count = 0;
    constexpr const Piece *begin() const { return piece; }
    constexpr const Piece *end() const { return piece + count; }
  };
  Pieces pieces(int64_t chunk) const;

  // Offsets from the start of a superblock.
  static constexpr int64_t scaleOffset() { return 0; }
  /// Bytes of all scales, and of all minimums where they have bytes of their
  /// own.
  constexpr int64_t scaleBytes() const {
    return groups * scalesPerGroup * kLanes * (hasIntegerScales() ? 1 : 2);
  }
  constexpr int64_t minimumOffset() const {
    return scaleOffset() + (scale == Scale::Nibbles ? 0 : scaleBytes());
  }
  /// The minimum of a group and a column, where it has a byte of its own.
  static constexpr int64_t placeOfMinimum(int64_t group, int64_t column) {
    return group / 2 * 2 * kLanes + 2 * column + group % 2;
  }
  /// The f16 factor of integer scales; that of the minimums follows it.
  constexpr int64_t factorOffset() const {
    return scale == Scale::Unsigned ? minimumOffset() + scaleBytes()
                                    : scaleOffset() + scaleBytes();
  }
  /// The first line of the first group.
  constexpr int64_t lineOffset() const {
    int64_t end = scaleOffset() + scaleBytes() * (hasMinimum() ? 2 : 1);
    if (hasIntegerScales())
      end = factorOffset() + 2 * kLanes * (hasMinimum() ? 2 : 1);
    return (end + 63) / 64 * 64;
  }
  constexpr int64_t bytes() const {
    return lineOffset() + groups * groupBytes();
  }
};

/// The superblock of a block type. Asserts isBlock(type).
Superblock getSuperblock(DType type);

/// IQ4_NL's non-linear steps (llama.cpp, `kvalues_iq4nl`).
inline constexpr int8_t kIQ4Values[16] = {
    -127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};

/// Twice the numbers of E2M1, the elements of MXFP4 (OCP Microscaling Formats
/// v1.0): a sign, two bits of exponent, one of mantissa.
inline constexpr int8_t kE2M1Values[16] = {0, 1,  2,  3,  4,  6,  8,  12,
                                           0, -1, -2, -3, -4, -6, -8, -12};

/// Most columns of a weight quantized per channel: the sum of as many products
/// of a byte and a signed byte fits 32 bits.
inline constexpr int64_t kMostPerChannel = 65536;

/// 32 activations of a row, quantized dynamically:
/// x ≈ scale * q with scale = max|x| / 127.
/// Quantized per token (for weights per channel) all groups of a row have one
/// scale; the first holds it and the offsetSum of the row, and the other fields
/// hold nothing. In 7 bits scale = max|x| / 64.
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
  /// The scaled sums of a run of groups as integers of 16 bits with one scale,
  /// sum ≈ sumScale * s with sumScale = max|sum| / 32767: in even groups
  /// `pairSums`, s of the group and of the next one; in odd groups `sumScale`.
  /// Runs start at multiples of their length, kSumRun or as many groups as a
  /// register has lanes, if those are fewer.
  union {
    int16_t pairSums[2];
    float sumScale;
  };
  static constexpr int kSumRun = 8;
};
static_assert(sizeof(Int8Group) == 64);

/// 32 activations with what rounding to 8 bits left, in as many bits:
/// x ≈ scale * (128 q + r) with scale = max|x| / (128 * 127) and r in
/// [-64, 63]. The sums in `group` are those of 128 q + r.
struct Int8ResidualGroup {
  Int8Group group;
  int8_t r[32];
  int32_t padding[8];
  static constexpr int kShift = 7;
};
static_assert(sizeof(Int8ResidualGroup) == 128);

} // namespace tenon

#endif // TENON_SUPPORT_SUPERBLOCK_H
