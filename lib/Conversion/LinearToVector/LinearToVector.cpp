//===- LinearToVector.cpp - linears to register-tiled kernels -------------===//
//
// The pass. What is done at a step of K is in WeightFormat.cpp, the loops, the
// tails and the epilogue around it in LinearKernel.cpp.
//
//===----------------------------------------------------------------------===//

#include "LinearKernel.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/UB/IR/UBOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "tenon/Conversion/KernelPasses.h"
#include "tenon/Dialect/Micro/IR/Micro.h"

namespace tenon {
#define GEN_PASS_DEF_TENONLINEARTOVECTOR
#include "tenon/Conversion/KernelPasses.h.inc"
} // namespace tenon

using namespace mlir;
using namespace tenon;

namespace {

struct LinearToVector : tenon::impl::TenonLinearToVectorBase<LinearToVector> {
  void runOnOperation() override {
    getOperation()->walk([&](LinearOp op) {
      if (!cast<ComputeOpInterface>(op.getOperation()).isBufferForm())
        return;
      KernelBuilder builder(op);
      LinearPlan plan = LinearPlan::of(op.getPlanAttr());
      auto format = linear::WeightFormat::get(builder, op.getInput(),
                                              op.getWeight(), plan);
      if (!format) {
        ++numDeclined;
        return;
      }
      linear::LinearKernel(builder, op, plan, *format).emit();
      op.erase();
      ++numLowered;
    });
  }
};

} // namespace
