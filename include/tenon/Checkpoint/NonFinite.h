//===- NonFinite.h - NaN and infinity in weights -----------------*- C++
//-*-===//

#ifndef TENON_CHECKPOINT_NONFINITE_H
#define TENON_CHECKPOINT_NONFINITE_H

#include "tenon/Checkpoint/Checkpoint.h"

#include <optional>
#include <string>
#include <vector>

namespace tenon {

/// A tensor with elements that are no finite numbers.
struct NonFinite {
  const TensorInfo *tensor = nullptr;
  uint64_t first = 0; ///< flat index of the first one
  uint64_t count = 0; ///< how many there are
  bool isNaN = false; ///< whether the first one is NaN (else infinite)

  /// "'model.norm.weight'[3]: NaN (2 of 64 elements are not finite)"; the index
  /// is spelled by dimension, [1, 7].
  std::string message() const;
};

/// Looks at elements of type F32, F16, BF16, F64 and the 8-bit floats, and at
/// the scales of blocks, all of whose elements count as bad with them; integers
/// are always finite. One pass over the bytes.
std::optional<NonFinite> scanForNonFinite(const TensorInfo &tensor,
                                          std::span<const std::byte> bytes);

/// All tensors of a checkpoint that hold such elements, by name. Reads the
/// whole checkpoint once and releases each tensor's pages after it. The caller
/// decides what they are: a warning, or an error with --strict.
std::vector<NonFinite> scanForNonFinite(const Checkpoint &checkpoint);

} // namespace tenon

#endif // TENON_CHECKPOINT_NONFINITE_H
