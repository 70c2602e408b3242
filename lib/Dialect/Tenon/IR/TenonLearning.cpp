//===- TenonLearning.cpp - large steps of learning ------------------------===//

#include "tenon/Dialect/Tenon/IR/TenonLearning.h"
#include "VerifyShapes.h"

using namespace mlir;
using namespace tenon;
using tenon::detail::compatible;

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
