//===- Elements.cpp - loops over the elements of weights ------------------===//
//
// Conversions, the scan for bad numbers, random numbers, transposition: all
// that a weight's bytes pass through. Branch-free loops that the compiler
// vectorizes, once for each level of the x86-64 psABI, chosen at load time.
//
//===----------------------------------------------------------------------===//

#include "tenon/Driver/Packing.h"
#include "tenon/Support/TargetClones.h"

#include <bit>
#include <cmath>
#include <cstring>

using namespace tenon;

namespace {

template <class T> T load(const std::byte *place) {
  T value;
  std::memcpy(&value, place, sizeof(T));
  return value;
}

template <class T> void store(std::byte *place, T value) {
  std::memcpy(place, &value, sizeof(T));
}

} // namespace

//===----------------------------------------------------------------------===//
// Conversion
//===----------------------------------------------------------------------===//

TENON_CLONES
static void convertF32ToBF16(const std::byte *source, std::byte *destination,
                             size_t count) {
  for (size_t i = 0; i < count; ++i)
    store(destination + 2 * i, floatToBfloat16(load<float>(source + 4 * i)));
}

TENON_CLONES
static void convertBF16ToF32(const std::byte *source, std::byte *destination,
                             size_t count) {
  for (size_t i = 0; i < count; ++i)
    store(destination + 4 * i,
          static_cast<uint32_t>(load<uint16_t>(source + 2 * i)) << 16);
}

// halfToFloat with selects instead of branches, so that it vectorizes.
static inline uint32_t halfBitsToFloatBits(uint16_t half) {
  uint32_t sign = static_cast<uint32_t>(half & 0x8000u) << 16;
  uint32_t rest = half & 0x7fffu;
  uint32_t normal = (rest << 13) + 0x38000000u;
  uint32_t special = 0x7f800000u | ((rest & 0x3ffu) << 13);
  uint32_t small = std::bit_cast<uint32_t>(
      static_cast<float>(static_cast<int32_t>(rest)) * 0x1p-24f);
  uint32_t bits = rest >= 0x7c00u ? special : normal;
  return sign | (rest < 0x400u ? small : bits);
}

static inline uint16_t floatBitsToHalfBits(uint32_t bits) {
  uint32_t sign = (bits >> 16) & 0x8000u;
  uint32_t rest = bits & 0x7fffffffu;
  uint32_t nan = 0x7e00u | ((rest >> 13) & 0x3ffu);
  uint32_t small =
      std::bit_cast<uint32_t>(std::bit_cast<float>(rest) + 0.5f) - 0x3f000000u;
  uint32_t normal = (rest + 0xfffu + ((rest >> 13) & 1u) - 0x38000000u) >> 13;
  uint32_t half = rest < 0x38800000u ? small : normal;
  half = rest >= 0x477ff000u ? 0x7c00u : half;
  half = rest > 0x7f800000u ? nan : half;
  return static_cast<uint16_t>(sign | half);
}

TENON_CLONES
static void convertF16ToF32(const std::byte *source, std::byte *destination,
                            size_t count) {
  for (size_t i = 0; i < count; ++i)
    store(destination + 4 * i,
          halfBitsToFloatBits(load<uint16_t>(source + 2 * i)));
}

TENON_CLONES
static void convertF32ToF16(const std::byte *source, std::byte *destination,
                            size_t count) {
  for (size_t i = 0; i < count; ++i)
    store(destination + 2 * i,
          floatBitsToHalfBits(load<uint32_t>(source + 4 * i)));
}

void tenon::convertElements(DType from, const std::byte *source, DType to,
                            std::byte *destination, size_t count) {
  if (from == to) {
    std::memcpy(destination, source, count * byteWidth(to));
    return;
  }
  if (to == DType::F32) {
    (from == DType::F16 ? convertF16ToF32
                        : convertBF16ToF32)(source, destination, count);
    return;
  }
  auto narrow = to == DType::F16 ? convertF32ToF16 : convertF32ToBF16;
  if (from == DType::F32) {
    narrow(source, destination, count);
    return;
  }
  // f16 to bf16 and back go through f32.
  constexpr size_t kChunk = 1024;
  std::byte wide[4 * kChunk];
  for (size_t i = 0; i < count; i += kChunk) {
    size_t n = std::min(kChunk, count - i);
    convertElements(from, source + 2 * i, DType::F32, wide, n);
    narrow(wide, destination + 2 * i, n);
  }
}

