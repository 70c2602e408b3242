//===- NonFiniteTest.cpp - NaN and infinity in weights -------------------===//

#include "tenon/Checkpoint/NonFinite.h"
#include "tenon/Checkpoint/Safetensors.h"

#include "SafetensorsText.h"
#include "TestSupport.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>

using namespace tenon;

template <class Bits>
static std::optional<NonFinite> scan(DType dtype, std::vector<Bits> values,
                                     TensorInfo &info) {
  info.name = "w";
  info.dtype = dtype;
  info.shape = {static_cast<int64_t>(values.size())};
  info.size = values.size() * sizeof(Bits);
  return scanForNonFinite(info, std::as_bytes(std::span(values)));
}

TEST(NonFinite, Robustness15EveryFormat) {
  TensorInfo info;
  EXPECT_FALSE(scan<uint32_t>(DType::F32, {0, 0x7f7fffff, 0xff7fffff}, info));
  EXPECT_FALSE(scan<uint16_t>(DType::F16, {0, 0x7bff, 0xfbff}, info));
  EXPECT_FALSE(scan<uint16_t>(DType::BF16, {0, 0x7f7f, 0xff7f}, info));
  EXPECT_FALSE(scan<uint64_t>(DType::F64, {0, 0x7fefffffffffffffu}, info));
  EXPECT_FALSE(scan<uint8_t>(DType::F8E4M3, {0, 0x7e, 0xfe}, info));
  EXPECT_FALSE(scan<uint8_t>(DType::F8E5M2, {0, 0x7b, 0xfb}, info));
  EXPECT_FALSE(scan<uint32_t>(DType::I32, {0x7f800000, 0xffffffff}, info));
  EXPECT_FALSE(scan<uint32_t>(DType::F32, {}, info));

  EXPECT_EQ(scan<uint32_t>(DType::F32, {0, 0x7fc00000, 1}, info)->message(),
            "'w'[1]: NaN (1 of 3 elements is not finite)");
  EXPECT_EQ(
      scan<uint32_t>(DType::F32, {0xff800000, 0x7fc00000}, info)->message(),
      "'w'[0]: infinity (2 of 2 elements are not finite)");
  EXPECT_TRUE(scan<uint16_t>(DType::F16, {0, 0x7e00}, info)->isNaN);
  EXPECT_FALSE(scan<uint16_t>(DType::F16, {0, 0xfc00}, info)->isNaN);
  EXPECT_TRUE(scan<uint16_t>(DType::BF16, {0, 0x7fc0}, info)->isNaN);
  EXPECT_FALSE(scan<uint16_t>(DType::BF16, {0, 0x7f80}, info)->isNaN);
  EXPECT_TRUE(
      scan<uint64_t>(DType::F64, {0, 0x7ff8000000000000u}, info)->isNaN);
  EXPECT_TRUE(scan<uint8_t>(DType::F8E4M3, {0, 0xff}, info)->isNaN);
  EXPECT_FALSE(scan<uint8_t>(DType::F8E5M2, {0, 0x7c}, info)->isNaN);
}

TEST(NonFinite, Robustness15IndexInALargeTensor) {
  std::vector<float> values(10000, 1.0f);
  values[7 * 1000 + 42] = NAN;
  values[9999] = INFINITY;
  TensorInfo info;
  info.name = "blk";
  info.shape = {10, 1000};
  info.size = values.size() * 4;
  auto found = scanForNonFinite(info, std::as_bytes(std::span(values)));
  ASSERT_TRUE(found);
  EXPECT_EQ(found->first, 7042u);
  EXPECT_EQ(found->message(),
            "'blk'[7, 42]: NaN (2 of 10000 elements are not finite)");
}

TEST(NonFinite, Robustness15Checkpoint) {
  test::TemporaryDirectory directory;
  // The ranges need not be aligned to the elements.
  std::string data = "x";
  for (uint32_t bits : {0x3f800000u, 0x7f800000u})
    for (unsigned i = 0; i < 4; ++i)
      data += static_cast<char>(bits >> (8 * i));
  directory.write(
      "model.safetensors",
      test::safetensors("{" + test::entry("a", "U8", "[1]", 0, 1) + ", " +
                            test::entry("b", "F32", "[1, 2]", 1, 9) + "}",
                        data));
  auto checkpoint = openSafetensors(directory.path());
  ASSERT_TRUE(checkpoint) << checkpoint.error().message;
  std::vector<NonFinite> found = scanForNonFinite(**checkpoint);
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].message(),
            "'b'[0, 1]: infinity (1 of 2 elements is not finite)");
}
