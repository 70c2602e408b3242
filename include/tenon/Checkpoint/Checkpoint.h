//===- Checkpoint.h - named tensors in files --------------------*- C++ -*-===//

#ifndef TENON_CHECKPOINT_CHECKPOINT_H
#define TENON_CHECKPOINT_CHECKPOINT_H

#include "tenon/Support/DType.h"
#include "tenon/Support/Error.h"
#include "tenon/Support/MappedFile.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tenon {

/// llama.cpp's converter moves the rows of query and key projections, and the
/// elements of their biases, so that rotary pairs are neighbours: of a head's D
/// rows, row s D/2 + i (s is 0 or 1) is stored as row 2 i + s. `row` is counted
/// in Hugging Face's order, in which row i turns with row i + D/2; the result
/// in the file's. `rowsPerHead` is D, or 0 for a tensor in order.
inline int64_t rowInFile(int64_t row, int64_t rowsPerHead) {
  if (rowsPerHead == 0)
    return row;
  int64_t half = rowsPerHead / 2, inHead = row % rowsPerHead;
  return row - inHead + 2 * (inHead % half) + inHead / half;
}

/// A tensor in a checkpoint: row-major, little-endian, without gaps. Readers
/// guarantee that [offset, offset + size) lies inside of the file (but for
/// tensors that are joined) and that size is what tensorBytes() says of its
/// type and shape.
struct TensorInfo {
  std::string name;
  DType dtype = DType::F32;
  std::vector<int64_t> shape;
  const MappedFile *file = nullptr; ///< owned by the checkpoint
  uint64_t offset = 0;              ///< bytes from the file's start
  uint64_t size = 0;                ///< bytes
  /// Not 0: the rows of each head, so many, are interleaved; see rowInFile.
  int64_t rowsPerHead = 0;
  /// Set of a tensor that files hold in parts: makes `count` bytes of it, from
  /// byte `begin` on, both at ends of rows. `file` and `offset` are then those
  /// of its first part, for messages.
  std::function<std::vector<std::byte>(uint64_t begin, uint64_t count)> join;

  uint64_t numElements() const {
    return size / blockBytes(dtype) *
           static_cast<uint64_t>(blockElements(dtype));
  }
};

/// The tensors of a model. Nothing is read before it is asked for: files are
/// mapped.
class Checkpoint {
public:
  virtual ~Checkpoint();

  /// Null when there is no such tensor.
  virtual const TensorInfo *find(std::string_view name) const;
  /// All tensors, by name.
  virtual std::span<const TensorInfo> tensors() const { return infos; }

  /// Whether tensors have GGUF's names (lib/Checkpoint/GgufNames.def).
  virtual bool hasGgufNames() const { return false; }

  /// The tensor's bytes, mapped. Not necessarily aligned to the element. None
  /// of a tensor that has to be joined.
  std::span<const std::byte> bytes(const TensorInfo &info) const {
    if (info.join)
      return {};
    return info.file->bytes().subspan(info.offset, info.size);
  }
  /// The tensor's pages may leave memory (they are read again when touched).
  void release(const TensorInfo &info) const {
    if (!info.join)
      info.file->release(info.offset, info.size);
  }

protected:
  /// Sorted by name, names are unique; filled by the reader.
  std::vector<TensorInfo> infos;
};

} // namespace tenon

#endif // TENON_CHECKPOINT_CHECKPOINT_H
