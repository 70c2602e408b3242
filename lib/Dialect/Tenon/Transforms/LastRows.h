//===- LastRows.h - the last rows only, computed early ----------*- C++ -*-===//

#ifndef TENON_LIB_DIALECT_TENON_TRANSFORMS_LASTROWS_H
#define TENON_LIB_DIALECT_TENON_TRANSFORMS_LASTROWS_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "tenon/Dialect/Tenon/IR/TenonDialect.h"

namespace tenon {

/// Makes a function return the last `count` rows of its result only, and moves
/// the choice up through row-wise operations, so that they compute no other
/// rows. Returns the number of operations it moved over.
unsigned returnLastRows(mlir::func::FuncOp function, mlir::Value count);

} // namespace tenon

#endif // TENON_LIB_DIALECT_TENON_TRANSFORMS_LASTROWS_H
