//===- TenonBufferOps.cpp - the memory level ------------------------------===//

#include "VerifyShapes.h"
#include "tenon/Dialect/Tenon/IR/Plan.h"

#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace tenon;

using Effects =
    SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>>;

static void addRead(Effects &effects, OpOperand &operand) {
  effects.emplace_back(MemoryEffects::Read::get(), &operand,
                       SideEffects::DefaultResource::get());
}
static void addWrite(Effects &effects, OpOperand &operand) {
  effects.emplace_back(MemoryEffects::Write::get(), &operand,
                       SideEffects::DefaultResource::get());
}

//===----------------------------------------------------------------------===//
// ElementBytesOp
//===----------------------------------------------------------------------===//

MemRefType ElementBytesOp::getResultType(MemRefType source) {
  int64_t bytes = getElementBytes(source.getElementType());
  SmallVector<int64_t> shape(source.getShape());
  shape.push_back(bytes);
  auto i8 = IntegerType::get(source.getContext(), 8);
  auto [strides, offset] = source.getStridesAndOffset();
  auto scaled = [&](int64_t count) {
    return ShapedType::isDynamic(count) ? count : count * bytes;
  };
  if (source.getLayout().isIdentity())
    return MemRefType::get(shape, i8);
  for (int64_t &stride : strides)
    stride = scaled(stride);
  strides.push_back(1);
  return MemRefType::get(
      shape, i8,
      StridedLayoutAttr::get(source.getContext(), scaled(offset), strides));
}

void ElementBytesOp::build(OpBuilder &builder, OperationState &state,
                           Value source) {
  state.addOperands(source);
  state.addTypes(getResultType(cast<MemRefType>(source.getType())));
}

Value ElementBytesOp::getViewSource() { return getSource(); }

LogicalResult ElementBytesOp::verify() {
  auto source = cast<MemRefType>(getSource().getType());
  if (!isa<SuperblockType, Int8GroupType, Int8TokensType>(
          source.getElementType()))
    return emitOpError("shows superblocks, int8 groups or int8 tokens, found ")
           << source;
  if (getResult().getType() != getResultType(source))
    return emitOpError() << "of " << source << " has type "
                         << getResultType(source) << ", found "
                         << getResult().getType();
  return success();
}

//===----------------------------------------------------------------------===//
// AppendKVOp
//===----------------------------------------------------------------------===//

void AppendKVOp::getEffects(Effects &effects) {
  addRead(effects, getKeyMutable());
  addRead(effects, getValueMutable());
  addWrite(effects, getKeysMutable());
  addWrite(effects, getValuesMutable());
}

/// What the keys and values are blocks of, or failure with a diagnostic.
static FailureOr<CacheBlocks> verifyBlocks(Operation *op, Value keys,
                                           Value values) {
  auto k = cast<MemRefType>(keys.getType());
  auto v = cast<MemRefType>(values.getType());
  if (std::optional<CacheBlocks> blocks = CacheBlocks::get(k, v))
    return *blocks;
  return op->emitOpError() << "keys " << k << " and values " << v
                           << " are no cache blocks";
}

LogicalResult AppendKVOp::verify() {
  FailureOr<CacheBlocks> blocks = verifyBlocks(*this, getKeys(), getValues());
  if (failed(blocks))
    return failure();
  auto key = cast<MemRefType>(getKey().getType());
  auto value = cast<MemRefType>(getValue().getType());
  if (key.getRank() != 3 || key.getDimSize(0) != blocks->heads ||
      !blocks->holdKeys(key.getDimSize(2)))
    return emitOpError() << key << " does not fit blocks "
                         << getKeys().getType();
  if (value.getRank() != 3 || value.getDimSize(0) != blocks->heads ||
      value.getDimSize(2) != blocks->valueDim)
    return emitOpError() << value << " does not fit blocks "
                         << getValues().getType();
  return success();
}

//===----------------------------------------------------------------------===//
// BlockAttentionOp, PartialAttentionOp, CombineAttentionOp
//===----------------------------------------------------------------------===//

/// Checks a query on blocks of keys and values; gives the components of values.
static FailureOr<int64_t> verifyQuery(Operation *op, Value query, Value keys,
                                      Value values) {
  FailureOr<CacheBlocks> blocks = verifyBlocks(op, keys, values);
  if (failed(blocks))
    return failure();
  auto type = cast<MemRefType>(query.getType());
  if (type.getRank() != 3 || !blocks->holdKeys(type.getDimSize(2)) ||
      !tenon::detail::sharesHeads(type.getDimSize(0), blocks->heads))
    return op->emitOpError()
           << "query " << type << " does not fit keys " << keys.getType();
  return blocks->valueDim;
}

