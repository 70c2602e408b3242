//===- Superblock.cpp - how quantized weights lie in memory ---------------===//

#include "tenon/Support/Superblock.h"

#include <cassert>

using namespace tenon;

Superblock tenon::getSuperblock(DType type) {
  using Scale = Superblock::Scale;
  Superblock s;
  switch (type) {
  case DType::Q8_0:
    s.zero = 128;
    break;
  case DType::Q8_CHANNEL:
    s.zero = 128, s.isPerChannel = true;
    break;
  case DType::Q7_CHANNEL:
    // Four products, of at most 127 and 64, fit 16 bits.
    s.spareBits = 1, s.zero = 64, s.isPerChannel = true;
    s.mostActivation = 64;
    break;
  case DType::Q4_0:
    s.bits = 4, s.zero = 8;
    break;
  case DType::IQ4_NL:
    s.bits = 4, s.zero = 128, s.isTable = true;
    break;
  case DType::IQ4_XS:
    s.groups = 8, s.bits = 4, s.scale = Scale::Signed;
    s.zero = 128, s.isTable = true;
    break;
  case DType::MXFP4:
    s.bits = 4, s.zero = 128, s.isTable = s.isE2M1 = true;
    break;
  case DType::TQ1_0:
  case DType::TQ2_0:
    s.groups = 8, s.bits = 2, s.zero = 1;
    break;
  case DType::Q4_1:
    s.bits = 4, s.scale = Scale::HalfAndMinimum;
    break;
  case DType::Q5_0:
    s.bits = 5, s.zero = 16;
    break;
  case DType::Q5_1:
    s.bits = 5, s.scale = Scale::HalfAndMinimum;
    break;
  case DType::Q2_K:
    s.groups = 8, s.scalesPerGroup = 2, s.bits = 2, s.scale = Scale::Nibbles;
    break;
  case DType::Q3_K:
    s.groups = 8, s.scalesPerGroup = 2, s.bits = 3;
    s.scale = Scale::Signed, s.zero = 4;
    break;
  case DType::Q4_K:
    s.groups = 8, s.bits = 4, s.scale = Scale::Unsigned;
    break;
  case DType::Q5_K:
    s.groups = 8, s.bits = 5, s.scale = Scale::Unsigned;
    break;
  case DType::Q6_K:
    s.groups = 8, s.scalesPerGroup = 2, s.bits = 6;
    s.scale = Scale::Signed, s.zero = 32;
    break;
  default:
    assert(false && "no block type");
  }
  return s;
}

const int8_t *Superblock::tableValues() const {
  return !isTable ? nullptr : isE2M1 ? kE2M1Values : kIQ4Values;
}

Superblock::Pieces Superblock::pieces(int64_t chunk) const {
  auto v = static_cast<int8_t>(chunk);
  auto whole = [&](int line, int from) {
    return Pieces{{{int8_t(line), int8_t(from), int8_t(bits), 0}}, 1};
  };
  switch (bits) {
  case 8:
    return whole(v, 0);
  case 4:
    return whole(v % 4, v / 4 * 4);
  case 2:
    return whole(v / 4, v % 4 * 2);
  case 6: {
    auto first = static_cast<int8_t>(v / 4 * 3);
    if (v % 4 < 3)
      return whole(first + v % 4, 0);
    return {{{first, 6, 2, 0},
             {int8_t(first + 1), 6, 2, 2},
             {int8_t(first + 2), 6, 2, 4}},
            3};
  }
  case 5:
    if (v < 5)
      return whole(v, 0);
    if (v == 5)
      return {{{0, 5, 3, 0}, {1, 5, 2, 3}}, 2};
    if (v == 6)
      return {{{2, 5, 3, 0}, {3, 5, 2, 3}}, 2};
    return {{{4, 5, 3, 0}, {1, 7, 1, 3}, {3, 7, 1, 4}}, 3};
  case 3:
    if (v < 6)
      return whole(v / 2, v % 2 * 3);
    if (v == 6)
      return {{{0, 6, 2, 0}, {1, 6, 1, 2}}, 2};
    return {{{2, 6, 2, 0}, {1, 7, 1, 2}}, 2};
  }
  assert(false && "no such integers");
  return {};
}
