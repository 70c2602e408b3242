//===- TenonFrozen.cpp - weights in blocks that don't learn ---------------===//

#include "tenon/Dialect/Tenon/IR/TenonFrozen.h"

using namespace mlir;
using namespace tenon;

#define GET_OP_CLASSES
#include "tenon/Dialect/Tenon/IR/TenonFrozenOps.cpp.inc"

/// Rows of f32.
static LogicalResult verifyNumbers(Operation *op, ShapedType numbers) {
  if (numbers.getRank() != 2 || !numbers.hasStaticShape() ||
      !numbers.getElementType().isF32())
    return op->emitOpError() << "gives rows of f32, found " << numbers;
  return success();
}

LogicalResult DequantizeOp::verify() {
  auto weight = cast<RankedTensorType>(getWeight().getType());
  auto numbers = cast<RankedTensorType>(getResult().getType());
  if (failed(verifyNumbers(*this, numbers)))
    return failure();
  if (!isa<BlockType>(weight.getElementType()))
    return emitOpError() << "is of a weight in blocks, found " << weight;
  PanelAttr panel = getPanel(weight);
  if (!panel || panel.getInterleave() != 1)
    return emitOpError() << "is of a weight packed in order, found " << weight;
  if (weight.getShape() != numbers.getShape())
    return emitOpError() << "of " << weight << " cannot be " << numbers;
  return success();
}

void UnpackPanelsOp::getEffects(
    SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>>
        &effects) {
  effects.emplace_back(MemoryEffects::Read::get(), &getWeightMutable(),
                       SideEffects::DefaultResource::get());
  effects.emplace_back(MemoryEffects::Write::get(), &getOutMutable(),
                       SideEffects::DefaultResource::get());
}

LogicalResult UnpackPanelsOp::verify() {
  auto weight = cast<MemRefType>(getWeight().getType());
  auto numbers = cast<MemRefType>(getOut().getType());
  if (failed(verifyNumbers(*this, numbers)))
    return failure();
  auto element = dyn_cast<SuperblockType>(weight.getElementType());
  if (!element || weight.getRank() != 2)
    return emitOpError() << "is of a weight in superblocks, found " << weight;
  if (numbers.getDimSize(1) >
          weight.getDimSize(1) * element.getSuperblock().columns() ||
      numbers.getDimSize(0) > weight.getDimSize(0) * element.getColumns())
    return emitOpError() << "of " << weight << " cannot give " << numbers;
  return success();
}
