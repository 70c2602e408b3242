//===- SeedFault.h - wrong rewrites, for tests of the verifier --*- C++ -*-===//

#ifndef TENON_LIB_EVALUATE_SEEDFAULT_H
#define TENON_LIB_EVALUATE_SEEDFAULT_H

#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/StringRef.h"

namespace tenon {

/// Changes a module that a pass left as a mistake in that pass would: a scale
/// that is off, a residual that is forgotten, slices of one another's. Only the
/// test of `--verify-passes` asks for it. False if there is nothing to change.
bool seedFault(mlir::ModuleOp module, llvm::StringRef pass);

} // namespace tenon

#endif // TENON_LIB_EVALUATE_SEEDFAULT_H
