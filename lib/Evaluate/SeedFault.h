//===- SeedFault.h - wrong rewrites, for tests of the verifier --*- C++ -*-===//

#ifndef TENON_LIB_EVALUATE_SEEDFAULT_H
#define TENON_LIB_EVALUATE_SEEDFAULT_H

#include "mlir/IR/BuiltinOps.h"
#include "tenon/Evaluate/ModelRun.h"
#include "llvm/ADT/StringRef.h"

namespace tenon {

/// Changes a module that a pass left as a mistake in that pass would: a scale
/// that is off, a residual that is forgotten, slices of one another's. Only the
/// test of `--verify-passes` asks for it. False if there is nothing to change.
bool seedFault(mlir::ModuleOp module, llvm::StringRef pass);

/// Blocks' scales of one matrix are a quarter too large, or, in four bits, the
/// first of each layer a tenth, as a mistake in `tenon-quantize-weights` would
/// have it: the weights of `reader` as they are read of the module that the
/// pass left. Other passes' are `reader`.
WeightReader seedScales(WeightReader reader, llvm::StringRef pass);

} // namespace tenon

#endif // TENON_LIB_EVALUATE_SEEDFAULT_H
