//===- TileTraining.cpp - tasks of what learning adds ---------------------===//
//
// Every task writes places of its own, so that sums need no atomic operations
// and their order is that of the IR (I5): a task has some rows of a weight's
// gradient, some columns of a table's, or some elements of all.
//
//===----------------------------------------------------------------------===//

#include "TileBuilder.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "tenon/Dialect/Tenon/IR/TenonFrozen.h"
#include "tenon/Dialect/Tenon/IR/TenonLearning.h"
#include "tenon/Dialect/Tenon/IR/TenonOptimizer.h"
#include "tenon/Dialect/Tenon/Transforms/MemoryPasses.h"

using namespace mlir;
using namespace tenon;

/// Rows of a weight's gradient in a task: a panel of the input is copied for so
/// many, which of 48 takes a twentieth of the time and of 144 next to nothing.
/// Neighbours in a column of either lie an odd number of cache lines apart.
static constexpr int64_t kFewGradientRows = 48, kGradientRows = 144;
/// Tasks that are enough for all workers.
static constexpr int64_t kEnoughTasks = 8;
/// Rows that are added to a gradient in a task.
static constexpr int64_t kAddedRows = 16;
/// Columns of a table's gradient in a task: whole cache lines.
static constexpr int64_t kTableColumns = 64;
/// Elements that a task updates: 64 KiB of each of four memories.
static constexpr int64_t kUpdateElements = 16384;
/// Blocks that a task sums up.
static constexpr int64_t kSumBlocks = 16;

bool tenon::isTrainingOp(Operation *op) {
  return isa<WeightProductOp, AttentionGradientOp, AddGradientOp,
             WeightGradientOp, EmbeddingGradientOp, SumSquaresOp, NormOfSumsOp,
             AdamWOp, UnpackPanelsOp>(op) ||
         isOptimizerStep(op);
}

/// Replaces an operation by a dispatch over [0, total) in chunks; `operands`
/// gives those of a chunk. Extents stay static: the last chunk, if it is
/// shorter, is a copy of its own.
static FailureOr<bool>
cut(Operation *op, int64_t total, int64_t chunk,
    llvm::function_ref<SmallVector<Value>(TileBuilder &, OpFoldResult offset,
                                          int64_t size)>
        operands) {
  int64_t tasks = llvm::divideCeilSigned(total, chunk);
  if (tasks <= 1)
    return keepWhole(op);
  OpBuilder builder(op);
  TileBuilder outer(builder, op->getLoc());
  auto body = [&](OpBuilder &inner, Location loc, Value task) {
    TileBuilder tiles(inner, loc);
    auto emitFull = [&] {
      tiles.cloneWith(op, operands(tiles, tiles.multiply(task, chunk), chunk));
    };
    int64_t rest = total - (tasks - 1) * chunk;
    if (rest == chunk)
      return emitFull();
    auto emitLast = [&] {
      tiles.cloneWith(
          op, operands(tiles, inner.getIndexAttr((tasks - 1) * chunk), rest));
    };
    tiles.whereLast(task, tasks, emitLast, emitFull);
  };
  DispatchOp::create(builder, op->getLoc(), outer.constant(tasks), /*grain=*/1,
                     getLabel(op), body);
  op->erase();
  return true;
}

static FailureOr<bool> tileWeightGradient(WeightGradientOp op) {
  int64_t rows = memrefOf(op.getInto()).getDimSize(0);
  int64_t each =
      rows >= kEnoughTasks * kGradientRows ? kGradientRows : kFewGradientRows;
  return cut(op, rows, each,
             [&](TileBuilder &tiles, OpFoldResult first, int64_t count) {
               OpFoldResult size = tiles.builder.getIndexAttr(count);
               return SmallVector<Value>{
                   tiles.view(op.getGradient(), {{1, first, size}}),
                   op.getInput(), tiles.view(op.getInto(), {{0, first, size}})};
             });
}

