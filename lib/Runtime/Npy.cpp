//===- Npy.cpp - float32 arrays in NumPy files ----------------------------===//
#include "tenon/Runtime/Npy.h"

#include "tenon/Support/CheckedMath.h"
#include "tenon/Support/MappedFile.h"
#include "tenon/Support/Strings.h"

#include <charconv>
#include <cstring>
#include <optional>

using namespace tenon;
using namespace tenon::runtime;

std::string tenon::runtime::npyHeader(int64_t rows, int64_t cols) {
  std::string dict = "{'descr': '<f4', 'fortran_order': False, 'shape': (" +
                     std::to_string(rows) + ", " + std::to_string(cols) +
                     "), }";
  constexpr size_t preamble = 10; // magic, version, length of the dictionary
  size_t total = (preamble + dict.size() + 1 + 63) / 64 * 64;
  dict.append(total - preamble - dict.size() - 1, ' ');
  dict += '\n';
  std::string head("\x93NUMPY\x01\x00", 8);
  head += static_cast<char>(dict.size() & 0xff);
  head += static_cast<char>(dict.size() >> 8);
  return head + dict;
}

Expected<NpyWriter> NpyWriter::create(const std::string &path, int64_t rows,
                                      int64_t cols) {
  Expected<AtomicFile> file = AtomicFile::create(path, 0666);
  if (!file)
    return file.takeError();
  NpyWriter writer(std::move(*file), rows * cols);
  std::string head = npyHeader(rows, cols);
  if (Status status = writer.file.write(head); !status)
    return status.takeError();
  return writer;
}

Status NpyWriter::write(std::span<const float> values) {
  written += static_cast<int64_t>(values.size());
  return file.write(std::as_bytes(values));
}

Status NpyWriter::finish() {
  if (written != expected)
    return plainError(strCat(written, " values written of ", expected));
  return file.commit();
}

namespace {

/// The head of a file, a Python dictionary: just what NumPy writes is read.
class NpyHead {
public:
  explicit NpyHead(std::string_view text) : text(text) {}

  /// The text after `'key':`, or null.
  const char *find(std::string_view key) const {
    size_t at = text.find(strCat("'", key, "':"));
    if (at == text.npos)
      return nullptr;
    at = text.find_first_not_of(' ', at + key.size() + 3);
    return at == text.npos ? nullptr : text.data() + at;
  }
  bool has(std::string_view key, std::string_view value) const {
    const char *at = find(key);
    return at &&
           std::string_view(at, text.data() + text.size()).starts_with(value);
  }
  /// "(2, 3)", "(2,)", "()"
  std::optional<std::vector<int64_t>> shape() const {
    const char *at = find("shape"), *end = text.data() + text.size();
    if (!at || *at != '(')
      return std::nullopt;
    std::vector<int64_t> extents;
    for (++at; at < end && *at != ')';) {
      if (*at == ' ' || *at == ',') {
        ++at;
        continue;
      }
      int64_t extent = 0;
      auto [stop, error] = std::from_chars(at, end, extent);
      if (error != std::errc() || extent < 0 || extents.size() == 32)
        return std::nullopt;
      extents.push_back(extent);
      at = stop;
    }
    return at < end ? std::optional(extents) : std::nullopt;
  }

private:
  std::string_view text;
};

} // namespace

Expected<NpyArray> tenon::runtime::readNpy(const std::string &path) {
  auto file = MappedFile::open(path);
  if (!file)
    return file.takeError();
  std::string_view text = file->text();
  auto fail = [&](std::string_view what) {
    return errorInFile(path, std::string(what));
  };
  if (text.size() < 12 || !text.starts_with("\x93NUMPY"))
    return fail("not a NumPy file");
  auto byte = [&](size_t i) -> size_t {
    return static_cast<unsigned char>(text[i]);
  };
  size_t preamble = text[6] == 1 ? 10 : 12;
  size_t length = byte(8) | byte(9) << 8;
  if (preamble == 12)
    length |= byte(10) << 16 | byte(11) << 24;
  if (length > text.size() - preamble)
    return fail("the file ends within its head");
  NpyHead head(text.substr(preamble, length));
  bool isDouble = head.has("descr", "'<f8'");
  if (!isDouble && !head.has("descr", "'<f4'"))
    return fail("its numbers are not float32 ('<f4')");
  if (!head.has("fortran_order", "False"))
    return fail("it is in Fortran order; save numpy.ascontiguousarray of it");
  auto shape = head.shape();
  if (!shape)
    return fail("its head has no shape");
  std::span<const std::byte> bytes = file->bytes().subspan(preamble + length);
  std::optional<uint64_t> count = checkedProduct(*shape);
  std::optional<uint64_t> size =
      count ? checkedMul(*count, uint64_t(isDouble ? 8 : 4)) : std::nullopt;
  if (!size || *size != bytes.size())
    return fail(strCat(bytes.size(), " bytes of numbers are not those of its "
                                     "shape"));
  NpyArray array{std::move(*shape), std::vector<float>(*count)};
  for (size_t i = 0; isDouble && i < *count; ++i) {
    double value;
    std::memcpy(&value, bytes.data() + 8 * i, sizeof value);
    array.values[i] = static_cast<float>(value);
  }
  if (!isDouble && !bytes.empty())
    std::memcpy(array.values.data(), bytes.data(), bytes.size());
  return array;
}