void BlockAttentionOp::getEffects(Effects &effects) {
  addRead(effects, getQueryMutable());
  addRead(effects, getKeysMutable());
  addRead(effects, getValuesMutable());
  for (MutableOperandRange optional :
       {getValidMutable(), getBiasMutable(), getSinkMutable()})
    for (OpOperand &operand : optional)
      addRead(effects, operand);
  addWrite(effects, getOutMutable());
}

/// A ring has room for all keys of the window.
static LogicalResult verifyRing(Operation *op, bool isRing, Value keys,
                                std::optional<int64_t> window) {
  if (!isRing)
    return success();
  int64_t capacity =
      cast<MemRefType>(keys.getType()).getDimSize(1) * KVCacheType::kBlock;
  if (window && *window <= capacity)
    return success();
  InFlightDiagnostic error = op->emitOpError("on a ring of ")
                             << capacity << " keys needs a window within it";
  if (window)
    error << ", found " << *window;
  return error;
}

LogicalResult BlockAttentionOp::verify() {
  FailureOr<int64_t> valueDim =
      verifyQuery(*this, getQuery(), getKeys(), getValues());
  if (failed(valueDim) ||
      failed(tenon::detail::verifyKeyBlock(*this, getTile())))
    return failure();
  auto query = cast<MemRefType>(getQuery().getType());
  SmallVector<int64_t> shape(query.getShape());
  shape.back() = *valueDim;
  if (failed(verifyCompatibleShape(
          shape, cast<MemRefType>(getOut().getType()).getShape())))
    return emitOpError() << "query " << query << " and values "
                         << getValues().getType() << " do not fit result "
                         << getOut().getType();
  if (failed(verifyRing(*this, getRing(), getKeys(), getWindow())))
    return failure();
  return tenon::detail::verifyChain(
      *this, tenon::detail::ScoreChain::of(*this, getQuery()));
}

/// Checks parts [heads, splits, row], in f32, of one query of each head and
/// values of `valueDim`.
static LogicalResult verifyPartials(Operation *op, Value partials, Value query,
                                    int64_t valueDim,
                                    std::optional<int64_t> window) {
  auto parts = cast<MemRefType>(partials.getType());
  auto type = cast<MemRefType>(query.getType());
  if (type.getRank() != 3 || type.getDimSize(1) != 1)
    return op->emitOpError() << "is of one query of each head, found " << type;
  if (parts.getRank() != 3 || !parts.getElementType().isF32() ||
      parts.getDimSize(0) != type.getDimSize(0) ||
      ShapedType::isDynamic(valueDim) ||
      parts.getDimSize(2) != PartialAttentionOp::getRowSize(valueDim))
    return op->emitOpError() << "partials " << parts << " do not fit " << type;
  return tenon::detail::verifyWindow(op, window, /*causal=*/true);
}

void PartialAttentionOp::getEffects(Effects &effects) {
  addRead(effects, getQueryMutable());
  addRead(effects, getKeysMutable());
  addRead(effects, getValuesMutable());
  for (OpOperand &bias : getBiasMutable())
    addRead(effects, bias);
  addWrite(effects, getPartialsMutable());
}

LogicalResult PartialAttentionOp::verify() {
  FailureOr<int64_t> valueDim =
      verifyQuery(*this, getQuery(), getKeys(), getValues());
  if (failed(valueDim) ||
      failed(tenon::detail::verifyKeyBlock(*this, getTile())))
    return failure();
  if (failed(tenon::detail::verifyChain(
          *this, {cast<MemRefType>(getQuery().getType()).getDimSize(0),
                  getBias(), /*sink=*/Value(), getBiasByKey(), getCap(),
                  getBiasScale(), getWindow(), /*band=*/std::nullopt,
                  /*isCausal=*/true})) ||
      failed(verifyRing(*this, getRing(), getKeys(), getWindow())))
    return failure();
  return verifyPartials(*this, getPartials(), getQuery(), *valueDim,
                        getWindow());
}

void CombineAttentionOp::getEffects(Effects &effects) {
  addRead(effects, getPartialsMutable());
  for (OpOperand &sink : getSinkMutable())
    addRead(effects, sink);
  addWrite(effects, getOutMutable());
}

LogicalResult CombineAttentionOp::verify() {
  if (failed(tenon::detail::verifySink(
          *this, getSink(),
          cast<MemRefType>(getPartials().getType()).getDimSize(0))))
    return failure();
  auto out = cast<MemRefType>(getOut().getType());
  if (getRing() && !getWindow())
    return emitOpError("of a ring needs the window");
  return verifyPartials(*this, getPartials(), getOut(),
                        out.getRank() == 3 ? out.getDimSize(2) : 0,
                        getWindow());
}

