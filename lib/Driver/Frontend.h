//===- Frontend.h - from the command line's names to a module ---*- C++ -*-===//
#ifndef TENON_LIB_DRIVER_FRONTEND_H
#define TENON_LIB_DRIVER_FRONTEND_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "tenon/Checkpoint/ModelDirectory.h"
#include "tenon/Driver/Options.h"
#include "tenon/Language/Bind.h"
#include "tenon/Runtime/Metadata.h"
#include "tenon/Template/ChatTemplate.h"
#include "tenon/Tokenizer/Tokenizer.h"

#include <memory>
#include <optional>
#include <set>

namespace tenon {

/// A model that has been read, checked and bound.
struct LoadedModel {
  ModelDirectory directory;
  std::unique_ptr<lang::Model> description;
  std::optional<lang::BoundModel> bound;
  std::unique_ptr<Tokenizer> tokenizer; ///< null if the directory has none
  std::optional<templates::ChatTemplate> chat;
  runtime::GenerationDefaults generation; ///< of generation_config.json
  bool randomWeights = false;
  bool hasNewHead = false;          ///< of --train=head; `config` says so, too
  std::set<std::string> newTensors; ///< of that head: no file has them
  int64_t context = 0;  ///< tokens
  int64_t maxChunk = 0; ///< tokens

  /// Null with random weights.
  const Checkpoint *checkpoint() const {
    return randomWeights ? nullptr : directory.checkpoint.get();
  }
};

/// Opens the directory, finds the family by its architecture (or takes the
/// description given), binds hyperparameters, finds weights. All that is wrong
/// with a model is found here, before anything is written.
Expected<LoadedModel> loadModel(const CompileOptions &options);

/// The module at Stage::Import, with its target.
Expected<mlir::OwningOpRef<mlir::ModuleOp>>
importLoadedModel(mlir::MLIRContext &context, const LoadedModel &model,
                  const CompileOptions &options, TargetAttr target);

} // namespace tenon

#endif // TENON_LIB_DRIVER_FRONTEND_H
