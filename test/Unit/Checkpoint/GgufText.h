//===- GgufText.h - GGUF files made by tests --------------------*- C++ -*-===//

#ifndef TENON_TEST_UNIT_CHECKPOINT_GGUFTEXT_H
#define TENON_TEST_UNIT_CHECKPOINT_GGUFTEXT_H

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tenon::test {

template <class T> std::string raw(T value) {
  return std::string(reinterpret_cast<const char *>(&value), sizeof(T));
}

inline std::string ggufString(std::string_view text) {
  return raw<uint64_t>(text.size()) + std::string(text);
}

/// Collects the parts of a file; every number can be set wrong.
struct GgufText {
  uint32_t version = 3;
  std::string magic = "GGUF";
  std::string metadata, tensors, data;
  uint64_t numValues = 0, numTensors = 0;
  uint64_t alignment = 32;

  GgufText &value(std::string_view key, uint32_t type, std::string_view bytes) {
    metadata += ggufString(key) + raw(type) + std::string(bytes);
    ++numValues;
    return *this;
  }
  GgufText &u32(std::string_view key, uint32_t number) {
    return value(key, 4, raw(number));
  }
  GgufText &f32(std::string_view key, float number) {
    return value(key, 6, raw(number));
  }
  GgufText &text(std::string_view key, std::string_view content) {
    return value(key, 8, ggufString(content));
  }
  GgufText &strings(std::string_view key,
                    const std::vector<std::string> &contents) {
    std::string bytes = raw<uint32_t>(8) + raw<uint64_t>(contents.size());
    for (const std::string &content : contents)
      bytes += ggufString(content);
    return value(key, 9, bytes);
  }
  template <class T>
  GgufText &array(std::string_view key, uint32_t type,
                  const std::vector<T> &numbers) {
    std::string bytes = raw(type) + raw<uint64_t>(numbers.size());
    for (T number : numbers)
      bytes += raw(number);
    return value(key, 9, bytes);
  }

  /// `dims` in the file's order: columns first.
  GgufText &tensor(std::string_view name, std::vector<uint64_t> dims,
                   uint32_t type, uint64_t offset) {
    tensors += ggufString(name) + raw<uint32_t>(dims.size());
    for (uint64_t dim : dims)
      tensors += raw(dim);
    tensors += raw(type) + raw(offset);
    ++numTensors;
    return *this;
  }
  /// With data of its own: zeros after what is there.
  GgufText &tensorOf(std::string_view name, std::vector<uint64_t> dims,
                     uint32_t type, uint64_t bytes) {
    data.resize((data.size() + alignment - 1) / alignment * alignment);
    tensor(name, std::move(dims), type, data.size());
    data.resize(data.size() + bytes);
    return *this;
  }

  std::string str() const {
    std::string out = magic + raw(version) + raw(numTensors) + raw(numValues) +
                      metadata + tensors;
    if (numTensors)
      out.resize((out.size() + alignment - 1) / alignment * alignment);
    return out + data;
  }
};

/// The metadata of a small llama, or of another architecture that has its keys.
inline GgufText tinyGguf(std::string_view name = "llama") {
  GgufText file;
  std::string prefix(name);
  file.text("general.architecture", name)
      .u32(prefix + ".embedding_length", 8)
      .u32(prefix + ".feed_forward_length", 16)
      .u32(prefix + ".block_count", 1)
      .u32(prefix + ".attention.head_count", 2)
      .f32(prefix + ".attention.layer_norm_rms_epsilon", 1e-5f)
      .u32(prefix + ".context_length", 32);
  return file;
}

} // namespace tenon::test

#endif // TENON_TEST_UNIT_CHECKPOINT_GGUFTEXT_H
