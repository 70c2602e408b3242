//===- BlocksTest.cpp - GGML's block formats ------------------------------===//
//
// Hand-made blocks, whose values are seen from the format's definition, and
// properties of the quantizers. Random blocks of every type are compared with
// the numpy implementation in test/Checkpoint/blocks.test, which runs
// Blocks.Fixtures on files.
//
//===----------------------------------------------------------------------===//

#include "tenon/Checkpoint/Blocks.h"

#include "TestSupport.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <random>
#include <vector>

using namespace tenon;

namespace {

const DType kTypes[] = {
    DType::Q4_0,   DType::Q4_1,   DType::Q5_0,  DType::Q5_1,  DType::Q8_0,
    DType::Q2_K,   DType::Q3_K,   DType::Q4_K,  DType::Q5_K,  DType::Q6_K,
    DType::IQ4_NL, DType::IQ4_XS, DType::MXFP4, DType::TQ1_0, DType::TQ2_0};

/// The bytes of one block, all zero at first.
struct Block {
  explicit Block(DType type) : type(type), bytes(blockBytes(type)) {}
  void setHalf(size_t at, float value) {
    uint16_t half = floatToHalf(value);
    std::memcpy(&bytes[at], &half, 2);
  }
  void set(size_t at, unsigned value) { bytes[at] = std::byte(value); }
  std::vector<float> values() const {
    std::vector<float> out(blockElements(type));
    dequantizeBlocks(type, bytes.data(), 1, out.data());
    return out;
  }

  DType type;
  std::vector<std::byte> bytes;
};

std::vector<float> quantized(DType type, const std::vector<float> &values,
                             BlockSearch search,
                             const std::vector<float> &importance = {}) {
  std::vector<std::byte> bytes(*tensorBytes(
      type, std::vector<int64_t>{static_cast<int64_t>(values.size())}));
  quantizeBlocks(type, values, importance, search, bytes.data());
  std::vector<float> out(values.size());
  dequantizeBlocks(type, bytes.data(), values.size() / 32, out.data());
  return out;
}

double errorOf(const std::vector<float> &a, const std::vector<float> &b,
               const std::vector<float> &weight = {}) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i)
    sum += (weight.empty() ? 1.0 : weight[i]) * (double(a[i]) - b[i]) *
           (double(a[i]) - b[i]);
  return sum;
}

std::vector<float> normal(size_t count, unsigned seed) {
  std::mt19937 engine(seed);
  std::normal_distribution<float> distribution;
  std::vector<float> values(count);
  for (float &value : values)
    value = distribution(engine);
  return values;
}

} // namespace

TEST(Blocks, Formats) {
  for (DType type : kTypes) {
    const BlockFormat &format = blockFormat(type);
    EXPECT_EQ(format.elements, blockElements(type)) << name(type);
    EXPECT_EQ(format.hasSubScales, format.elements == 256) << name(type);
    EXPECT_LE(format.groups(), 16) << name(type);
  }
}

TEST(Blocks, Q4_0) {
  Block block(DType::Q4_0);
  block.setHalf(0, 0.5f);
  block.set(2, 0xf0);      // elements 0 and 16
  block.set(2 + 15, 0x7a); // 15 and 31
  std::vector<float> w = block.values();
  EXPECT_EQ(w[0], -4.0f);
  EXPECT_EQ(w[16], 3.5f);
  EXPECT_EQ(w[15], 1.0f);
  EXPECT_EQ(w[31], -0.5f);
  EXPECT_EQ(w[1], -4.0f);
}

TEST(Blocks, Q5_1) {
  Block block(DType::Q5_1);
  block.setHalf(0, 2.0f);
  block.setHalf(2, -1.0f);
  block.set(4, 0x01);      // the fifth bit of element 0
  block.set(7, 0x80);      // … of element 31
  block.set(8, 0x03);      // low bits of element 0
  block.set(8 + 15, 0x40); // … of element 31
  std::vector<float> w = block.values();
  EXPECT_EQ(w[0], 2.0f * 19 - 1);
  EXPECT_EQ(w[31], 2.0f * 20 - 1);
  EXPECT_EQ(w[16], -1.0f);
}

TEST(Blocks, Q8_0IsSigned) {
  Block block(DType::Q8_0);
  block.setHalf(0, -0.25f);
  block.set(2, 0x80);
  block.set(33, 0x7f);
  std::vector<float> w = block.values();
  EXPECT_EQ(w[0], 32.0f);
  EXPECT_EQ(w[31], -31.75f);
  BlockValues values;
  readBlock(DType::Q8_0, block.bytes.data(), values);
  EXPECT_EQ(values.u[0], 0);
  EXPECT_EQ(values.u[1], 128);
  EXPECT_EQ(values.u[31], 255);
}

