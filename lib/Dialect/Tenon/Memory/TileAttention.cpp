//===- TileAttention.cpp - attention and its cache as tasks ---------------===//

#include "TileBuilder.h"
#include "tenon/Dialect/Tenon/IR/Plan.h"

using namespace mlir;
using namespace tenon;

/// Rows of a tile of queries where none was chosen.
static constexpr int64_t kDefaultQueries = 16;

/// The bytes of a token's key and value of one head.
static int64_t tokenBytes(Value keys, Value values) {
  CacheBlocks blocks = *CacheBlocks::get(memrefOf(keys), memrefOf(values));
  int64_t bytes = 0;
  for (MemRefType type : {blocks.getKeysType(), blocks.getValuesType()})
    bytes += type.getNumElements() * getElementBytes(type.getElementType());
  return bytes / (blocks.heads * blocks.capacity);
}

FailureOr<bool> tenon::tileAttention(BlockAttentionOp op) {
  Location loc = op.getLoc();
  MemRefType query = memrefOf(op.getQuery());
  CacheBlocks cache =
      *CacheBlocks::get(memrefOf(op.getKeys()), memrefOf(op.getValues()));
  int64_t heads = query.getDimSize(0), groups = cache.heads;
  int64_t shared = heads / groups; // Query heads of one key head.
  int64_t together = AttentionPlan::of(op.getPlan()).headsTogether(shared);
  bool isDecode = query.getDimSize(1) == 1;
  OpBuilder builder(op);
  TileBuilder outer(builder, loc);

  int64_t rows = op.getTile() ? op.getTile()->getRows() : kDefaultQueries;
  Value tokens = outer.extent(op.getQuery(), 1);
  Value queryTiles = outer.ceilDivide(tokens, rows);
  Value count = isDecode ? outer.constant(groups)
                         : outer.multiply(queryTiles, heads / together);
  // A quarter of the cache stands for a typical length.
  int64_t bytes = cache.capacity / 4 * tokenBytes(op.getKeys(), op.getValues());
  int64_t grain = isDecode ? chooseGrain(bytes, groups) : 1;

  auto body = [&](OpBuilder &inner, Location loc, Value task) {
    TileBuilder tiles(inner, loc);
    OpFoldResult one = inner.getIndexAttr(1);
    Value group = task, position = op.getPosition();
    SmallVector<TileRange> part;
    if (isDecode) {
      part = {{0, tiles.multiply(task, shared), inner.getIndexAttr(shared)}};
    } else {
      // Tasks of the same heads are neighbours: they share its keys and values.
      Value heads = arith::DivUIOp::create(inner, loc, task, queryTiles);
      Value tile = arith::RemUIOp::create(inner, loc, task, queryTiles);
      Value first = tiles.multiply(tile, rows);
      Value left = arith::SubIOp::create(inner, loc, tokens, first);
      Value size = tiles.minimum(left, tiles.constant(rows));
      part = {
          {0, tiles.multiply(heads, together), inner.getIndexAttr(together)},
          {1, first, size}};
      position = tiles.add(position, first);
      group = heads;
      if (shared != together)
        group = arith::DivUIOp::create(inner, loc, heads,
                                       tiles.constant(shared / together));
    }
    SmallVector<Value> operands = {
        tiles.view(op.getQuery(), part),
        tiles.view(op.getKeys(), {{0, group, one}}),
        tiles.view(op.getValues(), {{0, group, one}}), position,
        op.getLength()};
    if (op.getValid())
      operands.push_back(op.getValid());
    for (Value ofHeads : {op.getBias(), op.getSink()})
      if (ofHeads)
        operands.push_back(tiles.view(ofHeads, part.front()));
    operands.push_back(tiles.view(op.getOut(), part));
    tiles.cloneWith(op, operands);
  };
  DispatchOp::create(builder, loc, count, grain, getLabel(op), body);
  op.erase();
  return true;
}

/// One task for each head of keys and part of them that the query sees.
FailureOr<bool> tenon::tileParts(PartialAttentionOp op) {
  constexpr int64_t kSplit = KVCacheType::kSplit;
  Location loc = op.getLoc();
  int64_t heads = memrefOf(op.getQuery()).getDimSize(0);
  int64_t groups = memrefOf(op.getKeys()).getDimSize(0);
  int64_t shared = heads / groups;
  OpBuilder builder(op);
  TileBuilder outer(builder, loc);
  Value end =
      outer.ceilDivide(outer.add(op.getPosition(), outer.constant(1)), kSplit);
  Value first = op.getFirst(), parts = end;
  if (op.getWindow()) {
    Value oldest = outer.add(op.getPosition(),
                             outer.constant(1 - int64_t(*op.getWindow())));
    oldest = arith::MaxSIOp::create(builder, loc, oldest, outer.constant(0));
    first =
        arith::DivUIOp::create(builder, loc, oldest, outer.constant(kSplit));
    parts = arith::SubIOp::create(builder, loc, end, first);
  }
  Value count = outer.multiply(parts, groups);
  // A chunk of tasks is a part's keys and values of some heads.
  int64_t bytes = kSplit * tokenBytes(op.getKeys(), op.getValues());
  auto body = [&](OpBuilder &inner, Location loc, Value task) {
    TileBuilder tiles(inner, loc);
    OpFoldResult one = inner.getIndexAttr(1);
    // Tasks of one part are neighbours: the first ones are whole.
    Value group =
        arith::RemUIOp::create(inner, loc, task, tiles.constant(groups));
    Value part =
        arith::DivUIOp::create(inner, loc, task, tiles.constant(groups));
    if (op.getWindow())
      part = tiles.add(part, first);
    TileRange ofHeads = {0, tiles.multiply(group, shared),
                         inner.getIndexAttr(shared)};
    SmallVector<Value> operands = {
        tiles.view(op.getQuery(), ofHeads),
        tiles.view(op.getKeys(), {{0, group, one}}),
        tiles.view(op.getValues(), {{0, group, one}}), op.getPosition(), part};
    if (op.getBias())
      operands.push_back(tiles.view(op.getBias(), ofHeads));
    Value row = part;
    if (op.getRing())
      row = arith::RemUIOp::create(
          inner, loc, part,
          tiles.constant(memrefOf(op.getPartials()).getDimSize(1)));
    operands.push_back(tiles.view(op.getPartials(), {ofHeads, {1, row, one}}));
    tiles.cloneWith(op, operands);
  };
  DispatchOp::create(builder, loc, count, chooseGrain(bytes, groups),
                     getLabel(op), body);
  op.erase();
  return true;
}

FailureOr<bool> tenon::tileAppend(AppendKVOp op) {
  // One token is a few hundred bytes: not worth a second worker.
  if (memrefOf(op.getKey()).getDimSize(1) == 1)
    return keepWhole(op);
  OpBuilder builder(op);
  TileBuilder outer(builder, op.getLoc());
  auto body = [&](OpBuilder &inner, Location loc, Value task) {
    TileBuilder tiles(inner, loc);
    SmallVector<Value> operands;
    for (Value memref :
         {op.getKey(), op.getValue(), op.getKeys(), op.getValues()})
      operands.push_back(
          tiles.view(memref, {{0, task, inner.getIndexAttr(1)}}));
    operands.push_back(op.getPosition());
    tiles.cloneWith(op, operands);
  };
  DispatchOp::create(builder, op.getLoc(),
                     outer.constant(memrefOf(op.getKey()).getDimSize(0)),
                     /*grain=*/1, getLabel(op), body);
  op.erase();
  return true;
}
