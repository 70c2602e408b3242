//===- Blocks.cpp - GGML's block formats, read ----------------------------===//

#include "tenon/Checkpoint/Blocks.h"

#include "tenon/Support/Superblock.h"

#include <algorithm>
#include <cassert>
#include <cstring>

using namespace tenon;

const BlockFormat &tenon::blockFormat(DType type) {
  // In the order of the enumeration, from Q4_0.
  static constexpr BlockFormat formats[] = {
      {32, 32, 8, false, false},   // q4_0
      {32, 32, 0, true, false},    // q4_1
      {32, 32, 16, false, false},  // q5_0
      {32, 32, 0, true, false},    // q5_1
      {32, 32, 128, false, false}, // q8_0
      {256, 16, 0, true, true},    // q2_k
      {256, 16, 4, false, true},   // q3_k
      {256, 32, 0, true, true},    // q4_k
      {256, 32, 0, true, true},    // q5_k
      {256, 16, 32, false, true},  // q6_k
      {32, 32, 128, false, false}, // iq4_nl
      {32, 32, 128, false, false}, // q8_channel
      {256, 32, 128, false, true}, // iq4_xs
      {32, 32, 128, false, false}, // mxfp4
      {256, 32, 1, false, true},   // tq1_0
      {256, 32, 1, false, true},   // tq2_0
      {32, 32, 64, false, false},  // q7_channel
  };
  assert(isBlock(type));
  return formats[static_cast<size_t>(type) - static_cast<size_t>(DType::Q4_0)];
}

//===----------------------------------------------------------------------===//
// Blocks of 32
//===----------------------------------------------------------------------===//

static uint16_t readHalf(const uint8_t *at) {
  return static_cast<uint16_t>(at[0] | at[1] << 8);
}

// Byte j holds element j in its low and element j + count in its high nibble.
static void readNibbles(const uint8_t *from, int count, uint8_t *u) {
  for (int j = 0; j < count; ++j) {
    u[j] = from[j] & 15;
    u[j + count] = from[j] >> 4;
  }
}

// Bit j of the word is the fifth bit of element j.
static void addFifthBits(const uint8_t *from, uint8_t *u) {
  for (int j = 0; j < 32; ++j)
    u[j] |= static_cast<uint8_t>((from[j / 8] >> (j % 8) & 1) << 4);
}

// From indices to the table's values, moved by 128 so that they are unsigned.
static void lookUp(const int8_t *table, int count, uint8_t *u) {
  for (int j = 0; j < count; ++j)
    u[j] = static_cast<uint8_t>(table[u[j]] + 128);
}

// The exponents of mxfp4's scales, e - 128, that binary16 has.
static constexpr int kLeastExponent = -24, kGreatestExponent = 15;

// 2^exponent in binary16.
static uint16_t halfPower(int exponent) {
  constexpr int kLeastNormal = -14;
  return static_cast<uint16_t>(exponent < kLeastNormal
                                   ? 1 << (exponent - kLeastExponent)
                                   : (exponent + 15) << 10);
}

static bool isZero(const uint8_t *nibbles) {
  uint8_t any = 0;
  for (int j = 0; j < 16; ++j)
    any |= nibbles[j] & 0x77; // without signs
  return any == 0;
}

static void readMXFP4(const uint8_t *at, BlockValues &values) {
  readNibbles(at + 1, 16, values.u);
  lookUp(kE2M1Values, 32, values.u);
  int exponent = at[0] - 128;
  values.d = exponent >= kLeastExponent && exponent <= kGreatestExponent
                 ? halfPower(exponent)
             : isZero(at + 1) && at[0] != 255 ? 0
                                              : 0x7e00; // NaN
}

//===----------------------------------------------------------------------===//
// Blocks of 256
//===----------------------------------------------------------------------===//

// Eight scales and eight minimums of 6 bits in 12 bytes: bytes 0 to 3 and 4 to
// 7 hold those of the first four groups; the others have their low 4 bits in
// the nibbles of bytes 8 to 11 and their high 2 bits above the first four's.
static void readSixBitPairs(const uint8_t *from, BlockValues &values) {
  for (int g = 0; g < 4; ++g) {
    values.scales[g] = from[g] & 63;
    values.minimums[g] = from[4 + g] & 63;
    values.scales[4 + g] =
        static_cast<int16_t>((from[8 + g] & 15) | from[g] >> 6 << 4);
    values.minimums[4 + g] =
        static_cast<uint8_t>(from[8 + g] >> 4 | from[4 + g] >> 6 << 4);
  }
}