static FailureOr<bool> tileEmbeddingGradient(EmbeddingGradientOp op) {
  return cut(op, memrefOf(op.getInto()).getDimSize(1), kTableColumns,
             [&](TileBuilder &tiles, OpFoldResult first, int64_t count) {
               OpFoldResult size = tiles.builder.getIndexAttr(count);
               return SmallVector<Value>{
                   op.getIds(),
                   tiles.view(op.getGradient(), {{1, first, size}}),
                   tiles.view(op.getInto(), {{1, first, size}})};
             });
}

static FailureOr<bool> tileAddGradient(AddGradientOp op) {
  MemRefType into = memrefOf(op.getInto());
  // A vector is small.
  if (into.getRank() == 1)
    return keepWhole(op);
  return cut(op, into.getDimSize(0), kAddedRows,
             [&](TileBuilder &tiles, OpFoldResult first, int64_t count) {
               OpFoldResult size = tiles.builder.getIndexAttr(count);
               return SmallVector<Value>{
                   tiles.view(op.getInput(), {{0, first, size}}),
                   tiles.view(op.getInto(), {{0, first, size}})};
             });
}

static FailureOr<bool> tileSumSquares(SumSquaresOp op) {
  constexpr int64_t kBlock = SumSquaresOp::kBlock;
  int64_t total = memrefOf(op.getInput()).getDimSize(0);
  return cut(op, total, kSumBlocks * kBlock,
             [&](TileBuilder &tiles, OpFoldResult first, int64_t count) {
               OpFoldResult size = tiles.builder.getIndexAttr(count);
               // The first block: a chunk begins with a whole one.
               OpFoldResult block;
               if (auto attr = dyn_cast<Attribute>(first))
                 block = tiles.builder.getIndexAttr(
                     cast<IntegerAttr>(attr).getInt() / kBlock);
               else
                 block = arith::DivUIOp::create(tiles.builder, tiles.loc,
                                                cast<Value>(first),
                                                tiles.constant(kBlock))
                             .getResult();
               OpFoldResult blocks = tiles.builder.getIndexAttr(
                   llvm::divideCeilSigned(count, kBlock));
               return SmallVector<Value>{
                   tiles.view(op.getInput(), {{0, first, size}}),
                   tiles.view(op.getOut(), {{0, block, blocks}})};
             });
}

static FailureOr<bool> tileUpdate(AdamWOp op) {
  return cut(op, memrefOf(op.getWeight()).getDimSize(0), kUpdateElements,
             [&](TileBuilder &tiles, OpFoldResult first, int64_t count) {
               OpFoldResult size = tiles.builder.getIndexAttr(count);
               SmallVector<Value> operands;
               for (Value memory : {op.getWeight(), op.getGradient(),
                                    op.getFirst(), op.getSecond()})
                 operands.push_back(tiles.view(memory, {{0, first, size}}));
               operands.append({op.getNumbers(), op.getNorm()});
               return operands;
             });
}

static FailureOr<bool> tileWeightProduct(WeightProductOp op) {
  // Neighbours in a row of the result, and the part of the weight for them.
  unsigned dim = op.getFlipped() ? 1 : 0;
  int64_t columns = memrefOf(op.getWeight()).getDimSize(dim), each = columns;
  if (auto tile = op.getTile())
    each = tile->getColumns() * tile->getGroup();
  return cut(op, columns, each,
             [&](TileBuilder &tiles, OpFoldResult first, int64_t count) {
               OpFoldResult size = tiles.builder.getIndexAttr(count);
               return SmallVector<Value>{
                   op.getInput(),
                   tiles.view(op.getWeight(), {{dim, first, size}}),
                   tiles.view(op.getOut(), {{1, first, size}})};
             });
}

