//===- TenonTraining.cpp - what learning computes -------------------------===//

#include "tenon/Dialect/Tenon/IR/TenonTraining.h"
#include "UpdateNumbers.h"
#include "VerifyShapes.h"
#include "tenon/Dialect/Tenon/IR/Adapters.h"
#include "tenon/Dialect/Tenon/IR/TenonMixture.h"
#include "tenon/Dialect/Tenon/IR/TenonOptimizer.h"

#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace tenon;
using tenon::detail::compatible;
using tenon::detail::expectSameShape;

#define GET_OP_CLASSES
#include "tenon/Dialect/Tenon/IR/TenonTrainingOps.cpp.inc"

bool tenon::isTrainable(WeightOp weight) {
  return isa<FloatType>(weight.getTensorType().getElementType()) &&
         !weight->hasAttr(kFrozenAttrName) &&
         llvm::all_of(weight.getSources(), llvm::IsaPred<SourceAttr>);
}

bool tenon::isTrainingMemoryOp(Operation *op) {
  return isa<GradientOp, GradientNormOp, UpdateOp, MomentumUpdateOp,
             MuonDirectionOp>(op);
}

static ShapedType shaped(Value value) {
  return cast<ShapedType>(value.getType());
}

static ShapedType outputOf(Operation *op) {
  return cast<ComputeOpInterface>(op).getOutputType();
}

//===----------------------------------------------------------------------===//
// Tensors
//===----------------------------------------------------------------------===//

LogicalResult ZeroPadOp::verify() {
  ShapedType input = shaped(getInput()), output = outputOf(*this);
  int64_t offset = getOffset();
  // Subtracting does not wrap: both are sizes, or the offset is not negative.
  if (input.getRank() != output.getRank() || offset < 0 ||
      failed(verifyCompatibleShape(input.getShape().drop_back(),
                                   output.getShape().drop_back())) ||
      ShapedType::isDynamic(input.getShape().back()) ||
      ShapedType::isDynamic(output.getShape().back()) ||
      offset > output.getShape().back() - input.getShape().back())
    return emitOpError() << input << " has no place at " << offset << " of "
                         << output;
  return success();
}

LogicalResult SumHeadsOp::verify() {
  ShapedType input = shaped(getInput()), output = outputOf(*this);
  if (input.getRank() != 3 || output.getRank() != 3 ||
      !detail::sharesHeads(input.getDimSize(0), output.getDimSize(0)) ||
      failed(verifyCompatibleShape(input.getShape().drop_front(),
                                   output.getShape().drop_front())))
    return emitOpError() << "heads of " << input << " do not make those of "
                         << output;
  return success();
}

LogicalResult ActivationGradientOp::verify() {
  Value output = cast<ComputeOpInterface>(getOperation()).getOutput();
  if (failed(expectSameShape(*this, getGradient(), "gradient", getInput(),
                             "input")))
    return failure();
  return expectSameShape(*this, getInput(), "input", output, "result");
}

bool ActivationGradientOp::canWriteInPlace(OpOperand &operand) {
  return operand.getOperandNumber() < 2 && getGradient() != getInput();
}

/// Logits [T, V] and as many targets, i32.
static LogicalResult verifyTargets(Operation *op, Value logits, Value targets) {
  ShapedType rows = shaped(logits), ids = shaped(targets);
  if (rows.getRank() != 2 || rows.isDynamicDim(1))
    return op->emitOpError("logits must be rows of a known size, found ")
           << rows;
  if (ids.getRank() != 1 || !ids.getElementType().isInteger(32) ||
      !compatible(ids.getDimSize(0), rows.getDimSize(0)))
    return op->emitOpError() << "needs an i32 target for each row of " << rows
                             << ", found " << ids;
  return success();
}

LogicalResult CrossEntropyOp::verify() {
  if (failed(verifyTargets(*this, getLogits(), getTargets())))
    return failure();
  ShapedType rows = shaped(getLogits()), output = outputOf(*this);
  if (output.getRank() != 2 || output.getDimSize(1) != 1 ||
      !compatible(output.getDimSize(0), rows.getDimSize(0)))
    return emitOpError() << "result " << output
                         << " must be one number for each row of " << rows;
  return success();
}

LogicalResult CrossEntropyGradientOp::verify() {
  if (failed(verifyTargets(*this, getLogits(), getTargets())))
    return failure();
  return expectSameShape(*this, getLogits(), "logits",
                         cast<ComputeOpInterface>(getOperation()).getOutput(),
                         "result");
}

