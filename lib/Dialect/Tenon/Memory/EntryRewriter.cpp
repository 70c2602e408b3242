//===- EntryRewriter.cpp - one entry point from tensors to memrefs --------===//
//
// The signature, the walk over operations, and the choice of where each
// result goes. Views and attention are in EntryViews.cpp.
//
//===----------------------------------------------------------------------===//

#include "EntryRewriter.h"
#include "TileModel.h"
#include "WeightLayout.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "tenon/Dialect/Tenon/IR/EntryAttrs.h"
#include "tenon/Dialect/Tenon/IR/TenonTurns.h"
#include "tenon/Dialect/Tenon/Transforms/MemoryPasses.h"

using namespace mlir;
using namespace tenon;

static RankedTensorType tensorOf(Value value) {
  return dyn_cast<RankedTensorType>(value.getType());
}

EntryRewriter::EntryRewriter(func::FuncOp oldFunc, const MemorySizes &sizes,
                             BufferCounts &counts)
    : oldFunc(oldFunc), sizes(sizes), counts(counts),
      builder(oldFunc.getContext()), target(getTarget(oldFunc)) {}

LogicalResult EntryRewriter::run() {
  if (failed(checkSignature()))
    return failure();
  createFunction();
  mapArguments();
  Block &body = oldFunc.getBody().front();
  if (oldFunc.getNumResults())
    findDestinations(body.getTerminator(), {output});
  if (failed(rewriteBlock(body))) {
    newFunc.erase();
    return failure();
  }
  oldFunc.erase();
  return success();
}

//===----------------------------------------------------------------------===//
// Signature
//===----------------------------------------------------------------------===//

LogicalResult EntryRewriter::checkSignature() {
  if (!oldFunc.getBody().hasOneBlock())
    return oldFunc.emitOpError("must be structured: one block and scf.for");
  if (oldFunc.getNumResults() > 1 ||
      !llvm::all_of(oldFunc.getResultTypes(), llvm::IsaPred<RankedTensorType>))
    return oldFunc.emitOpError(
        "must return one tensor, or nothing, to be an entry point");
  for (auto [i, type] : llvm::enumerate(oldFunc.getArgumentTypes())) {
    if (isa<IndexType, KVCacheType>(type))
      continue;
    auto tensor = dyn_cast<RankedTensorType>(type);
    if (!tensor || tensor.getNumDynamicDims() > 1 ||
        (!tensor.hasStaticShape() && !tensor.isDynamicDim(0)))
      return oldFunc.emitOpError("argument ")
             << i << " of type " << type
             << " is no input: a tensor of tokens, an index or a cache";
  }
  return success();
}

/// The static memref for an input or output: T at its bound.
static MemRefType atBound(RankedTensorType type, int64_t bound) {
  SmallVector<int64_t> shape(type.getShape());
  for (int64_t &extent : shape)
    if (ShapedType::isDynamic(extent))
      extent = bound;
  return MemRefType::get(shape, type.getElementType());
}

/// Whether there is such an operation inside.
static bool contains(func::FuncOp function,
                     llvm::function_ref<bool(Operation *)> isSuch) {
  return function
      ->walk([&](Operation *op) {
        return isSuch(op) ? WalkResult::interrupt() : WalkResult::advance();
      })
      .wasInterrupted();
}