TEST(Blocks, IQ4_NL) {
  Block block(DType::IQ4_NL);
  block.setHalf(0, 1.0f);
  block.set(2, 0xf8);
  std::vector<float> w = block.values();
  EXPECT_EQ(w[0], 1.0f);
  EXPECT_EQ(w[16], 113.0f);
  EXPECT_EQ(w[1], -127.0f);
}

TEST(Blocks, IQ4_XS) {
  Block block(DType::IQ4_XS);
  block.setHalf(0, 0.5f);
  // Group 5: scale 0b10'0110 - 32, of nibble 1 of byte 2 and bits 10 and 11.
  block.set(3, 2 << 2);
  block.set(4 + 2, 6 << 4);
  block.set(8 + 16 * 5 + 3, 0xf8); // elements 163 and 179
  std::vector<float> w = block.values();
  EXPECT_EQ(w[160 + 3], 0.5f * 6 * 1);
  EXPECT_EQ(w[160 + 19], 0.5f * 6 * 113);
  EXPECT_EQ(w[0], 0.5f * -32 * -127);
}

TEST(Blocks, MXFP4) {
  Block block(DType::MXFP4);
  block.set(0, 127 + 3); // 8 times the numbers of E2M1
  block.set(1, 0xf7);
  block.set(2, 0x91);
  std::vector<float> w = block.values();
  EXPECT_EQ(w[0], 8 * 6.0f);
  EXPECT_EQ(w[16], 8 * -6.0f);
  EXPECT_EQ(w[1], 8 * 0.5f);
  EXPECT_EQ(w[17], 8 * -0.5f);
  EXPECT_EQ(w[2], 0.0f);
  // Scales that are held: 2^-24 to 2^15, of half the numbers.
  auto isBad = [&](unsigned e) {
    block.set(0, e);
    return isNonFiniteBlock(DType::MXFP4, block.bytes.data());
  };
  EXPECT_FALSE(isBad(104));
  EXPECT_EQ(block.values()[0], 12 * std::ldexp(1.0f, -24));
  EXPECT_FALSE(isBad(113));
  EXPECT_EQ(block.values()[0], 12 * std::ldexp(1.0f, -15));
  EXPECT_FALSE(isBad(143));
  EXPECT_EQ(block.values()[0], 12 * 32768.0f);
  EXPECT_TRUE(isBad(103));
  EXPECT_TRUE(isBad(144));
  EXPECT_TRUE(isBad(255));
  // Zeros have any scale but NaN.
  block.set(1, 0x80);
  block.set(2, 0);
  EXPECT_FALSE(isBad(0));
  EXPECT_EQ(block.values()[16], 0.0f);
  EXPECT_TRUE(isBad(255));
}

