//===- DTypeTest.cpp - element types and their conversions ---------------===//

#include "tenon/Support/DType.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

using namespace tenon;

TEST(DType, Spellings) {
  EXPECT_EQ(parseDType("F32"), DType::F32);
  EXPECT_EQ(parseDType("float32"), DType::F32);
  EXPECT_EQ(parseDType("torch.bfloat16"), DType::BF16);
  EXPECT_EQ(parseDType("BOOL"), DType::Bool);
  EXPECT_EQ(parseDType("F31"), std::nullopt);
  EXPECT_EQ(parseDType(""), std::nullopt);
  EXPECT_EQ(parseDType("torch."), std::nullopt);
  EXPECT_EQ(parseDType("Q4_K"), DType::Q4_K);
  EXPECT_EQ(parseDType("q4_K"), DType::Q4_K);
  EXPECT_EQ(parseDType("IQ4_NL"), DType::IQ4_NL);
  EXPECT_STREQ(name(DType::Q4_K), "q4_k");
  for (unsigned i = 0; i <= static_cast<unsigned>(kLastDType); ++i) {
    DType type = static_cast<DType>(i);
    EXPECT_EQ(parseDType(name(type)), type);
  }
}

TEST(DType, Blocks) {
  for (unsigned i = 0; i <= static_cast<unsigned>(kLastDType); ++i) {
    DType type = static_cast<DType>(i);
    EXPECT_EQ(isBlock(type), blockElements(type) > 1) << name(type);
    if (!isBlock(type))
      EXPECT_EQ(blockBytes(type), byteWidth(type)) << name(type);
    else
      EXPECT_FALSE(isFloat(type)) << name(type);
  }
  EXPECT_EQ(blockElements(DType::Q4_0), 32);
  EXPECT_EQ(blockBytes(DType::Q4_0), 18u);
  EXPECT_EQ(blockElements(DType::Q6_K), 256);
  EXPECT_EQ(blockBytes(DType::Q6_K), 210u);
}

TEST(DType, TensorBytes) {
  using Shape = std::vector<int64_t>;
  EXPECT_EQ(tensorBytes(DType::F32, Shape{3, 5}), 60u);
  EXPECT_EQ(tensorBytes(DType::F32, Shape{}), 4u);
  EXPECT_EQ(tensorBytes(DType::F16, Shape{0, 7}), 0u);
  EXPECT_EQ(tensorBytes(DType::Q4_0, Shape{3, 64}), 3 * 2 * 18u);
  EXPECT_EQ(tensorBytes(DType::Q4_K, Shape{2, 512}), 2 * 2 * 144u);
  // Rows that are no whole blocks, although the tensor would be.
  EXPECT_EQ(tensorBytes(DType::Q4_0, Shape{32, 48}), std::nullopt);
  EXPECT_EQ(tensorBytes(DType::Q4_K, Shape{8, 32}), std::nullopt);
  EXPECT_EQ(tensorBytes(DType::Q8_0, Shape{}), std::nullopt);
  EXPECT_EQ(tensorBytes(DType::F32, Shape{-1, 2}), std::nullopt);
  EXPECT_EQ(tensorBytes(DType::Q8_0, Shape{-2, 32}), std::nullopt);
  // The product of the dimensions wraps, or only that in bytes.
  EXPECT_EQ(tensorBytes(DType::F32, Shape{1ll << 32, 1ll << 32}), std::nullopt);
  EXPECT_EQ(tensorBytes(DType::F64, Shape{1ll << 31, 1ll << 31}), std::nullopt);
}

TEST(DType, Widths) {
  EXPECT_EQ(byteWidth(DType::F64), 8u);
  EXPECT_EQ(byteWidth(DType::F32), 4u);
  EXPECT_EQ(byteWidth(DType::BF16), 2u);
  EXPECT_EQ(byteWidth(DType::F8E4M3), 1u);
  EXPECT_TRUE(isFloat(DType::F16));
  EXPECT_FALSE(isFloat(DType::I32));
}

// The value of a half by its definition.
static double halfByDefinition(uint16_t half) {
  int exponent = (half >> 10) & 31;
  int mantissa = half & 1023;
  double value = exponent == 0 ? std::ldexp(mantissa, -24)
                               : std::ldexp(1024 + mantissa, exponent - 25);
  return half & 0x8000 ? -value : value;
}

TEST(DType, EveryHalfConvertsExactlyAndBack) {
  for (unsigned bits = 0; bits < 0x10000; ++bits) {
    uint16_t half = static_cast<uint16_t>(bits);
    float value = halfToFloat(half);
    if ((half & 0x7c00) == 0x7c00) {
      if (half & 0x3ff)
        EXPECT_TRUE(std::isnan(value));
      else
        EXPECT_TRUE(std::isinf(value));
    } else {
      ASSERT_EQ(static_cast<double>(value), halfByDefinition(half)) << bits;
    }
    if (std::isnan(value))
      EXPECT_TRUE(std::isnan(halfToFloat(floatToHalf(value))));
    else
      ASSERT_EQ(floatToHalf(value), half) << bits;
  }
}

TEST(DType, HalfRoundsToNearestEven) {
  // Halfway between neighbours: the even one; a little beyond: the nearer one.
  for (unsigned bits = 0; bits < 0x7bff; ++bits) {
    float low = halfToFloat(static_cast<uint16_t>(bits));
    float high = halfToFloat(static_cast<uint16_t>(bits + 1));
    float middle = low + (high - low) / 2;
    uint16_t even = static_cast<uint16_t>(bits & 1 ? bits + 1 : bits);
    ASSERT_EQ(floatToHalf(middle), even) << bits;
    ASSERT_EQ(floatToHalf(std::nextafter(middle, low)), bits);
    ASSERT_EQ(floatToHalf(std::nextafter(middle, high)), bits + 1);
    ASSERT_EQ(floatToHalf(-middle), even | 0x8000);
  }
  EXPECT_EQ(floatToHalf(65519.99f), 0x7bff);
  EXPECT_EQ(floatToHalf(65520.0f), 0x7c00);
  EXPECT_EQ(floatToHalf(1e30f), 0x7c00);
}

TEST(DType, Bfloat16RoundsToNearestEven) {
  EXPECT_EQ(floatToBfloat16(1.0f), 0x3f80);
  EXPECT_EQ(bfloat16ToFloat(0x3f80), 1.0f);
  EXPECT_EQ(floatToBfloat16(std::bit_cast<float>(0x3f808000u)), 0x3f80);
  EXPECT_EQ(floatToBfloat16(std::bit_cast<float>(0x3f818000u)), 0x3f82);
  EXPECT_EQ(floatToBfloat16(std::bit_cast<float>(0x3f808001u)), 0x3f81);
  EXPECT_EQ(floatToBfloat16(std::numeric_limits<float>::max()), 0x7f80);
  // A NaN whose payload is only in the low bits must not become infinity.
  EXPECT_TRUE(std::isnan(
      bfloat16ToFloat(floatToBfloat16(std::bit_cast<float>(0x7f800001u)))));
  for (unsigned bits = 0; bits < 0x10000; ++bits) {
    float value = bfloat16ToFloat(static_cast<uint16_t>(bits));
    if (!std::isnan(value))
      ASSERT_EQ(floatToBfloat16(value), bits);
  }
}
