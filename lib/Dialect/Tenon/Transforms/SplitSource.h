//===- SplitSource.h - the source's part of a function apart ----*- C++ -*-===//

#ifndef TENON_LIB_DIALECT_TENON_TRANSFORMS_SPLITSOURCE_H
#define TENON_LIB_DIALECT_TENON_TRANSFORMS_SPLITSOURCE_H

#include "BindingTimes.h"

namespace tenon {

/// Erases what depends on tokens, arguments and result included. A loop keeps
/// what it computes of the source in each iteration, if an operation with an
/// effect is there to read it: loop fission.
void keepSource(mlir::func::FuncOp function, const BindingTimes &times);

/// Erases what only the source's values are computed for, once no token reads
/// them, and the source's arguments.
void eraseSource(mlir::func::FuncOp function);

} // namespace tenon

#endif // TENON_LIB_DIALECT_TENON_TRANSFORMS_SPLITSOURCE_H
