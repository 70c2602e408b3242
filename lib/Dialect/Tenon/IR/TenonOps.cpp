//===- TenonOps.cpp - primitive operations --------------------------------===//

#include "VerifyShapes.h"
#include "tenon/Dialect/Tenon/IR/Plan.h"
#include "tenon/Dialect/Tenon/IR/TenonMixture.h"

#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace tenon;
using tenon::detail::compatible;
using tenon::detail::expectSameShape;
using tenon::detail::foldToInput;

//===----------------------------------------------------------------------===//
// What compute operations share
//===----------------------------------------------------------------------===//

void tenon::detail::getComputeEffects(
    Operation *op,
    SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>>
        &effects) {
  auto compute = cast<ComputeOpInterface>(op);
  if (!compute.isBufferForm())
    return;
  Value out = compute.getOut();
  for (OpOperand &operand : op->getOpOperands()) {
    if (!isa<MemRefType>(operand.get().getType()))
      continue;
    if (operand.get() == out)
      effects.emplace_back(MemoryEffects::Write::get(), &operand,
                           SideEffects::DefaultResource::get());
    else
      effects.emplace_back(MemoryEffects::Read::get(), &operand,
                           SideEffects::DefaultResource::get());
  }
}

/// Layout is in the type (I4): only what reads panels takes a packed weight.
static LogicalResult expectPlain(Operation *op, Value operand) {
  if (!getPanel(operand.getType()))
    return success();
  if (auto linear = dyn_cast<LinearOp>(op))
    if (operand == linear.getWeight())
      return success();
  if (auto embedding = dyn_cast<EmbeddingOp>(op))
    if (operand == embedding.getTable())
      return success();
  return op->emitOpError("reads no packed weight, found ") << operand.getType();
}

LogicalResult tenon::detail::verifyComputeOp(Operation *op) {
  auto compute = cast<ComputeOpInterface>(op);
  bool hasOut = bool(compute.getOut()), hasResult = op->getNumResults() == 1;
  if (hasOut == hasResult)
    return op->emitOpError("needs either a tensor result or an 'into' memref");
  for (Type type :
       llvm::concat<Type>(op->getOperandTypes(), op->getResultTypes()))
    if (auto shaped = dyn_cast<ShapedType>(type); shaped && !shaped.getRank())
      return op->emitOpError("needs rank 1 or more, found ") << type;
  for (Value operand : op->getOperands()) {
    if (hasResult && isa<MemRefType>(operand.getType()))
      return op->emitOpError("on tensors has a memref operand");
    if (hasOut && isa<RankedTensorType>(operand.getType()))
      return op->emitOpError("on memrefs has a tensor operand");
    if (failed(expectPlain(op, operand)))
      return failure();
  }
  return success();
}

static LogicalResult expectRank(Operation *op, Value value, int64_t rank,
                                StringRef what) {
  auto type = cast<ShapedType>(value.getType());
  if (type.getRank() != rank)
    return op->emitOpError()
           << what << " must have rank " << rank << ", found " << type;
  return success();
}

LogicalResult tenon::detail::expectSameShape(Operation *op, Value a,
                                             StringRef nameA, Value b,
                                             StringRef nameB) {
  auto typeA = cast<ShapedType>(a.getType());
  auto typeB = cast<ShapedType>(b.getType());
  if (failed(verifyCompatibleShape(typeA.getShape(), typeB.getShape())))
    return op->emitOpError() << nameA << " " << typeA << " and " << nameB << " "
                             << typeB << " must have the same shape";
  return success();
}

static LogicalResult expectVector(Operation *op, Value value, int64_t size,
                                  StringRef what) {
  if (failed(expectRank(op, value, 1, what)))
    return failure();
  int64_t found = cast<ShapedType>(value.getType()).getDimSize(0);
  if (!compatible(found, size))
    return op->emitOpError()
           << what << " must have " << size << " elements, found " << found;
  return success();
}

static int64_t lastDim(Value value) {
  return cast<ShapedType>(value.getType()).getShape().back();
}

//===----------------------------------------------------------------------===//
// Weights
//===----------------------------------------------------------------------===//

RankedTensorType WeightOp::getLayerType() {
  RankedTensorType type = getTensorType();
  if (!getStacked())
    return type;
  return RankedTensorType::get(type.getShape().drop_front(),
                               type.getElementType(), type.getEncoding());
}

