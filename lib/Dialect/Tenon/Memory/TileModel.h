//===- TileModel.h - the choice of a tile -----------------------*- C++ -*-===//

#ifndef TENON_LIB_DIALECT_TENON_MEMORY_TILEMODEL_H
#define TENON_LIB_DIALECT_TENON_MEMORY_TILEMODEL_H

#include "tenon/Dialect/Tenon/IR/TenonDialect.h"

namespace tenon {

/// Tokens of a few sequences: linears read weights once for all of them, and
/// rows are less work than a second worker is worth.
inline constexpr int64_t kFewRows = 8;

/// The tile for an operation in tensor or buffer form, or null for operations
/// that take none. SelectTiles.cpp explains the model.
TileAttr chooseTile(mlir::Operation *op, TargetAttr target);

/// The plan for a linear in tensor or buffer form with this tile, or null if
/// its weight is not packed. SelectPlan.cpp explains the choice.
PlanAttr choosePlan(LinearOp op, TileAttr tile, TargetAttr target);
AttentionPlanAttr chooseAttentionPlan(TargetAttr target);

} // namespace tenon

#endif // TENON_LIB_DIALECT_TENON_MEMORY_TILEMODEL_H
