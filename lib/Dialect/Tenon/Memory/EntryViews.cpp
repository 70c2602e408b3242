//===- EntryViews.cpp - views, attention and labels of an entry point -----===//

#include "EntryRewriter.h"
#include "TileModel.h"
#include "WeightLayout.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "tenon/Dialect/Tenon/Transforms/MemoryPasses.h"

using namespace mlir;
using namespace tenon;

Value EntryRewriter::constant(Location loc, int64_t value) {
  return arith::ConstantIndexOp::create(builder, loc, value);
}

Value EntryRewriter::rowsOf(Location loc, Value old) {
  if (Value count = rows.lookup(old))
    return count;
  auto type = cast<RankedTensorType>(old.getType());
  return constant(loc, type.getDimSize(type.getRank() == 3 ? 1 : 0));
}

//===----------------------------------------------------------------------===//
// Views
//===----------------------------------------------------------------------===//

Value EntryRewriter::withUnitStride(Location loc, Value old) {
  Value memref = mapping.lookup(old);
  auto type = dyn_cast<MemRefType>(memref.getType());
  RankedTensorType tensor = dyn_cast<RankedTensorType>(old.getType());
  if (!type || !tensor || type.getRank() < 2)
    return memref;
  auto [strides, offset] = type.getStridesAndOffset();
  if (strides.back() == 1 || type.getShape().back() == 1)
    return memref;
  Value whole = allocateFor(loc, old);
  copy(loc, memref, whole);
  return whole;
}

/// [T, H, D] to [H, T, D] and back.
Value EntryRewriter::headsOfRows(Location loc, Value value) {
  AffineMap swap = AffineMap::getPermutationMap(ArrayRef<unsigned>{1, 0, 2},
                                                builder.getContext());
  return memref::TransposeOp::create(builder, loc, value,
                                     AffineMapAttr::get(swap));
}

void EntryRewriter::rewriteWeightRef(WeightRefOp op) {
  Location loc = op.getLoc();
  auto weight =
      SymbolTable::lookupNearestSymbolFrom<WeightOp>(op, op.getWeightAttr());
  mapping.map(op.getResult(),
              viewAt(loc, newFunc.getArgument(EntryArguments::Weights),
                     getWeightMemRef(weight.getLayerType()),
                     layerOffset(loc, weight, op.getLayer())));
}

Value EntryRewriter::viewAt(Location loc, Value memory, MemRefType type,
                            Value offset) {
  return memref::ViewOp::create(builder, loc, type, memory, offset,
                                ValueRange());
}

Value EntryRewriter::layerOffset(Location loc, WeightOp weight,
                                 Value oldLayer) {
  Value offset = constant(loc, *weight.getOffset());
  if (!oldLayer)
    return offset;
  Value stride = constant(loc, *weight.getStride());
  Value layers =
      arith::MulIOp::create(builder, loc, mapping.lookup(oldLayer), stride);
  return arith::AddIOp::create(builder, loc, layers, offset);
}