void EntryRewriter::createFunction() {
  auto bytes = [&](int64_t count) {
    return MemRefType::get({count}, builder.getI8Type());
  };
  SmallVector<Type> types = {bytes(sizes.weights), bytes(ShapedType::kDynamic),
                             bytes(sizes.cache)};
  SmallVector<DictionaryAttr> attributes(3, builder.getDictionaryAttr({}));
  for (auto [i, type] : llvm::enumerate(oldFunc.getArgumentTypes()))
    if (auto tensor = dyn_cast<RankedTensorType>(type)) {
      types.push_back(atBound(tensor, sizes.maxChunk));
      DictionaryAttr attrs = oldFunc.getArgAttrDict(i);
      attributes.push_back(attrs ? attrs : builder.getDictionaryAttr({}));
    }
  bool learns = contains(oldFunc, isTrainingMemoryOp);
  bool savesRows = contains(
      oldFunc, [](Operation *op) { return isa<SaveRowsOp, SavedRowsOp>(op); });
  auto addMemory = [&](StringRef name, int64_t size) {
    types.push_back(bytes(size));
    attributes.push_back(builder.getDictionaryAttr(
        builder.getNamedAttr(kInputNameAttrName, builder.getStringAttr(name))));
  };
  if (learns) {
    addMemory(kGradientsInputName, sizes.weights);
    addMemory(kMomentsInputName, 2 * sizes.weights);
  }
  if (savesRows)
    addMemory(kRowsInputName, sizes.rows);
  if (oldFunc.getNumResults())
    types.push_back(atBound(cast<RankedTensorType>(oldFunc.getResultTypes()[0]),
                            sizes.maxChunk));
  else
    types.push_back(MemRefType::get({0}, builder.getF32Type()));
  types.append(4, builder.getIndexType());
  attributes.append(5, builder.getDictionaryAttr({}));

  builder.setInsertionPoint(oldFunc);
  newFunc = func::FuncOp::create(builder, oldFunc.getLoc(), oldFunc.getName(),
                                 builder.getFunctionType(types, {}));
  newFunc->setDiscardableAttrs(oldFunc->getDiscardableAttrDictionary());
  newFunc->setAttr(kEntryAttrName, builder.getUnitAttr());
  newFunc.setAllArgAttrs(attributes);
  builder.setInsertionPointToStart(newFunc.addEntryBlock());
  unsigned after = EntryArguments::output(types.size());
  if (savesRows)
    savedRows = newFunc.getArgument(--after);
  if (learns) {
    gradients = newFunc.getArgument(after - 2);
    moments = newFunc.getArgument(after - 1);
  }
}

void EntryRewriter::mapArguments() {
  Block &body = newFunc.getBody().front();
  unsigned count = body.getNumArguments();
  Value numTokens = body.getArgument(EntryArguments::numTokens(count));
  unsigned nextInput = EntryArguments::Inputs;
  Location loc = oldFunc.getLoc();
  for (BlockArgument arg : oldFunc.getArguments()) {
    if (auto cache = dyn_cast<KVCacheType>(arg.getType())) {
      mapping.map(arg, body.getArgument(EntryArguments::Cache));
      // A sequence has its caches side by side.
      cacheOffsets[arg] = sequenceBytes;
      sequenceBytes += cache.getSequenceBytes();
    } else if (RankedTensorType tensor = tensorOf(arg)) {
      Value input = body.getArgument(nextInput++);
      if (!tensor.hasStaticShape()) {
        unsigned number = arg.getArgNumber();
        auto name =
            oldFunc.getArgAttrOfType<StringAttr>(number, kInputNameAttrName);
        // Texts are counted by the number that counts a source's tokens.
        bool isOther = oldFunc.getArgAttr(number, kSourceAttrName) ||
                       (name && name.getValue() == kTextEndsName);
        Value length =
            isOther ? body.getArgument(EntryArguments::sourceLength(count))
                    : numTokens;
        rows[arg] = length;
        input = rectangleOf(loc, input, tensor.getShape(), length);
      }
      mapping.map(arg, input);
    } else {
      // The count of last_rows is the number of rows; the source's length has
      // its name; else it is the position.
      bool isRows = llvm::any_of(arg.getUsers(), [&](Operation *user) {
        auto last = dyn_cast<LastRowsOp>(user);
        return last && last.getCount() == arg;
      });
      auto name = oldFunc.getArgAttrOfType<StringAttr>(arg.getArgNumber(),
                                                       kInputNameAttrName);
      unsigned number = EntryArguments::position(count);
      if (isRows)
        number = EntryArguments::numRows(count);
      else if (name && name.getValue() == kSourceLengthName)
        number = EntryArguments::sourceLength(count);
      mapping.map(arg, body.getArgument(number));
    }
  }
  output = addBuffer(body.getArgument(EntryArguments::output(count)),
                     &oldFunc.getBody().front());
  output->isOutput = true;
}

