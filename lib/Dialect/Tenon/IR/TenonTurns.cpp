//===- TenonTurns.cpp - gradients of several processes --------------------===//

#include "tenon/Dialect/Tenon/IR/TenonTurns.h"

using namespace mlir;
using namespace tenon;

#define GET_OP_CLASSES
#include "tenon/Dialect/Tenon/IR/TenonTurnOps.cpp.inc"

static LogicalResult verifySection(Operation *op, int64_t section) {
  if (section < 0 || section >= kMaxTurnSections)
    return op->emitOpError() << "section " << section << " is not one of 0 to "
                             << kMaxTurnSections - 1;
  return success();
}

LogicalResult AwaitTurnOp::verify() {
  return verifySection(*this, getSection());
}

LogicalResult PassTurnOp::verify() {
  return verifySection(*this, getSection());
}

/// A row of numbers for each token, from a place on.
static LogicalResult verifyRows(Operation *op, Value rows, int64_t offset) {
  auto type = cast<RankedTensorType>(rows.getType());
  if (type.getRank() != 2 || !type.isDynamicDim(0) || type.isDynamicDim(1) ||
      !type.getElementType().isF32())
    return op->emitOpError()
           << "has a row of f32 for each token, found " << type;
  if (offset < 0)
    return op->emitOpError()
           << "has rows at " << offset << ", before the first";
  return success();
}

LogicalResult SaveRowsOp::verify() {
  return verifyRows(*this, getValue(), getOffset());
}

LogicalResult SavedRowsOp::verify() {
  if (!cast<RankedTensorType>(getLike().getType()).isDynamicDim(0))
    return emitOpError() << "of " << getLike().getType()
                         << " has no number of tokens";
  return verifyRows(*this, getResult(), getOffset());
}
