//===- Tuning.h - numbers of a micro-architecture ---------------*- C++ -*-===//
//
// The fields of #tenon.tuning, which TenonPlanAttrs.td explains, with the
// numbers of the entry "generic". Where each was measured is said in
// lib/Target/Tuning.def.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_DIALECT_TENON_IR_TUNING_H
#define TENON_DIALECT_TENON_IR_TUNING_H

#include "tenon/Dialect/Tenon/IR/TenonDialect.h"

namespace tenon {

struct Tuning {
  int64_t prefetchDistance = 0;
  int64_t mostRows = 8;
  int64_t mostBlockRows = 6;
  int64_t streamPanels = 4;
  int64_t shortPanels = 1;
  int64_t longPanels = 1;
  int64_t mostPanels = 4;
  int64_t leastTasks = 8;
  int64_t rowGroup = 64;
  int64_t unpackFrom = 40;
  int64_t unpackTile = 4;
  int64_t splitRows = 2;
  int64_t depthBlock = 256;
  int64_t depthTiles = 4;
  int64_t nextSteps = 4;
  int64_t nearDistance = 3072;
  int64_t farDistance = 8192;
  int64_t farProducts = 4;
  int64_t plainDistance = 8192;
  int64_t plainProducts = 6;
  int64_t attentionPrefetch = 0;

  /// The numbers that a target carries; of no target, or one without a tuning,
  /// those of "generic".
  static Tuning of(TargetAttr target);
  TuningAttr toAttr(mlir::MLIRContext *context, llvm::StringRef name) const;
  /// Null, and an error, if a number is out of range.
  TuningAttr
  toChecked(llvm::function_ref<mlir::InFlightDiagnostic()> emitError,
            mlir::MLIRContext *context, llvm::StringRef name) const;
};

} // namespace tenon

#endif // TENON_DIALECT_TENON_IR_TUNING_H