//===----------------------------------------------------------------------===//
// Operations
//===----------------------------------------------------------------------===//

LogicalResult EntryRewriter::rewriteBlock(Block &block) {
  for (Operation &op : block)
    if (failed(rewriteOp(&op)))
      return failure();
  return success();
}

LogicalResult EntryRewriter::rewriteOp(Operation *op) {
  if (auto loop = dyn_cast<scf::ForOp>(op))
    return rewriteLoop(loop);
  if (auto branch = dyn_cast<scf::IfOp>(op))
    return rewriteIf(branch);
  if (auto each = dyn_cast<ForEachTextOp>(op))
    return rewriteForEachText(each);
  if (auto mixture = dyn_cast<MixtureOp>(op))
    return rewriteMixture(mixture);
  if (auto mixture = dyn_cast<MixtureGradientOp>(op))
    return rewriteMixtureGradient(mixture);
  if (auto yield = dyn_cast<scf::YieldOp>(op))
    return rewriteYield(cast<scf::ForOp>(yield->getParentOp())), success();
  if (auto ret = dyn_cast<func::ReturnOp>(op))
    return rewriteReturn(ret), success();
  if (auto ref = dyn_cast<WeightRefOp>(op))
    return rewriteWeightRef(ref), success();
  if (auto attention = dyn_cast<AttentionOp>(op))
    return rewriteAttention(attention), success();
  if (auto attention = dyn_cast<CachedAttentionOp>(op))
    return rewriteCachedAttention(attention), success();
  if (auto append = dyn_cast<CacheAppendOp>(op))
    return rewriteCacheAppend(append), success();
  if (auto concat = dyn_cast<ConcatRowsOp>(op))
    return rewriteConcatRows(concat), success();
  if (isa<SplitHeadsOp, MergeHeadsOp, SliceOp, RowsOp, LastRowsOp, TransposeOp,
          SqueezeOp>(op))
    return rewriteView(op);
  if (isa<FfnOp>(op))
    return op->emitOpError("must be two linears before it has buffers; "
                           "tenon-pack-weights makes them");
  if (rewriteTraining(op) || rewriteOptimizer(op))
    return success();
  if (auto compute = dyn_cast<ComputeOpInterface>(op))
    return rewriteCompute(compute);
  if (auto dim = dyn_cast<tensor::DimOp>(op)) {
    mapping.map(dim.getResult(), rowsOf(dim.getLoc(), dim.getSource()));
    return success();
  }
  auto isTensor = [](Type type) { return isa<RankedTensorType>(type); };
  if (op->getNumRegions() || llvm::any_of(op->getOperandTypes(), isTensor) ||
      llvm::any_of(op->getResultTypes(), isTensor))
    return op->emitOpError("has no form in memory");
  builder.clone(*op, mapping);
  return success();
}

/// The buffer form: the same attributes, `out` as the last operand.
static Operation *createBufferForm(OpBuilder &builder, Operation *op,
                                   ArrayRef<Value> operands, Value out) {
  OperationState state(op->getLoc(), op->getName());
  state.addOperands(operands);
  state.addOperands(out);
  state.addAttributes(
      llvm::to_vector(op->getDiscardableAttrDictionary().getValue()));
  NamedAttrList properties;
  if (Attribute attr = op->getPropertiesAsAttribute())
    properties = cast<DictionaryAttr>(attr);
  StringRef segments = "operandSegmentSizes";
  if (auto old =
          dyn_cast_or_null<DenseI32ArrayAttr>(properties.get(segments))) {
    SmallVector<int32_t> counts(old.asArrayRef());
    counts.back() = 1;
    properties.set(segments, builder.getDenseI32ArrayAttr(counts));
  }
  state.propertiesAttr = properties.getDictionary(builder.getContext());
  return builder.create(state);
}

