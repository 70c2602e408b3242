//===- Remarks.cpp - what passes say of each rewrite ----------------------===//

#include "tenon/Dialect/Tenon/IR/Remarks.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Operation.h"

using namespace mlir;
using namespace tenon;
using remark::RemarkOpts;
using remark::detail::InFlightRemark;

/// The name of the function that an operation is in. Its storage is the
/// context's: a remark may outlive the function.
static StringRef functionOf(Operation *op) {
  auto function = op->getParentOfType<func::FuncOp>();
  return function ? function.getSymNameAttr().getValue() : StringRef();
}

static RemarkOpts optionsFor(Operation *op, StringRef pass, StringRef name) {
  return RemarkOpts::name(name).category(pass).function(functionOf(op));
}

InFlightRemark tenon::remarkFused(Operation *op, StringRef pass,
                                  StringRef name) {
  return remark::passed(op->getLoc(), optionsFor(op, pass, name));
}

InFlightRemark tenon::remarkMissed(Operation *op, StringRef pass,
                                   StringRef name) {
  return remarkMissed(op, op->getLoc(), pass, name);
}

InFlightRemark tenon::remarkMissed(Operation *op, Location place,
                                   StringRef pass, StringRef name) {
  return remark::missed(place, optionsFor(op, pass, name));
}

InFlightRemark tenon::remarkChosen(Operation *op, StringRef pass,
                                   StringRef name) {
  return remark::analysis(op->getLoc(), optionsFor(op, pass, name));
}

remark::detail::Remark::Arg tenon::blockedBy(Location place) {
  return {kRemarkBlocker, Attribute(place)};
}
