//===- TenonNumberOps.cpp - numbers and reductions ------------------------===//

#include "VerifyShapes.h"

#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace tenon;
using tenon::detail::expectSameShape;
using tenon::detail::foldToInput;

/// The result has the shape of the input, and may be written over it.
#define TENON_UNARY_OP(Op)                                                     \
  bool Op::canWriteInPlace(OpOperand &operand) {                               \
    return operand.get() == getInput();                                        \
  }
TENON_UNARY_OP(ShiftOp)
TENON_UNARY_OP(ReciprocalOp)
TENON_UNARY_OP(ClampOp)
#undef TENON_UNARY_OP

template <typename Op> static LogicalResult verifyUnary(Op op) {
  return expectSameShape(
      op, op.getInput(), "input",
      cast<ComputeOpInterface>(op.getOperation()).getOutput(), "result");
}

LogicalResult ShiftOp::verify() { return verifyUnary(*this); }

LogicalResult ShiftOp::fold(FoldAdaptor,
                            SmallVectorImpl<OpFoldResult> &results) {
  return foldToInput(*this, getAmount().isZero(), results);
}

LogicalResult ReciprocalOp::verify() { return verifyUnary(*this); }

LogicalResult ClampOp::verify() {
  std::optional<APFloat> low = getLow(), high = getHigh();
  if (!low && !high)
    return emitOpError("needs a bound: low or high");
  if ((low && low->isNaN()) || (high && high->isNaN()) ||
      (low && high && *low > *high))
    return emitOpError("low must not be above high");
  return verifyUnary(*this);
}

LogicalResult ReduceOp::verify() {
  auto input = cast<ShapedType>(getInput().getType());
  ShapedType output = cast<ComputeOpInterface>(getOperation()).getOutputType();
  auto dim = static_cast<int64_t>(getDim());
  if (dim < 0 || dim >= input.getRank())
    return emitOpError() << "dim " << dim << " is none of " << input;
  if (input.getDimSize(dim) == 0)
    return emitOpError() << "dim " << dim << " of " << input << " is empty";
  SmallVector<int64_t> shape(input.getShape());
  shape[dim] = 1;
  if (output.getRank() != input.getRank() || output.getDimSize(dim) != 1 ||
      failed(verifyCompatibleShape(shape, output.getShape())))
    return emitOpError() << "of " << input << " over dimension " << dim
                         << " cannot be " << output;
  return success();
}