LogicalResult EntryRewriter::trackExtents(ComputeOpInterface op) {
  Value result = op->getResult(0);
  RankedTensorType type = tensorOf(result);
  if (type.hasStaticShape())
    return success();
  // T of the result is T of the first operand that has one, and so are the
  // columns of scores; a product has those of its right operand.
  Value count, keys;
  for (Value operand : op->getOperands()) {
    count = count ? count : rows.lookup(operand);
    keys = keys ? keys : columns.lookup(operand);
  }
  if (auto product = dyn_cast<MatmulOp>(op.getOperation()))
    keys = columnsOf(product.getRhs());
  if (!count)
    return op->emitOpError("has a dynamic result, but no operand gives it T");
  rows[result] = count;
  if (keys && type.getRank() > 1 && type.isDynamicDim(type.getRank() - 1))
    columns[result] = keys;
  return success();
}

LogicalResult EntryRewriter::rewriteCompute(ComputeOpInterface op) {
  if (failed(trackExtents(op)))
    return failure();
  Value out = chooseOutput(op);
  SmallVector<Value> operands;
  for (OpOperand &operand : op->getOpOperands()) {
    // Products read their operands by rows or by columns, windows by numbers.
    bool anyStride = isa<MatmulOp, UnfoldOp>(op);
    operands.push_back(anyStride ? mapping.lookup(operand.get())
                                 : withUnitStride(op->getLoc(), operand.get()));
  }
  finishOp(createBufferForm(builder, op, operands, out), op);
  return success();
}

LogicalResult EntryRewriter::rewriteLoop(scf::ForOp op) {
  Location loc = op.getLoc();
  auto &carried = loopBuffers[op];
  SmallVector<Buffer *> taken; // whose memory is the loop's; null: its own
  SmallVector<Value> scalars;
  for (OpOperand &init : op.getInitArgsMutable()) {
    RankedTensorType type = tensorOf(init.get());
    if (!type) {
      scalars.push_back(mapping.lookup(init.get()));
      carried.push_back(nullptr);
      taken.push_back(nullptr);
      continue;
    }
    // The loop takes over the buffer of its start if nobody else needs it.
    Buffer *start = bufferOf.lookup(init.get());
    bool takesOver = start && start->owner == op->getBlock() &&
                     !start->isOutput &&
                     mapping.lookup(init.get()) == start->whole;
    if (takesOver)
      for (Value alias : start->aliases)
        for (OpOperand &use : alias.getUses()) {
          Operation *user =
              op->getBlock()->findAncestorOpInBlock(*use.getOwner());
          takesOver &= user && (user->isBeforeInBlock(op) || &use == &init);
        }
    Value whole;
    if (takesOver) {
      whole = start->whole;
    } else {
      whole = allocateFor(loc, init.get());
      copy(loc, mapping.lookup(init.get()), whole);
    }
    carried.push_back(addBuffer(whole, op.getBody()));
    taken.push_back(takesOver ? start : nullptr);
  }

  auto loop =
      scf::ForOp::create(builder, loc, mapping.lookup(op.getLowerBound()),
                         mapping.lookup(op.getUpperBound()),
                         mapping.lookup(op.getStep()), scalars);
  loop->setDiscardableAttrs(op->getDiscardableAttrDictionary());
  mapping.map(op.getInductionVar(), loop.getInductionVar());
  unsigned nextScalar = 0;
  for (auto [i, buffer] : llvm::enumerate(carried)) {
    Value arg = op.getRegionIterArg(i);
    if (buffer)
      bind(arg, buffer->whole, buffer, rows.lookup(op.getInitArgs()[i]));
    else
      mapping.map(arg, loop.getRegionIterArg(nextScalar++));
  }
  {
    OpBuilder::InsertionGuard guard(builder);
    if (!scalars.empty())
      builder.setInsertionPointToEnd(loop.getBody());
    else
      builder.setInsertionPoint(loop.getBody()->getTerminator());
    // carried moves if a loop inside adds to the map: take a copy.
    SmallVector<Buffer *> wanted(carried);
    findDestinations(op.getBody()->getTerminator(), wanted);
    if (failed(rewriteBlock(*op.getBody())))
      return failure();
  }

  nextScalar = 0;
  for (auto [i, buffer] : llvm::enumerate(loopBuffers[op])) {
    Value result = op.getResult(i);
    if (!buffer) {
      mapping.map(result, loop.getResult(nextScalar++));
      continue;
    }
    // In the buffer that it took over: one memory is one buffer, or what is in
    // it would not count when something else is to be written there.
    Buffer *own =
        taken[i] ? taken[i] : addBuffer(buffer->whole, op->getBlock());
    bind(result, buffer->whole, own, rows.lookup(op.getInitArgs()[i]));
  }
  return success();
}

