//===- SafetensorsText.h - small safetensors files for tests ----*- C++ -*-===//

#ifndef TENON_TEST_UNIT_CHECKPOINT_SAFETENSORSTEXT_H
#define TENON_TEST_UNIT_CHECKPOINT_SAFETENSORSTEXT_H

#include <cstdint>
#include <string>
#include <string_view>

namespace tenon::test {

/// A file with this length field, header and data.
inline std::string safetensors(uint64_t length, std::string_view header,
                               std::string_view data) {
  std::string file;
  for (unsigned i = 0; i < 8; ++i)
    file += static_cast<char>(length >> (8 * i));
  return file.append(header).append(data);
}

/// A file whose length field is right.
inline std::string safetensors(std::string_view header, std::string_view data) {
  return safetensors(header.size(), header, data);
}

/// One entry of a header.
inline std::string entry(std::string_view name, std::string_view dtype,
                         std::string_view shape, uint64_t begin, uint64_t end) {
  return "\"" + std::string(name) + "\": {\"dtype\": \"" + std::string(dtype) +
         "\", \"shape\": " + std::string(shape) + ", \"data_offsets\": [" +
         std::to_string(begin) + ", " + std::to_string(end) + "]}";
}

} // namespace tenon::test

#endif // TENON_TEST_UNIT_CHECKPOINT_SAFETENSORSTEXT_H
