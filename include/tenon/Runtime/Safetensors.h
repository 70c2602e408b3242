//===- Safetensors.h - checkpoints as the runtime writes them ---*- C++ -*-===//
//
// The format of huggingface/safetensors: the length of a JSON header (u64), the
// header, the tensors' bytes. Only f32, only what a trainer has in memory.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_RUNTIME_SAFETENSORS_H
#define TENON_RUNTIME_SAFETENSORS_H

#include "tenon/Runtime/TrainingInfo.h"
#include "tenon/Support/Error.h"

#include <map>
#include <span>
#include <string>

namespace tenon::runtime {

/// Tensors of a checkpoint with a suffix to their names, in a memory that is
/// laid out as the weights are.
struct TensorGroup {
  std::string suffix;
  std::span<std::byte> memory;
};

/// Texts in a file's header.
using FileNotes = std::map<std::string, std::string>;

/// Writes a file that appears whole or not at all. Errors: those of the disk.
Status writeSafetensors(const std::string &path,
                        std::span<const TrainedTensor> tensors,
                        std::span<const TensorGroup> groups,
                        const FileNotes &notes);

/// Reads what writeSafetensors wrote for the same tensors and groups, and
/// returns its notes. Errors: a file of another model, or one that is damaged.
Expected<FileNotes> readSafetensors(const std::string &path,
                                    std::span<const TrainedTensor> tensors,
                                    std::span<const TensorGroup> groups);

} // namespace tenon::runtime

#endif // TENON_RUNTIME_SAFETENSORS_H
