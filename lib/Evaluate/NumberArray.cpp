//===- NumberArray.cpp - numbers, and what memory makes of them -----------===//

#include "tenon/Evaluate/NumberArray.h"

#include <algorithm>
#include <cmath>

using namespace mlir;
using namespace tenon;

NumberArray::NumberArray(ArrayRef<int64_t> shape)
    : shape(shape.begin(), shape.end()) {
  int64_t count = 1;
  for (int64_t extent : shape)
    count *= extent;
  values.resize(count);
}

double tenon::roundTo(Type element, double number) {
  auto single = static_cast<float>(number);
  if (element.isBF16())
    return bfloat16ToFloat(floatToBfloat16(single));
  if (element.isF16())
    return halfToFloat(floatToHalf(single));
  return number;
}

/// As int8 groups hold a row: each 32 neighbours, or all, as integers with the
/// scale that takes the largest of them to 127, or to 64 in 7 bits
/// (`!tenon.int8_group`). In f32,
/// as kernels compute it, so that ties fall alike.
static void roundToGroups(Int8GroupType type, MutableArrayRef<double> row) {
  constexpr size_t kGroup = Superblock::kGroup;
  const float largest = (type.getResidual() ? 128 : 1) * type.getMost();
  size_t step = type.getPerToken() ? row.size() : kGroup;
  for (size_t at = 0; at < row.size(); at += step) {
    MutableArrayRef<double> group = row.slice(at, step);
    float most = 0;
    for (double x : group)
      most = std::max(most, std::fabs(static_cast<float>(x)));
    float scale = most * (1 / largest);
    float inverse = most == 0 ? 0 : largest / most;
    for (double &x : group)
      x = static_cast<double>(scale) *
          std::nearbyint(static_cast<float>(x) * inverse);
  }
}

NumberArray tenon::fillGroups(RankedTensorType type, NumberArray array) {
  if (!isa<Int8GroupType>(type.getElementType()))
    return array;
  int64_t columns = type.getDimSize(1) * Superblock::kGroup;
  NumberArray filled({array.rows(), columns});
  for (int64_t t = 0; t < array.rows(); ++t)
    std::copy_n(array.row(t), std::min(array.columns(), columns),
                filled.row(t));
  return filled;
}

NumberArray tenon::roundTo(RankedTensorType type, NumberArray array) {
  Type element = type.getElementType();
  NumberArray rounded = fillGroups(type, std::move(array));
  if (auto groups = dyn_cast<Int8GroupType>(element))
    for (int64_t t = 0; t < rounded.rows(); ++t)
      roundToGroups(groups,
                    {rounded.row(t), static_cast<size_t>(rounded.columns())});
  else if (element.isBF16() || element.isF16())
    for (double &x : rounded.values)
      x = roundTo(element, x);
  return rounded;
}

void tenon::roundToCache(Type element, MutableArrayRef<double> components) {
  if (element.isF16()) {
    // What passes the range of f16 goes to its ends.
    for (double &x : components)
      x = roundTo(element, std::clamp(x, -65504.0, 65504.0));
  } else if (element.isInteger(8)) {
    float most = 0;
    for (double x : components)
      most = std::max(most, std::fabs(static_cast<float>(x)));
    float scale = most * (1.0f / 127.0f);
    float inverse = most == 0 ? 0 : 127.0f / most;
    for (double &x : components)
      x = static_cast<double>(scale) *
          std::nearbyint(static_cast<float>(x) * inverse);
  } else {
    for (double &x : components)
      x = roundTo(element, x);
  }
}

double tenon::relativeError(const NumberArray &actual,
                            const NumberArray &expected) {
  if (actual.shape != expected.shape)
    return INFINITY;
  double most = 0, difference = 0;
  for (auto [a, e] : llvm::zip_equal(actual.values, expected.values)) {
    if (!std::isfinite(a) || !std::isfinite(e)) {
      if (a != e && !(std::isnan(a) && std::isnan(e)))
        return INFINITY;
      continue;
    }
    most = std::max(most, std::fabs(e));
    difference = std::max(difference, std::fabs(a - e));
  }
  return difference == 0 ? 0 : most == 0 ? INFINITY : difference / most;
}
