//===- DType.cpp - element types of tensors ------------------------------===//

#include "tenon/Support/DType.h"

using namespace tenon;

namespace {
struct Row {
  DType type;
  uint8_t width;
  bool isFloat;
  const char *name;        // ours
  const char *safetensors; // its header's spelling
  const char *torch;       // PyTorch's and numpy's
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
};

static const Row &rowOf(DType type) { return rows[static_cast<size_t>(type)]; }

size_t tenon::byteWidth(DType type) { return rowOf(type).width; }

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
