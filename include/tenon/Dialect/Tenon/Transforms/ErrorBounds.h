//===- ErrorBounds.h - how exact passes on tensors are ----------*- C++ -*-===//
//
// What each pass on tensors promises about the numbers of a model, for
// `tenonc --verify-passes` to hold it to.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_DIALECT_TENON_TRANSFORMS_ERRORBOUNDS_H
#define TENON_DIALECT_TENON_TRANSFORMS_ERRORBOUNDS_H

#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/StringRef.h"

#include <optional>

namespace tenon {

/// One rounding of a number.
struct Rounding {
  double size = 0;   ///< relative to the greatest of its block; 0: none
  int64_t block = 1; ///< numbers along a row; 0: all of it
};

/// Errors of results are the greatest difference over the greatest magnitude.
struct ErrorBound {
  /// Of the rewrite, in exact arithmetic: what the pass makes of the model,
  /// apart from the precision in which weights and values are held.
  double rewrite = 0;
  /// To the precision that the pass chose, if it chose one. What that may do to
  /// the results is the model's matter (`PassVerifier`).
  Rounding rounding = {};
};

/// What a pass declares, by its argument; `after` is the module that it left,
/// whose types say what precision was chosen. Nothing for a pass that declares
/// none: it isn't one of the stages of tensors, or it replaces the model's
/// function by others.
std::optional<ErrorBound> getErrorBound(llvm::StringRef pass,
                                        mlir::ModuleOp after);

} // namespace tenon

#endif // TENON_DIALECT_TENON_TRANSFORMS_ERRORBOUNDS_H
