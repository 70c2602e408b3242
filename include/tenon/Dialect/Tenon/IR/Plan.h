//===- Plan.h - how kernels go about it, as numbers -------------*- C++ -*-===//
//
// The fields of #tenon.plan and #tenon.attention_plan, which TenonPlanAttrs.td
// explains, with their defaults: what a kernel does that has no plan.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_DIALECT_TENON_IR_PLAN_H
#define TENON_DIALECT_TENON_IR_PLAN_H

#include "tenon/Dialect/Tenon/IR/TenonDialect.h"

namespace tenon {

struct LinearPlan {
  int64_t panels = 0;
  int64_t streamRows = 1;
  int64_t streamColumns = 0;
  int64_t streamVectors = 1;
  int64_t unpackFrom = 0;
  int64_t splitRows = 0;
  int64_t unrollGroups = 2;
  int64_t registerSums = 8;
  int64_t chains = 12;
  int64_t depthBlock = 0;
  int64_t depthTiles = 4;
  bool nextPanels = false;
  int64_t nextSteps = 4;

  struct Prefetch {
    int64_t rows = 1;
    int64_t distance = 0;
    int64_t cache = 1;
  };
  /// By rows, fewest first.
  llvm::SmallVector<Prefetch> prefetch;

  /// The numbers of an attribute; of none (null) the defaults.
  static LinearPlan of(PlanAttr attr);
  PlanAttr toAttr(mlir::MLIRContext *context) const;
  /// What streaming tiles of so many rows ask for.
  Prefetch prefetchOf(int64_t rows) const;
};

struct AttentionPlan {
  int64_t keys = 4;
  int64_t components = 4;
  int64_t heads = 8;
  int64_t scoreSums = 8;
  int64_t outputSums = 10;
  int64_t prefetch = 0;

  /// Of so many heads that share keys, those that kernels of several queries
  /// compute together: they divide them.
  int64_t headsTogether(int64_t shared) const;

  static AttentionPlan of(std::optional<AttentionPlanAttr> attr);
  AttentionPlanAttr toAttr(mlir::MLIRContext *context) const;
};

/// Keys of a block of attention without a tile.
inline constexpr int64_t kDefaultKeyBlock = 128;

namespace detail {
/// Checks that a linear's plan can be obeyed with its rows and weights.
mlir::LogicalResult verifyPlan(LinearOp op);
/// Checks the keys of a block of an attention's tile, if it has one.
mlir::LogicalResult verifyKeyBlock(mlir::Operation *op,
                                   std::optional<TileAttr> tile);
} // namespace detail

} // namespace tenon

#endif // TENON_DIALECT_TENON_IR_PLAN_H
