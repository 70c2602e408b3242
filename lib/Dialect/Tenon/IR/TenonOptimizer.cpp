//===- TenonOptimizer.cpp - steps of other optimizers ---------------------===//

#include "tenon/Dialect/Tenon/IR/TenonOptimizer.h"
#include "UpdateNumbers.h"
#include "VerifyShapes.h"

using namespace mlir;
using namespace tenon;
using tenon::detail::compatible;

#define GET_OP_CLASSES
#include "tenon/Dialect/Tenon/IR/TenonOptimizerOps.cpp.inc"

static ShapedType shaped(Value value) {
  return cast<ShapedType>(value.getType());
}

static LogicalResult verifyNumbersAndNorm(Operation *op, Value numbers,
                                          Value norm) {
  ShapedType type = shaped(norm);
  if (failed(verifyNumbers(op, numbers)))
    return failure();
  if (type.getShape() != ArrayRef<int64_t>{1, 1} ||
      !type.getElementType().isF32())
    return op->emitOpError() << "needs a norm, f32 [1, 1], found " << type;
  return success();
}

//===----------------------------------------------------------------------===//
// Weights
//===----------------------------------------------------------------------===//

/// A weight that learns, plain f32; null after an error.
static WeightOp findWeight(Operation *op, FlatSymbolRefAttr name,
                           SymbolTableCollection &symbols) {
  auto weight = symbols.lookupNearestSymbolFrom<WeightOp>(op, name);
  if (!weight) {
    op->emitOpError() << "refers to no weight " << name;
    return {};
  }
  if (!isTrainable(weight)) {
    op->emitOpError() << "of " << name
                      << ", which is computed or frozen and not learned";
    return {};
  }
  RankedTensorType type = weight.getTensorType();
  if (!type.getElementType().isF32() || type.getEncoding()) {
    op->emitOpError() << "of " << name << " of type " << type
                      << ": weights that learn are plain f32";
    return {};
  }
  return weight;
}

LogicalResult MomentumUpdateOp::verify() {
  return verifyNumbersAndNorm(*this, getNumbers(), getNorm());
}

LogicalResult
MomentumUpdateOp::verifySymbolUses(SymbolTableCollection &symbols) {
  return success(bool(findWeight(*this, getWeightAttr(), symbols)));
}

/// One layer of a weight that is a matrix, and a tensor of its shape.
static LogicalResult verifyMatrix(Operation *op, FlatSymbolRefAttr name,
                                  Value layer, Value matrix,
                                  SymbolTableCollection &symbols) {
  WeightOp weight = findWeight(op, name, symbols);
  if (!weight)
    return failure();
  if (weight.getStacked() != bool(layer))
    return op->emitOpError()
           << (weight.getStacked()
                   ? "needs a layer index: the weight is stacked"
                   : "has a layer index, the weight none");
  ShapedType type = shaped(matrix);
  if (type.getRank() != 2 ||
      type.getShape() != weight.getLayerType().getShape() ||
      !type.getElementType().isF32())
    return op->emitOpError() << "is of a matrix of f32, as "
                             << weight.getLayerType() << " is, found " << type;
  return success();
}

LogicalResult MuonDirectionOp::verify() {
  return verifyNumbersAndNorm(*this, getNumbers(), getNorm());
}

LogicalResult
MuonDirectionOp::verifySymbolUses(SymbolTableCollection &symbols) {
  return verifyMatrix(*this, getWeightAttr(), getLayer(), getResult(), symbols);
}

LogicalResult MuonUpdateOp::verify() {
  return verifyNumbers(*this, getNumbers());
}

LogicalResult MuonUpdateOp::verifySymbolUses(SymbolTableCollection &symbols) {
  return verifyMatrix(*this, getWeightAttr(), getLayer(), getDirection(),
                      symbols);
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

static void changes(Effects &effects, ArrayRef<OpOperand *> operands) {
  for (OpOperand *operand : operands) {
    addEffect(effects, MemoryEffects::Read::get(), *operand);
    addEffect(effects, MemoryEffects::Write::get(), *operand);
  }
}

/// All are f32 of one shape and of so many dimensions.
static LogicalResult verifyAlike(Operation *op, int64_t rank,
                                 ValueRange memories) {
  ShapedType first = shaped(memories.front());
  for (Value memory : memories) {
    ShapedType type = shaped(memory);
    if (type.getRank() != rank || !type.getElementType().isF32() ||
        !llvm::equal(type.getShape(), first.getShape(), compatible))
      return op->emitOpError()
             << "needs memories of as many f32, of rank " << rank << ", found "
             << first << " and " << type;
  }
  return success();
}

void MomentumOp::getEffects(Effects &effects) {
  changes(effects,
          {&getWeightMutable(), &getGradientMutable(), &getFirstMutable()});
  addEffect(effects, MemoryEffects::Read::get(), getNumbersMutable());
  addEffect(effects, MemoryEffects::Read::get(), getNormMutable());
}

LogicalResult MomentumOp::verify() {
  if (failed(verifyAlike(*this, 1, {getWeight(), getGradient(), getFirst()})))
    return failure();
  return verifyNumbersAndNorm(*this, getNumbers(), getNorm());
}

void LeanOp::getEffects(Effects &effects) {
  changes(effects, {&getGradientMutable(), &getFirstMutable()});
  addEffect(effects, MemoryEffects::Read::get(), getNumbersMutable());
  addEffect(effects, MemoryEffects::Read::get(), getNormMutable());
  addEffect(effects, MemoryEffects::Write::get(), getOutMutable());
}

LogicalResult LeanOp::verify() {
  if (failed(verifyAlike(*this, 2, {getGradient(), getFirst(), getOut()})))
    return failure();
  return verifyNumbersAndNorm(*this, getNumbers(), getNorm());
}

void StepAlongOp::getEffects(Effects &effects) {
  changes(effects, {&getWeightMutable()});
  addEffect(effects, MemoryEffects::Read::get(), getDirectionMutable());
  addEffect(effects, MemoryEffects::Read::get(), getNumbersMutable());
}

LogicalResult StepAlongOp::verify() {
  if (failed(verifyAlike(*this, 2, {getWeight(), getDirection()})))
    return failure();
  return verifyNumbers(*this, getNumbers());
}
