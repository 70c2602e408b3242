//===- Npy.cpp - writes float32 matrices as NumPy files -------------------===//
#include "tenon/Runtime/Npy.h"

#include "tenon/Support/Strings.h"

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
