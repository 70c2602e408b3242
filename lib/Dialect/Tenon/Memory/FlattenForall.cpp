//===- FlattenForall.cpp - one dispatch for the tokens of all sequences ---===//
//
// Bufferization makes a parallel loop over sequences of what it knows for the
// tokens of one: an append to the cache, an attention. Their tiling sees the
// operation of one token and cuts that, by heads for instance. Here loop and
// dispatch become one list of tasks.
//
//===----------------------------------------------------------------------===//

#include "TileBuilder.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"

using namespace mlir;
using namespace tenon;

/// The only dispatch of a loop, or null if there are none, several, or
/// operations beside it that write.
static DispatchOp findDispatch(scf::ForallOp loop) {
  DispatchOp found;
  for (Operation &op : loop.getBody()->without_terminator()) {
    auto dispatch = dyn_cast<DispatchOp>(op);
    if (dispatch ? bool(found) : !isPure(&op) && !isa<memref::LoadOp>(op))
      return {};
    if (dispatch)
      found = dispatch;
  }
  return found;
}

/// Moves the operations of a loop before its dispatch, then the dispatch's
/// body, to the end of `block`.
static void moveBody(scf::ForallOp loop, DispatchOp dispatch, Block &block,
                     Value row, Value task) {
  loop.getInductionVar(0).replaceAllUsesWith(row);
  dispatch.getTask().replaceAllUsesWith(task);
  Operation *end = block.getTerminator();
  for (Operation &op :
       llvm::make_early_inc_range(loop.getBody()->without_terminator()))
    if (&op != dispatch)
      op.moveBefore(end);
  for (Operation &op : llvm::make_early_inc_range(
           dispatch.getBody().front().without_terminator()))
    op.moveBefore(end);
}

LogicalResult tenon::flattenForall(scf::ForallOp loop) {
  DispatchOp dispatch = findDispatch(loop);
  std::optional<int64_t> inner, rows;
  if (dispatch && loop.getRank() == 1 && !dispatch.hasPrologue()) {
    inner = getConstantIntValue(dispatch.getCount());
    rows = getConstantIntValue(loop.getMixedUpperBound().front());
  }
  if (!inner || !rows || !loop.isNormalized())
    return loop.emitOpError("must hold one dispatch of a constant number of "
                            "tasks, and no prologue");
  OpBuilder builder(loop);
  Location loc = loop.getLoc();
  TileBuilder tiles(builder, loc);
  // A few hundred bytes of each row are no work for a second worker.
  bool isAlone = *inner == 1 && llvm::any_of(dispatch.getBody().getOps(),
                                             llvm::IsaPred<AppendKVOp>);
  int64_t count = isAlone ? 1 : *rows * *inner;
  auto tasks = DispatchOp::create(builder, loc, tiles.constant(count),
                                  isAlone ? 1 : dispatch.getGrain(),
                                  dispatch.getLabel());
  builder.setInsertionPointToStart(&tasks.getBody().front());
  if (isAlone) {
    Value zero = tiles.constant(0);
    auto each = scf::ForOp::create(builder, loc, zero, tiles.constant(*rows),
                                   tiles.constant(1));
    moveBody(loop, dispatch, *each.getBody(), each.getInductionVar(), zero);
  } else {
    Value size = tiles.constant(*inner);
    Value row = arith::DivUIOp::create(builder, loc, tasks.getTask(), size);
    Value task = arith::RemUIOp::create(builder, loc, tasks.getTask(), size);
    moveBody(loop, dispatch, tasks.getBody().front(), row, task);
  }
  loop.erase();
  return success();
}