bool CrossEntropyGradientOp::canWriteInPlace(OpOperand &operand) {
  return operand.get() == getLogits();
}

LogicalResult ZerosLikeOp::verify() {
  return expectSameShape(*this, getInput(), "input",
                         cast<ComputeOpInterface>(getOperation()).getOutput(),
                         "result");
}

LogicalResult ClampGradientOp::verify() {
  Value output = cast<ComputeOpInterface>(getOperation()).getOutput();
  if (failed(expectSameShape(*this, getGradient(), "gradient", getInput(),
                             "input")))
    return failure();
  return expectSameShape(*this, getInput(), "input", output, "result");
}

bool ClampGradientOp::canWriteInPlace(OpOperand &operand) {
  return operand.getOperandNumber() < 2 && getGradient() != getInput();
}

LogicalResult ScoreBiasGradientOp::verify() {
  ShapedType scores = shaped(getGradient()), output = outputOf(*this);
  if (scores.getRank() != 3)
    return emitOpError("needs scores of rank 3, found ") << scores;
  if (output.getRank() != 2 ||
      !compatible(output.getDimSize(0), scores.getDimSize(0)) ||
      output.isDynamicDim(1) || output.getDimSize(1) % 2 == 0)
    return emitOpError() << "result " << output << " must be ["
                         << scores.getDimSize(0) << ", 2 R + 1]";
  return success();
}

LogicalResult DistanceGatherGradientOp::verify() {
  ShapedType scores = shaped(getGradient()), index = shaped(getIndex()),
             output = outputOf(*this);
  if (index.getRank() != 1 || !index.getElementType().isSignlessInteger(32) ||
      index.isDynamicDim(0) || index.getDimSize(0) % 2 == 0)
    return emitOpError() << "index " << index << " must be i32 [2 R + 1]";
  if (scores.getRank() != 3 || output.getRank() != 3 ||
      failed(verifyCompatibleShape(scores.getShape().drop_back(),
                                   output.getShape().drop_back())))
    return emitOpError() << "of " << scores << " cannot be " << output;
  return success();
}

LogicalResult PadRowsOp::verify() {
  ShapedType input = shaped(getInput()), output = outputOf(*this);
  int64_t offset = getOffset();
  if (failed(expectSameShape(
          *this, getLike(), "like",
          cast<ComputeOpInterface>(getOperation()).getOutput(), "result")))
    return failure();
  auto hasPlace = [&] {
    if (input.getRank() != 2 || output.getRank() != 2 ||
        input.isDynamicDim(0) || input.getDimSize(1) != output.getDimSize(1))
      return false;
    int64_t rows = input.getDimSize(0);
    // From the end; neither negating nor subtracting wraps.
    if (offset < 0 && offset > -rows)
      return false;
    if (output.isDynamicDim(0))
      return true;
    int64_t whole = output.getDimSize(0);
    return offset < 0 ? offset >= -whole && rows <= whole
                      : offset <= whole - rows;
  };
  if (!hasPlace())
    return emitOpError() << input << " has no place at row " << offset << " of "
                         << output;
  return success();
}

LogicalResult MixtureGradientOp::verify() {
  auto gates = cast<RankedTensorType>(getGates().getType());
  if (failed(tenon::detail::verifyExperts(*this, gates, getTop(), getExperts(),
                                          getInputs(),
                                          getGradient().getType())))
    return failure();
  SmallVector<Type> types(getInputs().getTypes());
  types.push_back(gates);
  if (types != SmallVector<Type>(getResults().getTypes()))
    return emitOpError("gives gradients of its inputs and of its gates");
  return success();
}

LogicalResult MixtureGradientOp::verifyRegions() {
  Block &block = getBody().front();
  // Some rows of each, however many: those of gates have one column.
  SmallVector<Type> given, wanted;
  auto rowsOf = [](Type type, int64_t columns) -> Type {
    return cast<RankedTensorType>(type).clone({ShapedType::kDynamic, columns});
  };
  auto columnsOf = [](Type type) {
    return cast<RankedTensorType>(type).getDimSize(1);
  };
  for (Type type : getInputs().getTypes())
    given.push_back(rowsOf(type, columnsOf(type)));
  given.push_back(rowsOf(getGates().getType(), 1));
  wanted = given;
  given.push_back(
      rowsOf(getGradient().getType(), columnsOf(getGradient().getType())));
  given.push_back(IndexType::get(getContext()));
  if (SmallVector<Type>(block.getArgumentTypes()) != given)
    return emitOpError("body takes rows of each input, of a gate and of the "
                       "gradient, and the expert");
  auto yield = cast<MixtureGradientYieldOp>(block.getTerminator());
  if (SmallVector<Type>(yield.getValues().getTypes()) != wanted)
    return emitOpError("body gives rows of each input, and of a gate");
  return success();
}

