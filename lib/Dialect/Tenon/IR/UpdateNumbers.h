//===- UpdateNumbers.h - what all optimizers' steps take --------*- C++ -*-===//

#ifndef TENON_LIB_DIALECT_TENON_IR_UPDATENUMBERS_H
#define TENON_LIB_DIALECT_TENON_IR_UPDATENUMBERS_H

#include "tenon/Dialect/Tenon/IR/TenonTraining.h"

namespace tenon {

/// Checks that a step's numbers are as many f32 as UpdateOp describes.
inline mlir::LogicalResult verifyNumbers(mlir::Operation *op,
                                         mlir::Value numbers) {
  auto type = mlir::cast<mlir::ShapedType>(numbers.getType());
  if (type.getRank() != 1 || type.getDimSize(0) != UpdateOp::kNumbers ||
      !type.getElementType().isF32())
    return op->emitOpError()
           << "needs " << UpdateOp::kNumbers << " f32 numbers, found " << type;
  return mlir::success();
}

} // namespace tenon

#endif // TENON_LIB_DIALECT_TENON_IR_UPDATENUMBERS_H