LogicalResult WeightOp::verify() {
  auto type = dyn_cast<RankedTensorType>(getType());
  if (!type || !type.hasStaticShape())
    return emitOpError("type must be a tensor of static shape, found ")
           << getType();
  if (getStacked() && type.getRank() < 2)
    return emitOpError("stacked over layers must have rank 2 or more");
  if (type.getRank() < 1)
    return emitOpError("type must have rank 1 or more, found ") << type;
  RankedTensorType layer = getLayerType();
  int64_t experts = getExperts(*this);
  if (experts > 1 && (!getStacked() || getNumLayers() % experts != 0))
    return emitOpError() << "has " << experts
                         << " experts in each layer, but holds "
                         << (getStacked() ? getNumLayers() : 0);
  if (std::optional<ArrayRef<int64_t>> layers = getLayers()) {
    int64_t held = getStacked() ? getNumLayers() / experts : 0;
    if (static_cast<int64_t>(layers->size()) != held)
      return emitOpError() << "names " << layers->size()
                           << " layers, but holds " << held;
    if (llvm::any_of(*layers, [](int64_t number) { return number < 0; }))
      return emitOpError("names a layer below 0");
  }
  if (auto mixed = dyn_cast<MixedType>(type.getElementType()))
    if (!getStacked() ||
        static_cast<int64_t>(mixed.getLayers().size()) != getNumLayers())
      return emitOpError() << "of type " << type << " must be stacked over "
                           << mixed.getLayers().size() << " layers";
  if (getSources().empty())
    return emitOpError("needs a source");
  if (isa<RopeTableAttr>(getSources()[0])) {
    auto table = cast<RopeTableAttr>(getSources()[0]);
    if (table.getFrequencies().empty())
      return emitOpError("of a rotary table needs frequencies");
    if (getSources().size() != 1 || getStacked() || layer.getRank() != 2 ||
        layer.getDimSize(1) != 2 * table.getFrequencies().size())
      return emitOpError("of a rotary table must be [context, ")
             << 2 * table.getFrequencies().size() << "], found " << type;
    return success();
  }
  if (isa<RelativeBucketsAttr, AlibiAttr>(getSources()[0]))
    return detail::verifyBiasWeight(*this);
  if (isa<DistanceIndexAttr>(getSources()[0])) {
    if (getSources().size() != 1 || getStacked() || layer.getRank() != 1 ||
        !layer.getElementType().isSignlessInteger(32) ||
        layer.getDimSize(0) % 2 == 0)
      return emitOpError("of distances must be i32 [2 R + 1], found ") << type;
    return success();
  }
  if (auto table = dyn_cast<SinusoidTableAttr>(getSources()[0])) {
    int64_t width = 2 * table.getFrequencies().size();
    if (width == 0)
      return emitOpError("of a table of sinusoids needs frequencies");
    if (getSources().size() != 1 || getStacked() || layer.getRank() != 2 ||
        layer.getDimSize(1) != width)
      return emitOpError("of a table of sinusoids must be [positions, ")
             << width << "], found " << type;
    return success();
  }
  int64_t rows = 0;
  for (Attribute attr : getSources()) {
    auto source = dyn_cast<SourceAttr>(attr);
    if (!source)
      return emitOpError("source must be #tenon.source, or a computed one: "
                         "#tenon.rope_table, #tenon.relative_buckets, "
                         "#tenon.alibi, #tenon.distance_index");
    if (getStacked() != source.getName().contains("{i}"))
      return emitOpError() << "stacked and '{i}' in the name \""
                           << source.getName() << "\" must go together";
    SmallVector<int64_t> shape = source.getWeightShape();
    // A convolution's weight, [out, in, size], as the matrix [out, in * size].
    if (source.getType().hasStaticShape() && layer.getRank() == 2 &&
        shape.size() > 2 && !source.getTransposed() &&
        source.getType().getNumElements() == shape[0] * layer.getDimSize(1))
      shape = {shape[0], layer.getDimSize(1)};
    if (!source.getType().hasStaticShape() ||
        static_cast<int64_t>(shape.size()) != layer.getRank() ||
        ArrayRef(shape).drop_front() != layer.getShape().drop_front())
      return emitOpError() << "source \"" << source.getName() << "\" of type "
                           << source.getType() << " does not give rows of "
                           << layer;
    rows += shape[0];
  }
  if (rows != layer.getDimSize(0))
    return emitOpError() << "has " << layer.getDimSize(0)
                         << " rows, its sources give " << rows;
  return success();
}

