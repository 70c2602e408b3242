//===- BiasTables.cpp - computed biases of scores -------------------------===//

#include "tenon/Driver/BiasTables.h"
#include "tenon/Support/DType.h"

#include <algorithm>
#include <bit>
#include <cmath>

using namespace tenon;

int64_t tenon::relativeBucket(int64_t distance, int64_t buckets,
                              int64_t maxDistance, bool past) {
  int64_t first = 0;
  int64_t back = std::max<int64_t>(-distance, 0);
  if (!past) {
    buckets /= 2;
    first = distance > 0 ? buckets : 0;
    back = std::abs(distance);
  }
  int64_t single = buckets / 2;
  if (back < single)
    return first + back;
  float ratio = static_cast<float>(back) / static_cast<float>(single);
  auto whole = static_cast<float>(
      std::log(static_cast<double>(maxDistance) / static_cast<double>(single)));
  float step = std::log(ratio) / whole * static_cast<float>(buckets - single);
  return first + std::min(single + static_cast<int64_t>(step), buckets - 1);
}

/// Writes rows of f32 for every head.
template <typename Number>
static Status writeRows(int64_t heads, int64_t columns, const ByteSink &sink,
                        Number number) {
  std::vector<float> row(columns);
  for (int64_t h = 0; h < heads; ++h) {
    for (int64_t i = 0; i < columns; ++i)
      row[i] = number(h, i);
    if (Status status = sink(std::as_bytes(std::span(row))); !status)
      return status;
  }
  return Status::success();
}

Status tenon::writeRelativeBuckets(std::span<const float> table, int64_t heads,
                                   int64_t maxDistance, bool past,
                                   int64_t reach, const ByteSink &sink) {
  int64_t buckets = static_cast<int64_t>(table.size()) / heads;
  std::vector<int64_t> bucketOf(2 * reach + 1);
  for (int64_t i = 0; i <= 2 * reach; ++i)
    bucketOf[i] = relativeBucket(i - reach, buckets, maxDistance, past);
  return writeRows(heads, 2 * reach + 1, sink, [&](int64_t h, int64_t i) {
    return table[bucketOf[i] * heads + h];
  });
}

Status tenon::writeBuckets(int64_t buckets, int64_t maxDistance, bool past,
                           int64_t reach, const ByteSink &sink) {
  std::vector<int32_t> numbers;
  for (int64_t d = -reach; d <= reach; ++d)
    numbers.push_back(
        static_cast<int32_t>(relativeBucket(d, buckets, maxDistance, past)));
  return sink(std::as_bytes(std::span(numbers)));
}

int64_t tenon::distanceColumn(int64_t e, int64_t span, int64_t maxDistance) {
  int64_t column = e, middle = span / 2, distance = std::abs(e);
  if (maxDistance > 0 && distance > middle) {
    float ratio = static_cast<float>(distance) / static_cast<float>(middle);
    auto whole = std::log(static_cast<float>(
        static_cast<double>(maxDistance - 1) / static_cast<double>(middle)));
    float step =
        std::ceil(std::log(ratio) / whole * static_cast<float>(middle - 1));
    auto bucket = static_cast<int64_t>(step) + middle;
    column = e < 0 ? -bucket : bucket;
  }
  return std::clamp<int64_t>(column + span, 0, 2 * span - 1);
}

Status tenon::writeDistanceIndex(int64_t span, int64_t maxDistance, bool ahead,
                                 int64_t reach, const ByteSink &sink) {
  std::vector<int32_t> columns;
  for (int64_t d = -reach; d <= reach; ++d)
    columns.push_back(static_cast<int32_t>(
        distanceColumn(ahead ? d : -d, span, maxDistance)));
  return sink(std::as_bytes(std::span(columns)));
}

std::vector<double> tenon::alibiSlopes(int64_t heads, double maxBias) {
  auto lower = static_cast<int64_t>(std::bit_floor(uint64_t(heads)));
  std::vector<double> slopes;
  auto add = [&](int64_t i, int64_t count) {
    slopes.push_back(std::exp2(-maxBias * static_cast<double>(i) /
                               static_cast<double>(count)));
  };
  for (int64_t i = 1; i <= lower; ++i)
    add(i, lower);
  for (int64_t i = 1; static_cast<int64_t>(slopes.size()) < heads; i += 2)
    add(i, 2 * lower);
  return slopes;
}

Status tenon::writeAlibi(int64_t heads, double maxBias, int64_t reach,
                         const ByteSink &sink) {
  std::vector<double> slopes = alibiSlopes(heads, maxBias);
  return writeRows(heads, 2 * reach + 1, sink, [&](int64_t h, int64_t i) {
    return static_cast<float>(-slopes[h] *
                              static_cast<double>(std::abs(i - reach)));
  });
}

Status tenon::writeAlibiOfKeys(int64_t heads, double maxBias, int64_t keys,
                               const ByteSink &sink) {
  std::vector<double> slopes = alibiSlopes(heads, maxBias);
  auto rounded = [](double number) {
    return bfloat16ToFloat(floatToBfloat16(static_cast<float>(number)));
  };
  return writeRows(heads, keys, sink, [&](int64_t h, int64_t s) {
    return rounded(rounded(slopes[h]) * rounded(static_cast<double>(s)));
  });
}