/// A task for each head of keys.
static FailureOr<bool> tileAttentionGradient(AttentionGradientOp op) {
  int64_t heads = memrefOf(op.getKey()).getDimSize(0);
  return cut(op, heads, 1,
             [&](TileBuilder &tiles, OpFoldResult first, int64_t) {
               SmallVector<Value> operands;
               for (Value operand : op->getOperands()) {
                 int64_t each = memrefOf(operand).getDimSize(0) / heads;
                 OpFoldResult begin = first;
                 if (each != 1)
                   begin = tiles.multiply(getValueOrCreateConstantIndexOp(
                                              tiles.builder, tiles.loc, first),
                                          each);
                 operands.push_back(tiles.view(
                     operand, {{0, begin, tiles.builder.getIndexAttr(each)}}));
               }
               return operands;
             });
}

static FailureOr<bool> tileMomentum(MomentumOp op) {
  return cut(
      op, memrefOf(op.getWeight()).getDimSize(0), kUpdateElements,
      [&](TileBuilder &tiles, OpFoldResult first, int64_t count) {
        OpFoldResult size = tiles.builder.getIndexAttr(count);
        SmallVector<Value> operands;
        for (Value memory : {op.getWeight(), op.getGradient(), op.getFirst()})
          operands.push_back(tiles.view(memory, {{0, first, size}}));
        operands.append({op.getNumbers(), op.getNorm()});
        return operands;
      });
}

/// Rows of a matrix: its memories are those of the first dimension `rows`.
static FailureOr<bool> tileMatrixStep(Operation *op, int64_t rows) {
  return cut(
      op, rows, kGradientRows,
      [&](TileBuilder &tiles, OpFoldResult first, int64_t count) {
        OpFoldResult size = tiles.builder.getIndexAttr(count);
        SmallVector<Value> operands;
        for (Value operand : op->getOperands()) {
          MemRefType type = memrefOf(operand);
          bool isMatrix =
              type.getRank() == 2 && type.getShape() != ArrayRef<int64_t>{1, 1};
          operands.push_back(isMatrix ? tiles.view(operand, {{0, first, size}})
                                      : operand);
        }
        return operands;
      });
}

/// A task for each panel.
static FailureOr<bool> tileUnpackPanels(UnpackPanelsOp op) {
  int64_t rows = cast<SuperblockType>(memrefOf(op.getWeight()).getElementType())
                     .getColumns();
  return cut(
      op, memrefOf(op.getOut()).getDimSize(0), rows,
      [&](TileBuilder &tiles, OpFoldResult first, int64_t count) {
        OpFoldResult size = tiles.builder.getIndexAttr(count);
        Value panel = arith::DivUIOp::create(
            tiles.builder, tiles.loc,
            getValueOrCreateConstantIndexOp(tiles.builder, tiles.loc, first),
            tiles.constant(rows));
        return SmallVector<Value>{op.getWeight(), panel,
                                  tiles.view(op.getOut(), {{0, first, size}})};
      });
}

FailureOr<bool> tenon::tileTraining(Operation *op) {
  if (auto attention = dyn_cast<AttentionGradientOp>(op))
    return tileAttentionGradient(attention);
  if (auto product = dyn_cast<WeightProductOp>(op))
    return tileWeightProduct(product);
  if (auto gradient = dyn_cast<WeightGradientOp>(op))
    return tileWeightGradient(gradient);
  if (auto gradient = dyn_cast<EmbeddingGradientOp>(op))
    return tileEmbeddingGradient(gradient);
  if (auto gradient = dyn_cast<AddGradientOp>(op))
    return tileAddGradient(gradient);
  if (auto sums = dyn_cast<SumSquaresOp>(op))
    return tileSumSquares(sums);
  if (auto update = dyn_cast<AdamWOp>(op))
    return tileUpdate(update);
  if (auto update = dyn_cast<MomentumOp>(op))
    return tileMomentum(update);
  if (auto panels = dyn_cast<UnpackPanelsOp>(op))
    return tileUnpackPanels(panels);
  if (auto step = dyn_cast<LeanOp>(op))
    return tileMatrixStep(op, memrefOf(step.getOut()).getDimSize(0));
  if (auto step = dyn_cast<StepAlongOp>(op))
    return tileMatrixStep(op, memrefOf(step.getWeight()).getDimSize(0));
  return keepWhole(op);
}