LogicalResult
WeightRefOp::verifySymbolUses(SymbolTableCollection &symbolTable) {
  auto weight =
      symbolTable.lookupNearestSymbolFrom<WeightOp>(*this, getWeightAttr());
  if (!weight)
    return emitOpError() << "refers to no weight @" << getWeight();
  if (weight.getStacked() != bool(getLayer()))
    return emitOpError() << (weight.getStacked()
                                 ? "needs a layer index: the weight is stacked"
                                 : "has a layer index, the weight none");
  RankedTensorType expected = weight.getLayerType();
  if (auto tensor = dyn_cast<RankedTensorType>(getType())) {
    if (tensor != expected)
      return emitOpError() << "has type " << tensor << ", the weight gives "
                           << expected;
    return success();
  }
  SmallVector<int64_t> shape(expected.getShape());
  Type element = expected.getElementType();
  if (PanelAttr panel = getPanel(expected)) {
    shape = panel.getPackedShape(shape, element);
    element = panel.getPackedElement(element);
  }
  auto memref = cast<MemRefType>(getType());
  if (memref.getShape() != ArrayRef(shape) ||
      memref.getElementType() != element)
    return emitOpError() << "has type " << memref << ", which does not hold "
                         << expected;
  return success();
}

//===----------------------------------------------------------------------===//
// Tokens and positions
//===----------------------------------------------------------------------===//

LogicalResult EmbeddingOp::verify() {
  if (failed(expectRank(*this, getIds(), 1, "ids")))
    return failure();
  ShapedType output = cast<ComputeOpInterface>(getOperation()).getOutputType();
  if (output.getRank() != 2)
    return emitOpError("result must have rank 2");
  if (!compatible(lastDim(getIds()), output.getDimSize(0)))
    return emitOpError() << "ids " << getIds().getType()
                         << " do not fit the result " << output;
  auto table = dyn_cast<RankedTensorType>(getTable().getType());
  if (table &&
      (table.getRank() != 2 || table.getDimSize(1) != output.getDimSize(1)))
    return emitOpError() << "rows of " << getTable().getType()
                         << " do not fit the result " << output;
  return success();
}

LogicalResult PositionsOp::verify() {
  if (failed(expectRank(*this, getIds(), 1, "ids")))
    return failure();
  auto offset = static_cast<int64_t>(getOffset().value_or(0));
  if (offset < 0)
    return emitOpError("offset must not be negative, found ") << offset;
  if (getPosition() && isa<ShapedType>(getPosition().getType()) &&
      failed(
          expectVector(*this, getPosition(), lastDim(getIds()), "positions")))
    return failure();
  return expectSameShape(*this, getIds(), "ids",
                         cast<ComputeOpInterface>(getOperation()).getOutput(),
                         "result");
}

//===----------------------------------------------------------------------===//
// Products
//===----------------------------------------------------------------------===//

LogicalResult MatmulOp::verify() {
  auto lhs = cast<ShapedType>(getLhs().getType());
  auto rhs = cast<ShapedType>(getRhs().getType());
  ShapedType output = cast<ComputeOpInterface>(getOperation()).getOutputType();
  if (lhs.getRank() != rhs.getRank() || lhs.getRank() != output.getRank() ||
      lhs.getRank() < 2 || lhs.getRank() > 3)
    return emitOpError("operands and result must all have rank 2 or 3");
  int64_t rank = lhs.getRank();
  if (!compatible(lhs.getDimSize(rank - 1), rhs.getDimSize(rank - 2)))
    return emitOpError() << "columns of " << lhs << " and rows of " << rhs
                         << " differ";
  if (!compatible(lhs.getDimSize(rank - 2), output.getDimSize(rank - 2)) ||
      !compatible(rhs.getDimSize(rank - 1), output.getDimSize(rank - 1)))
    return emitOpError() << "result " << output << " does not fit " << lhs
                         << " times " << rhs;
  if (rank == 3 &&
      (!detail::sharesHeads(lhs.getDimSize(0), rhs.getDimSize(0)) ||
       lhs.getDimSize(0) != output.getDimSize(0)))
    return emitOpError() << "heads of " << lhs
                         << " are no multiple of those of " << rhs;
  return success();
}

