//===- TenonScoreOps.cpp - what happens to scores before attention --------===//
//
// The links of the chain between the product of queries and keys and the
// softmax, as operations of their own and as parts of an attention.
//
//===----------------------------------------------------------------------===//

#include "VerifyShapes.h"

#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace tenon;
using tenon::detail::compatible;

/// Checks scores, of `rank` or, if that is 0, of any, and the result's shape.
static LogicalResult verifyScores(Operation *op, Value input, int64_t rank) {
  auto type = cast<ShapedType>(input.getType());
  ShapedType output = cast<ComputeOpInterface>(op).getOutputType();
  if (failed(verifyCompatibleShape(type.getShape(), output.getShape())))
    return op->emitOpError() << "input " << type << " and result " << output
                             << " must have the same shape";
  if (rank && type.getRank() != rank)
    return op->emitOpError()
           << "needs scores of rank " << rank << ", found " << type;
  return success();
}

LogicalResult tenon::detail::verifyBias(Operation *op, Value bias,
                                        int64_t heads, bool isByKey) {
  if (!bias)
    return isByKey ? op->emitOpError("has no bias, but says it is by key")
                   : success();
  auto type = cast<ShapedType>(bias.getType());
  if (type.getRank() != 2 || !compatible(type.getDimSize(0), heads) ||
      !type.getElementType().isF32() || type.isDynamicDim(1) ||
      (!isByKey && type.getDimSize(1) % 2 == 0))
    return op->emitOpError() << "bias " << type << " must be f32 [" << heads
                             << (isByKey ? ", keys]" : ", 2 R + 1]");
  return success();
}

LogicalResult tenon::detail::verifySink(Operation *op, Value sink,
                                        int64_t heads) {
  if (!sink)
    return success();
  auto type = cast<ShapedType>(sink.getType());
  if (type.getRank() == 1 && compatible(type.getDimSize(0), heads) &&
      type.getElementType().isF32())
    return success();
  return op->emitOpError() << "sink " << type << " must be f32 [" << heads
                           << "]: a score for each head";
}

LogicalResult tenon::detail::verifyChain(Operation *op,
                                         const ScoreChain &chain) {
  auto isPositive = [](const llvm::APFloat &x) {
    return x.isFiniteNonZero() && !x.isNegative();
  };
  if (chain.cap && !isPositive(*chain.cap))
    return op->emitOpError("cap must be positive");
  if (chain.biasScale && (!chain.bias || !chain.biasScale->isFinite()))
    return op->emitOpError(chain.bias ? "bias_scale must be finite"
                                      : "has a bias_scale, but no bias");
  if (chain.band && *chain.band < 0)
    return op->emitOpError("band must not be negative, found ") << *chain.band;
  if (chain.band && chain.isCausal)
    return op->emitOpError("is causal: a band on one side is a window");
  if (failed(verifyBias(op, chain.bias, chain.heads, chain.isByKey)) ||
      failed(verifySink(op, chain.sink, chain.heads)))
    return failure();
  return verifyWindow(op, chain.window, chain.isCausal);
}

LogicalResult tenon::detail::verifyBiasWeight(WeightOp op) {
  RankedTensorType layer = op.getLayerType();
  Attribute computed = op.getSources()[0];
  auto alibi = dyn_cast<AlibiAttr>(computed);
  bool isByKey = alibi && alibi.getBfloat16();
  // The buckets themselves.
  if (isa<RelativeBucketsAttr>(computed) && op.getSources().size() == 1 &&
      !op.getStacked() && layer.getRank() == 1 &&
      layer.getElementType().isSignlessInteger(32) &&
      layer.getDimSize(0) % 2 == 1)
    return success();
  if (op.getSources().size() != 1 || layer.getRank() != 2 ||
      !layer.getElementType().isF32() ||
      (!isByKey && layer.getDimSize(1) % 2 == 0))
    return op.emitOpError("of biases must be f32 [heads, ")
           << (isByKey ? "keys]" : "2 R + 1]") << ", found "
           << op.getTensorType();
  auto buckets = dyn_cast<RelativeBucketsAttr>(computed);
  if (!buckets)
    return op.getStacked()
               ? op.emitOpError("of slopes is the same for all layers")
               : success();
  SourceAttr source = buckets.getSource();
  if (source.getType().getDimSize(1) != layer.getDimSize(0))
    return op.emitOpError() << "has biases of " << layer.getDimSize(0)
                            << " heads, its source " << source.getType();
  if (op.getStacked() != source.getName().contains("{i}"))
    return op.emitOpError() << "stacked and '{i}' in the name \""
                            << source.getName() << "\" must go together";
  return success();
}

LogicalResult SoftmaxOp::verify() {
  if (failed(verifyScores(*this, getInput(), getSink() ? 3 : 0)))
    return failure();
  return detail::verifySink(
      *this, getSink(), cast<ShapedType>(getInput().getType()).getDimSize(0));
}

bool SoftmaxOp::canWriteInPlace(OpOperand &operand) {
  return operand.getOperandNumber() == 0;
}

LogicalResult BandMaskOp::verify() {
  if (failed(verifyScores(*this, getInput(), 3)))
    return failure();
  if (static_cast<int64_t>(getWidth()) < 0)
    return emitOpError("width must not be negative, found ")
           << static_cast<int64_t>(getWidth());
  return success();
}

bool BandMaskOp::canWriteInPlace(OpOperand &operand) {
  return operand.getOperandNumber() == 0;
}

LogicalResult ScoreBiasOp::verify() {
  if (failed(verifyScores(*this, getInput(), 3)))
    return failure();
  return detail::verifyBias(
      *this, getBias(), cast<ShapedType>(getInput().getType()).getDimSize(0),
      getByKey());
}

bool ScoreBiasOp::canWriteInPlace(OpOperand &operand) {
  return operand.getOperandNumber() == 0;
}

LogicalResult ConcatOp::verify() {
  ShapedType output = cast<ComputeOpInterface>(getOperation()).getOutputType();
  int64_t columns = 0;
  for (Value part : {getLhs(), getRhs()}) {
    auto type = cast<ShapedType>(part.getType());
    bool fits = type.getRank() == output.getRank() &&
                type.getElementType() == output.getElementType() &&
                !type.isDynamicDim(type.getRank() - 1);
    for (int64_t dim = 0; fits && dim + 1 < type.getRank(); ++dim)
      fits = type.getDimSize(dim) == 1 ||
             compatible(type.getDimSize(dim), output.getDimSize(dim));
    if (!fits)
      return emitOpError() << "part " << type << " does not fit the result "
                           << output;
    columns += type.getShape().back();
  }
  if (output.getShape().back() != columns)
    return emitOpError() << "gives rows of " << columns << ", the result is "
                         << output;
  return success();
}

LogicalResult DistanceGatherOp::verify() {
  auto input = cast<ShapedType>(getInput().getType());
  auto index = cast<ShapedType>(getIndex().getType());
  ShapedType output = cast<ComputeOpInterface>(getOperation()).getOutputType();
  if (index.getRank() != 1 || !index.getElementType().isSignlessInteger(32) ||
      index.isDynamicDim(0) || index.getDimSize(0) % 2 == 0)
    return emitOpError() << "index " << index << " must be i32 [2 R + 1]";
  if (input.getRank() != 3 || output.getRank() != 3 ||
      !compatible(input.getDimSize(0), output.getDimSize(0)) ||
      !compatible(input.getDimSize(1), output.getDimSize(1)))
    return emitOpError() << "of " << input << " cannot be " << output;
  return success();
}