TEST(Blocks, Ternary) {
  Block two(DType::TQ2_0);
  two.set(0, 0b10'00'01'10); // elements 0, 32, 64, 96
  two.set(32 + 31, 0b01);    // element 159
  two.setHalf(64, 0.5f);
  std::vector<float> w = two.values();
  EXPECT_EQ(w[0], 0.5f);
  EXPECT_EQ(w[32], 0.0f);
  EXPECT_EQ(w[64], -0.5f);
  EXPECT_EQ(w[96], 0.5f);
  EXPECT_EQ(w[159], 0.0f);
  EXPECT_EQ(w[255], -0.5f);
  // Five digits of base 3 in a byte, 256/243 times their number, rounded up.
  auto digits = [](int number) {
    return static_cast<unsigned>((number * 256 + 242) / 243);
  };
  Block one(DType::TQ1_0);
  one.set(1, digits(2 * 81 + 1 * 27 + 0 * 9 + 2 * 3 + 1)); // 1, 33, 65, 97, 129
  one.set(32 + 15, digits(2));                             // 175, 191, ..., 239
  one.set(48 + 3, digits(2 * 81 + 1 * 3));                 // 243, 247, 251, 255
  one.setHalf(52, 2.0f);
  w = one.values();
  EXPECT_EQ(w[1], 2.0f);
  EXPECT_EQ(w[33], 0.0f);
  EXPECT_EQ(w[65], -2.0f);
  EXPECT_EQ(w[97], 2.0f);
  EXPECT_EQ(w[129], 0.0f);
  EXPECT_EQ(w[175], -2.0f);
  EXPECT_EQ(w[239], 2.0f);
  EXPECT_EQ(w[243], 2.0f);
  EXPECT_EQ(w[247], -2.0f);
  EXPECT_EQ(w[255], 0.0f);
}

TEST(Blocks, Q4_K) {
  Block block(DType::Q4_K);
  block.setHalf(0, 0.5f);   // d
  block.setHalf(2, 0.125f); // dmin
  // Group 1: scale 33, minimum 7. Group 6: scale 0b11'0101, minimum 0b10'1001;
  // the high bits sit above the scale and minimum of group 2.
  block.set(4 + 1, 33);
  block.set(4 + 5, 7);
  block.set(4 + 2, 3 << 6);
  block.set(4 + 6, 2 << 6);
  block.set(4 + 10, 9 << 4 | 5);
  block.set(16 + 3, 0xd0);       // element 35, of group 1
  block.set(16 + 96 + 31, 0x02); // element 192 + 31, of group 6
  std::vector<float> w = block.values();
  EXPECT_EQ(w[35], 0.5f * 33 * 13 - 0.125f * 7);
  EXPECT_EQ(w[36], -0.125f * 7);
  EXPECT_EQ(w[223], 0.5f * 53 * 2 - 0.125f * 41);
  EXPECT_EQ(w[0], 0.0f);
}

TEST(Blocks, Q6_K) {
  Block block(DType::Q6_K);
  block.setHalf(208, 0.5f);
  block.set(192 + 15, 0xfe); // the last group's scale: -2
  block.set(64 + 63, 0xb0);  // element 255: low bits 11
  block.set(128 + 63, 0x80); // … high bits 2
  std::vector<float> w = block.values();
  EXPECT_EQ(w[255], 0.5f * -2 * (43 - 32));
  EXPECT_EQ(w[254], 0.5f * -2 * -32);
  EXPECT_EQ(w[0], 0.0f);
}

TEST(Blocks, Q3_K) {
  Block block(DType::Q3_K);
  block.setHalf(108, 0.5f);
  block.set(96 + 1, 0xa0);       // group 9: low bits 10 …
  block.set(104 + 1, 0x30);      // … high bits 3
  block.set(32 + 32, 0x02);      // element 128: low bits 2
  block.set(32 + 32 + 16, 0x01); // element 144
  block.set(16, 1 << 4);         // … its high bit: value 5 - 4
  std::vector<float> w = block.values();
  EXPECT_EQ(w[144], 0.5f * (58 - 32) * 1);
  EXPECT_EQ(w[145], 0.5f * (58 - 32) * -4);
  EXPECT_EQ(w[128], 0.5f * -32 * -2);
}

// What readBlock gives, by the formula in Blocks.h, is what dequantizeBlocks
// computes, for any bytes.
TEST(Blocks, ValuesFollowTheFormula) {
  std::mt19937 engine(7);
  for (DType type : kTypes) {
    const BlockFormat &format = blockFormat(type);
    for (int round = 0; round < 50; ++round) {
      std::vector<std::byte> bytes(blockBytes(type));
      for (std::byte &byte : bytes)
        byte = std::byte(engine() & 0xff);
      if (isNonFiniteBlock(type, bytes.data()))
        continue;
      BlockValues values;
      readBlock(type, bytes.data(), values);
      std::vector<float> out(format.elements);
      dequantizeBlocks(type, bytes.data(), 1, out.data());
      for (int k = 0; k < format.elements; ++k) {
        int g = k / format.group;
        double d = halfToFloat(values.d), m = halfToFloat(values.m);
        double w = d * values.scales[g] * (values.u[k] - format.zeroPoint);
        w += format.hasSubScales ? -m * values.minimums[g] : m;
        ASSERT_EQ(out[k], static_cast<float>(w)) << name(type) << " " << k;
      }
    }
  }
}

// Each type's random blocks and their values as numpy computes them; see
// test/Checkpoint/blocks.test.
TEST(Blocks, Fixtures) {
  const char *directory = std::getenv("TENON_BLOCK_FIXTURES");
  if (!directory)
    GTEST_SKIP() << "test/Checkpoint/blocks.test makes the files";
  for (DType type : kTypes) {
    std::string base = std::string(directory) + "/" + name(type);
    std::string blocks = test::readFile(base + ".blocks");
    std::string expected = test::readFile(base + ".f32");
    ASSERT_FALSE(blocks.empty());
    int64_t count = blocks.size() / blockBytes(type);
    std::vector<float> values(count * blockElements(type));
    ASSERT_EQ(expected.size(), values.size() * sizeof(float));
    dequantizeBlocks(type, reinterpret_cast<const std::byte *>(blocks.data()),
                     count, values.data());
    EXPECT_EQ(std::memcmp(values.data(), expected.data(), expected.size()), 0)
        << name(type);
  }
}

//===----------------------------------------------------------------------===//
// Quantizing
//===----------------------------------------------------------------------===//

TEST(QuantizeBlocks, Reference) {
  std::vector<float> values(32);
  for (int k = 0; k < 32; ++k)
    values[k] = static_cast<float>(k - 16);
  // Q4_0 sends -16 to -8; 15 / 2 + 8.5 is truncated to 15 and clamped.
  std::vector<std::byte> block(18);
  quantizeBlocks(DType::Q4_0, values, {}, BlockSearch::None, block.data());
  uint16_t d;
  std::memcpy(&d, block.data(), 2);
  EXPECT_EQ(halfToFloat(d), 2.0f);
  EXPECT_EQ(block[2], std::byte(0x80));  // elements 0 and 16
  EXPECT_EQ(block[17], std::byte(0xf8)); // 15 (-1) and 31 (15)
  // Q8_0 sends the greatest magnitude to 127.
  std::vector<std::byte> wide(34);
  quantizeBlocks(DType::Q8_0, values, {}, BlockSearch::None, wide.data());
  EXPECT_EQ(wide[2], std::byte(0x81)); // -127
  EXPECT_EQ(wide[2 + 16], std::byte(0));
}

TEST(QuantizeBlocks, Channels) {
  // One scale for all, which sends the greatest magnitude to 127 or to 63: no
  // integer is larger, on which sums of products in 16 bits rely.
  std::vector<float> values = normal(96, 1);
  values[70] = -10;
  for (auto [type, most] :
       {std::pair(DType::Q8_CHANNEL, 127), std::pair(DType::Q7_CHANNEL, 63)}) {
    std::vector<std::byte> bytes(3 * blockBytes(type));
    quantizeBlocks(type, values, {}, BlockSearch::Best, bytes.data());
    EXPECT_EQ(bytes[2 * 34 + 2 + 6], std::byte(-most));
    BlockValues block;
    std::vector<float> out(96);
    dequantizeBlocks(type, bytes.data(), 3, out.data());
    for (size_t i = 0; i < 3; ++i) {
      readBlock(type, bytes.data() + 34 * i, block);
      EXPECT_NEAR(halfToFloat(block.d), 10.0f / most, 1e-4);
      for (size_t k = 0; k < 32; ++k) {
        EXPECT_LE(block.u[k], 2 * most + 1);
        EXPECT_NEAR(out[32 * i + k], values[32 * i + k], 5.1 / most);
      }
    }
  }
}

TEST(QuantizeBlocks, SearchIsNeverWorse) {
  for (DType type : {DType::Q8_0, DType::Q4_0})
    for (unsigned seed = 0; seed < 40; ++seed) {
      std::vector<float> values = normal(32, seed);
      if (seed % 4 == 1)
        values[seed % 32] *= 10;
      double basic =
          errorOf(values, quantized(type, values, BlockSearch::None));
      double best = errorOf(values, quantized(type, values, BlockSearch::Best));
      EXPECT_LE(best, basic) << name(type) << " " << seed;
    }
  // And it pays: Q4_0 over many blocks.
  std::vector<float> many = normal(32 * 200, 99);
  double basic = errorOf(many, quantized(DType::Q4_0, many, BlockSearch::None));
  double best = errorOf(many, quantized(DType::Q4_0, many, BlockSearch::Best));
  EXPECT_LT(best, 0.9 * basic);
}

TEST(QuantizeBlocks, ImportanceIsWeighed) {
  std::vector<float> values = normal(32 * 64, 5), importance(values.size());
  std::mt19937 engine(6);
  for (float &weight : importance)
    weight = engine() % 8 == 0 ? 100.0f : 1.0f;
  double plain = errorOf(
      values, quantized(DType::Q4_0, values, BlockSearch::Best), importance);
  double weighed = errorOf(
      values, quantized(DType::Q4_0, values, BlockSearch::Best, importance),
      importance);
  EXPECT_LT(weighed, 0.9 * plain);
}

TEST(QuantizeBlocks, ErrorIsReturned) {
  std::vector<float> values = normal(64, 3);
  std::vector<std::byte> bytes(36);
  double error =
      quantizeBlocks(DType::Q4_0, values, {}, BlockSearch::Best, bytes.data());
  EXPECT_NEAR(
      error, errorOf(values, quantized(DType::Q4_0, values, BlockSearch::Best)),
      1e-9);
}

TEST(QuantizeBlocks, Extremes) {
  for (DType type : {DType::Q8_0, DType::Q4_0})
    for (BlockSearch search : {BlockSearch::None, BlockSearch::Best}) {
      for (float value : {0.0f, 1e-40f, -1e-12f, 1e-7f})
        for (float w : quantized(type, std::vector<float>(32, value), search))
          EXPECT_NEAR(w, value, 1e-6f);
      for (float value : {-3.0f, 1000.0f})
        for (float w : quantized(type, std::vector<float>(32, value), search))
          EXPECT_NEAR(w, value, std::fabs(value) * 1e-3f);
      // What cannot be held isn't hidden.
      for (float value : {INFINITY, NAN}) {
        std::vector<float> bad(32, 1.0f);
        bad[7] = value;
        for (float w : quantized(type, bad, search))
          EXPECT_FALSE(std::isfinite(w));
      }
    }
}