LogicalResult TransposeOp::verify() {
  if (failed(expectPlain(*this, getInput())))
    return failure();
  SmallVector<int64_t> shape(cast<ShapedType>(getInput().getType()).getShape());
  if (shape.size() < 2)
    return emitOpError("needs rank 2 or more");
  std::swap(shape[shape.size() - 1], shape[shape.size() - 2]);
  if (ArrayRef(shape) != getType().getShape())
    return emitOpError() << "of " << getInput().getType() << " cannot be "
                         << getType();
  return success();
}

OpFoldResult TransposeOp::fold(FoldAdaptor) {
  if (auto inner = getInput().getDefiningOp<TransposeOp>())
    if (inner.getInput().getType() == getType())
      return inner.getInput();
  return {};
}

/// The logical [N, K] of a linear's weight, in tensor form; in buffer form the
/// packed shape loses N and K, and only what is left can be checked.
LogicalResult LinearOp::verify() {
  if (failed(expectRank(*this, getInput(), 2, "input")))
    return failure();
  ShapedType output = cast<ComputeOpInterface>(getOperation()).getOutputType();
  if (output.getRank() != 2)
    return emitOpError("result must have rank 2, found ") << output;
  if (!compatible(cast<ShapedType>(getInput().getType()).getDimSize(0),
                  output.getDimSize(0)))
    return emitOpError() << "input " << getInput().getType() << " and result "
                         << output << " have different rows";
  int64_t columns = output.getDimSize(1);
  if (auto weight = dyn_cast<RankedTensorType>(getWeight().getType())) {
    if (weight.getRank() != 2)
      return emitOpError("weight must have rank 2, found ") << weight;
    auto quantized = dyn_cast<Int8GroupType>(
        cast<ShapedType>(getInput().getType()).getElementType());
    bool isQuantized = bool(quantized);
    auto block = dyn_cast<BlockType>(weight.getElementType());
    if (isQuantized && !block)
      return emitOpError() << "int8 groups need a weight quantized in blocks, "
                              "found "
                           << weight;
    if (isQuantized &&
        quantized.getPerToken() != block.getSuperblock().isPerChannel)
      return emitOpError() << "input " << getInput().getType()
                           << " has other scales than the weight " << weight
                           << " takes: per token for channels, of groups for "
                              "blocks";
    if (isQuantized &&
        quantized.getMost() != block.getSuperblock().mostActivation)
      return emitOpError() << "input " << getInput().getType()
                           << " has magnitudes up to " << quantized.getMost()
                           << ", the weight " << weight << " takes them up to "
                           << block.getSuperblock().mostActivation;
    int64_t taken = isQuantized ? getInt8Groups(weight) : weight.getDimSize(1);
    int64_t groups = getGroups();
    if (groups != 1 && (getGated() || weight.getDimSize(0) % groups))
      return emitOpError() << "of " << groups << " groups is not gated, and "
                           << "they share the rows of its weight, found "
                           << weight;
    if (llvm::MulOverflow(taken, groups, taken))
      return emitOpError() << "of " << groups << " groups has too many columns";
    if (!compatible(lastDim(getInput()), taken))
      return emitOpError() << "input " << getInput().getType() << " has "
                           << lastDim(getInput())
                           << (isQuantized ? " groups" : " columns")
                           << ", the weight " << weight << " takes " << taken;
    int64_t rows = weight.getDimSize(0);
    if (getGated() && rows % 2)
      return emitOpError("gated needs an even number of weight rows");
    if (!compatible(getGated() ? rows / 2 : rows, columns))
      return emitOpError() << "weight " << weight << " gives "
                           << (getGated() ? rows / 2 : rows)
                           << " columns, the result has " << columns;
    PanelAttr panel = getPanel(weight);
    if (panel && panel.getInterleave() != (getGated() ? 2 : 1))
      return emitOpError("gated and an interleaved weight must go together");
    if (panel && block && !isQuantized)
      return emitOpError("a weight packed in superblocks takes int8 groups");
    Type element = cast<ShapedType>(getInput().getType()).getElementType();
    if (panel && panel.getK() == 2 && !element.isBF16() && !element.isF32())
      return emitOpError("a weight packed in bf16 pairs takes a bf16 or f32 "
                         "input, found ")
             << getInput().getType();
  }
  // A tile of a gated linear has its halves as rows: [2, N/2].
  bool halves = getBias() && getGated() && getOut() &&
                cast<ShapedType>(getBias().getType()).getShape() ==
                    ArrayRef<int64_t>{2, columns};
  if (getBias() && !halves &&
      failed(expectVector(
          *this, getBias(),
          getGated() && !ShapedType::isDynamic(columns) ? 2 * columns : columns,
          "bias")))
    return failure();
  if (getResidual() &&
      failed(expectSameShape(
          *this, getResidual(), "residual",
          cast<ComputeOpInterface>(getOperation()).getOutput(), "result")))
    return failure();
  return tenon::detail::verifyPlan(*this);
}

