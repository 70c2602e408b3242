//===- AttentionToVector.cpp - attention on cache blocks to vectors -------===//
//
// The pass; the kernels are in the files beside it.
//
//===----------------------------------------------------------------------===//

#include "AttentionKernel.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/BuiltinOps.h"
#include "tenon/Conversion/KernelPasses.h"

namespace tenon {
#define GEN_PASS_DEF_TENONATTENTIONTOVECTOR
#include "tenon/Conversion/KernelPasses.h.inc"
} // namespace tenon

using namespace mlir;
using namespace tenon;

namespace {

struct AttentionToVector
    : tenon::impl::TenonAttentionToVectorBase<AttentionToVector> {
  void runOnOperation() override {
    getOperation()->walk([&](Operation *op) {
      if (auto append = dyn_cast<AppendKVOp>(op)) {
        KernelBuilder builder(op);
        attention::emitAppend(builder, append);
        ++numAppends;
      } else if (auto combine = dyn_cast<CombineAttentionOp>(op)) {
        KernelBuilder builder(op);
        attention::emitCombine(builder, combine);
        ++numCombined;
      } else if (auto partial = dyn_cast<PartialAttentionOp>(op)) {
        KernelBuilder builder(op);
        attention::SingleQuery(builder, partial).emit();
        ++numSingle;
      } else if (auto attention = dyn_cast<BlockAttentionOp>(op)) {
        KernelBuilder builder(op);
        auto query = cast<MemRefType>(attention.getQuery().getType());
        if (query.getDimSize(1) == 1) {
          attention::SingleQuery(builder, attention).emit();
          ++numSingle;
        } else {
          attention::TiledQueries(builder, attention).emit();
          ++numTiled;
        }
      } else {
        return;
      }
      op->erase();
    });
  }
};

} // namespace
