//===- ApplyTiles.cpp - cut operations into tasks -------------------------===//
//
// One function for each way of cutting. The *grain* of a dispatch is the least
// number of tasks that is worth waking a worker for, about two microseconds of
// work: 64 KiB of weights read from memory at 30 GB/s.
//
//===----------------------------------------------------------------------===//

#include "TileBuilder.h"
#include "TileModel.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "tenon/Dialect/Tenon/IR/TenonMixture.h"
#include "tenon/Dialect/Tenon/IR/TenonTraining.h"
#include "tenon/Dialect/Tenon/IR/TenonWindows.h"
#include "tenon/Dialect/Tenon/Transforms/MemoryPasses.h"

#include <numeric>

namespace tenon {
#define GEN_PASS_DEF_TENONAPPLYTILES
#include "tenon/Dialect/Tenon/Transforms/MemoryPasses.h.inc"
} // namespace tenon

using namespace mlir;
using namespace tenon;

/// Rows of a group where no tile was chosen.
static constexpr int64_t kDefaultGroup = 16;

static int64_t elementBytes(MemRefType type) {
  return getElementBytes(type.getElementType());
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
  // A task stays within one group of a grouped linear, whose columns of the
  // input it multiplies.
  int64_t linearGroups = op.getGroups(), panelsOfGroup = panels / linearGroups;
  if (linearGroups != 1) {
    if (columns % (linearGroups * perPanel) || panels % linearGroups)
      return op.emitOpError()
             << "has groups of " << columns << " / " << linearGroups
             << " columns, which panels of " << perPanel << " don't fit";
    group = std::gcd(group, panelsOfGroup);
  }
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
      if (linearGroups != 1) {
        int64_t width = memrefOf(op.getInput()).getDimSize(1) / linearGroups;
        Value number = arith::DivUIOp::create(
            inner, loc, task, tiles.constant(panelsOfGroup / group));
        operands[0] = tiles.view(
            op.getInput(),
            {{1, tiles.multiply(number, width), inner.getIndexAttr(width)}});
      }
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
      Operation *tile = tiles.cloneWith(op, operands);
      cast<LinearOp>(tile).setGroups(1);
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
    auto emitLast = [&] {
      emit(inner.getIndexAttr(before), tailPanels,
           inner.getIndexAttr(before * perPanel), tailColumns);
    };
    tiles.whereLast(task, tasks, emitLast, emitFull);
  };
  DispatchOp::create(builder, loc, outer.constant(tasks),
                     chooseGrain(bytes, tasks), getLabel(op), body);
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
  if (isa<ConcatOp>(op))
    return type.getDimSize(outDim) == 1 && out.getDimSize(outDim) != 1
               ? std::optional<unsigned>()
               : outDim;
  if (isa<ScoreBiasOp>(op) && operand.getOperandNumber() == 1)
    return 0; // Each head's own.
  if (auto rope = dyn_cast<RopeOp>(op);
      rope && rope.getPosition() == operand.get())
    return 0; // Each row's own.
  if (isa<TopKOp, ActivationGradientOp, ClampGradientOp>(op))
    return outDim;
  if (isa<CrossEntropyOp, CrossEntropyGradientOp>(op))
    return 0; // A target for each row.
  if (auto positions = dyn_cast<PositionsOp>(op);
      positions && positions.getPosition() == operand.get())
    return 0;
  bool isOut = operand.getOperandNumber() + 1 == op->getNumOperands();
  if (isa<UnfoldOp>(op)) // Windows overlap, and may be of any place.
    return isOut ? std::optional<unsigned>(0) : std::nullopt;
  if (isa<ScatterAddOp>(op)) // The result's rows are anywhere.
    return isOut ? std::nullopt : std::optional<unsigned>(0);
  if (operand.getOperandNumber() != 0 && !isOut)
    return std::nullopt; // Tables, weights, masks.
  return type.getRank() == 1 ? 0 : outDim;
}

FailureOr<bool> tenon::tileRows(Operation *op) {
  Value out = op->getOperands().back();
  if (auto scatter = dyn_cast<ScatterAddOp>(op))
    out = scatter.getInput();
  MemRefType outType = memrefOf(out);
  // Head tensors are cut by tokens; what depends on the token's place is cut by
  // heads.
  bool byHeads = isa<CausalMaskOp, BandMaskOp, ScoreBiasOp, DistanceGatherOp,
                     DistanceGatherGradientOp>(op);
  unsigned dim = outType.getRank() == 3 && !byHeads ? 1 : 0;
  auto tile = op->getAttrOfType<TileAttr>("tile");
  int64_t group = tile ? tile.getGroup() : kDefaultGroup;
  int64_t rows = outType.getDimSize(dim);
  if (byHeads) {
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
    if (auto unfold = dyn_cast<UnfoldOp>(clone))
      unfold.getFirstMutable().assign(first);
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
      if (isa<AppendKVOp, BlockAttentionOp, PartialAttentionOp,
              CombineAttentionOp, CopyOp, RouteOp, ScatterAddOp, ClearOp>(op) ||
          isTrainingOp(op))
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
    if (auto attention = dyn_cast<PartialAttentionOp>(op))
      return tileParts(attention);
    if (isa<CombineAttentionOp, RouteOp, PadRowsOp>(op))
      return keepWhole(op);
    if (isTrainingOp(op))
      return tileTraining(op);
    if (auto append = dyn_cast<AppendKVOp>(op))
      return tileAppend(append);
    if (isa<AttentionOp, FfnOp>(op))
      return op->emitOpError("has no tiles: bufferization replaces it");
    return tileRows(op);
  }
};

} // namespace
