//===- AttentionToVector.cpp - attention on cache blocks to vectors -------===//
//
// The pass; the kernels are in the files beside it.
//
//===----------------------------------------------------------------------===//

#include "AttentionKernel.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/UB/IR/UBOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "tenon/Conversion/KernelPasses.h"
#include "tenon/Dialect/Micro/IR/Micro.h"

namespace tenon {
#define GEN_PASS_DEF_TENONATTENTIONTOVECTOR
#include "tenon/Conversion/KernelPasses.h.inc"
} // namespace tenon

using namespace mlir;
using namespace tenon;
using namespace tenon::attention;

namespace {

struct AttentionToVector
    : tenon::impl::TenonAttentionToVectorBase<AttentionToVector> {
  void runOnOperation() override {
    WalkResult result = getOperation()->walk([&](Operation *op) {
      if (!isa<AppendKVOp, BlockAttentionOp, PartialAttentionOp,
               CombineAttentionOp>(op))
        return WalkResult::advance();
      if (failed(lower(op)))
        return WalkResult::interrupt();
      op->erase();
      return WalkResult::advance();
    });
    if (result.wasInterrupted())
      signalPassFailure();
  }

  LogicalResult lower(Operation *op) {
    KernelBuilder builder(op);
    if (usesPairs(op) &&
        !(builder.getTarget() && builder.getTarget().hasBf16Dot() &&
          builder.lanes() == kLaneBlock))
      return op->emitOpError("on pairs of bf16 needs a target that multiplies "
                             "them");
    if (auto append = dyn_cast<AppendKVOp>(op)) {
      emitAppend(builder, append);
      ++numAppends;
    } else if (auto combine = dyn_cast<CombineAttentionOp>(op)) {
      emitCombine(builder, combine);
      ++numCombined;
    } else if (auto partial = dyn_cast<PartialAttentionOp>(op)) {
      SingleQuery(builder, partial).emit();
      ++numSingle;
    } else {
      lowerAttention(builder, cast<BlockAttentionOp>(op));
    }
    return success();
  }

  void lowerAttention(KernelBuilder &builder, BlockAttentionOp op) {
    bool isSingle =
        cast<MemRefType>(op.getQuery().getType()).getDimSize(1) == 1;
    if (usesPairs(op))
      TiledPairs(builder, op).emit();
    else if (isSingle)
      SingleQuery(builder, op).emit();
    else
      TiledQueries(builder, op).emit();
    ++(isSingle && !usesPairs(op) ? numSingle : numTiled);
  }

  /// Whether an operation's keys are pairs of bf16.
  static bool usesPairs(Operation *op) {
    return llvm::any_of(op->getOperandTypes(), [](Type type) {
      auto memref = dyn_cast<MemRefType>(type);
      return memref && memref.getRank() == 5;
    });
  }
};

} // namespace
