//===- TensorOrder.h - tensors by name --------------------------*- C++ -*-===//
#ifndef TENON_LIB_CHECKPOINT_TENSORORDER_H
#define TENON_LIB_CHECKPOINT_TENSORORDER_H

#include "tenon/Checkpoint/Checkpoint.h"

#include <vector>

namespace tenon {

/// Sorts tensors as a checkpoint has them. Returns one whose name another has,
/// too; null if there is none.
const TensorInfo *sortByName(std::vector<TensorInfo> &tensors);

} // namespace tenon

#endif // TENON_LIB_CHECKPOINT_TENSORORDER_H
