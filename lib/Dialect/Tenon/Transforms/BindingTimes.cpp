//===- BindingTimes.cpp - what of a function is known when ----------------===//

#include "BindingTimes.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace tenon;

BindingTimes::BindingTimes(func::FuncOp function) {
  for (BlockArgument argument : function.getArguments()) {
    bool isSource = function.getArgAttr(argument.getArgNumber(),
                                        kSourceAttrName) != nullptr;
    sourced |= isSource;
    raise(argument, isSource ? Time::Source : Time::Token);
  }
  // What loops carry goes round: a few times, as there are few times.
  bool changed = true;
  while (changed) {
    changed = false;
    function.walk([&](Operation *op) { changed |= visit(op); });
  }
}

bool BindingTimes::raise(Value value, Time time) {
  if (time <= of(value))
    return false;
  times[value] = time;
  return true;
}

Time BindingTimes::of(Operation *op) const {
  Time time = Time::Static;
  op->walk([&](Operation *inner) {
    for (Value operand : inner->getOperands())
      time = std::max(time, of(operand));
  });
  return time;
}

/// Gives an operation's results, and the arguments of its regions, their times.
/// Whether any became later.
bool BindingTimes::visit(Operation *op) {
  bool changed = false;
  if (auto loop = dyn_cast<scf::ForOp>(op)) {
    Operation *yield = loop.getBody()->getTerminator();
    for (auto [init, argument, yielded, result] :
         llvm::zip_equal(loop.getInitArgs(), loop.getRegionIterArgs(),
                         yield->getOperands(), loop.getResults())) {
      Time time = std::max(of(init), of(yielded));
      changed |= raise(argument, time);
      changed |= raise(result, time);
    }
    return changed;
  }
  Time time = op->getNumResults() ? of(op) : Time::Static;
  for (Value result : op->getResults())
    changed |= raise(result, time);
  Time operands = Time::Static;
  for (Value operand : op->getOperands())
    operands = std::max(operands, of(operand));
  if (!isa<func::FuncOp>(op))
    for (Region &region : op->getRegions())
      for (Block &block : region)
        for (Value argument : block.getArguments())
          changed |= raise(argument, operands);
  return changed;
}

AttentionKind BindingTimes::kindOf(AttentionOp op) const {
  Time key = of(op.getKey()), value = of(op.getValue());
  if (of(op) != Time::Token)
    return AttentionKind::Source;
  if (key == Time::Token && value == Time::Token)
    return AttentionKind::Self;
  return key == Time::Source && value == Time::Source ? AttentionKind::Cross
                                                      : AttentionKind::Mixed;
}

/// "'memory'", the name that the description gives; or "a value of the source".
static std::string describe(Value value) {
  if (auto name = dyn_cast<NameLoc>(value.getLoc()))
    return "'" + name.getName().str() + "'";
  return "a value";
}

LogicalResult BindingTimes::check(func::FuncOp function) const {
  WalkResult result = function.walk([&](Operation *op) -> WalkResult {
    if (isa<func::FuncOp, scf::ForOp, scf::YieldOp>(op) ||
        of(op) != Time::Token)
      return WalkResult::advance();
    if (auto attention = dyn_cast<AttentionOp>(op)) {
      if (kindOf(attention) != AttentionKind::Mixed || !sourced)
        return WalkResult::advance();
      bool keys = of(attention.getKey()) == Time::Token;
      InFlightDiagnostic error = attention.emitOpError("has ")
                                 << (keys ? "keys" : "values")
                                 << " of the tokens and "
                                 << (keys ? "values" : "keys")
                                 << " of the source, or of neither: they have "
                                    "to be of one text";
      error.attachNote(attention.getKey().getLoc()) << "the keys";
      error.attachNote(attention.getValue().getLoc()) << "the values";
      return error;
    }
    for (Value operand : op->getOperands()) {
      if (of(operand) != Time::Source)
        continue;
      InFlightDiagnostic error =
          isa<func::ReturnOp>(op)
              ? op->emitOpError("gives a value of the source, and not of the "
                                "tokens")
              : op->emitOpError("reads ")
                    << describe(operand)
                    << " of the source beside values of the tokens: only "
                       "attention may, as its keys and values";
      error.attachNote(operand.getLoc()) << "computed from the source here";
      return error;
    }
    return WalkResult::advance();
  });
  if (result.wasInterrupted())
    return failure();
  auto ret = cast<func::ReturnOp>(function.getBody().front().getTerminator());
  for (Value value : ret.getOperands())
    if (of(value) != Time::Token)
      return ret.emitOpError("gives a value that doesn't depend on the tokens");
  return success();
}
