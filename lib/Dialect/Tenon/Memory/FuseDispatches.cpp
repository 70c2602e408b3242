//===- FuseDispatches.cpp - small operations before the next dispatch -----===//
//
// An operation of one task never leaves the calling thread, so it needs no
// region of its own: it is a step before the tasks of the next dispatch. What
// it reads is there, as dispatches run one after the other, and what it writes
// is there before the first task starts.
//
//===----------------------------------------------------------------------===//

#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "tenon/Dialect/Tenon/Transforms/MemoryPasses.h"

namespace tenon {
#define GEN_PASS_DEF_TENONFUSEDISPATCHES
#include "tenon/Dialect/Tenon/Transforms/MemoryPasses.h.inc"
} // namespace tenon

using namespace mlir;
using namespace tenon;

/// Products of a matrix, which a profile shows on their own even when they are
/// too small for a second task.
static bool isHeavy(Operation *op) {
  return isa<LinearOp, MatmulOp, BlockAttentionOp, PartialAttentionOp>(op);
}

/// Whether a dispatch is one task of a small operation.
static bool isSmall(DispatchOp dispatch) {
  if (getConstantIntValue(dispatch.getCount()) != 1)
    return false;
  return !dispatch.getBody()
              .walk([](Operation *op) {
                return isHeavy(op) ? WalkResult::interrupt()
                                   : WalkResult::advance();
              })
              .wasInterrupted();
}

/// Makes the body of a dispatch of one task a step at the end of `block`, after
/// its own steps, and erases it.
static void moveToSteps(DispatchOp dispatch, Block &block) {
  Operation *end = block.getTerminator();
  for (StepOp step : dispatch.getSteps())
    step->moveBefore(end);
  OpBuilder builder(end);
  auto step =
      StepOp::create(builder, dispatch.getLoc(), dispatch.getLabelAttr());
  Value task = dispatch.getTask();
  if (!task.use_empty()) {
    builder.setInsertionPoint(dispatch);
    task.replaceAllUsesWith(
        arith::ConstantIndexOp::create(builder, dispatch.getLoc(), 0));
  }
  dispatch.getBody().front().eraseArgument(0);
  step.getBody().takeBody(dispatch.getBody());
  dispatch.erase();
}

namespace {

struct FuseDispatches : tenon::impl::TenonFuseDispatchesBase<FuseDispatches> {
  void runOnOperation() override {
    SmallVector<Block *> blocks;
    getOperation().walk([&](DispatchOp dispatch) {
      if (!llvm::is_contained(blocks, dispatch->getBlock()))
        blocks.push_back(dispatch->getBlock());
    });
    for (Block *block : blocks)
      fuse(*block);
  }

  void fuse(Block &block) {
    // A small dispatch with nothing but arithmetic behind it so far.
    DispatchOp waiting;
    for (Operation &op : llvm::make_early_inc_range(block)) {
      auto dispatch = dyn_cast<DispatchOp>(op);
      if (!dispatch && isMemoryEffectFree(&op))
        continue;
      if (waiting && dispatch)
        prepend(waiting, dispatch);
      else if (waiting)
        ++numLeft;
      waiting = dispatch && isSmall(dispatch) ? dispatch : DispatchOp();
    }
    if (waiting)
      ++numLeft;
  }

  /// Puts a small dispatch before the steps that `to` has.
  void prepend(DispatchOp small, DispatchOp to) {
    small.getBody().walk([&](Operation *op) {
      if (isa<RmsNormOp, LayerNormOp>(op))
        ++numNorms;
    });
    auto own = to.getSteps();
    Block &prologue = to.getOrCreatePrologue();
    moveToSteps(small, prologue);
    for (StepOp step : own)
      step->moveBefore(prologue.getTerminator());
    ++numMerged;
  }
};

} // namespace
