//===- Program.h - a compiled module that can be called ---------*- C++ -*-===//
//
// The way of a module through the compiler's own stages to machine code in
// this process. Its kernels call the runtime's tenon_dispatch.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_BENCH_PROGRAM_H
#define TENON_BENCH_PROGRAM_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "tenon/Bench/Case.h"
#include "tenon/Dialect/Tenon/IR/TenonDialect.h"
#include "tenon/Driver/Stages.h"
#include "tenon/Runtime/Abi.h"
#include "tenon/Runtime/Memory.h"
#include "tenon/Support/Error.h"
#include "tenon/Target/LoadedCode.h"
#include <memory>
#include <optional>

namespace tenon::bench {

class Program {
public:
  /// Lowers a module that is at stage `from` and loads its object. Diagnostics
  /// of passes go to stderr.
  static Expected<std::unique_ptr<Program>>
  compile(mlir::ModuleOp module, Stage from, TargetAttr target);
  ~Program();

  /// The entry point of this name.
  Expected<TenonEntryFn> find(const std::string &name) const;

  /// Bytes of the three memories of an entry point.
  int64_t weightsBytes = 0, arenaBytes = 0, cacheBytes = 0;

private:
  std::optional<LoadedCode> code;
};

/// Fills memory with small numbers of either sign of a type, or with blocks of
/// small scales: no operation meets an exception. `type`: f32, f16, bf16, or a
/// block format such as q4_0.
void fillRandom(runtime::Region &region, std::string_view type);

/// The text of a module at a later stage: IR, or the target's assembly.
Expected<std::string> textAtStage(mlir::ModuleOp module, Stage from, Stage to,
                                  TargetAttr target);

/// A module at stage "tiled" that measures this target's machine, with entry
/// points of `num_tokens` steps in each of `threads` tasks:
///
/// * @fma: operationsPerStep() multiply-adds a step (multiplications and
///   additions count one each);
/// * @bf16: the same with bf16 products, if the target has them;
/// * @int8: the same with products of bytes;
/// * @int6, @int5, @int4: the same with weights of so many bits, if the target
///   adds their products in chains;
/// * @clock: kClockCycles cycles a step;
/// * @read: reads `num_tokens` tasks of kReadTaskBytes of the weights.
///
/// The output holds kMostTasks registers.
mlir::OwningOpRef<mlir::ModuleOp>
buildLimits(mlir::MLIRContext &context, TargetAttr target, int64_t threads);
inline constexpr int64_t kReadTaskBytes = 256 * 1024;
inline constexpr int64_t kMostTasks = 8192;
inline constexpr int64_t kClockCycles = 16;
/// Whether there is an entry point for these products.
bool isMeasured(TargetAttr target, Products products);
/// Operations of a step of such an entry point in one task.
double operationsPerStep(TargetAttr target, Products products);

} // namespace tenon::bench

#endif // TENON_BENCH_PROGRAM_H
