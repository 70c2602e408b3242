//===- ByteReader.h - binary data, read with bounds --------------*- C++
//-*-===//
//
// A cursor over untrusted little-endian bytes. After the first read beyond the
// end every read gives zeros, so that a parser may check once per record; a
// length is checked against what remains before anything is allocated for it.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_SUPPORT_BYTEREADER_H
#define TENON_SUPPORT_BYTEREADER_H

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace tenon {

static_assert(std::endian::native == std::endian::little,
              "binary formats are little-endian and read in place");

class ByteReader {
public:
  explicit ByteReader(std::span<const std::byte> bytes) : bytes(bytes) {}

  /// False once a read went beyond the end.
  bool ok() const { return !failed; }
  bool atEnd() const { return at == bytes.size(); }
  /// Where the next read begins; after a failure, where it went wrong.
  uint64_t offset() const { return at; }
  uint64_t remaining() const { return bytes.size() - at; }

  /// A number.
  template <class T>
  requires std::is_arithmetic_v<T> T read() {
    T value{};
    if (std::span<const std::byte> from = take(sizeof(T)); !from.empty())
      std::memcpy(&value, from.data(), sizeof(T));
    return value;
  }

  /// The next `size` bytes, in place.
  std::span<const std::byte> take(uint64_t size) {
    if (failed || size > remaining()) {
      failed = true;
      return {};
    }
    at += size;
    return bytes.subspan(at - size, size);
  }

  /// A 32-bit length, then so many bytes.
  std::string_view readString() {
    std::span<const std::byte> from = take(read<uint32_t>());
    return {reinterpret_cast<const char *>(from.data()), from.size()};
  }

  /// A 32-bit count, then so many elements that are plain data.
  template <class T>
  requires std::is_trivially_copyable_v<T> std::vector<T> readArray() {
    uint64_t count = read<uint32_t>();
    if (count > remaining() / sizeof(T)) {
      failed = true;
      return {};
    }
    std::span<const std::byte> from = take(count * sizeof(T));
    std::vector<T> values(count);
    if (count)
      std::memcpy(values.data(), from.data(), from.size());
    return values;
  }

private:
  std::span<const std::byte> bytes;
  uint64_t at = 0;
  bool failed = false;
};

/// The other direction.
class ByteWriter {
public:
  template <class T>
  requires std::is_arithmetic_v<T>
  void write(T value) {
    out.append(reinterpret_cast<const char *>(&value), sizeof(T));
  }
  void writeString(std::string_view text) {
    write(static_cast<uint32_t>(text.size()));
    out += text;
  }
  template <class T>
  requires std::is_trivially_copyable_v<T>
  void writeArray(const std::vector<T> &values) {
    write(static_cast<uint32_t>(values.size()));
    if (!values.empty())
      out.append(reinterpret_cast<const char *>(values.data()),
                 values.size() * sizeof(T));
  }
  std::string take() { return std::move(out); }

private:
  std::string out;
};

} // namespace tenon

#endif // TENON_SUPPORT_BYTEREADER_H
