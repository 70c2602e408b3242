//===- TileModel.h - the choice of a tile -----------------------*- C++ -*-===//

#ifndef TENON_LIB_DIALECT_TENON_MEMORY_TILEMODEL_H
#define TENON_LIB_DIALECT_TENON_MEMORY_TILEMODEL_H

#include "tenon/Dialect/Tenon/IR/TenonDialect.h"

namespace tenon {

/// The tile for an operation in tensor or buffer form, or null for operations
/// that take none. SelectTiles.cpp explains the model.
TileAttr chooseTile(mlir::Operation *op, TargetAttr target);

} // namespace tenon

#endif // TENON_LIB_DIALECT_TENON_MEMORY_TILEMODEL_H
