//===- TenonTexts.cpp - several texts in one call -------------------------===//

#include "tenon/Dialect/Tenon/IR/TenonTexts.h"

using namespace mlir;
using namespace tenon;

#define GET_OP_CLASSES
#include "tenon/Dialect/Tenon/IR/TenonTextOps.cpp.inc"

bool ForEachTextOp::givesOneRow() {
  auto yield = cast<TextYieldOp>(getBody().front().getTerminator());
  auto type = cast<RankedTensorType>(yield.getValue().getType());
  return !type.isDynamicDim(rowDim(type));
}

/// Whether a tensor has rows of texts of any length, and nothing else that is
/// dynamic.
static bool hasTextRows(Type type) {
  auto tensor = cast<RankedTensorType>(type);
  return tensor.getRank() >= 1 && tensor.getRank() <= 3 &&
         tensor.getNumDynamicDims() == 1 &&
         tensor.isDynamicDim(ForEachTextOp::rowDim(tensor));
}

LogicalResult ForEachTextOp::verify() {
  if (getInputs().empty())
    return emitOpError("needs an input");
  for (Type type : getInputs().getTypes())
    if (!hasTextRows(type))
      return emitOpError() << "input " << type
                           << " must have any number of rows, and no other "
                              "dimension that is not known";
  if (!hasTextRows(getResult().getType()))
    return emitOpError() << "result " << getResult().getType()
                         << " must have any number of rows, and no other "
                            "dimension that is not known";
  return success();
}

LogicalResult ForEachTextOp::verifyRegions() {
  Block &block = getBody().front();
  if (block.getArgumentTypes() != getInputs().getTypes())
    return emitOpError("body takes rows of each input, of the inputs' types");
  auto yield = dyn_cast<TextYieldOp>(block.getTerminator());
  if (!yield)
    return emitOpError("body must end with tenon.text_yield");
  auto given = cast<RankedTensorType>(yield.getValue().getType());
  auto result = cast<RankedTensorType>(getResult().getType());
  auto oneRow = [&] {
    SmallVector<int64_t> shape(result.getShape());
    shape[0] = 1;
    return result.getRank() == 2 && given == result.clone(shape);
  };
  if (given != result && !oneRow())
    return emitOpError() << "body gives " << given << ", which are no rows of "
                         << result;
  return success();
}