//===----------------------------------------------------------------------===//
// Bad numbers
//===----------------------------------------------------------------------===//

TENON_CLONES
static bool anyExponent16(const std::byte *data, size_t count, uint16_t mask) {
  uint16_t found = 0;
  for (size_t i = 0; i < count; ++i)
    found |= (load<uint16_t>(data + 2 * i) & mask) == mask;
  return found;
}

TENON_CLONES
static bool anyExponent32(const std::byte *data, size_t count) {
  constexpr uint32_t mask = 0x7f800000u;
  uint32_t found = 0;
  for (size_t i = 0; i < count; ++i)
    found |= (load<uint32_t>(data + 4 * i) & mask) == mask;
  return found;
}

size_t tenon::findNonFinite(DType type, const std::byte *data, size_t count) {
  if (type == DType::F32) {
    if (!anyExponent32(data, count))
      return count;
    for (size_t i = 0; i < count; ++i)
      if (!std::isfinite(load<float>(data + 4 * i)))
        return i;
    return count;
  }
  uint16_t mask = type == DType::F16 ? 0x7c00u : 0x7f80u;
  if (!anyExponent16(data, count, mask))
    return count;
  for (size_t i = 0; i < count; ++i)
    if ((load<uint16_t>(data + 2 * i) & mask) == mask)
      return i;
  return count;
}

//===----------------------------------------------------------------------===//
// Random numbers
//===----------------------------------------------------------------------===//

TENON_CLONES
static void fillFromCounter(uint32_t key, uint32_t first, float *destination,
                            uint32_t count) {
  // The finalizer of MurmurHash3 (public domain) on a counter; the four bytes
  // of the hash are four uniform numbers, and their sum is near normal.
  constexpr float kByteSumDeviation = 147.80053f; // sqrt(4 (256^2 - 1) / 12)
  constexpr float scale = 0.02f / kByteSumDeviation;
  for (uint32_t i = 0; i < count; ++i) {
    uint32_t x = (first + i) * 0x9e3779b9u + key;
    x = (x ^ (x >> 16)) * 0x85ebca6bu;
    x = (x ^ (x >> 13)) * 0xc2b2ae35u;
    x ^= x >> 16;
    uint32_t pairs = (x & 0x00ff00ffu) + ((x >> 8) & 0x00ff00ffu);
    int32_t sum = static_cast<int32_t>((pairs & 0xffffu) + (pairs >> 16)) - 510;
    destination[i] = static_cast<float>(sum) * scale;
  }
}

void tenon::fillNormal(uint64_t seed, uint64_t first, float *destination,
                       size_t count) {
  // Blocks of 2^24 elements have a key each: the counter has 32 bits.
  constexpr uint64_t kBlock = uint64_t(1) << 24;
  while (count) {
    uint64_t block = first / kBlock, offset = first % kBlock;
    size_t n = std::min<uint64_t>(count, kBlock - offset);
    // SplitMix64 (public domain).
    uint64_t key = seed + (block + 1) * 0x9e3779b97f4a7c15u;
    key = (key ^ (key >> 30)) * 0xbf58476d1ce4e5b9u;
    key = (key ^ (key >> 27)) * 0x94d049bb133111ebu;
    key ^= key >> 31;
    fillFromCounter(static_cast<uint32_t>(key), static_cast<uint32_t>(offset),
                    destination, static_cast<uint32_t>(n));
    first += n;
    destination += n;
    count -= n;
  }
}

//===----------------------------------------------------------------------===//
// Transposition
//===----------------------------------------------------------------------===//

template <class T>
static void transposeBlock(const std::byte *source, size_t stride, size_t rows,
                           size_t columns, std::byte *destination,
                           size_t destinationStride) {
  for (size_t c = 0; c < columns; ++c)
    for (size_t r = 0; r < rows; ++r)
      store(destination + (c * destinationStride + r) * sizeof(T),
            load<T>(source + (r * stride + c) * sizeof(T)));
}

