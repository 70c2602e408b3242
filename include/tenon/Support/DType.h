//===- DType.h - element types of tensors ------------------------*- C++
//-*-===//

#ifndef TENON_SUPPORT_DTYPE_H
#define TENON_SUPPORT_DTYPE_H

#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
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
};

/// Bytes of one element.
size_t byteWidth(DType type);

/// Lower case: "f32", "bf16", "bool".
const char *name(DType type);

/// True for F32, F16, BF16, F64 and the 8-bit floats.
bool isFloat(DType type);

/// Accepts safetensors' spelling ("F32", "BF16", "BOOL"), PyTorch's and
/// numpy's ("float32", "bfloat16", "torch.float16") and ours ("f32").
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