/// Both branches write one buffer, chosen as for an operation.
LogicalResult EntryRewriter::rewriteIf(scf::IfOp op) {
  Location loc = op.getLoc();
  if (op.getNumResults() != 1 || !tensorOf(op.getResult(0)))
    return op.emitOpError("must give one tensor to have a form in memory");
  Value result = op.getResult(0);
  if (!tensorOf(result).hasStaticShape())
    if (Operation *producer = op.thenYield().getOperand(0).getDefiningOp())
      for (Value operand : producer->getOperands())
        if (Value count = rows.lookup(operand)) {
          rows[result] = count;
          break;
        }
  if (!rows.lookup(result) && !tensorOf(result).hasStaticShape())
    return op.emitOpError("has a dynamic result, but no operand gives it T");
  Value out = chooseOutput(op);

  auto branch =
      scf::IfOp::create(builder, loc, mapping.lookup(op.getCondition()),
                        /*withElseRegion=*/true);
  for (auto [from, to] :
       llvm::zip_equal(op->getRegions(), branch->getRegions())) {
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPoint(to.front().getTerminator());
    Block &block = from.front();
    Operation *yield = block.getTerminator();
    findDestinations(yield, {addBuffer(out, &block)});
    for (Operation &inner : block.without_terminator())
      if (failed(rewriteOp(&inner)))
        return failure();
    Value value = mapping.lookup(yield->getOperand(0));
    if (value != out)
      copy(loc, value, out);
  }
  return success();
}

void EntryRewriter::rewriteYield(scf::ForOp loop) {
  ArrayRef<Buffer *> carried = loopBuffers[loop];
  auto yield = cast<scf::YieldOp>(loop.getBody()->getTerminator());
  SmallVector<std::pair<Value, Value>> copies;
  SmallVector<Value> scalars;
  for (auto [buffer, value] : llvm::zip_equal(carried, yield.getOperands())) {
    Value memref = mapping.lookup(value);
    if (!buffer) {
      scalars.push_back(memref);
    } else if (memref != buffer->whole) {
      // A value in another carried buffer is saved before that is written.
      Buffer *from = bufferOf.lookup(value);
      if (from && llvm::is_contained(carried, from)) {
        Value saved = allocateFor(yield.getLoc(), value);
        copy(yield.getLoc(), memref, saved);
        memref = saved;
      }
      copies.push_back({memref, buffer->whole});
    }
  }
  for (auto [from, to] : copies)
    copy(yield.getLoc(), from, to);
  if (!scalars.empty())
    scf::YieldOp::create(builder, yield.getLoc(), scalars);
}

void EntryRewriter::rewriteReturn(func::ReturnOp op) {
  Value value = op.getNumOperands() ? op.getOperand(0) : Value();
  if (value && (bufferOf.lookup(value) != output ||
                mapping.lookup(value) != output->whole)) {
    fitOutput(op.getLoc(), rows.lookup(value));
    copy(op.getLoc(), mapping.lookup(value), output->whole);
  }
  func::ReturnOp::create(builder, op.getLoc());
}

//===----------------------------------------------------------------------===//
// Where results go
//===----------------------------------------------------------------------===//

EntryRewriter::Buffer *EntryRewriter::addBuffer(Value whole, Block *owner) {
  Buffer &buffer = buffers.emplace_back();
  buffer.whole = whole;
  buffer.owner = owner;
  return &buffer;
}

void EntryRewriter::bind(Value old, Value memref, Buffer *buffer, Value count) {
  mapping.map(old, memref);
  if (count)
    rows[old] = count;
  if (buffer) {
    buffer->aliases.push_back(old);
    bufferOf[old] = buffer;
  }
}

