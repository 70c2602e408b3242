//===- Adapters.h - LoRA's adapters: options, files, merging ----*- C++ -*-===//

#ifndef TENON_LIB_DRIVER_ADAPTERS_H
#define TENON_LIB_DRIVER_ADAPTERS_H

#include "tenon/Checkpoint/Checkpoint.h"
#include "tenon/Driver/Options.h"
#include "tenon/Support/Error.h"

#include <map>
#include <memory>

namespace tenon {

/// Reads what follows `--train=`: "lora:rank=8,alpha=16,targets=wq|wv". Alpha
/// is twice the rank unless it is given. Errors: BadUsage, with what is wrong.
Expected<AdapterOptions> parseAdapterOptions(llvm::StringRef text);

/// What `--adapter` is given.
struct AskedAdapters {
  struct Named {
    std::string name, directory;
  };
  std::string merged;      ///< a directory to add to the weights; empty: none
  std::vector<Named> kept; ///< kept in the executable, to choose at the start
};

/// Reads CompileOptions::adapter. Errors: BadUsage, two to merge or of one
/// name.
Expected<AskedAdapters> parseAdapters(llvm::StringRef lines);

/// The adapter_config.json that PEFT reads. `modules`: the checkpoint's names
/// of what has adapters; `isTransposed`: their matrices are [in, out] (Conv1D).
std::string adapterConfig(const AdapterOptions &options,
                          const std::string &base,
                          llvm::ArrayRef<std::string> modules,
                          bool isTransposed);

/// A directory with adapter_config.json and adapter_model.safetensors, as PEFT
/// and trainers write it, whose products are added to the weights of a model.
class AdapterDirectory {
public:
  /// Errors: files that cannot be read; other methods than LoRA, and parts of
  /// it that are not read (DoRA, biases, whole modules, ranks by layer).
  static Expected<AdapterDirectory> open(const std::string &directory);

  /// Whether it changes the tensor.
  bool changes(llvm::StringRef tensor) const;
  /// Adds scale B A to a matrix, f32, row-major; `transposed`: it is [in, out].
  /// Errors: matrices of other shapes.
  Status add(llvm::StringRef tensor, llvm::ArrayRef<int64_t> shape,
             bool transposed, llvm::MutableArrayRef<float> matrix);
  /// Fills the places for adapters, instead of being added to weights.
  void keep() { kept = true; }
  bool isKept() const { return kept; }
  /// The most columns that one of its matrices B has.
  int64_t rank() const;
  /// What belongs in a place for adapters, `[rank, in]` of the tensor
  /// "base_model.model….lora_A.weight" or `[out, rank]` of B, with zeros behind
  /// fewer rows or columns; B with the adapter's scale in it. Zeros if it has
  /// nothing for the module. Errors: matrices of other shapes.
  Expected<std::vector<float>> place(llvm::StringRef tensor,
                                     llvm::ArrayRef<int64_t> shape);
  /// An error if some adapter has been added to nothing.
  Status checkAllUsed() const;

private:
  struct Pair {
    const TensorInfo *down = nullptr, *up = nullptr;
    bool isUsed = false;
  };
  std::vector<float> read(const TensorInfo &tensor) const;
  std::map<std::string, Pair>::iterator find(llvm::StringRef tensor);

  std::string path;
  std::unique_ptr<Checkpoint> file;
  double scale = 1;
  bool kept = false;
  std::map<std::string, Pair> pairs; ///< by the module's name
};

} // namespace tenon

#endif // TENON_LIB_DRIVER_ADAPTERS_H
