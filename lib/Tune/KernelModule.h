//===- KernelModule.h - a kernel of a model, alone --------------*- C++ -*-===//

#ifndef TENON_LIB_TUNE_KERNELMODULE_H
#define TENON_LIB_TUNE_KERNELMODULE_H

#include "mlir/IR/BuiltinOps.h"
#include "tenon/Dialect/Tenon/Transforms/KernelPlans.h"

#include <optional>
#include <string>
#include <vector>

namespace tenon::tune {

/// A module at stage "packed" with one entry point @run that computes one
/// operation of a model as it is there, with its epilogue, and what is needed
/// to call it.
struct KernelModule {
  std::string key;  ///< getKernelKey
  std::string text; ///< of the module
  /// Numbers of rows to measure a call of: one if they are known, else those of
  /// a prompt and of a short one.
  std::vector<int64_t> rows;
  /// The position of a call of so many rows (attention: after as many keys).
  int64_t position(int64_t callRows) const;
  bool isAttention = false, isOneRow = false;
  int64_t context = 0;

  /// As many weights, or layers of the cache, as the model has bytes: a call
  /// takes one after the other, so that they are in caches only if the model's
  /// are. The call's source_length counts them for attention, its position for
  /// linears.
  int64_t copies = 1;
  /// What memory of weights is filled with: "f32", "q4_0".
  std::string weightType;
  struct Input {
    int64_t elementsOfRow; ///< 0: `elements` in all
    int64_t elements;
    std::string type; ///< "f32", "bf16", "i32"
  };
  std::vector<Input> inputs;
  int64_t outputElementsOfRow = 0;

  /// For the search: panels of the weight, registers, ...
  int64_t panels = 0, groups = 0;
  bool isBlocks = false, splitsSums = false, addsInChains = false;
  int64_t lanes = 0, registers = 0;
  std::optional<KernelPlan> chosen;
};

/// The kernel of an operation that has a tile and a plan. `footprint`: bytes
/// that copies together have at least. Nothing for an operation whose operands
/// an entry point can't have.
std::optional<KernelModule> extractKernel(mlir::Operation *op,
                                          int64_t footprint);

} // namespace tenon::tune

#endif // TENON_LIB_TUNE_KERNELMODULE_H
