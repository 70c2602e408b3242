//===- NonFinite.cpp - NaN and infinity in weights -----------------------===//

#include "tenon/Checkpoint/NonFinite.h"

#include "tenon/Checkpoint/Blocks.h"
#include "tenon/Support/Strings.h"

#include <algorithm>
#include <cmath>
#include <cstring>

using namespace tenon;

namespace {
/// The bits of a format: an element is finite unless all of `exponent` is set;
/// then it is NaN when any of `mantissa` is.
template <class Bits> struct Format { Bits exponent, mantissa; };
} // namespace

// Counts block by block, without branches, so that the compiler vectorizes it;
// a block with a find is looked at again.
template <class Bits>
static void scan(NonFinite &found, std::span<const std::byte> bytes,
                 Format<Bits> format) {
  constexpr size_t block = 4096;
  Bits buffer[block];
  uint64_t elements = bytes.size() / sizeof(Bits);
  for (uint64_t start = 0; start < elements; start += block) {
    size_t size = std::min<uint64_t>(block, elements - start);
    std::memcpy(buffer, bytes.data() + start * sizeof(Bits),
                size * sizeof(Bits));
    uint32_t count = 0;
    for (size_t i = 0; i < size; ++i)
      count += (buffer[i] & format.exponent) == format.exponent;
    if (count == 0)
      continue;
    if (found.count == 0) {
      auto *first = std::find_if(buffer, buffer + size, [&](Bits bits) {
        return (bits & format.exponent) == format.exponent;
      });
      found.first = start + static_cast<uint64_t>(first - buffer);
      found.isNaN = (*first & format.mantissa) != 0;
    }
    found.count += count;
  }
}

// A block has no finite value when its scale is none; the first of its elements
// stands for it.
static void scanBlocks(NonFinite &found, DType type,
                       std::span<const std::byte> bytes) {
  size_t width = blockBytes(type);
  uint64_t elements = static_cast<uint64_t>(blockElements(type));
  for (uint64_t block = 0; (block + 1) * width <= bytes.size(); ++block) {
    const std::byte *at = bytes.data() + block * width;
    if (!isNonFiniteBlock(type, at))
      continue;
    if (found.count == 0) {
      float values[256];
      dequantizeBlocks(type, at, 1, values);
      found.first = block * elements;
      found.isNaN = std::isnan(values[0]);
    }
    found.count += elements;
  }
}

std::optional<NonFinite>
tenon::scanForNonFinite(const TensorInfo &tensor,
                        std::span<const std::byte> bytes) {
  NonFinite found;
  found.tensor = &tensor;
  if (isBlock(tensor.dtype)) {
    scanBlocks(found, tensor.dtype, bytes);
    return found.count ? std::optional(found) : std::nullopt;
  }
  switch (tensor.dtype) {
  case DType::F32:
    scan<uint32_t>(found, bytes, {0x7f800000u, 0x007fffffu});
    break;
  case DType::BF16:
    scan<uint16_t>(found, bytes, {0x7f80u, 0x007fu});
    break;
  case DType::F16:
    scan<uint16_t>(found, bytes, {0x7c00u, 0x03ffu});
    break;
  case DType::F64:
    scan<uint64_t>(found, bytes, {0x7ff0000000000000u, 0x000fffffffffffffu});
    break;
  case DType::F8E5M2:
    scan<uint8_t>(found, bytes, {0x7cu, 0x03u});
    break;
  case DType::F8E4M3:
    // The "fn" variant has no infinity; all ones is its only NaN.
    scan<uint8_t>(found, bytes, {0x7fu, 0x7fu});
    break;
  default:
    break;
  }
  if (found.count == 0)
    return std::nullopt;
  return found;
}

std::vector<NonFinite> tenon::scanForNonFinite(const Checkpoint &checkpoint) {
  std::vector<NonFinite> all;
  for (const TensorInfo &info : checkpoint.tensors()) {
    if (!isFloat(info.dtype) && !isBlock(info.dtype))
      continue;
    std::vector<std::byte> joined;
    if (info.join)
      joined = info.join(0, info.size);
    if (auto found = scanForNonFinite(
            info, info.join ? std::span<const std::byte>(joined)
                            : checkpoint.bytes(info)))
      all.push_back(*found);
    checkpoint.release(info);
  }
  return all;
}

std::string NonFinite::message() const {
  std::vector<int64_t> index(tensor->shape.size());
  uint64_t rest = first;
  for (size_t i = index.size(); i-- > 0;) {
    uint64_t extent = static_cast<uint64_t>(tensor->shape[i]);
    index[i] = static_cast<int64_t>(rest % extent);
    rest /= extent;
  }
  // Blocks are held with scales of binary16.
  const char *what = tensor->dtype == DType::MXFP4
                         ? "a scale that is NaN or not 2^-24 to 2^15"
                     : isNaN ? "NaN"
                             : "infinity";
  return strCat(quoteName(tensor->name), shapeText(index), ": ", what, " (",
                count, " of ", tensor->numElements(),
                count == 1 ? " elements is" : " elements are", " not finite)");
}
