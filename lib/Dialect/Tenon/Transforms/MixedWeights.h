//===- MixedWeights.h - weights whose layers differ -------------*- C++ -*-===//

#ifndef TENON_LIB_DIALECT_TENON_TRANSFORMS_MIXEDWEIGHTS_H
#define TENON_LIB_DIALECT_TENON_TRANSFORMS_MIXEDWEIGHTS_H

#include "Weights.h"

namespace tenon {

/// Splits the weights of linears with a `!tenon.mixed` element into one for
/// each precision, and each linear into an `scf.if` on its layer. Returns the
/// number of linears split. The old weights stay, unused.
llvm::FailureOr<unsigned> splitMixedWeights(mlir::ModuleOp module,
                                            Weights &weights);

} // namespace tenon

#endif // TENON_LIB_DIALECT_TENON_TRANSFORMS_MIXEDWEIGHTS_H
