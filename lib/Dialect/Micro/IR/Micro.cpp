//===- Micro.cpp - the micro dialect --------------------------------------===//

#include "tenon/Dialect/Micro/IR/Micro.h"

using namespace mlir;
using namespace tenon::micro;

#include "tenon/Dialect/Micro/IR/MicroDialect.cpp.inc"

#define GET_OP_CLASSES
#include "tenon/Dialect/Micro/IR/MicroOps.cpp.inc"

void MicroDialect::initialize() {
  addOperations<
#define GET_OP_LIST
#include "tenon/Dialect/Micro/IR/MicroOps.cpp.inc"
      >();
}

/// Checks that `wide` has `times` as many elements as `narrow`.
static LogicalResult verifyElements(Operation *op, Type wide, Type narrow,
                                    int64_t times) {
  int64_t found = cast<VectorType>(wide).getNumElements();
  int64_t lanes = cast<VectorType>(narrow).getNumElements();
  if (found == times * lanes)
    return success();
  return op->emitOpError() << "takes " << times << " elements for each of "
                           << narrow << ", found " << wide;
}

LogicalResult Dot4I8Op::verify() {
  return verifyElements(*this, getLhs().getType(), getSum().getType(), 4);
}

LogicalResult Dot4S8Op::verify() {
  return verifyElements(*this, getLhs().getType(), getSum().getType(), 4);
}

LogicalResult Dot2I8Op::verify() {
  return verifyElements(*this, getLhs().getType(), getResult().getType(), 2);
}

LogicalResult Dot2I16Op::verify() {
  return verifyElements(*this, getLhs().getType(), getSum().getType(), 2);
}

LogicalResult Dot2BF16Op::verify() {
  return verifyElements(*this, getLhs().getType(), getSum().getType(), 2);
}

LogicalResult LookupOp::verify() {
  if (getTable().size() != 16)
    return emitOpError() << "has a table of 16 bytes, found "
                         << getTable().size();
  return success();
}

LogicalResult RoundOp::verify() {
  auto from = dyn_cast<VectorType>(getInput().getType());
  auto to = dyn_cast<VectorType>(getResult().getType());
  if (bool(from) != bool(to) || (from && from.getShape() != to.getShape()))
    return emitOpError() << "gives as many integers as it has numbers, found "
                         << getInput().getType() << " and "
                         << getResult().getType();
  return success();
}