LogicalResult EntryRewriter::rewriteView(Operation *op) {
  Location loc = op->getLoc();
  Value old = op->getOperand(0), result = op->getResult(0);
  Value from = mapping.lookup(old);
  auto type = cast<RankedTensorType>(result.getType());
  Value count = rows.lookup(old);

  // A rectangle of the source, from an offset in one dimension.
  auto rectangle = [&](unsigned dim, OpFoldResult offset) {
    return rectangleOf(loc, from, type.getShape(), count, dim, offset);
  };

  Value view;
  SmallVector<ReassociationIndices> groups = {{0}, {1, 2}};
  if (auto split = dyn_cast<SplitHeadsOp>(op)) {
    SmallVector<int64_t> shape = {type.getDimSize(1), type.getDimSize(0),
                                  type.getDimSize(2)};
    SmallVector<OpFoldResult> extents;
    for (int64_t extent : shape)
      extents.push_back(ShapedType::isDynamic(extent)
                            ? OpFoldResult(count)
                            : builder.getIndexAttr(extent));
    view = memref::ExpandShapeOp::create(builder, loc, shape, from, groups,
                                         extents);
    view = headsOfRows(loc, view);
  } else if (isa<MergeHeadsOp>(op)) {
    Value tokens = headsOfRows(loc, from);
    auto layout = cast<MemRefType>(tokens.getType());
    // Heads that don't lie side by side, as those of a slice: a copy does.
    if (!memref::CollapseShapeOp::isGuaranteedCollapsible(layout, groups)) {
      Value whole = allocateFor(loc, old);
      copy(loc, from, whole);
      view = memref::CollapseShapeOp::create(builder, loc,
                                             headsOfRows(loc, whole), groups);
      bind(result, view, addBuffer(whole, op->getBlock()), count);
      return success();
    }
    view = memref::CollapseShapeOp::create(builder, loc, tokens, groups);
  } else if (auto slice = dyn_cast<SliceOp>(op)) {
    view =
        rectangle(type.getRank() - 1, builder.getIndexAttr(slice.getOffset()));
  } else if (auto range = dyn_cast<RowsOp>(op)) {
    view = rectangle(0, builder.getIndexAttr(range.getOffset()));
    count = Value();
  } else if (auto last = dyn_cast<LastRowsOp>(op)) {
    Value all = rowsOf(loc, old);
    count = type.isDynamicDim(0) ? mapping.lookup(last.getCount()) : Value();
    Value kept = count ? count : constant(loc, type.getDimSize(0));
    Value offset = arith::SubIOp::create(builder, loc, all, kept);
    view = rectangle(0, offset);
  } else if (isa<SqueezeOp>(op)) {
    auto whole = cast<MemRefType>(from.getType());
    SmallVector<OpFoldResult> zeros(whole.getRank(), builder.getIndexAttr(0));
    SmallVector<OpFoldResult> ones(whole.getRank(), builder.getIndexAttr(1));
    SmallVector<OpFoldResult> extents;
    for (int64_t extent : whole.getShape())
      extents.push_back(ShapedType::isDynamic(extent)
                            ? OpFoldResult(count)
                            : builder.getIndexAttr(extent));
    auto kept = cast<MemRefType>(memref::SubViewOp::inferRankReducedResultType(
        type.getShape(), whole, zeros, extents, ones));
    view = memref::SubViewOp::create(builder, loc, kept, from, zeros, extents,
                                     ones);
  } else {
    unsigned rank = type.getRank();
    // Rows become columns, columns rows.
    if (type.isDynamicDim(rank - 1))
      columns[result] = count;
    if (type.isDynamicDim(rank - 2))
      count = columnsOf(old);
    SmallVector<unsigned> order = llvm::to_vector(llvm::seq(0u, rank));
    std::swap(order[rank - 1], order[rank - 2]);
    view = memref::TransposeOp::create(
        builder, loc, from,
        AffineMapAttr::get(
            AffineMap::getPermutationMap(order, builder.getContext())));
  }
  bind(result, view, bufferOf.lookup(old), count);
  return success();
}

void EntryRewriter::rewriteConcatRows(ConcatRowsOp op) {
  Value out = chooseOutput(op);
  int64_t first = 0;
  for (Value part : op->getOperands()) {
    ArrayRef<int64_t> shape = cast<RankedTensorType>(part.getType()).getShape();
    Value rows = rectangleOf(op.getLoc(), out, shape, Value(), /*dim=*/0,
                             builder.getIndexAttr(first));
    copy(op.getLoc(), mapping.lookup(part), rows);
    first += shape[0];
  }
}

//===----------------------------------------------------------------------===//
// Attention
//===----------------------------------------------------------------------===//

std::pair<Value, Value> EntryRewriter::cacheViews(Location loc, Value cache,
                                                  Value layer, Value sequence) {
  auto type = cast<KVCacheType>(cache.getType());
  Value stride = constant(loc, type.getLayerBytes());
  Value layers = arith::MulIOp::create(builder, loc, layer, stride);
  if (sequence) {
    Value before = arith::MulIOp::create(builder, loc, sequence,
                                         constant(loc, sequenceBytes));
    layers = arith::AddIOp::create(builder, loc, before, layers);
  }
  auto view = [&](MemRefType viewed, int64_t base) {
    Value offset =
        arith::AddIOp::create(builder, loc, layers, constant(loc, base));
    return memref::ViewOp::create(builder, loc, viewed, mapping.lookup(cache),
                                  offset, ValueRange())
        .getResult();
  };
  int64_t base = cacheOffsets.lookup(cache);
  return {view(type.getKeysType(), base),
          view(type.getValuesType(), base + type.getKeysBytes())};
}

UnitAttr EntryRewriter::ringOf(Value cache) {
  return cast<KVCacheType>(cache.getType()).getRing() ? builder.getUnitAttr()
                                                      : UnitAttr();
}

