//===- ApplyTiles.cpp - cut operations into tasks -------------------------===//
//
// One function for each way of cutting. The *grain* of a dispatch is the least
// number of tasks that is worth waking a worker for, about two microseconds of
// work: 64 KiB of weights read from memory at 30 GB/s.
//
//===----------------------------------------------------------------------===//

#include "TileBuilder.h"
#include "TileModel.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "tenon/Dialect/Tenon/Transforms/MemoryPasses.h"

namespace tenon {
#define GEN_PASS_DEF_TENONAPPLYTILES
#include "tenon/Dialect/Tenon/Transforms/MemoryPasses.h.inc"
} // namespace tenon

using namespace mlir;
using namespace tenon;

/// Bytes that a chunk of tasks should read at least.
static constexpr int64_t kGrainBytes = 64 * 1024;
/// Rows of a group where no tile was chosen.
static constexpr int64_t kDefaultGroup = 16;

static MemRefType memrefOf(Value value) {
  return cast<MemRefType>(value.getType());
}

static int64_t elementBytes(MemRefType type) {
  return getElementBytes(type.getElementType());
}

/// The number of tasks of `bytes` each that make a chunk, at most all.
static int64_t chooseGrain(int64_t bytes, int64_t tasks) {
  int64_t grain = llvm::divideCeil(kGrainBytes, std::max<int64_t>(bytes, 1));
  return std::clamp<int64_t>(grain, 1, std::max<int64_t>(tasks, 1));
}

/// A dispatch of one task: the operation as it is.
static FailureOr<bool> keepWhole(Operation *op) {
  OpBuilder builder(op);
  TileBuilder tiles(builder, op->getLoc());
  DispatchOp::create(builder, op->getLoc(), tiles.constant(1), /*grain=*/1,
                     getLabel(op), [&](OpBuilder &inner, Location loc, Value) {
                       TileBuilder body(inner, loc);
                       body.cloneWith(op, llvm::to_vector(op->getOperands()));
                     });
  op->erase();
  return false;
}

//===----------------------------------------------------------------------===//
// Linear: groups of panels
//===----------------------------------------------------------------------===//

FailureOr<bool> tenon::tileLinear(LinearOp op) {
  Location loc = op.getLoc();
  MemRefType weight = memrefOf(op.getWeight()), out = memrefOf(op.getOut());
  auto superblock = dyn_cast<SuperblockType>(weight.getElementType());
  if (weight.getRank() != (superblock ? 2 : 4))
    return op.emitOpError("needs a weight packed in panels, found ") << weight;
  int64_t panels = weight.getDimSize(0);
  int64_t perPanel =
      superblock ? superblock.getColumns() : weight.getDimSize(2);
  perPanel /= op.getGated() ? 2 : 1;
  int64_t columns = out.getDimSize(1);
  int64_t group = std::min(op.getTile() ? op.getTile()->getGroup() : 1, panels);
  int64_t tasks = llvm::divideCeil(panels, group);
  if (ShapedType::isDynamic(columns) || (panels - 1) * perPanel >= columns ||
      panels * perPanel < columns)
    return op.emitOpError()
           << "has " << columns << " columns, the weight " << weight
           << " gives " << panels << " panels of " << perPanel;
  if (tasks == 1)
    return keepWhole(op);

  int64_t bytes = ShapedType::getNumElements(weight.getShape().drop_front()) *
                  elementBytes(weight) * group;
  // Many rows use each weight often: less of it makes a chunk.
  if (ShapedType::isDynamic(out.getDimSize(0)) || out.getDimSize(0) > kFewRows)
    bytes *= 8;
  OpBuilder builder(op);
  TileBuilder outer(builder, loc);
  auto body = [&](OpBuilder &inner, Location loc, Value task) {
    TileBuilder tiles(inner, loc);
    // Panels [firstPanel, + panelCount), columns [firstColumn, + columnCount).
    auto emit = [&](OpFoldResult firstPanel, int64_t panelCount,
                    OpFoldResult firstColumn, int64_t columnCount) {
      OpFoldResult panelSize = inner.getIndexAttr(panelCount);
      OpFoldResult columnSize = inner.getIndexAttr(columnCount);
      SmallVector<Value> operands = {op.getInput()};
      operands.push_back(
          tiles.view(op.getWeight(), {{0, firstPanel, panelSize}}));
      if (op.getBias() && op.getGated()) {
        // The gate's half and the up half as rows, cut at the same columns.
        Value halves = memref::ExpandShapeOp::create(
            inner, loc, ArrayRef<int64_t>{2, columns}, op.getBias(),
            ArrayRef<ReassociationIndices>{{0, 1}});
        operands.push_back(tiles.view(halves, {{1, firstColumn, columnSize}}));
      } else if (op.getBias()) {
        operands.push_back(
            tiles.view(op.getBias(), {{0, firstColumn, columnSize}}));
      }
      if (op.getResidual() && op.getResidual() != op.getOut())
        operands.push_back(
            tiles.view(op.getResidual(), {{1, firstColumn, columnSize}}));
      Value part = tiles.view(op.getOut(), {{1, firstColumn, columnSize}});
      if (op.getResidual() == op.getOut())
        operands.push_back(part);
      operands.push_back(part);
      tiles.cloneWith(op, operands);
    };
    auto emitFull = [&] {
      Value firstPanel = tiles.multiply(task, group);
      Value firstColumn = tiles.multiply(task, group * perPanel);
      emit(firstPanel, group, firstColumn, group * perPanel);
    };
    int64_t before = (tasks - 1) * group;
    int64_t tailPanels = panels - before;
    int64_t tailColumns = columns - before * perPanel;
    if (tailPanels == group && tailColumns == group * perPanel)
      return emitFull();
    // Shapes of columns stay static: the last task is a clone of its own.
    Value isLast = arith::CmpIOp::create(inner, loc, arith::CmpIPredicate::eq,
                                         task, tiles.constant(tasks - 1));
    auto branch = scf::IfOp::create(inner, loc, isLast, /*withElse=*/true);
    OpBuilder::InsertionGuard guard(inner);
    inner.setInsertionPoint(branch.thenYield());
    emit(inner.getIndexAttr(before), tailPanels,
         inner.getIndexAttr(before * perPanel), tailColumns);
    inner.setInsertionPoint(branch.elseYield());
    emitFull();
  };
  DispatchOp::create(builder, loc, outer.constant(tasks),
                     chooseGrain(bytes, tasks), getLabel(op), body);
  op.erase();
  return true;
}