LogicalResult SqueezeOp::verify() {
  auto input = cast<RankedTensorType>(getInput().getType());
  RankedTensorType output = getType();
  int64_t dropped = input.getRank() - output.getRank();
  if (dropped < 0 || output.getRank() < 1 ||
      input.getElementType() != output.getElementType() ||
      input.getShape().drop_front(dropped) != output.getShape() ||
      !llvm::all_of(input.getShape().take_front(dropped),
                    [](int64_t extent) { return extent == 1; }))
    return emitOpError() << input << " without leading dimensions of 1 is not "
                         << output;
  return success();
}

//===----------------------------------------------------------------------===//
// Gradients of weights
//===----------------------------------------------------------------------===//

LogicalResult GradientOp::verifySymbolUses(SymbolTableCollection &symbols) {
  auto weight =
      symbols.lookupNearestSymbolFrom<WeightOp>(*this, getWeightAttr());
  if (!weight)
    return emitOpError() << "refers to no weight @" << getWeight();
  if (!isTrainable(weight))
    return emitOpError() << "of @" << getWeight()
                         << ", which is computed and has no gradient";
  if (weight.getStacked() != bool(getLayer()))
    return emitOpError() << (weight.getStacked()
                                 ? "needs a layer index: the weight is stacked"
                                 : "has a layer index, the weight none");
  auto type = cast<MemRefType>(getResult().getType());
  if (type.getShape() != weight.getLayerType().getShape() ||
      !type.getElementType().isF32())
    return emitOpError() << "is f32 of the weight's shape "
                         << weight.getLayerType() << ", found " << type;
  return success();
}

LogicalResult AddGradientOp::verify() {
  return expectSameShape(*this, getInput(), "input", getInto(), "gradient");
}

LogicalResult WeightGradientOp::verify() {
  ShapedType dy = shaped(getGradient()), x = shaped(getInput()),
             into = shaped(getInto());
  if (dy.getRank() != 2 || x.getRank() != 2 || into.getRank() != 2 ||
      !compatible(dy.getDimSize(0), x.getDimSize(0)) ||
      dy.getDimSize(1) != into.getDimSize(0) ||
      x.getDimSize(1) != into.getDimSize(1))
    return emitOpError() << dy << " and " << x << " do not make " << into;
  return success();
}

LogicalResult EmbeddingGradientOp::verify() {
  ShapedType ids = shaped(getIds()), dy = shaped(getGradient()),
             into = shaped(getInto());
  if (ids.getRank() != 1 || !ids.getElementType().isInteger(32) ||
      dy.getRank() != 2 || into.getRank() != 2 ||
      !compatible(ids.getDimSize(0), dy.getDimSize(0)) ||
      dy.getDimSize(1) != into.getDimSize(1))
    return emitOpError() << "rows " << dy << " at " << ids << " do not fit "
                         << into;
  return success();
}

//===----------------------------------------------------------------------===//
// Values kept
//===----------------------------------------------------------------------===//

/// A stash has a place of the value's shape for each trip.
static LogicalResult verifyStash(Operation *op, Value stash, Value value) {
  ShapedType all = shaped(stash), one = shaped(value);
  if (all.getRank() != one.getRank() + 1 || all.isDynamicDim(0) ||
      all.getShape().drop_front() != one.getShape() ||
      all.getElementType() != one.getElementType())
    return op->emitOpError()
           << "stash " << all << " does not hold values " << one;
  return success();
}

LogicalResult StashOp::verify() {
  ShapedType all = shaped(getResult()), like = shaped(getLike());
  if (all.getRank() < 2 || all.isDynamicDim(0))
    return emitOpError() << all
                         << " does not hold a value for each of so many "
                            "trips";
  if (!all.hasStaticShape() && like.hasStaticShape())
    return emitOpError() << "of " << like << " has no number of tokens for "
                         << all;
  return success();
}
LogicalResult KeepOp::verify() {
  return verifyStash(*this, getStash(), getValue());
}
LogicalResult KeptOp::verify() {
  return verifyStash(*this, getStash(), getResult());
}

