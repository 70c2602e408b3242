//===- KernelRun.h - a kernel with one plan, in this process ----*- C++ -*-===//

#ifndef TENON_LIB_TUNE_KERNELRUN_H
#define TENON_LIB_TUNE_KERNELRUN_H

#include "KernelModule.h"
#include "tenon/Bench/Program.h"

#include <memory>

namespace tenon::tune {

/// What all plans of a kernel compute with: weights, cache and inputs.
struct KernelMemory {
  runtime::Region weights, cache;
  std::vector<runtime::Region> inputs;
};

/// A kernel that is compiled with a plan and can be called. Calls run on the
/// thread that makes them.
class KernelRun {
public:
  /// Compiles it. `memory` is filled by the first run of a kernel and shared by
  /// all. Errors: it cannot be compiled; memory is short.
  static Expected<std::unique_ptr<KernelRun>> create(const KernelModule &kernel,
                                                     const KernelPlan &plan,
                                                     mlir::MLIRContext &context,
                                                     KernelMemory &memory);

  /// Computes so many rows with the first copy of the weights; what the output
  /// holds then, for a comparison bit by bit.
  std::span<const std::byte> compute(int64_t rows);

  /// Seconds of CPU time of a call of so many rows: the mean over `calls`.
  double time(int64_t rows, int64_t calls);

private:
  void call(int64_t rows);

  const KernelModule *kernel = nullptr;
  std::unique_ptr<bench::Program> program;
  TenonEntryFn entry = nullptr;
  runtime::Region arena, output;
  KernelMemory *memory = nullptr;
  std::vector<void *> buffers;
  int64_t copy = 0; ///< of the next call
};

} // namespace tenon::tune

#endif // TENON_LIB_TUNE_KERNELRUN_H
