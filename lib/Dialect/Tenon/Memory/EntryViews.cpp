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
  Value offset = constant(loc, *weight.getOffset());
  if (op.getLayer()) {
    Value stride = constant(loc, *weight.getStride());
    Value layers = arith::MulIOp::create(builder, loc,
                                         mapping.lookup(op.getLayer()), stride);
    offset = arith::AddIOp::create(builder, loc, layers, offset);
  }
  Value weights = newFunc.getArgument(EntryArguments::Weights);
  Value view = memref::ViewOp::create(builder, loc,
                                      getWeightMemRef(weight.getLayerType()),
                                      weights, offset, ValueRange());
  mapping.map(op.getResult(), view);
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
    if (!memref::CollapseShapeOp::isGuaranteedCollapsible(layout, groups))
      return op->emitOpError("of heads that don't lie side by side in memory");
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
  } else {
    unsigned rank = type.getRank();
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

//===----------------------------------------------------------------------===//
// Attention
//===----------------------------------------------------------------------===//

std::pair<Value, Value> EntryRewriter::cacheViews(Location loc, Value cache,
                                                  Value layer) {
  auto type = cast<KVCacheType>(cache.getType());
  int64_t half = type.getHalfLayerBytes();
  Value stride = constant(loc, 2 * half);
  Value layers = arith::MulIOp::create(builder, loc, layer, stride);
  auto view = [&](MemRefType viewed, int64_t base) {
    Value offset =
        arith::AddIOp::create(builder, loc, layers, constant(loc, base));
    return memref::ViewOp::create(builder, loc, viewed, mapping.lookup(cache),
                                  offset, ValueRange())
        .getResult();
  };
  int64_t base = cacheOffsets.lookup(cache);
  return {view(type.getKeysType(), base),
          view(type.getValuesType(), base + half)};
}

void EntryRewriter::rewriteCacheAppend(CacheAppendOp op) {
  auto [keys, values] =
      cacheViews(op.getLoc(), op.getCache(), mapping.lookup(op.getLayer()));
  auto append = AppendKVOp::create(
      builder, op.getLoc(), mapping.lookup(op.getKey()),
      mapping.lookup(op.getValue()), keys, values,
      mapping.lookup(op.getPosition()), op->getAttrOfType<TileAttr>("tile"));
  finishOp(append, op);
}

void EntryRewriter::emitAttention(Operation *op, Value query, Value keys,
                                  Value values, Value position, Value length,
                                  Value valid, FloatAttr scale, bool causal,
                                  IntegerAttr window) {
  rows[op->getResult(0)] = rows.lookup(query);
  Value out = chooseOutput(op);
  auto attention = BlockAttentionOp::create(
      builder, op->getLoc(), mapping.lookup(query), keys, values, position,
      length, valid, out, scale, causal ? builder.getUnitAttr() : UnitAttr(),
      window, op->getAttrOfType<TileAttr>("tile"));
  finishOp(attention, op);
}

void EntryRewriter::rewriteCachedAttention(CachedAttentionOp op) {
  Location loc = op.getLoc();
  auto [keys, values] =
      cacheViews(loc, op.getCache(), mapping.lookup(op.getLayer()));
  Value position = mapping.lookup(op.getPosition());
  Value length =
      arith::AddIOp::create(builder, loc, position, rowsOf(loc, op.getQuery()));
  emitAttention(op, op.getQuery(), keys, values, position, length, Value(),
                op.getScaleAttr(), op.getCausal(), op.getWindowAttr());
}

/// Without a cache, keys and values go to blocks of scratch first.
void EntryRewriter::rewriteAttention(AttentionOp op) {
  Location loc = op.getLoc();
  auto key = cast<RankedTensorType>(op.getKey().getType());
  int64_t tokens = key.isDynamicDim(1) ? sizes.maxChunk : key.getDimSize(1);
  int64_t capacity = llvm::alignTo(tokens, 128);
  auto blocks =
      KVCacheType::get(builder.getContext(), /*layers=*/1, key.getDimSize(0),
                       capacity, key.getDimSize(2), key.getElementType());
  Value keys = memref::AllocOp::create(builder, loc, blocks.getKeysType());
  Value values = memref::AllocOp::create(builder, loc, blocks.getValuesType());
  Value start = constant(loc, 0);
  auto append = AppendKVOp::create(builder, loc, mapping.lookup(op.getKey()),
                                   mapping.lookup(op.getValue()), keys, values,
                                   start, TileAttr());
  finishOp(append, op);
  Value valid = op.getValid() ? mapping.lookup(op.getValid()) : Value();
  emitAttention(op, op.getQuery(), keys, values, start,
                rowsOf(loc, op.getKey()), valid, op.getScaleAttr(),
                op.getCausal(), op.getWindowAttr());
}

//===----------------------------------------------------------------------===//
// Labels
//===----------------------------------------------------------------------===//

void EntryRewriter::finishOp(Operation *created, Operation *from) {
  std::string label = isa<AppendKVOp>(created) ? "append_kv" : makeLabel(from);
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
