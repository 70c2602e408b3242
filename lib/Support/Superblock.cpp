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
  case DType::Q4_0:
    s.bits = 4, s.zero = 8;
    break;
  case DType::IQ4_NL:
    s.bits = 4, s.zero = 128, s.isTable = true;
    break;
  case DType::Q4_1:
    s.bits = 4, s.scale = Scale::HalfAndMinimum;
    break;
  case DType::Q5_0:
    s.bits = 4, s.highBits = 1, s.zero = 16;
    break;
  case DType::Q5_1:
    s.bits = 4, s.highBits = 1, s.scale = Scale::HalfAndMinimum;
    break;
  case DType::Q2_K:
    s.groups = 8, s.scalesPerGroup = 2, s.bits = 2, s.scale = Scale::Nibbles;
    break;
  case DType::Q3_K:
    s.groups = 8, s.scalesPerGroup = 2, s.bits = 2, s.highBits = 1;
    s.scale = Scale::Signed, s.zero = 4;
    break;
  case DType::Q4_K:
    s.groups = 8, s.bits = 4, s.scale = Scale::Unsigned;
    break;
  case DType::Q5_K:
    s.groups = 8, s.bits = 4, s.highBits = 1, s.scale = Scale::Unsigned;
    break;
  case DType::Q6_K:
    s.groups = 8, s.scalesPerGroup = 2, s.bits = 4, s.highBits = 2;
    s.scale = Scale::Signed, s.zero = 32;
    break;
  default:
    assert(false && "no block type");
  }
  return s;
}
