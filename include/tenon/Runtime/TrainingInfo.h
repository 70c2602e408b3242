//===- TrainingInfo.h - what a checkpoint of a trainer is made of -*- C++
//-*-===//
//
// The section "training" of an executable that learns: which tensors of a
// Hugging Face checkpoint its weights are, and the files that stand beside
// them. Layout: the length of the JSON (u64), the JSON, the files' bytes one
// after the other.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_RUNTIME_TRAININGINFO_H
#define TENON_RUNTIME_TRAININGINFO_H

#include "tenon/Support/Error.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace tenon::runtime {

/// A tensor of the checkpoint, f32.
struct TrainedTensor {
  std::string name;
  std::vector<int64_t> shape; ///< as the file has it
  uint64_t offset = 0;        ///< of its first element in the weights, bytes
  uint64_t elements = 0;
  /// Memory has the matrix with rows and columns exchanged (Conv1D).
  bool transposed = false;
  /// A tensor that holds all experts of a layer lies in as many parts, `stride`
  /// bytes from one to the next.
  uint64_t parts = 1, stride = 0;

  uint64_t partElements() const { return elements / parts; }
};

/// A file that is written as it is: config.json, tokenizer.json, ...
struct CheckpointFile {
  std::string name;
  std::string bytes;
};

class Payload;

struct TrainingInfo {
  /// What is learned, by what the program computes:
  ///   causal    the token that follows each token
  ///   masked    the token that a mask hides
  ///   tags      the class of each token
  ///   classes   the class of the text
  ///   sequence  the token that follows, after another text, the source
  std::string objective = "causal";
  /// Targets are below it.
  int64_t classes = 0;
  /// What they are called; empty: they have no names.
  std::vector<std::string> labels;
  /// Of each token, how many numbers the gradient saves of tables, which
  /// "row_gradients" adds; 0: there is no such entry point.
  int64_t rowNumbers = 0;
  std::vector<TrainedTensor> tensors;
  std::vector<CheckpointFile> files;
  /// The one that the tensors are in.
  std::string weightsFile = "model.safetensors";

  std::string serialize() const;
  /// Checks that every tensor lies within weights of so many bytes. Errors are
  /// CorruptPayload.
  static Expected<TrainingInfo> parse(std::span<const std::byte> section,
                                      uint64_t weightBytes,
                                      const std::string &filename);
  /// The one of an executable that learns, whose sections are verified.
  static Expected<TrainingInfo> load(const Payload &payload);

  /// Reads weights, laid out as the section "weights" is, from the directory
  /// that a training left. Errors: a checkpoint of another model.
  Status readWeights(const std::string &directory,
                     std::span<std::byte> weights) const;
};

} // namespace tenon::runtime

#endif // TENON_RUNTIME_TRAININGINFO_H
