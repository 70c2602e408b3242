//===- GgufLatent.cpp - latent attention's matrices, joined ---------------===//
//
// llama.cpp's later converters write kv_b_proj of latent attention in two
// parts, the keys' turned around, as its kernels absorb them. Programs made
// here take the whole.
//
//===----------------------------------------------------------------------===//

#include "TensorOrder.h"
#include "tenon/Checkpoint/Blocks.h"
#include "tenon/Checkpoint/Gguf.h"

#include "tenon/Support/Strings.h"

#include <cstring>

using namespace tenon;

static std::vector<float> readFloats(const TensorInfo &info) {
  std::vector<float> values(info.numElements());
  const std::byte *from = info.file->bytes().data() + info.offset;
  if (isBlock(info.dtype)) {
    dequantizeBlocks(info.dtype, from,
                     static_cast<int64_t>(values.size()) /
                         blockElements(info.dtype),
                     values.data());
  } else if (info.dtype == DType::F32) {
    std::memcpy(values.data(), from, info.size);
  } else {
    for (size_t i = 0; i < values.size(); ++i) {
      uint16_t bits;
      std::memcpy(&bits, from + i * sizeof(bits), sizeof(bits));
      values[i] =
          info.dtype == DType::F16 ? halfToFloat(bits) : bfloat16ToFloat(bits);
    }
  }
  info.file->release(info.offset, info.size);
  return values;
}

// Of each head the rows of its keys, then those of its values.
static std::vector<std::byte> join(const TensorInfo &keys,
                                   const TensorInfo &values, uint64_t begin,
                                   uint64_t count) {
  int64_t heads = keys.shape[0], rank = keys.shape[1], key = keys.shape[2];
  int64_t value = values.shape[1];
  std::vector<float> k = readFloats(keys), v = readFloats(values), whole;
  whole.reserve(k.size() + v.size());
  for (int64_t h = 0; h < heads; ++h) {
    for (int64_t row = 0; row < key; ++row)
      for (int64_t column = 0; column < rank; ++column)
        whole.push_back(k[(h * rank + column) * key + row]);
    auto from = v.begin() + h * value * rank;
    whole.insert(whole.end(), from, from + value * rank);
  }
  std::span<const std::byte> bytes =
      std::as_bytes(std::span<const float>(whole)).subspan(begin, count);
  return {bytes.begin(), bytes.end()};
}

void GgufCheckpoint::joinKeysAndValues() {
  constexpr std::string_view kKeys = ".attn_k_b.weight";
  auto readable = [](const TensorInfo &info) {
    return isBlock(info.dtype) || info.dtype == DType::F32 ||
           info.dtype == DType::F16 || info.dtype == DType::BF16;
  };
  std::vector<TensorInfo> joined;
  std::set<std::string, std::less<>> parts;
  for (const TensorInfo &keys : infos) {
    if (!keys.name.ends_with(kKeys))
      continue;
    std::string layer = keys.name.substr(0, keys.name.size() - kKeys.size());
    const TensorInfo *values = find(strCat(layer, ".attn_v_b.weight"));
    std::string name = strCat(layer, ".attn_kv_b.weight");
    // What doesn't fit stays; that attn_kv_b is missing is then said.
    if (!values || find(name) || keys.shape.size() != 3 ||
        values->shape.size() != 3 || keys.shape[0] != values->shape[0] ||
        keys.shape[1] != values->shape[2] || !readable(keys) ||
        !readable(*values))
      continue;
    TensorInfo whole = keys;
    whole.name = std::move(name);
    whole.dtype = DType::F32;
    // Both are in the file, so that their sum is no overflow.
    int64_t rows = keys.shape[0] * (keys.shape[2] + values->shape[1]);
    whole.shape = {rows, keys.shape[1]};
    std::optional<uint64_t> size = tensorBytes(DType::F32, whole.shape);
    if (!size)
      continue;
    whole.size = *size;
    whole.join = [keys, of = *values](uint64_t begin, uint64_t count) {
      return join(keys, of, begin, count);
    };
    joined.push_back(std::move(whole));
    parts.insert({keys.name, values->name});
  }
  std::erase_if(
      infos, [&](const TensorInfo &info) { return parts.contains(info.name); });
  infos.insert(infos.end(), joined.begin(), joined.end());
  sortByName(infos);
}
