//===- MixedWeights.h - weights whose layers differ -------------*- C++ -*-===//

#ifndef TENON_LIB_DIALECT_TENON_TRANSFORMS_MIXEDWEIGHTS_H
#define TENON_LIB_DIALECT_TENON_TRANSFORMS_MIXEDWEIGHTS_H

#include "Weights.h"

namespace tenon {

/// Splits the weights of linears, and of `tenon.dequantize`, with a
/// `!tenon.mixed` element into one for each precision, and each such operation
/// into an `scf.if` on its layer. Returns the number of operations split. The
/// old weights stay, unused.
llvm::FailureOr<unsigned> splitMixedWeights(mlir::ModuleOp module,
                                            Weights &weights);

} // namespace tenon

#endif // TENON_LIB_DIALECT_TENON_TRANSFORMS_MIXEDWEIGHTS_H