#if defined(__clang__)
// Eight rows of eight units, in registers: three rounds of interleaving rows i
// and i + 4. The compiler picks the shuffles.
template <class Row>
__attribute__((always_inline)) static inline void interleave(const Row *from,
                                                             Row *to) {
  for (int i = 0; i < 4; ++i) {
    to[2 * i] =
        __builtin_shufflevector(from[i], from[i + 4], 0, 8, 1, 9, 2, 10, 3, 11);
    to[2 * i + 1] = __builtin_shufflevector(from[i], from[i + 4], 4, 12, 5, 13,
                                            6, 14, 7, 15);
  }
}

template <class Row>
__attribute__((always_inline)) static inline void
transposeEights(const std::byte *source, size_t strideBytes,
                std::byte *destination, size_t destinationStrideBytes,
                size_t blocks) {
  for (size_t block = 0; block < blocks; ++block) {
    Row a[8], b[8];
    for (int i = 0; i < 8; ++i)
      std::memcpy(&a[i], source + i * strideBytes + block * sizeof(Row),
                  sizeof(Row));
    interleave(a, b);
    interleave(b, a);
    interleave(a, b);
    for (int i = 0; i < 8; ++i)
      std::memcpy(destination + (block * 8 + i) * destinationStrideBytes, &b[i],
                  sizeof(Row));
  }
}

typedef uint32_t Words __attribute__((vector_size(32)));
typedef uint16_t Halves __attribute__((vector_size(16)));

/// Of units of 4 or 2 bytes. Clones are of functions, not of templates.
TENON_CLONES
static void transposeEightRows(size_t width, const std::byte *source,
                               size_t strideBytes, std::byte *destination,
                               size_t destinationStrideBytes, size_t blocks) {
  if (width == 4)
    transposeEights<Words>(source, strideBytes, destination,
                           destinationStrideBytes, blocks);
  else
    transposeEights<Halves>(source, strideBytes, destination,
                            destinationStrideBytes, blocks);
}

template <class T>
static void transposeByEights(const std::byte *source, size_t stride,
                              size_t rows, size_t columns,
                              std::byte *destination) {
  constexpr size_t size = sizeof(T);
  size_t blocks = columns / 8, done = rows / 8 * 8;
  for (size_t r = 0; r < done; r += 8)
    transposeEightRows(size, source + r * stride * size, stride * size,
                       destination + r * size, rows * size, blocks);
  // What is left: the columns at the right, then the rows at the bottom.
  size_t c = blocks * 8;
  transposeBlock<T>(source + c * size, stride, done, columns - c,
                    destination + c * rows * size, rows);
  transposeBlock<T>(source + done * stride * size, stride, rows - done, columns,
                    destination + done * size, rows);
}
#else
template <class T>
static void transposeByEights(const std::byte *source, size_t stride,
                              size_t rows, size_t columns,
                              std::byte *destination) {
  transposeBlock<T>(source, stride, rows, columns, destination, rows);
}
#endif

template <class T>
static void transposeAll(const std::byte *source, size_t stride, size_t rows,
                         size_t columns, std::byte *destination) {
  // Sixteen columns at a time: their lines of every row stay in L1.
  for (size_t c = 0; c < columns; c += 16)
    transposeBlock<T>(source + c * sizeof(T), stride, rows,
                      std::min<size_t>(16, columns - c),
                      destination + c * rows * sizeof(T), rows);
}

void tenon::transposeUnits(size_t width, const std::byte *source, size_t stride,
                           size_t rows, size_t columns,
                           std::byte *destination) {
  switch (width) {
  case 1:
    return transposeAll<uint8_t>(source, stride, rows, columns, destination);
  case 2:
    return transposeByEights<uint16_t>(source, stride, rows, columns,
                                       destination);
  case 4:
    return transposeByEights<uint32_t>(source, stride, rows, columns,
                                       destination);
  case 8:
    return transposeAll<uint64_t>(source, stride, rows, columns, destination);
  default: // no layout in use
    for (size_t c = 0; c < columns; ++c)
      for (size_t r = 0; r < rows; ++r)
        std::memcpy(destination + (c * rows + r) * width,
                    source + (r * stride + c) * width, width);
  }
}
