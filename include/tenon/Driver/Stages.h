//===- Stages.h - the stages of a compilation -------------------*- C++ -*-===//
//
// A model's way from description to executable, as a table: what --emit stops
// at, which named pipeline leads from one stage to the next, and what holds
// for the IR there.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_DRIVER_STAGES_H
#define TENON_DRIVER_STAGES_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"

#include <optional>

namespace mlir {
class OpPassManager;
} // namespace mlir

namespace tenon {

/// In the order in which a compilation passes through them; one for a model
/// that learns goes from Import over Differentiated to Tiled, any other not
/// over Differentiated.
enum class Stage {
  Import,
  Differentiated,
  Fused,
  Cached,
  Quantized,
  Packed,
  Tiled,
  Micro,
  Kernels,
  LLVM,
  Assembly,
  Object,
  Executable,
};

struct StageInfo {
  Stage stage;
  /// What --emit calls it.
  llvm::StringLiteral name;
  /// What holds for the IR at this stage.
  llvm::StringLiteral summary;
  /// The named pipeline that leads here from the stage before; empty if it is
  /// no pass pipeline that does.
  llvm::StringLiteral pipeline;
  /// Adds that pipeline; null if there is none.
  void (*build)(mlir::OpPassManager &);
};

/// All stages, in order; indexed by the enumeration.
llvm::ArrayRef<StageInfo> getStages();
inline const StageInfo &getStage(Stage stage) {
  return getStages()[static_cast<size_t>(stage)];
}
std::optional<Stage> parseStage(llvm::StringRef name);

/// Whether the stage is one of those of a model that learns, or of the others.
inline bool isPassed(Stage stage, bool learns) {
  if (stage == Stage::Differentiated)
    return learns;
  return !learns || stage <= Stage::Import || stage >= Stage::Tiled;
}

/// True for the stages whose IR a module can hold, and tenon-opt can reach.
inline bool isModuleStage(Stage stage) { return stage <= Stage::LLVM; }

/// Adds the pipelines that lead from one stage to a later one, over those that
/// such a model passes.
void buildPipeline(mlir::OpPassManager &manager, Stage from, Stage to,
                   bool learns = false);

/// From tiles to vectors and micro-operations: linears, attention, then all
/// row-wise operations.
void buildMicroPipeline(mlir::OpPassManager &manager);
/// Micro-operations to instructions of the target, or to what they mean.
void buildKernelPipeline(mlir::OpPassManager &manager);

/// Registers --tenon-micro-pipeline, --tenon-kernel-pipeline, and
/// --tenon-pipeline="from=S to=S".
void registerDriverPipelines();

} // namespace tenon

#endif // TENON_DRIVER_STAGES_H
