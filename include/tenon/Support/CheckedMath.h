//===- CheckedMath.h - sizes from files, without wrapping --------*- C++
//-*-===//
//
// Every sum and product of sizes that come from a file goes through here.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_SUPPORT_CHECKEDMATH_H
#define TENON_SUPPORT_CHECKEDMATH_H

#include <cstdint>
#include <optional>
#include <span>

namespace tenon {

/// a + b, or nullopt when it wraps.
inline std::optional<uint64_t> checkedAdd(uint64_t a, uint64_t b) {
  uint64_t sum;
  if (__builtin_add_overflow(a, b, &sum))
    return std::nullopt;
  return sum;
}

/// a * b, or nullopt when it wraps.
inline std::optional<uint64_t> checkedMul(uint64_t a, uint64_t b) {
  uint64_t product;
  if (__builtin_mul_overflow(a, b, &product))
    return std::nullopt;
  return product;
}

/// The product of all dimensions (1 for none); nullopt when it wraps or a
/// dimension is negative. A product that would wrap is refused even when a
/// later dimension is 0.
inline std::optional<uint64_t> checkedProduct(std::span<const int64_t> dims) {
  uint64_t product = 1;
  for (int64_t dim : dims) {
    if (dim < 0 ||
        __builtin_mul_overflow(product, static_cast<uint64_t>(dim), &product))
      return std::nullopt;
  }
  return product;
}

/// True when [offset, offset + size) lies inside [0, limit).
inline bool rangeWithin(uint64_t offset, uint64_t size, uint64_t limit) {
  return offset <= limit && size <= limit - offset;
}

/// `value` rounded up to a multiple of `alignment` (a power of two), or nullopt
/// when it wraps.
inline std::optional<uint64_t> checkedAlign(uint64_t value,
                                            uint64_t alignment) {
  std::optional<uint64_t> sum = checkedAdd(value, alignment - 1);
  if (!sum)
    return std::nullopt;
  return *sum & ~(alignment - 1);
}

/// Whether a tensor of this shape is what a weight declares: equal, or equal
/// but for dimensions of 1 that the tensor lacks, or has before the others.
inline bool fitsShape(std::span<const int64_t> declared,
                      std::span<const int64_t> tensor) {
  while (tensor.size() > declared.size() && tensor.front() == 1)
    tensor = tensor.subspan(1);
  size_t at = 0;
  for (int64_t extent : declared)
    if (at < tensor.size() && tensor[at] == extent)
      ++at;
    else if (extent != 1)
      return false;
  return at == tensor.size();
}

} // namespace tenon

#endif // TENON_SUPPORT_CHECKEDMATH_H
