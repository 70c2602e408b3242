//===- Npy.h - float32 arrays in NumPy files --------------------*- C++ -*-===//
//
// Format: numpy.lib.format version 1.0, '<f4', C order.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_RUNTIME_NPY_H
#define TENON_RUNTIME_NPY_H

#include "tenon/Support/AtomicFile.h"
#include "tenon/Support/Error.h"

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

namespace tenon::runtime {

/// An array that was read.
struct NpyArray {
  std::vector<int64_t> shape;
  std::vector<float> values; ///< in C order
};

/// Arrays by the names of the inputs that they are for.
using NamedArrays = std::map<std::string, NpyArray>;

/// Reads a file of '<f4' or '<f8', format version 1.0 to 3.0. Errors name the
/// file and what is wrong: another type, Fortran order, a length that the shape
/// doesn't have.
Expected<NpyArray> readNpy(const std::string &path);

/// The file's head, a multiple of 64 bytes, for shape [rows, cols].
std::string npyHeader(int64_t rows, int64_t cols);

/// Writes rows as they come. Until finish() succeeds nothing stands at `path`.
class NpyWriter {
public:
  static Expected<NpyWriter> create(const std::string &path, int64_t rows,
                                    int64_t cols);
  /// Any number of whole rows.
  Status write(std::span<const float> values);
  /// Fails if more or fewer than rows * cols values came.
  Status finish();

private:
  NpyWriter(AtomicFile file, int64_t expected)
      : file(std::move(file)), expected(expected) {}

  AtomicFile file;
  int64_t expected;
  int64_t written = 0;
};

} // namespace tenon::runtime

#endif // TENON_RUNTIME_NPY_H
