//===- DType.h - element types of tensors -----------------------*- C++ -*-===//

#ifndef TENON_SUPPORT_DTYPE_H
#define TENON_SUPPORT_DTYPE_H

#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace tenon {

/// Element types that checkpoints hold. The compiler computes on a few of them;
/// the others can be listed and skipped.
enum class DType : uint8_t {
  F32,
  F16,
  BF16,
  I32,
  I64,
  I8,
  U8,
  Bool,
  F64,
  I16,
  U16,
  U32,
  U64,
  F8E4M3,
  F8E5M2,
  // GGML's block formats: a number of neighbours in a row shares scales. Their
  // layouts are in tenon/Checkpoint/Blocks.h.
  Q4_0,
  Q4_1,
  Q5_0,
  Q5_1,
  Q8_0,
  Q2_K,
  Q3_K,
  Q4_K,
  Q5_K,
  Q6_K,
  IQ4_NL,
  // Q8_0's blocks where all of a row have one scale. No checkpoint holds it.
  Q8_CHANNEL,
  // GGML's again.
  IQ4_XS,
  MXFP4,
  TQ1_0,
  TQ2_0,
  // Q8_CHANNEL's with integers in [-63, 63]. No checkpoint holds it.
  Q7_CHANNEL,
};
constexpr DType kLastDType = DType::Q7_CHANNEL;

/// Bytes of one element; not of block types.
size_t byteWidth(DType type);

/// True for the types whose elements come in blocks.
constexpr bool isBlock(DType type) { return type >= DType::Q4_0; }
/// Elements of one block: 32 or 256; 1 for plain types.
int64_t blockElements(DType type);
/// Bytes of one block, or of one element of a plain type.
size_t blockBytes(DType type);

/// Bytes of a row-major tensor without gaps; nullopt when a dimension is
/// negative, the product wraps, or its rows (the last dimension) are no whole
/// blocks. A tensor without dimensions is one element.
std::optional<uint64_t> tensorBytes(DType type, std::span<const int64_t> shape);

/// Lower case: "f32", "bf16", "bool", "q4_k".
const char *name(DType type);

/// True for F32, F16, BF16, F64 and the 8-bit floats; not for blocks.
bool isFloat(DType type);

/// Accepts safetensors' spelling ("F32", "BF16", "BOOL"), PyTorch's and
/// numpy's ("float32", "bfloat16", "torch.float16"), GGML's ("Q4_K", "q4_K")
/// and ours ("f32", "q4_k").
std::optional<DType> parseDType(std::string_view text);

inline float bfloat16ToFloat(uint16_t bits) {
  return std::bit_cast<float>(static_cast<uint32_t>(bits) << 16);
}

/// Rounds to nearest, ties to even; a NaN stays a NaN (made quiet).
inline uint16_t floatToBfloat16(float value) {
  uint32_t bits = std::bit_cast<uint32_t>(value);
  if ((bits & 0x7fffffffu) > 0x7f800000u)
    return static_cast<uint16_t>((bits >> 16) | 0x40u);
  return static_cast<uint16_t>((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16);
}

/// IEEE 754 binary16 to binary32, exact.
inline float halfToFloat(uint16_t half) {
  uint32_t sign = static_cast<uint32_t>(half & 0x8000u) << 16;
  uint32_t rest = half & 0x7fffu;
  if (rest >= 0x7c00u) // infinity and NaN
    return std::bit_cast<float>(sign | 0x7f800000u | ((rest & 0x3ffu) << 13));
  if (rest < 0x400u) // zero and subnormals: rest * 2^-24
    return std::bit_cast<float>(
        sign | std::bit_cast<uint32_t>(static_cast<float>(rest) * 0x1p-24f));
  return std::bit_cast<float>(sign | ((rest << 13) + 0x38000000u));
}

/// Rounds to nearest, ties to even; too large becomes infinity.
inline uint16_t floatToHalf(float value) {
  uint32_t bits = std::bit_cast<uint32_t>(value);
  uint32_t sign = (bits >> 16) & 0x8000u;
  uint32_t rest = bits & 0x7fffffffu;
  if (rest > 0x7f800000u) // NaN
    return static_cast<uint16_t>(sign | 0x7e00u | ((rest >> 13) & 0x3ffu));
  if (rest >= 0x477ff000u) // rounds to 2^16 or more
    return static_cast<uint16_t>(sign | 0x7c00u);
  if (rest < 0x38800000u) {
    // Subnormal or zero: adding 0.5 aligns the last place of the sum with
    // 2^-24, so the addition itself rounds.
    float sum = std::bit_cast<float>(rest) + 0.5f;
    return static_cast<uint16_t>(sign |
                                 (std::bit_cast<uint32_t>(sum) - 0x3f000000u));
  }
  rest += 0xfffu + ((rest >> 13) & 1u);
  return static_cast<uint16_t>(sign | ((rest - 0x38000000u) >> 13));
}

} // namespace tenon

#endif // TENON_SUPPORT_DTYPE_H
