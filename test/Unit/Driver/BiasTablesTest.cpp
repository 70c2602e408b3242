//===- BiasTablesTest.cpp - buckets and slopes against their definitions --===//

#include "tenon/Driver/BiasTables.h"
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

using namespace tenon;

namespace {

struct Collector {
  std::vector<float> values;
  ByteSink sink() {
    return [this](std::span<const std::byte> bytes) {
      size_t before = values.size();
      values.resize(before + bytes.size() / sizeof(float));
      std::memcpy(values.data() + before, bytes.data(), bytes.size());
      return Status::success();
    };
  }
};

// T5's 32 buckets up to a distance of 128, as Transformers gives them.
TEST(BiasTables, BucketsOfBothSides) {
  auto bucket = [](int64_t d) { return relativeBucket(d, 32, 128, false); };
  for (int64_t d = 0; d < 8; ++d)
    EXPECT_EQ(bucket(-d), d);
  for (int64_t d = 1; d < 8; ++d)
    EXPECT_EQ(bucket(d), 16 + d);
  EXPECT_EQ(bucket(-8), 8);
  EXPECT_EQ(bucket(-11), 8);
  EXPECT_EQ(bucket(-12), 9);
  EXPECT_EQ(bucket(-16), 10);
  EXPECT_EQ(bucket(-32), 12);
  EXPECT_EQ(bucket(-127), 15);
  EXPECT_EQ(bucket(-100000), 15);
  EXPECT_EQ(bucket(100000), 31);
}

TEST(BiasTables, BucketsOfThePast) {
  auto bucket = [](int64_t d) { return relativeBucket(d, 32, 128, true); };
  EXPECT_EQ(bucket(5), 0);
  for (int64_t d = 0; d < 16; ++d)
    EXPECT_EQ(bucket(-d), d);
  EXPECT_EQ(bucket(-16), 16);
  EXPECT_EQ(bucket(-127), 31);
  EXPECT_EQ(bucket(-1000), 31);
  // They never fall with the distance.
  for (int64_t d = 1; d < 300; ++d)
    EXPECT_LE(bucket(1 - d), bucket(-d));
}

TEST(BiasTables, RowsOfBuckets) {
  std::vector<float> table(8 * 3);
  for (size_t i = 0; i < table.size(); ++i)
    table[i] = static_cast<float>(i);
  constexpr int64_t kReach = 20;
  Collector collector;
  ASSERT_TRUE(
      writeRelativeBuckets(table, 3, 16, false, kReach, collector.sink()));
  ASSERT_EQ(collector.values.size(), size_t(3 * (2 * kReach + 1)));
  for (int64_t h = 0; h < 3; ++h)
    for (int64_t d = -kReach; d <= kReach; ++d)
      EXPECT_EQ(collector.values[h * (2 * kReach + 1) + kReach + d],
                table[relativeBucket(d, 8, 16, false) * 3 + h]);
}

// DeBERTa: 8 columns to either side, up to a distance of 32.
TEST(BiasTables, ColumnsOfDistances) {
  auto column = [](int64_t e) { return distanceColumn(e, 8, 32); };
  for (int64_t e = -4; e <= 4; ++e)
    EXPECT_EQ(column(e), 8 + e);
  // ceil(log(e / 4) / log(31 / 4) * 3) + 4
  EXPECT_EQ(column(5), 8 + 5);
  EXPECT_EQ(column(8), 8 + 6);
  EXPECT_EQ(column(-8), 8 - 6);
  EXPECT_EQ(column(16), 8 + 7);
  EXPECT_EQ(column(100), 15);
  EXPECT_EQ(column(-31), 8 - 7);
  EXPECT_EQ(column(-100), 0);
  // Without steps: cut off at both ends.
  EXPECT_EQ(distanceColumn(7, 8, 0), 15);
  EXPECT_EQ(distanceColumn(9, 8, 0), 15);
  EXPECT_EQ(distanceColumn(-9, 8, 0), 0);
}

TEST(BiasTables, IndexOfDistances) {
  std::vector<std::byte> bytes;
  ASSERT_TRUE(writeDistanceIndex(2, 0, false, 3, [&](auto piece) {
    bytes.insert(bytes.end(), piece.begin(), piece.end());
    return Status::success();
  }));
  std::vector<int32_t> index(bytes.size() / sizeof(int32_t));
  std::memcpy(index.data(), bytes.data(), bytes.size());
  EXPECT_EQ(index, (std::vector<int32_t>{3, 3, 3, 2, 1, 0, 0}));
}

TEST(BiasTables, Slopes) {
  EXPECT_EQ(alibiSlopes(8, 8),
            (std::vector<double>{0.5, 0.25, 0.125, 0.0625, 0x1p-5, 0x1p-6,
                                 0x1p-7, 0x1p-8}));
  // No power of two: those of 4, then every other one of 8.
  EXPECT_EQ(alibiSlopes(6, 8),
            (std::vector<double>{0.25, 0x1p-4, 0x1p-6, 0x1p-8, 0.5, 0.125}));
  EXPECT_EQ(alibiSlopes(1, 8), std::vector<double>{0x1p-8});
  EXPECT_EQ(alibiSlopes(2, 16), (std::vector<double>{0x1p-8, 0x1p-16}));
}

TEST(BiasTables, RowsOfSlopes) {
  Collector collector;
  ASSERT_TRUE(writeAlibi(2, 2, 3, collector.sink()));
  EXPECT_EQ(collector.values,
            (std::vector<float>{-1.5, -1, -0.5, 0, -0.5, -1, -1.5, -0.75, -0.5,
                                -0.25, 0, -0.25, -0.5, -0.75}));
}

// 257 is no bf16, 256 is; 2^-0.5 is 0.70703125.
TEST(BiasTables, KeysInBfloat16) {
  Collector collector;
  ASSERT_TRUE(writeAlibiOfKeys(1, 0.5, 300, collector.sink()));
  EXPECT_EQ(collector.values[0], 0);
  EXPECT_EQ(collector.values[1], 0.70703125f);
  EXPECT_EQ(collector.values[256], 181);
  EXPECT_EQ(collector.values[257], 181);
  EXPECT_EQ(collector.values[3], 2.125f); // 2.12109375 rounded
}

} // namespace