bool LinearOp::canWriteInPlace(OpOperand &operand) {
  return operand.get() == getResidual() && operand.get() != getInput();
}

/// Checks that rows of `groups` int8 groups hold rows of `columns` numbers,
/// with less than a superblock left over.
static LogicalResult verifyGroups(Operation *op, int64_t columns,
                                  int64_t groups) {
  constexpr int64_t kMostGroups = 8; // of a superblock
  int64_t least = llvm::divideCeil(columns, Superblock::kGroup);
  if (ShapedType::isDynamic(columns) || groups < least ||
      groups >= least + kMostGroups)
    return op->emitOpError()
           << groups << " int8 groups do not hold rows of " << columns;
  return success();
}

LogicalResult QuantizeOp::verify() {
  ShapedType output = cast<ComputeOpInterface>(getOperation()).getOutputType();
  if (failed(expectRank(*this, getInput(), 2, "input")))
    return failure();
  if (output.getRank() != 2 || !isa<Int8GroupType>(output.getElementType()))
    return emitOpError("result must be rows of int8 groups, found ") << output;
  if (!compatible(cast<ShapedType>(getInput().getType()).getDimSize(0),
                  output.getDimSize(0)))
    return emitOpError() << "input " << getInput().getType() << " and result "
                         << output << " have different rows";
  return verifyGroups(*this, lastDim(getInput()), output.getDimSize(1));
}

//===----------------------------------------------------------------------===//
// Elementwise
//===----------------------------------------------------------------------===//

/// NumPy's rule: trailing dimensions equal, or 1 in the operand.
static LogicalResult verifyBroadcast(Operation *op, Value lhs, Value rhs) {
  ShapedType output = cast<ComputeOpInterface>(op).getOutputType();
  for (Value operand : {lhs, rhs}) {
    auto type = cast<ShapedType>(operand.getType());
    if (type.getRank() > output.getRank())
      return op->emitOpError()
             << "operand " << type << " has a higher rank than the result "
             << output;
    auto tail = output.getShape().take_back(type.getRank());
    for (auto [have, want] : llvm::zip_equal(type.getShape(), tail))
      if (have != 1 && !compatible(have, want))
        return op->emitOpError()
               << "operand " << type << " does not broadcast to " << output;
  }
  return success();
}

static bool binaryInPlace(Operation *op, OpOperand &operand) {
  ShapedType output = cast<ComputeOpInterface>(op).getOutputType();
  auto type = cast<ShapedType>(operand.get().getType());
  return operand.getOperandNumber() < 2 &&
         type.getShape() == output.getShape() &&
         op->getOperand(0) != op->getOperand(1);
}

#define TENON_BINARY_OP(Op)                                                    \
  LogicalResult Op::verify() {                                                 \
    return verifyBroadcast(*this, getLhs(), getRhs());                         \
  }                                                                            \
  bool Op::canWriteInPlace(OpOperand &operand) {                               \
    return binaryInPlace(*this, operand);                                      \
  }
TENON_BINARY_OP(AddOp)
TENON_BINARY_OP(SubOp)
TENON_BINARY_OP(MulOp)
TENON_BINARY_OP(DivOp)
#undef TENON_BINARY_OP

#define TENON_UNARY_OP(Op)                                                     \
  LogicalResult Op::verify() {                                                 \
    return expectSameShape(                                                    \
        *this, getInput(), "input",                                            \
        cast<ComputeOpInterface>(getOperation()).getOutput(), "result");       \
  }                                                                            \
  bool Op::canWriteInPlace(OpOperand &operand) {                               \
    return operand.get() == getInput();                                        \
  }
