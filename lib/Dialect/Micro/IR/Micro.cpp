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

static LogicalResult verifyPlace(Operation *op, VectorType array, Type part,
                                 size_t place) {
  if (array.getRank() < 2 || place + 1 != size_t(array.getRank()) ||
      part !=
          VectorType::get(array.getShape().take_back(), array.getElementType()))
    return op->emitOpError()
           << "takes a register of an array, by all of its "
              "dimensions but the last, found "
           << part << " at " << place << " indices of " << array;
  return success();
}

LogicalResult GetOp::verify() {
  return verifyPlace(*this, cast<VectorType>(getArray().getType()),
                     getResult().getType(), getPlace().size());
}

/// Right behind `micro.set` of the same place it is that.
OpFoldResult GetOp::fold(FoldAdaptor) {
  auto set = getArray().getDefiningOp<SetOp>();
  if (set && set.getPlace() == getPlace())
    return set.getValue();
  return {};
}

OpFoldResult PickOp::fold(FoldAdaptor adaptor) {
  auto number = dyn_cast_or_null<IntegerAttr>(adaptor.getNumber());
  if (number && number.getInt() >= 0 &&
      number.getInt() < int64_t(getValues().size()))
    return getValues()[number.getInt()];
  return {};
}

LogicalResult SetOp::verify() {
  return verifyPlace(*this, cast<VectorType>(getArray().getType()),
                     getValue().getType(), getPlace().size());
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
