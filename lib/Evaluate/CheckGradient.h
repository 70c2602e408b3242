//===- CheckGradient.h - gradients by central differences -------*- C++ -*-===//

#ifndef TENON_LIB_EVALUATE_CHECKGRADIENT_H
#define TENON_LIB_EVALUATE_CHECKGRADIENT_H

#include "tenon/Evaluate/ModelRun.h"

namespace tenon {

/// How far the gradient that `@gradient` adds up is from the difference of
/// `@loss` at weights moved a little to both sides: along the gradient and a
/// random direction, relative to that derivative. Nothing if the module lacks
/// one of the functions. Exact arithmetic only: the evaluator must not round,
/// and nothing else must have been evaluated with it.
std::optional<mlir::FailureOr<double>> gradientError(Evaluator &evaluator,
                                                     mlir::ModuleOp module,
                                                     const NamedArrays &inputs,
                                                     uint64_t seed);

} // namespace tenon

#endif // TENON_LIB_EVALUATE_CHECKGRADIENT_H