TENON_UNARY_OP(ScaleOp)
TENON_UNARY_OP(ActivationOp)
TENON_UNARY_OP(CastOp)
#undef TENON_UNARY_OP

LogicalResult CausalMaskOp::verify() {
  if (failed(expectSameShape(
          *this, getInput(), "input",
          cast<ComputeOpInterface>(getOperation()).getOutput(), "result")) ||
      failed(detail::verifyWindow(*this, getWindow(), /*causal=*/true)))
    return failure();
  if (cast<ShapedType>(getInput().getType()).getRank() < 2)
    return emitOpError("needs rank 2 or more");
  return success();
}

bool CausalMaskOp::canWriteInPlace(OpOperand &operand) {
  return operand.get() == getInput();
}

LogicalResult
tenon::detail::foldToInput(Operation *op, bool isIdentity,
                           SmallVectorImpl<OpFoldResult> &results) {
  if (!isIdentity || op->getNumResults() != 1 ||
      op->getOperand(0).getType() != op->getResult(0).getType())
    return failure();
  results.push_back(op->getOperand(0));
  return success();
}

LogicalResult ScaleOp::fold(FoldAdaptor,
                            SmallVectorImpl<OpFoldResult> &results) {
  return foldToInput(*this, getFactor().isExactlyValue(1.0), results);
}

LogicalResult ActivationOp::fold(FoldAdaptor,
                                 SmallVectorImpl<OpFoldResult> &results) {
  return foldToInput(*this, getKind() == ActivationKind::Identity, results);
}

LogicalResult CastOp::fold(FoldAdaptor,
                           SmallVectorImpl<OpFoldResult> &results) {
  // bf16 -> f32 -> bf16 loses nothing.
  auto inner = getInput().getDefiningOp<CastOp>();
  if (inner && getResult() &&
      inner.getInput().getType() == getResult().getType() &&
      cast<ShapedType>(inner.getInput().getType()).getElementTypeBitWidth() <
          cast<ShapedType>(getInput().getType()).getElementTypeBitWidth()) {
    results.push_back(inner.getInput());
    return success();
  }
  return foldToInput(*this, true, results);
}

//===----------------------------------------------------------------------===//
// Rows
//===----------------------------------------------------------------------===//

LogicalResult PaddingMaskOp::verify() {
  if (failed(expectSameShape(
          *this, getInput(), "input",
          cast<ComputeOpInterface>(getOperation()).getOutput(), "result")))
    return failure();
  return expectVector(*this, getValid(), lastDim(getInput()), "valid");
}

bool PaddingMaskOp::canWriteInPlace(OpOperand &operand) {
  return operand.get() == getInput();
}

template <typename NormOp> static LogicalResult verifyNorm(NormOp op) {
  auto compute = cast<ComputeOpInterface>(op.getOperation());
  ShapedType output = compute.getOutputType();
  if (isa<Int8GroupType>(output.getElementType())) {
    if (failed(expectRank(op, compute.getOutput(), 2, "result")) ||
        failed(verifyGroups(op, lastDim(op.getInput()), output.getDimSize(1))))
      return failure();
  } else if (failed(expectSameShape(op, op.getInput(), "input",
                                    compute.getOutput(), "result"))) {
    return failure();
  }
  if (op.getEps().isNegative() || op.getEps().isNaN())
    return op.emitOpError("eps must not be negative");
  if (!op.getWeight())
    return op.getUnitOffset() ? op.emitOpError("has an offset, but no weight")
                              : success();
  return expectVector(op, op.getWeight(), lastDim(op.getInput()), "weight");
}

LogicalResult RmsNormOp::verify() { return verifyNorm(*this); }

LogicalResult LayerNormOp::verify() {
  if (failed(verifyNorm(*this)))
    return failure();
  return getBias() ? expectVector(*this, getBias(), lastDim(getInput()), "bias")
                   : success();
}

//===----------------------------------------------------------------------===//
// Heads and rotary positions
//===----------------------------------------------------------------------===//