//===----------------------------------------------------------------------===//
// Attention: heads and queries
//===----------------------------------------------------------------------===//

FailureOr<bool> tenon::tileAttention(BlockAttentionOp op) {
  Location loc = op.getLoc();
  MemRefType query = memrefOf(op.getQuery());
  MemRefType values = memrefOf(op.getValues());
  int64_t heads = query.getDimSize(0), groups = values.getDimSize(0);
  int64_t shared = heads / groups; // Query heads of one key head.
  bool isDecode = query.getDimSize(1) == 1;
  OpBuilder builder(op);
  TileBuilder outer(builder, loc);

  int64_t rows = op.getTile() ? op.getTile()->getRows() : kDefaultGroup;
  Value tokens = outer.extent(op.getQuery(), 1);
  Value queryTiles = outer.ceilDivide(tokens, rows);
  Value count =
      isDecode ? outer.constant(groups) : outer.multiply(queryTiles, heads);
  // A quarter of the cache stands for a typical length.
  int64_t bytes = values.getDimSize(1) / 4 * values.getDimSize(2) *
                  elementBytes(values) * 2;
  int64_t grain = isDecode ? chooseGrain(bytes, groups) : 1;

  auto body = [&](OpBuilder &inner, Location loc, Value task) {
    TileBuilder tiles(inner, loc);
    OpFoldResult one = inner.getIndexAttr(1);
    Value group = task, position = op.getPosition();
    SmallVector<TileRange> part;
    if (isDecode) {
      part = {{0, tiles.multiply(task, shared), inner.getIndexAttr(shared)}};
    } else {
      // Tasks of one head are neighbours: they share its keys and values.
      Value head = arith::DivUIOp::create(inner, loc, task, queryTiles);
      Value tile = arith::RemUIOp::create(inner, loc, task, queryTiles);
      Value first = tiles.multiply(tile, rows);
      Value left = arith::SubIOp::create(inner, loc, tokens, first);
      Value size = tiles.minimum(left, tiles.constant(rows));
      part = {{0, head, one}, {1, first, size}};
      position = tiles.add(position, first);
      if (shared != 1)
        group =
            arith::DivUIOp::create(inner, loc, head, tiles.constant(shared));
      else
        group = head;
    }
    SmallVector<Value> operands = {
        tiles.view(op.getQuery(), part),
        tiles.view(op.getKeys(), {{0, group, one}}),
        tiles.view(op.getValues(), {{0, group, one}}), position,
        op.getLength()};
    if (op.getValid())
      operands.push_back(op.getValid());
    operands.push_back(tiles.view(op.getOut(), part));
    tiles.cloneWith(op, operands);
  };
  DispatchOp::create(builder, loc, count, grain, getLabel(op), body);
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

//===----------------------------------------------------------------------===//
// Row-wise operations
//===----------------------------------------------------------------------===//

/// The dimension of an operand that counts the rows which the operation's
/// result has in dimension `outDim`, or none if every task needs it whole.
static std::optional<unsigned> findRowDim(Operation *op, OpOperand &operand,
                                          MemRefType out, unsigned outDim) {
  auto type = dyn_cast<MemRefType>(operand.get().getType());
  if (!type)
    return std::nullopt;
  if (isa<AddOp, SubOp, MulOp, DivOp>(op)) {
    // NumPy's broadcasting: trailing dimensions stand under each other.
    int64_t dim = int64_t(outDim) - (out.getRank() - type.getRank());
    if (dim < 0 || (type.getDimSize(dim) == 1 && out.getDimSize(outDim) != 1))
      return std::nullopt;
    return dim;
  }
  if (auto rope = dyn_cast<RopeOp>(op);
      rope && rope.getPosition() == operand.get())
    return 0; // Each row's own.
  bool isOut = operand.getOperandNumber() + 1 == op->getNumOperands();
  if (operand.getOperandNumber() != 0 && !isOut)
    return std::nullopt; // Tables, weights, masks.
  return type.getRank() == 1 ? 0 : outDim;
}

FailureOr<bool> tenon::tileRows(Operation *op) {
  Value out = op->getOperands().back();
  MemRefType outType = memrefOf(out);
  // Head tensors are cut by tokens; a causal mask depends on the token's
  // place, so it is cut by heads.
  unsigned dim = outType.getRank() == 3 && !isa<CausalMaskOp>(op) ? 1 : 0;
  auto tile = op->getAttrOfType<TileAttr>("tile");
  int64_t group = tile ? tile.getGroup() : kDefaultGroup;
  int64_t rows = outType.getDimSize(dim);
  if (isa<CausalMaskOp>(op)) {
    if (outType.getRank() != 3)
      return keepWhole(op);
    group = 1;
  }
  if (!ShapedType::isDynamic(rows) && rows <= group)
    return keepWhole(op);

  OpBuilder builder(op);
  TileBuilder outer(builder, op->getLoc());
  Value count = outer.extent(out, dim);
  Value tasks = outer.ceilDivide(count, group);
  auto body = [&](OpBuilder &inner, Location loc, Value task) {
    TileBuilder tiles(inner, loc);
    Value first = tiles.multiply(task, group);
    OpFoldResult size;
    if (!ShapedType::isDynamic(rows) && rows % group == 0) {
      size = inner.getIndexAttr(group);
    } else {
      Value left = arith::SubIOp::create(inner, loc, count, first);
      size = tiles.minimum(left, tiles.constant(group));
    }
    SmallVector<Value> operands;
    DenseMap<Value, Value> parts; // An operation in place stays in place.
    for (OpOperand &operand : op->getOpOperands()) {
      auto rowDim = findRowDim(op, operand, outType, dim);
      Value value = operand.get();
      if (rowDim) {
        Value &part = parts[value];
        if (!part)
          part = tiles.view(value, {{*rowDim, first, size}});
        value = part;
      }
      operands.push_back(value);
    }
    Operation *clone = tiles.cloneWith(op, operands);
    auto shiftPosition = [&](auto typed) {
      Value position = typed.getPosition();
      if (position && isa<MemRefType>(position.getType()))
        return;
      typed.getPositionMutable().assign(position ? tiles.add(position, first)
                                                 : first);
      // Made after the clone: it has to come before.
      if (position)
        typed.getPosition().getDefiningOp()->moveBefore(typed);
    };
    if (auto rope = dyn_cast<RopeOp>(clone))
      shiftPosition(rope);
    if (auto positions = dyn_cast<PositionsOp>(clone))
      shiftPosition(positions);
  };
  DispatchOp::create(builder, op->getLoc(), tasks, /*grain=*/1, getLabel(op),
                     body);
  op->erase();
  return true;
}

//===----------------------------------------------------------------------===//
// The pass
//===----------------------------------------------------------------------===//

namespace {

struct ApplyTiles : tenon::impl::TenonApplyTilesBase<ApplyTiles> {
  void runOnOperation() override {
    SmallVector<Operation *> work;
    getOperation().walk([&](Operation *op) {
      if (isa<DispatchOp>(op))
        return WalkResult::skip();
      if (isa<AppendKVOp, BlockAttentionOp, CopyOp>(op))
        work.push_back(op);
      else if (auto compute = dyn_cast<ComputeOpInterface>(op))
        if (compute.isBufferForm())
          work.push_back(op);
      return WalkResult::advance();
    });
    for (Operation *op : work) {
      FailureOr<bool> many = tile(op);
      if (failed(many))
        return signalPassFailure();
      ++(*many ? numTiled : numWhole);
    }
    SmallVector<scf::ForallOp> loops;
    getOperation().walk([&](scf::ForallOp loop) { loops.push_back(loop); });
    for (scf::ForallOp loop : loops)
      if (failed(flattenForall(loop)))
        return signalPassFailure();
  }

  static FailureOr<bool> tile(Operation *op) {
    if (auto linear = dyn_cast<LinearOp>(op))
      return tileLinear(linear);
    if (auto attention = dyn_cast<BlockAttentionOp>(op))
      return tileAttention(attention);
    if (auto append = dyn_cast<AppendKVOp>(op))
      return tileAppend(append);
    if (isa<AttentionOp, FfnOp>(op))
      return op->emitOpError("has no tiles: bufferization replaces it");
    return tileRows(op);
  }
};

} // namespace