//===----------------------------------------------------------------------===//
// The step
//===----------------------------------------------------------------------===//

static LogicalResult verifyNorm(Operation *op, Value norm) {
  ShapedType type = shaped(norm);
  if (type.getShape() != ArrayRef<int64_t>{1, 1} ||
      !type.getElementType().isF32())
    return op->emitOpError() << "needs a norm, f32 [1, 1], found " << type;
  return success();
}

LogicalResult GradientNormOp::verify() {
  return success(succeeded(verifyNumbers(*this, getNumbers())) &&
                 succeeded(verifyNorm(*this, getResult())));
}

LogicalResult UpdateOp::verify() {
  return success(succeeded(verifyNumbers(*this, getNumbers())) &&
                 succeeded(verifyNorm(*this, getNorm())));
}

LogicalResult UpdateOp::verifySymbolUses(SymbolTableCollection &symbols) {
  auto weight =
      symbols.lookupNearestSymbolFrom<WeightOp>(*this, getWeightAttr());
  if (!weight)
    return emitOpError() << "refers to no weight @" << getWeight();
  if (!isTrainable(weight))
    return emitOpError() << "of @" << getWeight()
                         << ", which is computed and not learned";
  RankedTensorType type = weight.getTensorType();
  if (!type.getElementType().isF32() || type.getEncoding())
    return emitOpError() << "of @" << getWeight() << " of type " << type
                         << ": weights that learn are plain f32";
  return success();
}

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

using Effects =
    SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>>;

static void addEffect(Effects &effects, MemoryEffects::Effect *effect,
                      OpOperand &operand) {
  effects.emplace_back(effect, &operand, SideEffects::DefaultResource::get());
}

static bool isVector(Value value, int64_t size) {
  ShapedType type = shaped(value);
  return type.getRank() == 1 && type.getDimSize(0) == size &&
         type.getElementType().isF32();
}

void SumSquaresOp::getEffects(Effects &effects) {
  addEffect(effects, MemoryEffects::Read::get(), getInputMutable());
  addEffect(effects, MemoryEffects::Write::get(), getOutMutable());
}

LogicalResult SumSquaresOp::verify() {
  ShapedType input = shaped(getInput()), out = shaped(getOut());
  if (input.getRank() != 1 || input.isDynamicDim(0) ||
      !input.getElementType().isF32() ||
      !isVector(getOut(), llvm::divideCeil(input.getDimSize(0), kBlock)))
    return emitOpError() << input << " does not make one sum for each "
                         << kBlock << " elements, " << out;
  return success();
}

void NormOfSumsOp::getEffects(Effects &effects) {
  addEffect(effects, MemoryEffects::Read::get(), getInputMutable());
  addEffect(effects, MemoryEffects::Read::get(), getNumbersMutable());
  addEffect(effects, MemoryEffects::Write::get(), getOutMutable());
}

LogicalResult NormOfSumsOp::verify() {
  ShapedType input = shaped(getInput());
  if (input.getRank() != 1 || !input.getElementType().isF32())
    return emitOpError() << "needs sums, f32 [N], found " << input;
  return success(succeeded(verifyNumbers(*this, getNumbers())) &&
                 succeeded(verifyNorm(*this, getOut())));
}

void AdamWOp::getEffects(Effects &effects) {
  for (OpOperand *operand : {&getWeightMutable(), &getGradientMutable(),
                             &getFirstMutable(), &getSecondMutable()}) {
    addEffect(effects, MemoryEffects::Read::get(), *operand);
    addEffect(effects, MemoryEffects::Write::get(), *operand);
  }
  addEffect(effects, MemoryEffects::Read::get(), getNumbersMutable());
  addEffect(effects, MemoryEffects::Read::get(), getNormMutable());
}

LogicalResult AdamWOp::verify() {
  ShapedType weight = shaped(getWeight());
  for (Value other : {getWeight(), getGradient(), getFirst(), getSecond()}) {
    ShapedType type = shaped(other);
    if (type.getRank() != 1 || !type.getElementType().isF32() ||
        !compatible(type.getDimSize(0), weight.getDimSize(0)))
      return emitOpError() << "weight, gradient and moments must be as many "
                              "f32, found "
                           << weight << " and " << type;
  }
  return success(succeeded(verifyNumbers(*this, getNumbers())) &&
                 succeeded(verifyNorm(*this, getNorm())));
}
