//===- TenonMixture.cpp - mixtures of experts -----------------------------===//

#include "tenon/Dialect/Tenon/IR/TenonMixture.h"
#include "VerifyShapes.h"

#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace tenon;
using tenon::detail::compatible;

#define GET_OP_CLASSES
#include "tenon/Dialect/Tenon/IR/TenonMixtureOps.cpp.inc"

int64_t tenon::getMostNonzero(Value gates) {
  auto type = cast<ShapedType>(gates.getType());
  int64_t columns = type.getShape().back();
  for (Value value = gates;;) {
    Operation *op = value.getDefiningOp();
    if (auto top = dyn_cast_or_null<TopKOp>(op))
      return std::min<int64_t>(top.getK(), columns);
    // 0 / y and 0 * y are 0, whatever y (of numbers).
    if (!isa_and_nonnull<ScaleOp, DivOp, MulOp>(op) ||
        op->getOperand(0).getType() != value.getType())
      return columns;
    value = op->getOperand(0);
  }
}

//===----------------------------------------------------------------------===//
// Tensors
//===----------------------------------------------------------------------===//

LogicalResult TopKOp::verify() {
  auto input = cast<ShapedType>(getInput().getType());
  ShapedType output = cast<ComputeOpInterface>(getOperation()).getOutputType();
  auto sameShape = [&](ShapedType other) {
    return succeeded(verifyCompatibleShape(input.getShape(), other.getShape()));
  };
  if (input.getRank() != 2 || input.isDynamicDim(1))
    return emitOpError("needs rows of a known size, found ") << input;
  if (!sameShape(output))
    return emitOpError() << "result " << output << " must be like " << input;
  if (getBy() && !sameShape(cast<ShapedType>(getBy().getType())))
    return emitOpError() << "by " << getBy().getType() << " must be like "
                         << input;
  int64_t columns = input.getDimSize(1), groups = getGroups();
  if (groups < 1 || columns % groups)
    return emitOpError() << columns << " columns do not make " << groups
                         << " groups";
  int64_t size = columns / groups, keep = getKeep(), best = getBest();
  int64_t k = getK();
  if (keep < 1 || keep > groups || best < 1 || best > size)
    return emitOpError() << "keeps " << keep << " of " << groups
                         << " groups by " << best << " of " << size
                         << " columns";
  if (k < 1 || k > keep * size)
    return emitOpError() << "takes " << k << " of " << keep * size
                         << " columns";
  return success();
}

LogicalResult tenon::detail::verifyExperts(Operation *op,
                                           RankedTensorType gates, int64_t top,
                                           int64_t experts, ValueRange inputs,
                                           Type last) {
  if (gates.getRank() != 2 || gates.getDimSize(1) != experts)
    return op->emitOpError()
           << "gates " << gates << " must have " << experts << " columns";
  if (top < 1 || top > experts)
    return op->emitOpError() << "top " << top << " of " << experts;
  if (inputs.empty())
    return op->emitOpError("needs an input");
  SmallVector<Type> types(inputs.getTypes());
  types.push_back(last);
  for (Type type : types) {
    auto rows = cast<RankedTensorType>(type);
    if (rows.getRank() != 2 || rows.isDynamicDim(1) ||
        !compatible(rows.getDimSize(0), gates.getDimSize(0)))
      return op->emitOpError()
             << type << " must have a row for each of gates " << gates;
  }
  return success();
}

LogicalResult MixtureOp::verify() {
  return tenon::detail::verifyExperts(
      *this, cast<RankedTensorType>(getGates().getType()), getTop(),
      getExperts(), getInputs(), getResult().getType());
}