/// A terminator's operand should be in its buffer. So should, before it, a
/// value that the operand's producer may overwrite.
void EntryRewriter::findDestinations(Operation *terminator,
                                     ArrayRef<Buffer *> wanted) {
  for (auto [value, buffer] :
       llvm::zip_equal(terminator->getOperands(), wanted)) {
    if (!buffer)
      continue;
    Value current = value;
    while (current) {
      Operation *producer = current.getDefiningOp();
      if (!producer || producer->getBlock() != terminator->getBlock() ||
          !destinations.try_emplace(current, buffer).second)
        break;
      Value next;
      if (auto compute = dyn_cast<ComputeOpInterface>(producer))
        for (OpOperand &operand : producer->getOpOperands())
          if (!next && compute.canWriteInPlace(operand) &&
              operand.get().hasOneUse() &&
              operand.get().getType() == current.getType())
            next = operand.get();
      current = next;
    }
  }
}

bool EntryRewriter::canWrite(Buffer *buffer, Operation *op) {
  if (buffer->owner != op->getBlock())
    return false;
  // The operation itself, or one that makes the value of a branch.
  auto writesInPlace = [&](OpOperand &use) {
    Operation *owner = use.getOwner();
    auto compute = dyn_cast<ComputeOpInterface>(owner);
    bool gives = owner == op ||
                 (isa<scf::IfOp>(op) && owner->getParentOp() == op &&
                  llvm::all_of(owner->getUsers(), llvm::IsaPred<scf::YieldOp>));
    return compute && gives && compute.canWriteInPlace(use);
  };
  for (Value alias : buffer->aliases)
    for (OpOperand &use : alias.getUses()) {
      Operation *user = op->getBlock()->findAncestorOpInBlock(*use.getOwner());
      if (!user || op->isBeforeInBlock(user))
        return false;
      if (user == op &&
          !(mapping.lookup(alias) == buffer->whole && writesInPlace(use)))
        return false;
    }
  return true;
}

/// The memref of a value in a buffer of its own: tokens first, then heads.
static MemRefType bufferType(RankedTensorType type) {
  SmallVector<int64_t> shape(type.getShape());
  if (shape.size() == 3)
    std::swap(shape[0], shape[1]);
  return MemRefType::get(shape, type.getElementType());
}

/// Elements from the end of a row to the next one, so that no rows lie a
/// multiple of 4096 bytes apart: a register tile reads the same place of
/// several rows, and a first-level cache finds its sets by the low 12 bits of
/// an address. Six rows of 2048 numbers in int8 groups, 4096 bytes each, would
/// all be in one set; with a line of 64 bytes between them a linear of 512 rows
/// takes 5 to 7 % less time (Zen 3), and one of 16 rows of f32 a quarter less.
static int64_t rowPadding(int64_t rows, int64_t numbers, Type element) {
  constexpr int64_t kLine = 64, kSets = 4096;
  if (rows == 1 || ShapedType::isDynamic(numbers))
    return 0;
  int64_t bytes = getElementBytes(element);
  std::optional<int64_t> row = checkedMultiply(numbers, bytes);
  if (!row || *row % kSets != 0)
    return 0;
  return llvm::divideCeil(kLine, bytes);
}