LogicalResult RopeOp::verify() {
  if (failed(expectRank(*this, getInput(), 3, "input")) ||
      failed(expectRank(*this, getTable(), 2, "table")) ||
      failed(expectSameShape(
          *this, getInput(), "input",
          cast<ComputeOpInterface>(getOperation()).getOutput(), "result")))
    return failure();
  if (lastDim(getTable()) > lastDim(getInput()) || lastDim(getTable()) % 2)
    return emitOpError() << "table " << getTable().getType()
                         << " does not fit heads of " << lastDim(getInput());
  if (getPosition() && isa<ShapedType>(getPosition().getType()))
    return expectVector(*this, getPosition(),
                        cast<ShapedType>(getInput().getType()).getDimSize(1),
                        "positions");
  return success();
}

LogicalResult SplitHeadsOp::verify() {
  auto input = cast<RankedTensorType>(getInput().getType());
  auto output = getType();
  int64_t heads = getHeads();
  if (input.getRank() != 2 || output.getRank() != 3 || heads <= 0 ||
      output.getDimSize(0) != heads ||
      !compatible(input.getDimSize(0), output.getDimSize(1)) ||
      input.getDimSize(1) != heads * output.getDimSize(2))
    return emitOpError() << "of " << input << " into " << heads
                         << " heads cannot be " << output;
  return success();
}

OpFoldResult SplitHeadsOp::fold(FoldAdaptor) {
  auto merge = getInput().getDefiningOp<MergeHeadsOp>();
  return merge && merge.getInput().getType() == getType() ? merge.getInput()
                                                          : OpFoldResult();
}

OpFoldResult MergeHeadsOp::fold(FoldAdaptor) {
  auto split = getInput().getDefiningOp<SplitHeadsOp>();
  return split && split.getInput().getType() == getType() ? split.getInput()
                                                          : OpFoldResult();
}

LogicalResult MergeHeadsOp::verify() {
  auto input = cast<RankedTensorType>(getInput().getType());
  auto output = getType();
  if (input.getRank() != 3 || output.getRank() != 2 ||
      !compatible(input.getDimSize(1), output.getDimSize(0)) ||
      output.getDimSize(1) != input.getDimSize(0) * input.getDimSize(2))
    return emitOpError() << "of " << input << " cannot be " << output;
  return success();
}

LogicalResult SliceOp::verify() {
  auto input = cast<RankedTensorType>(getInput().getType());
  RankedTensorType output = getType();
  int64_t offset = getOffset();
  // Subtracting does not wrap: both are sizes, or the offset is not negative.
  if (input.getRank() != output.getRank() || input.getRank() < 1 ||
      input.getElementType() != output.getElementType() || offset < 0 ||
      failed(verifyCompatibleShape(input.getShape().drop_back(),
                                   output.getShape().drop_back())) ||
      ShapedType::isDynamic(output.getShape().back()) ||
      offset > input.getShape().back() - output.getShape().back())
    return emitOpError() << "at " << offset << " of " << input << " cannot be "
                         << getType();
  return success();
}

OpFoldResult SliceOp::fold(FoldAdaptor) {
  if (getInput().getType() == getType())
    return getInput();
  // A slice of a slice.
  if (auto inner = getInput().getDefiningOp<SliceOp>()) {
    setOffset(inner.getOffset() + getOffset());
    getInputMutable().assign(inner.getInput());
    return getResult();
  }
  return {};
}

LogicalResult RowsOp::verify() {
  auto input = cast<RankedTensorType>(getInput().getType());
  int64_t offset = getOffset();
  if (input.getRank() != 2 || getType().getRank() != 2 ||
      !getType().hasStaticShape() ||
      input.getDimSize(1) != getType().getDimSize(1) || offset < 0 ||
      (!input.isDynamicDim(0) &&
       offset > input.getDimSize(0) - getType().getDimSize(0)))
    return emitOpError() << "of " << input << " cannot be " << getType();
  return success();
}

LogicalResult LastRowsOp::verify() {
  auto input = cast<RankedTensorType>(getInput().getType());
  auto output = cast<RankedTensorType>(getResult().getType());
  if (input.getRank() != 2 || output.getRank() != 2 ||
      input.getDimSize(1) != output.getDimSize(1))
    return emitOpError() << "of " << input << " cannot be " << output;
  return success();
}

OpFoldResult LastRowsOp::fold(FoldAdaptor) {
  // The last n of the last n.
  auto inner = getInput().getDefiningOp<LastRowsOp>();
  if (inner && inner.getCount() == getCount() &&
      inner.getResult().getType() == getResult().getType())
    return inner.getResult();
  return {};
}