// Each half of the block, 128 elements, has 32 bytes whose bits 2s, 2s + 1 are
// elements 32 s to 32 s + 31.
static void readPairsOfBits(const uint8_t *from, uint8_t *u) {
  for (int half = 0; half < 2; ++half)
    for (int s = 0; s < 4; ++s)
      for (int l = 0; l < 32; ++l)
        u[128 * half + 32 * s + l] = from[32 * half + l] >> (2 * s) & 3;
}

// Byte l has a bit for element l of each of the eight groups of 32.
static void addBit(const uint8_t *from, int shift, uint8_t *u) {
  for (int s = 0; s < 8; ++s)
    for (int l = 0; l < 32; ++l)
      u[32 * s + l] |= static_cast<uint8_t>((from[l] >> s & 1) << shift);
}

static void readQ2K(const uint8_t *at, BlockValues &values) {
  for (int g = 0; g < 16; ++g) {
    values.scales[g] = at[g] & 15;
    values.minimums[g] = at[g] >> 4;
  }
  readPairsOfBits(at + 16, values.u);
  values.d = readHalf(at + 80);
  values.m = readHalf(at + 82);
}

static void readQ3K(const uint8_t *at, BlockValues &values) {
  const uint8_t *scales = at + 96;
  for (int g = 0; g < 16; ++g) {
    int low = g < 8 ? scales[g] & 15 : scales[g - 8] >> 4;
    int high = scales[8 + g % 4] >> (2 * (g / 4)) & 3;
    values.scales[g] = static_cast<int16_t>((low | high << 4) - 32);
  }
  readPairsOfBits(at + 32, values.u);
  addBit(at, 2, values.u);
  values.d = readHalf(at + 108);
}

static void readQ4K(const uint8_t *at, BlockValues &values) {
  values.d = readHalf(at);
  values.m = readHalf(at + 2);
  readSixBitPairs(at + 4, values);
  for (int chunk = 0; chunk < 4; ++chunk)
    readNibbles(at + 16 + 32 * chunk, 32, values.u + 64 * chunk);
}

static void readQ5K(const uint8_t *at, BlockValues &values) {
  values.d = readHalf(at);
  values.m = readHalf(at + 2);
  readSixBitPairs(at + 4, values);
  for (int chunk = 0; chunk < 4; ++chunk)
    readNibbles(at + 48 + 32 * chunk, 32, values.u + 64 * chunk);
  addBit(at + 16, 4, values.u);
}

static void readQ6K(const uint8_t *at, BlockValues &values) {
  uint8_t *u = values.u;
  for (int half = 0; half < 2; ++half)
    readNibbles(at + 64 * half, 64, u + 128 * half);
  const uint8_t *high = at + 128;
  for (int half = 0; half < 2; ++half)
    for (int s = 0; s < 4; ++s)
      for (int l = 0; l < 32; ++l)
        u[128 * half + 32 * s + l] |=
            static_cast<uint8_t>((high[32 * half + l] >> (2 * s) & 3) << 4);
  for (int g = 0; g < 16; ++g)
    values.scales[g] = static_cast<int8_t>(at[192 + g]);
  values.d = readHalf(at + 208);
}

static void readIQ4XS(const uint8_t *at, BlockValues &values) {
  uint16_t high = readHalf(at + 2);
  for (int g = 0; g < 8; ++g) {
    int low = at[4 + g / 2] >> (4 * (g % 2)) & 15;
    values.scales[g] =
        static_cast<int16_t>((low | (high >> (2 * g) & 3) << 4) - 32);
    readNibbles(at + 8 + 16 * g, 16, values.u + 32 * g);
  }
  lookUp(kIQ4Values, 256, values.u);
  values.d = readHalf(at);
}

// Digits of base 3, the first one the greatest: digit n of a byte q, which is
// rounded up 256/243 times the number, is (q 3^n mod 256) 3 / 256.
static void readDigits(const uint8_t *from, int bytes, int digits, uint8_t *u) {
  for (int n = 0, power = 1; n < digits; ++n, power *= 3)
    for (int j = 0; j < bytes; ++j) {
      auto rest = static_cast<uint8_t>(from[j] * power);
      *u++ = static_cast<uint8_t>(rest * 3 >> 8);
    }
}