Value EntryRewriter::allocate(Location loc, RankedTensorType type, Value count,
                              Value keys) {
  MemRefType memory = bufferType(type);
  SmallVector<Value> extents;
  for (int64_t dim = 0; dim < memory.getRank(); ++dim)
    if (memory.isDynamicDim(dim))
      extents.push_back(keys && dim + 1 == memory.getRank() ? keys : count);
  auto heads = [&](Value buffer) {
    return type.getRank() == 3 ? headsOfRows(loc, buffer) : buffer;
  };
  auto inner = memory.getShape().drop_front();
  int64_t numbers = 1;
  for (int64_t extent : inner)
    numbers = numbers == ShapedType::kDynamic || ShapedType::isDynamic(extent)
                  ? ShapedType::kDynamic
                  : numbers * extent;
  Type element = memory.getElementType();
  int64_t padding =
      inner.empty() ? 0 : rowPadding(memory.getDimSize(0), numbers, element);
  if (padding == 0)
    return heads(memref::AllocOp::create(builder, loc, memory, extents));
  auto padded =
      MemRefType::get({memory.getDimSize(0), numbers + padding}, element);
  Value buffer = memref::AllocOp::create(builder, loc, padded, extents);
  buffer = rectangleOf(loc, buffer, {memory.getDimSize(0), numbers}, count);
  if (memory.getRank() == 3) {
    SmallVector<OpFoldResult> shape;
    for (int64_t extent : memory.getShape())
      shape.push_back(ShapedType::isDynamic(extent)
                          ? OpFoldResult(count)
                          : builder.getIndexAttr(extent));
    SmallVector<ReassociationIndices> groups = {{0}, {1, 2}};
    buffer = memref::ExpandShapeOp::create(builder, loc, memory.getShape(),
                                           buffer, groups, shape);
  }
  return heads(buffer);
}

Value EntryRewriter::columnsOf(Value old) {
  Value keys = columns.lookup(old);
  return keys ? keys : rows.lookup(old);
}

Value EntryRewriter::allocateFor(Location loc, Value old) {
  return allocate(loc, tensorOf(old), rows.lookup(old), columns.lookup(old));
}

/// The output argument has room for max_chunk rows; the result is its first.
void EntryRewriter::fitOutput(Location loc, Value count) {
  if (outputFitted)
    return;
  outputFitted = true;
  if (count)
    output->whole = rectangleOf(
        loc, output->whole,
        cast<RankedTensorType>(oldFunc.getResultTypes()[0]).getShape(), count);
}

Value EntryRewriter::rectangleOf(Location loc, Value from,
                                 ArrayRef<int64_t> shape, Value count,
                                 unsigned dim, OpFoldResult offset) {
  SmallVector<OpFoldResult> offsets(shape.size(), builder.getIndexAttr(0));
  SmallVector<OpFoldResult> strides(shape.size(), builder.getIndexAttr(1));
  SmallVector<OpFoldResult> extents;
  for (int64_t extent : shape)
    extents.push_back(ShapedType::isDynamic(extent)
                          ? OpFoldResult(count)
                          : builder.getIndexAttr(extent));
  if (offset)
    offsets[dim] = offset;
  return memref::SubViewOp::create(builder, loc, from, offsets, extents,
                                   strides);
}

Value EntryRewriter::chooseOutput(Operation *op) {
  Value result = op->getResult(0);
  RankedTensorType type = tensorOf(result);
  Value count = rows.lookup(result);
  auto fits = [&](Buffer *buffer) {
    auto have = cast<MemRefType>(buffer->whole.getType());
    return have.getElementType() == type.getElementType() &&
           (have.getShape() == type.getShape() ||
            (buffer->isOutput && !outputFitted));
  };

  Buffer *wanted = destinations.lookup(result);
  if (wanted && fits(wanted) && canWrite(wanted, op)) {
    if (wanted->isOutput)
      fitOutput(op->getLoc(), count);
    bind(result, wanted->whole, wanted, count);
    ++counts.direct;
    return wanted->whole;
  }

  if (auto compute = dyn_cast<ComputeOpInterface>(op))
    for (OpOperand &operand : op->getOpOperands()) {
      Buffer *buffer = bufferOf.lookup(operand.get());
      if (buffer && compute.canWriteInPlace(operand) && fits(buffer) &&
          !buffer->isOutput && mapping.lookup(operand.get()) == buffer->whole &&
          canWrite(buffer, op)) {
        bind(result, buffer->whole, buffer, count);
        ++counts.inPlace;
        return buffer->whole;
      }
    }

  Value whole = allocateFor(op->getLoc(), result);
  bind(result, whole, addBuffer(whole, op->getBlock()), count);
  ++counts.allocated;
  return whole;
}

void EntryRewriter::copy(Location loc, Value from, Value to) {
  finishHelper(CopyOp::create(builder, loc, from, to, TileAttr()), "copy");
  ++counts.copied;
}
