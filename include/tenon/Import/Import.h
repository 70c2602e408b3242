//===- Import.h - from a bound description to the dialect -------*- C++ -*-===//
//
// The one place where descriptions and checkpoints meet MLIR.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_IMPORT_IMPORT_H
#define TENON_IMPORT_IMPORT_H

#include "tenon/Checkpoint/Checkpoint.h"
#include "tenon/Language/Bind.h"
#include "tenon/Support/DType.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

#include <memory>

namespace tenon {

/// On an argument of an entry point: what it is, as elementName has it.
inline constexpr llvm::StringLiteral kElementAttrName = "tenon.element";

/// On an argument of an entry point: the token that texts must end in.
inline constexpr llvm::StringLiteral kLastTokenAttrName = "tenon.last_token";

struct ImportOptions {
  /// The longest sequence in tokens; 0 for what the description says (2048 if
  /// it says nothing).
  int64_t context = 0;
  /// The most tokens of one call; at most `context` is taken.
  int64_t maxChunk = 512;
  /// The element type of matrices, whatever the checkpoint has; without a
  /// checkpoint f32 if absent. Vectors (norms, biases) are always f32.
  std::optional<DType> weightDType;
};

/// Imports the entry points of a model whose weights have been resolved:
///
/// * a `tenon.weight` for each weight that is used, stacked over the layers; a
///   matrix that is used only transposed (Conv1D) becomes one with a
///   transposed source; a rotary table is a computed weight. The type of a
///   matrix is the checkpoint's (the widest, if its layers differ).
/// * a `func.func` for each entry point with the attribute `tenon.entry`; each
///   argument has `tenon.name` and `tenon.element` ("token", "token_type", …).
/// * the loop over layers is an `scf.for`; calls of defs are expanded.
///
/// Locations point into the description, with the name of the `let` where there
/// is one. `checkpoint` may be null (random weights). Null on error. The
/// context must have the tenon, func, scf and arith dialects loaded.
mlir::OwningOpRef<mlir::ModuleOp> importModel(mlir::MLIRContext &context,
                                              const lang::BoundModel &model,
                                              const Checkpoint *checkpoint,
                                              const ImportOptions &options,
                                              lang::Diagnostics &diagnostics);

/// The tensors of a checkpoint as lang::resolveWeights wants them. `name` is
/// the checkpoint's path, for messages. Keeps a reference to `checkpoint`.
std::unique_ptr<lang::TensorCatalog>
makeTensorCatalog(const Checkpoint &checkpoint, std::string name);

} // namespace tenon

#endif // TENON_IMPORT_IMPORT_H