void EntryRewriter::forEachSequence(
    Location loc, Value oldPosition,
    llvm::function_ref<void(Value row, Value position)> body) {
  Value position = mapping.lookup(oldPosition);
  RankedTensorType positions =
      dyn_cast<RankedTensorType>(oldPosition.getType());
  if (!positions)
    return body(Value(), position);
  auto loop = scf::ForallOp::create(
      builder, loc,
      ArrayRef<OpFoldResult>{builder.getIndexAttr(positions.getDimSize(0))},
      /*outputs=*/ValueRange(), /*mapping=*/std::nullopt);
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPoint(loop.getTerminator());
  Value row = loop.getInductionVar(0);
  Value own = memref::LoadOp::create(builder, loc, position, row);
  body(row,
       arith::IndexCastOp::create(builder, loc, builder.getIndexType(), own));
}

Value EntryRewriter::tokenOf(Location loc, Value heads, Value row) {
  if (!row)
    return heads;
  SmallVector<int64_t> shape(cast<MemRefType>(heads.getType()).getShape());
  shape[1] = 1;
  return rectangleOf(loc, heads, shape, Value(), /*dim=*/1, row);
}

void EntryRewriter::rewriteCacheAppend(CacheAppendOp op) {
  Location loc = op.getLoc();
  Value layer = mapping.lookup(op.getLayer());
  forEachSequence(loc, op.getPosition(), [&](Value row, Value position) {
    auto [keys, values] = cacheViews(loc, op.getCache(), layer, row);
    auto append = AppendKVOp::create(
        builder, loc, tokenOf(loc, mapping.lookup(op.getKey()), row),
        tokenOf(loc, mapping.lookup(op.getValue()), row), keys, values,
        position, ringOf(op.getCache()), op->getAttrOfType<TileAttr>("tile"));
    finishOp(append, op);
  });
}

void EntryRewriter::rewriteCachedAttention(CachedAttentionOp op) {
  Location loc = op.getLoc();
  rows[op.getResult()] = rows.lookup(op.getQuery());
  Value query = mapping.lookup(op.getQuery()), out = chooseOutput(op);
  Value layer = mapping.lookup(op.getLayer());
  // One query of a long cache: parts over the keys make tasks of their own.
  auto tokensOf = cast<RankedTensorType>(op.getQuery().getType());
  KVCacheType cache = op.getCache().getType();
  bool isLong = cache.getRing() || cache.getCapacity() > KVCacheType::kSplit;
  if (tokensOf.getDimSize(1) == 1 && op.getCausal() && isLong &&
      isa<IndexType>(op.getPosition().getType()))
    return emitPartialAttention(op, out);
  forEachSequence(loc, op.getPosition(), [&](Value row, Value position) {
    auto [keys, values] = cacheViews(loc, op.getCache(), layer, row);
    // Of the source all keys are there, and queries have no place among them.
    Value length = position;
    if (op.getCausal()) {
      Value tokens = row ? constant(loc, 1) : rowsOf(loc, op.getQuery());
      length = arith::AddIOp::create(builder, loc, position, tokens);
    } else {
      position = constant(loc, 0);
    }
    auto attention = BlockAttentionOp::create(
        builder, loc, tokenOf(loc, query, row), keys, values, position, length,
        /*valid=*/Value(), lookupIf(op.getBias()), lookupIf(op.getSink()),
        tokenOf(loc, out, row), op.getScaleAttr(), op.getCapAttr(),
        op.getBiasScaleAttr(), op.getBiasByKeyAttr(), op.getCausalAttr(),
        op.getWindowAttr(), op.getBandAttr(), ringOf(op.getCache()),
        op.getTileAttr(), op.getPlanAttr());
    finishOp(attention, op);
  });
}