//===----------------------------------------------------------------------===//
// CopyOp
//===----------------------------------------------------------------------===//

void CopyOp::getEffects(Effects &effects) {
  addRead(effects, getInputMutable());
  addWrite(effects, getOutMutable());
}

LogicalResult CopyOp::verify() {
  if (failed(verifyCompatibleShape(getInput().getType(), getOut().getType())))
    return emitOpError() << "of " << getInput().getType() << " into "
                         << getOut().getType();
  return success();
}

//===----------------------------------------------------------------------===//
// DispatchOp: %t of %n grain G label "L" (prologue { ... })? { ... }
//===----------------------------------------------------------------------===//

void DispatchOp::build(OpBuilder &builder, OperationState &state, Value count,
                       int64_t grain, StringRef label,
                       function_ref<void(OpBuilder &, Location, Value)> body) {
  state.addOperands(count);
  state.addAttribute("grain", builder.getI64IntegerAttr(grain));
  state.addAttribute("label", builder.getStringAttr(label));
  OpBuilder::InsertionGuard guard(builder);
  Block *block = builder.createBlock(state.addRegion(), {},
                                     builder.getIndexType(), state.location);
  if (body)
    body(builder, state.location, block->getArgument(0));
  ensureTerminator(*state.regions[0], builder, state.location);
  state.addRegion(); // The prologue.
}

SmallVector<StepOp, 4> DispatchOp::getSteps() {
  if (!hasPrologue())
    return {};
  return llvm::to_vector<4>(getPrologue().getOps<StepOp>());
}

Block &DispatchOp::getOrCreatePrologue() {
  if (!hasPrologue()) {
    OpBuilder builder(getContext());
    builder.createBlock(&getPrologue());
    ensureTerminator(getPrologue(), builder, getLoc());
  }
  return getPrologue().front();
}

LogicalResult DispatchOp::verifyRegions() {
  Region &body = getBody();
  if (body.getNumArguments() != 1 || !body.getArgument(0).getType().isIndex())
    return emitOpError("has a body of one argument, the task's index");
  if (!hasPrologue())
    return success();
  if (getPrologue().getNumArguments())
    return emitOpError("has a prologue without arguments");
  for (Operation &op : getPrologue().front().without_terminator())
    if (!isa<StepOp>(op)) {
      InFlightDiagnostic error =
          emitOpError("holds only tenon.step in its prologue");
      error.attachNote(op.getLoc()) << "found " << op.getName();
      return error;
    }
  return success();
}

ParseResult DispatchOp::parse(OpAsmParser &parser, OperationState &result) {
  OpAsmParser::Argument task;
  OpAsmParser::UnresolvedOperand count;
  IntegerAttr grain;
  StringAttr label;
  Builder &builder = parser.getBuilder();
  task.type = builder.getIndexType();
  if (parser.parseArgument(task) || parser.parseKeyword("of") ||
      parser.parseOperand(count) ||
      parser.resolveOperand(count, builder.getIndexType(), result.operands) ||
      parser.parseKeyword("grain") ||
      parser.parseAttribute(grain, builder.getI64Type(), "grain",
                            result.attributes) ||
      parser.parseKeyword("label") ||
      parser.parseAttribute(label, "label", result.attributes))
    return failure();
  Region *body = result.addRegion(), *prologue = result.addRegion();
  if (succeeded(parser.parseOptionalKeyword("prologue"))) {
    if (parser.parseRegion(*prologue))
      return failure();
    ensureTerminator(*prologue, builder, result.location);
  }
  if (parser.parseRegion(*body, task) ||
      parser.parseOptionalAttrDict(result.attributes))
    return failure();
  ensureTerminator(*body, builder, result.location);
  return success();
}

void DispatchOp::print(OpAsmPrinter &printer) {
  printer << " " << getTask() << " of " << getCount() << " grain " << getGrain()
          << " label ";
  printer.printAttribute(getLabelAttr());
  if (hasPrologue()) {
    printer << " prologue ";
    printer.printRegion(getPrologue(), /*printEntryBlockArgs=*/false,
                        /*printBlockTerminators=*/false);
  }
  printer << " ";
  printer.printRegion(getBody(), /*printEntryBlockArgs=*/false,
                      /*printBlockTerminators=*/false);
  printer.printOptionalAttrDict((*this)->getAttrs(), {"grain", "label"});
}
