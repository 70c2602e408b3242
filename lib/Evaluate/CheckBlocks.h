//===- CheckBlocks.h - whether weights are rounded well ---------*- C++ -*-===//

#ifndef TENON_LIB_EVALUATE_CHECKBLOCKS_H
#define TENON_LIB_EVALUATE_CHECKBLOCKS_H

#include "tenon/Evaluate/Evaluator.h"

namespace tenon {

/// Compares the weights of `after` that became blocks, up to `mostLayers` of
/// each, with what they were in `before`, block by block. Results of a model
/// hardly change when one block in thousands has a wrong scale, so each is held
/// to what its format itself promises: the squared error of plain rounding to
/// nearest (GGML's reference), of which a search only makes less. Emits an
/// error at the weight that `pass` rounded worse, and fails; also if a weight
/// can't be read.
mlir::LogicalResult checkBlocks(mlir::ModuleOp before, mlir::ModuleOp after,
                                const WeightReader &exact,
                                const WeightReader &rounded, int64_t mostLayers,
                                llvm::StringRef pass);

} // namespace tenon

#endif // TENON_LIB_EVALUATE_CHECKBLOCKS_H
