//===- DType.cpp - element types of tensors ------------------------------===//

#include "tenon/Support/DType.h"

#include "tenon/Support/CheckedMath.h"

#include <cassert>
#include <iterator>

using namespace tenon;

namespace {
struct Row {
  DType type;
  uint8_t width; // of a block or element, in bytes
  bool isFloat;
  const char *name;        // ours
  const char *safetensors; // its header's spelling; GGUF's file type
  const char *torch;       // PyTorch's and numpy's; GGML's
  uint16_t elements = 1;   // of a block
};
} // namespace

// In the order of the enumeration.
static constexpr Row rows[] = {
    {DType::F32, 4, true, "f32", "F32", "float32"},
    {DType::F16, 2, true, "f16", "F16", "float16"},
    {DType::BF16, 2, true, "bf16", "BF16", "bfloat16"},
    {DType::I32, 4, false, "i32", "I32", "int32"},
    {DType::I64, 8, false, "i64", "I64", "int64"},
    {DType::I8, 1, false, "i8", "I8", "int8"},
    {DType::U8, 1, false, "u8", "U8", "uint8"},
    {DType::Bool, 1, false, "bool", "BOOL", "bool"},
    {DType::F64, 8, true, "f64", "F64", "float64"},
    {DType::I16, 2, false, "i16", "I16", "int16"},
    {DType::U16, 2, false, "u16", "U16", "uint16"},
    {DType::U32, 4, false, "u32", "U32", "uint32"},
    {DType::U64, 8, false, "u64", "U64", "uint64"},
    {DType::F8E4M3, 1, true, "f8e4m3", "F8_E4M3", "float8_e4m3fn"},
    {DType::F8E5M2, 1, true, "f8e5m2", "F8_E5M2", "float8_e5m2"},
    {DType::Q4_0, 18, false, "q4_0", "Q4_0", "q4_0", 32},
    {DType::Q4_1, 20, false, "q4_1", "Q4_1", "q4_1", 32},
    {DType::Q5_0, 22, false, "q5_0", "Q5_0", "q5_0", 32},
    {DType::Q5_1, 24, false, "q5_1", "Q5_1", "q5_1", 32},
    {DType::Q8_0, 34, false, "q8_0", "Q8_0", "q8_0", 32},
    {DType::Q2_K, 84, false, "q2_k", "Q2_K", "q2_K", 256},
    {DType::Q3_K, 110, false, "q3_k", "Q3_K", "q3_K", 256},
    {DType::Q4_K, 144, false, "q4_k", "Q4_K", "q4_K", 256},
    {DType::Q5_K, 176, false, "q5_k", "Q5_K", "q5_K", 256},
    {DType::Q6_K, 210, false, "q6_k", "Q6_K", "q6_K", 256},
    {DType::IQ4_NL, 18, false, "iq4_nl", "IQ4_NL", "iq4_nl", 32},
    {DType::Q8_CHANNEL, 34, false, "q8_channel", "Q8_CHANNEL", "q8_channel",
     32},
    {DType::IQ4_XS, 136, false, "iq4_xs", "IQ4_XS", "iq4_xs", 256},
    {DType::MXFP4, 17, false, "mxfp4", "MXFP4", "mxfp4", 32},
    {DType::TQ1_0, 54, false, "tq1_0", "TQ1_0", "tq1_0", 256},
    {DType::TQ2_0, 66, false, "tq2_0", "TQ2_0", "tq2_0", 256},
    {DType::Q7_CHANNEL, 34, false, "q7_channel", "Q7_CHANNEL", "q7_channel",
     32},
};
static_assert(std::size(rows) == static_cast<size_t>(kLastDType) + 1);

static const Row &rowOf(DType type) { return rows[static_cast<size_t>(type)]; }

size_t tenon::byteWidth(DType type) {
  assert(!isBlock(type) && "elements of a block have no width of their own");
  return rowOf(type).width;
}

int64_t tenon::blockElements(DType type) { return rowOf(type).elements; }

size_t tenon::blockBytes(DType type) { return rowOf(type).width; }

std::optional<uint64_t> tenon::tensorBytes(DType type,
                                           std::span<const int64_t> shape) {
  int64_t elements = blockElements(type);
  // One element alone is no block.
  if (elements > 1 && (shape.empty() || shape.back() % elements != 0))
    return std::nullopt;
  std::optional<uint64_t> count = checkedProduct(shape);
  if (!count)
    return std::nullopt;
  return checkedMul(*count / static_cast<uint64_t>(elements), blockBytes(type));
}

const char *tenon::name(DType type) { return rowOf(type).name; }

bool tenon::isFloat(DType type) { return rowOf(type).isFloat; }

std::optional<DType> tenon::parseDType(std::string_view text) {
  constexpr std::string_view torch = "torch.";
  if (text.substr(0, torch.size()) == torch)
    text.remove_prefix(torch.size());
  for (const Row &row : rows)
    if (text == row.name || text == row.safetensors || text == row.torch)
      return row.type;
  return std::nullopt;
}
