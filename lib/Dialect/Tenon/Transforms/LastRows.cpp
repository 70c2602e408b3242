//===- LastRows.cpp - the last rows only, computed early ------------------===//

#include "LastRows.h"

using namespace mlir;
using namespace tenon;

/// Row t of the result is computed from row t of the operands alone.
static bool isRowWise(Operation *op) {
  if (!isa_and_nonnull<LinearOp, FfnOp, AddOp, SubOp, MulOp, DivOp, ScaleOp,
                       ShiftOp, ReciprocalOp, ClampOp, ReduceOp, ActivationOp,
                       CastOp, RmsNormOp, LayerNormOp, SliceOp>(op))
    return false;
  if (auto reduce = dyn_cast<ReduceOp>(op); reduce && reduce.getDim() == 0)
    return false;
  return cast<RankedTensorType>(op->getResult(0).getType()).getRank() == 2;
}

/// The operands that have a row for each token: as many as the result.
static SmallVector<OpOperand *> rowOperands(Operation *op) {
  SmallVector<OpOperand *> result;
  for (OpOperand &operand : op->getOpOperands()) {
    auto type = dyn_cast<RankedTensorType>(operand.get().getType());
    if (type && type.getRank() == 2 && type.isDynamicDim(0))
      result.push_back(&operand);
  }
  return result;
}

/// The rows of a value, chosen where it is defined. One for each value.
static LastRowsOp chooseRows(Value value, Value count, Location loc) {
  for (Operation *user : value.getUsers())
    if (auto rows = dyn_cast<LastRowsOp>(user);
        rows && rows.getCount() == count)
      return rows;
  OpBuilder builder(value.getContext());
  builder.setInsertionPointAfterValue(value);
  return LastRowsOp::create(builder, loc, value.getType(), value, count);
}

unsigned tenon::returnLastRows(func::FuncOp function, Value count) {
  auto ret = cast<func::ReturnOp>(function.getBody().front().getTerminator());
  SmallVector<LastRowsOp> worklist;
  for (OpOperand &operand : ret->getOpOperands()) {
    LastRowsOp rows = chooseRows(operand.get(), count, ret.getLoc());
    operand.set(rows.getResult());
    worklist.push_back(rows);
  }
  unsigned moved = 0;
  while (!worklist.empty()) {
    LastRowsOp rows = worklist.pop_back_val();
    Value value = rows.getInput();
    Operation *op = value.getDefiningOp();
    // Stops at loops and arguments, and where someone reads all rows.
    if (!isRowWise(op) || op->getBlock() != rows->getBlock() ||
        !value.hasOneUse())
      continue;
    for (OpOperand *operand : rowOperands(op)) {
      LastRowsOp above = chooseRows(operand->get(), count, rows.getLoc());
      operand->set(above.getResult());
      if (!llvm::is_contained(worklist, above))
        worklist.push_back(above);
    }
    rows.getResult().replaceAllUsesWith(value);
    rows.erase();
    ++moved;
  }
  return moved;
}