static void readTernary(DType type, const uint8_t *at, BlockValues &values) {
  std::fill_n(values.scales, 8, int16_t(1));
  if (type == DType::TQ2_0) {
    readPairsOfBits(at, values.u);
    values.d = readHalf(at + 64);
    return;
  }
  readDigits(at, 32, 5, values.u);
  readDigits(at + 32, 16, 5, values.u + 160);
  readDigits(at + 48, 4, 4, values.u + 240);
  values.d = readHalf(at + 52);
}

//===----------------------------------------------------------------------===//
// All of them
//===----------------------------------------------------------------------===//

void tenon::readBlock(DType type, const std::byte *block, BlockValues &values) {
  const auto *at = reinterpret_cast<const uint8_t *>(block);
  values.m = 0;
  switch (type) {
  case DType::Q2_K:
    return readQ2K(at, values);
  case DType::Q3_K:
    std::memset(values.minimums, 0, sizeof(values.minimums));
    return readQ3K(at, values);
  case DType::Q4_K:
    return readQ4K(at, values);
  case DType::Q5_K:
    return readQ5K(at, values);
  case DType::Q6_K:
    std::memset(values.minimums, 0, sizeof(values.minimums));
    return readQ6K(at, values);
  case DType::IQ4_XS:
    std::memset(values.minimums, 0, sizeof(values.minimums));
    return readIQ4XS(at, values);
  case DType::TQ1_0:
  case DType::TQ2_0:
    std::memset(values.minimums, 0, sizeof(values.minimums));
    return readTernary(type, at, values);
  default:
    break;
  }
  values.scales[0] = 1;
  values.minimums[0] = 0;
  values.d = readHalf(at);
  switch (type) {
  case DType::Q4_0:
    return readNibbles(at + 2, 16, values.u);
  case DType::Q4_1:
    values.m = readHalf(at + 2);
    return readNibbles(at + 4, 16, values.u);
  case DType::Q5_0:
    readNibbles(at + 6, 16, values.u);
    return addFifthBits(at + 2, values.u);
  case DType::Q5_1:
    values.m = readHalf(at + 2);
    readNibbles(at + 8, 16, values.u);
    return addFifthBits(at + 4, values.u);
  case DType::Q8_0:
  case DType::Q8_CHANNEL:
    for (int j = 0; j < 32; ++j)
      values.u[j] = at[2 + j] ^ 128;
    return;
  case DType::Q7_CHANNEL:
    for (int j = 0; j < 32; ++j)
      values.u[j] = static_cast<uint8_t>(at[2 + j] + 64);
    return;
  case DType::IQ4_NL:
    readNibbles(at + 2, 16, values.u);
    return lookUp(kIQ4Values, 32, values.u);
  case DType::MXFP4:
    return readMXFP4(at, values);
  default:
    assert(false && "not a block type");
  }
}

void tenon::dequantizeBlocks(DType type, const std::byte *blocks, int64_t count,
                             float *out) {
  const BlockFormat &format = blockFormat(type);
  BlockValues values;
  for (int64_t b = 0; b < count; ++b) {
    readBlock(type, blocks + b * static_cast<int64_t>(blockBytes(type)),
              values);
    float d = halfToFloat(values.d), m = halfToFloat(values.m);
    for (int g = 0; g < format.groups(); ++g) {
      float scale = d * static_cast<float>(values.scales[g]);
      float offset = format.hasSubScales
                         ? -(m * static_cast<float>(values.minimums[g]))
                         : m;
      const uint8_t *u = values.u + g * format.group;
      if (format.hasMinimum)
        for (int k = 0; k < format.group; ++k)
          *out++ = scale * static_cast<float>(u[k]) + offset;
      else
        for (int k = 0; k < format.group; ++k)
          *out++ = scale * static_cast<float>(u[k] - format.zeroPoint);
    }
  }
}

bool tenon::isNonFiniteBlock(DType type, const std::byte *block) {
  const auto *at = reinterpret_cast<const uint8_t *>(block);
  auto bad = [&](int offset) {
    return (readHalf(at + offset) & 0x7c00) == 0x7c00;
  };
  switch (type) {
  case DType::Q2_K:
    return bad(80) || bad(82);
  case DType::Q3_K:
    return bad(108);
  case DType::Q6_K:
    return bad(208);
  case DType::TQ1_0:
    return bad(52);
  case DType::TQ2_0:
    return bad(64);
  case DType::MXFP4: {
    BlockValues values;
    readMXFP4(at, values);
    return (values.d & 0x7c00) == 0x7c00;
  }
  default:
    return bad(0) || (blockFormat(type).hasMinimum && bad(2));
  }
}