LogicalResult MixtureOp::verifyRegions() {
  Block &block = getBody().front();
  size_t count = getInputs().size();
  if (block.getNumArguments() != count + 1 ||
      !isa<IndexType>(getExpert().getType()))
    return emitOpError("body takes rows of each input, and the expert");
  auto isRowsOf = [](Type rows, Type all) {
    auto some = dyn_cast<RankedTensorType>(rows);
    auto type = cast<RankedTensorType>(all);
    return some && some.getRank() == 2 &&
           some.getDimSize(1) == type.getDimSize(1) &&
           some.getElementType() == type.getElementType();
  };
  for (auto [argument, input] : llvm::zip(block.getArguments(), getInputs()))
    if (!isRowsOf(argument.getType(), input.getType()))
      return emitOpError() << "body takes " << argument.getType()
                           << ", which are no rows of " << input.getType();
  auto yield = cast<MixtureYieldOp>(block.getTerminator());
  if (!isRowsOf(yield.getValue().getType(), getResult().getType()))
    return emitOpError() << "body gives " << yield.getValue().getType()
                         << ", which are no rows of " << getResult().getType();
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

void RouteOp::getEffects(Effects &effects) {
  addEffect(effects, MemoryEffects::Read::get(), getGatesMutable());
  addEffect(effects, MemoryEffects::Write::get(), getRowsMutable());
  addEffect(effects, MemoryEffects::Write::get(), getWeightsMutable());
  addEffect(effects, MemoryEffects::Write::get(), getOffsetsMutable());
}

LogicalResult RouteOp::verify() {
  auto gates = cast<MemRefType>(getGates().getType());
  auto rows = cast<MemRefType>(getRows().getType());
  auto weights = cast<MemRefType>(getWeights().getType());
  auto offsets = cast<MemRefType>(getOffsets().getType());
  if (gates.getRank() != 2 || gates.isDynamicDim(1))
    return emitOpError("gates must be rows of a known size, found ") << gates;
  int64_t top = getTop();
  if (top < 1 || top > gates.getDimSize(1))
    return emitOpError() << "top " << top << " of " << gates.getDimSize(1);
  if (rows.getRank() != 1 || !rows.getElementType().isInteger(32) ||
      weights.getRank() != 1 || !weights.getElementType().isF32() ||
      rows.getDimSize(0) != weights.getDimSize(0))
    return emitOpError() << "rows " << rows << " and weights " << weights
                         << " must be as many i32 and f32";
  if (!gates.isDynamicDim(0) && !rows.isDynamicDim(0) &&
      rows.getDimSize(0) / top < gates.getDimSize(0))
    return emitOpError() << "rows " << rows << " have no room for " << top
                         << " of each row of " << gates;
  if (offsets.getRank() != 1 || !offsets.getElementType().isIndex() ||
      offsets.getDimSize(0) != gates.getDimSize(1) + 1)
    return emitOpError() << "offsets must be " << gates.getDimSize(1) + 1
                         << " of index, found " << offsets;
  return success();
}

void ScatterAddOp::getEffects(Effects &effects) {
  addEffect(effects, MemoryEffects::Read::get(), getInputMutable());
  addEffect(effects, MemoryEffects::Read::get(), getRowsMutable());
  for (OpOperand &weights : getWeightsMutable())
    addEffect(effects, MemoryEffects::Read::get(), weights);
  addEffect(effects, MemoryEffects::Read::get(), getOutMutable());
  addEffect(effects, MemoryEffects::Write::get(), getOutMutable());
}

LogicalResult ScatterAddOp::verify() {
  auto input = cast<MemRefType>(getInput().getType());
  auto rows = cast<MemRefType>(getRows().getType());
  auto out = cast<MemRefType>(getOut().getType());
  if (input.getRank() != 2 || out.getRank() != 2 ||
      input.getDimSize(1) != out.getDimSize(1))
    return emitOpError() << "rows of " << input << " do not fit " << out;
  auto isOneEach = [&](MemRefType type) {
    return type.getRank() == 1 &&
           compatible(type.getDimSize(0), input.getDimSize(0));
  };
  if (!isOneEach(rows) || !rows.getElementType().isInteger(32))
    return emitOpError() << "needs an i32 for each row of " << input
                         << ", found " << rows;
  if (!getWeights())
    return success();
  auto weights = cast<MemRefType>(getWeights().getType());
  if (!isOneEach(weights) || !weights.getElementType().isF32())
    return emitOpError() << "needs an f32 for each row of " << input
                         << ", found " << weights;
  return success();
}

void ClearOp::getEffects(Effects &effects) {
  addEffect(effects, MemoryEffects::Write::get(), getOutMutable());
}
