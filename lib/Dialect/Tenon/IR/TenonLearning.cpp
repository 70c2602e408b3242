//===- TenonLearning.cpp - large steps of learning ------------------------===//

#include "tenon/Dialect/Tenon/IR/TenonLearning.h"
#include "VerifyShapes.h"

using namespace mlir;
using namespace tenon;
using tenon::detail::compatible;
using tenon::detail::expectSameShape;

#define GET_OP_CLASSES
#include "tenon/Dialect/Tenon/IR/TenonLearningOps.cpp.inc"

static ShapedType shaped(Value value) {
  return cast<ShapedType>(value.getType());
}

LogicalResult WeightProductOp::verify() {
  ShapedType x = shaped(getInput()), w = shaped(getWeight()),
             y = cast<ComputeOpInterface>(getOperation()).getOutputType();
  if (w.getRank() != 2 || !w.hasStaticShape() || !w.getElementType().isF32())
    return emitOpError() << "needs a weight of f32 [N, K], found " << w;
  if (x.getRank() != 2 || y.getRank() != 2 || x.isDynamicDim(1) ||
      y.isDynamicDim(1) || !compatible(x.getDimSize(0), y.getDimSize(0)) ||
      x.getDimSize(1) != w.getDimSize(getFlipped() ? 0 : 1) ||
      y.getDimSize(1) != w.getDimSize(getFlipped() ? 1 : 0))
    return emitOpError() << x << " times " << w
                         << (getFlipped() ? "" : ", transposed,") << " is not "
                         << y;
  return success();
}

void AttentionGradientOp::getEffects(
    SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>>
        &effects) {
  for (OpOperand &operand : getOperation()->getOpOperands()) {
    if (!isa<MemRefType>(operand.get().getType()))
      continue;
    bool isOut = operand.getOperandNumber() >= getOuts().getBeginOperandIndex();
    if (isOut)
      effects.emplace_back(MemoryEffects::Write::get(), &operand,
                           SideEffects::DefaultResource::get());
    // Sums over queries are made there.
    effects.emplace_back(MemoryEffects::Read::get(), &operand,
                         SideEffects::DefaultResource::get());
  }
}

LogicalResult AttentionGradientOp::verify() {
  ShapedType q = shaped(getQuery()), k = shaped(getKey()),
             v = shaped(getValue()), o = shaped(getOutput());
  if (q.getRank() != 3 || k.getRank() != 3 || v.getRank() != 3 ||
      o.getRank() != 3)
    return emitOpError("query, key, value and output must have rank 3");
  if (k.getDimSize(0) != v.getDimSize(0) ||
      !compatible(k.getDimSize(1), v.getDimSize(1)) ||
      q.getDimSize(2) != k.getDimSize(2) ||
      !detail::sharesHeads(q.getDimSize(0), k.getDimSize(0)) ||
      o.getDimSize(0) != q.getDimSize(0) ||
      !compatible(o.getDimSize(1), q.getDimSize(1)) ||
      o.getDimSize(2) != v.getDimSize(2))
    return emitOpError() << "query " << q << ", key " << k << ", value " << v
                         << " and output " << o << " are of no attention";
  if (q.isDynamicDim(2) || v.isDynamicDim(2))
    return emitOpError("needs heads of known sizes");
  if (failed(expectSameShape(*this, getOutput(), "output", getGradient(),
                             "gradient")))
    return failure();
  if (getOuts().size() + getResults().size() != 3)
    return emitOpError("gives gradients of query, key and value");
  Value of[] = {getQuery(), getKey(), getValue()};
  StringRef names[] = {"query", "key", "value"};
  for (int64_t i = 0; i < 3; ++i)
    if (failed(expectSameShape(*this, of[i], names[i],
                               getOuts().empty() ? getResults()[i]
                                                 : Value(getOuts()[i]),
                               "its gradient")))
      return failure();
  if (getCap() && !(getCap()->convertToDouble() > 0))
    return emitOpError("cap must be positive");
  if (getBand() && static_cast<int64_t>(*getBand()) < 0)
    return emitOpError("band must not be negative");
  return detail::verifyWindow(*this, getWindow(), getCausal());
}

void HeadLossOp::getEffects(
    SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>>
        &effects) {
  for (OpOperand &operand : getIntoMutable()) {
    effects.emplace_back(MemoryEffects::Read::get(), &operand,
                         SideEffects::DefaultResource::get());
    effects.emplace_back(MemoryEffects::Write::get(), &operand,
                         SideEffects::DefaultResource::get());
  }
}

LogicalResult HeadLossOp::verify() {
  ShapedType x = shaped(getInput()), w = shaped(getWeight()),
             targets = shaped(getTargets());
  if (x.getRank() != 2 || w.getRank() != 2 || !w.hasStaticShape() ||
      x.getDimSize(1) != w.getDimSize(1) || !w.getElementType().isF32())
    return emitOpError() << x << " and a weight " << w << " make no logits";
  if (targets.getRank() != 1 || !targets.getElementType().isInteger(32) ||
      !compatible(targets.getDimSize(0), x.getDimSize(0)))
    return emitOpError() << "needs an i32 target for each row of " << x
                         << ", found " << targets;
  if (static_cast<int64_t>(getRows()) <= 0)
    return emitOpError("needs a positive number of rows");
  if (getInto() && shaped(getInto()).getShape() != w.getShape())
    return emitOpError() << "gradient " << shaped(getInto())
                         << " is none of the weight " << w;
  size_t count = getResults().size();
  if (count < 1 || count > 2 || (getInto() && count != 2))
    return emitOpError("gives losses, and with a gradient of the weight that "
                       "of the input, too");
  ShapedType losses = shaped(getResults()[0]);
  if (losses.getRank() != 2 || losses.getDimSize(1) != 1 ||
      !compatible(losses.getDimSize(0), x.getDimSize(0)))
    return emitOpError() << "losses " << losses
                         << " must be one number for each row of " << x;
  return count < 2 ? success()
                   : expectSameShape(*this, getInput(), "input",
                                     getResults()[1], "its gradient");
}