void EntryRewriter::emitPartialAttention(CachedAttentionOp op, Value out) {
  Location loc = op.getLoc();
  KVCacheType cache = op.getCache().getType();
  int64_t count =
      llvm::divideCeilSigned(cache.getCapacity(), KVCacheType::kSplit);
  // As many as a window of keys can have a part in, wherever it begins.
  if (cache.getRing())
    count =
        (*op.getWindow() + KVCacheType::kSplit - 2) / KVCacheType::kSplit + 1;
  auto query = cast<RankedTensorType>(op.getQuery().getType());
  Value parts = memref::AllocOp::create(
      builder, loc,
      MemRefType::get({query.getDimSize(0), count,
                       PartialAttentionOp::getRowSize(cache.getValueDim())},
                      builder.getF32Type()));
  auto [keys, values] =
      cacheViews(loc, op.getCache(), mapping.lookup(op.getLayer()), Value());
  Value position = mapping.lookup(op.getPosition());
  auto attention = PartialAttentionOp::create(
      builder, loc, mapping.lookup(op.getQuery()), keys, values, position,
      constant(loc, 0), lookupIf(op.getBias()), parts, op.getScaleAttr(),
      op.getCapAttr(), op.getBiasScaleAttr(), op.getBiasByKeyAttr(),
      op.getWindowAttr(), ringOf(op.getCache()), op.getTileAttr(),
      op.getPlanAttr());
  finishOp(attention, op);
  auto combine = CombineAttentionOp::create(
      builder, loc, parts, position, lookupIf(op.getSink()), out,
      op.getWindowAttr(), ringOf(op.getCache()));
  combine->setAttr(kLabelAttrName,
                   builder.getStringAttr("combine " + makeLabel(op)));
}

/// Without a cache, keys and values go to blocks of scratch first.
void EntryRewriter::rewriteAttention(AttentionOp op) {
  Location loc = op.getLoc();
  auto key = cast<RankedTensorType>(op.getKey().getType());
  int64_t tokens = key.isDynamicDim(1) ? sizes.maxChunk : key.getDimSize(1);
  int64_t capacity = llvm::alignTo(tokens, 128);
  CacheBlocks blocks = {
      key.getDimSize(0), capacity, key.getDimSize(2),
      cast<RankedTensorType>(op.getValue().getType()).getDimSize(2),
      key.getElementType()};
  Value keys = memref::AllocOp::create(builder, loc, blocks.getKeysType());
  Value values = memref::AllocOp::create(builder, loc, blocks.getValuesType());
  Value start = constant(loc, 0);
  auto append = AppendKVOp::create(builder, loc, mapping.lookup(op.getKey()),
                                   mapping.lookup(op.getValue()), keys, values,
                                   start, /*ring=*/UnitAttr(), TileAttr());
  finishOp(append, op);
  rows[op.getResult()] = rows.lookup(op.getQuery());
  Value out = chooseOutput(op);
  auto attention = BlockAttentionOp::create(
      builder, loc, mapping.lookup(op.getQuery()), keys, values, start,
      rowsOf(loc, op.getKey()), lookupIf(op.getValid()), lookupIf(op.getBias()),
      lookupIf(op.getSink()), out, op.getScaleAttr(), op.getCapAttr(),
      op.getBiasScaleAttr(), op.getBiasByKeyAttr(), op.getCausalAttr(),
      op.getWindowAttr(), op.getBandAttr(), /*ring=*/UnitAttr(),
      op.getTileAttr(), op.getPlanAttr());
  finishOp(attention, op);
}

//===----------------------------------------------------------------------===//
// Labels
//===----------------------------------------------------------------------===//

void EntryRewriter::finishOp(Operation *created, Operation *from) {
  std::string label = isa<AppendKVOp>(created) ? "append_kv" : makeLabel(from);
  created->setAttr(kLabelAttrName, builder.getStringAttr(label));
}

void EntryRewriter::finishHelper(Operation *created, const Twine &label) {
  if (target)
    if (TileAttr tile = chooseTile(created, target))
      created->setAttr("tile", tile);
  created->setAttr(kLabelAttrName, builder.getStringAttr(label));
}

/// The innermost name of a location: that of the `let` in the description.
static StringRef findName(Location loc) {
  if (auto name = dyn_cast<NameLoc>(loc))
    return name.getName();
  if (auto fused = dyn_cast<FusedLoc>(loc))
    for (Location part : fused.getLocations())
      if (StringRef name = findName(part); !name.empty())
        return name;
  return {};
}

std::string tenon::makeLabel(Operation *op) {
  std::string label = op->getName().stripDialect().str();
  if (isa<CachedAttentionOp>(op))
    label = "attention";
  std::string weights;
  for (Value operand : op->getOperands())
    if (auto ref = operand.getDefiningOp<WeightRefOp>())
      if (weights.empty()) // The matrix comes before its bias.
        weights = ref.getWeight().str();
  StringRef name = findName(op->getLoc());
  bool byWeight =
      isa<LinearOp, EmbeddingOp, RmsNormOp, LayerNormOp>(op) || name.empty();
  if (byWeight && !weights.empty())
    return label + " " + weights;
  return name.empty() ? label : label + " " + name.str();
}
