//===- LowerLinears.cpp - linears of plain weights are products -----------===//
//
// tenon-lower-linears: see TrainingPasses.td.
//
//===----------------------------------------------------------------------===//

#include "Build.h"
#include "tenon/Dialect/Tenon/Transforms/TrainingPasses.h"

namespace tenon {
#define GEN_PASS_DEF_TENONLOWERLINEARS
#include "tenon/Dialect/Tenon/Transforms/TrainingPasses.h.inc"
} // namespace tenon

using namespace mlir;
using namespace tenon;

LogicalResult tenon::lowerLinears(Operation *root, bool isOfManyRows,
                                  int64_t *count) {
  SmallVector<LinearOp> linears;
  root->walk([&](LinearOp op) { linears.push_back(op); });
  for (LinearOp op : linears) {
    if (op.getGated())
      return op.emitOpError("that is gated is no product: linears of a model "
                            "that learns are lowered before fusion");
    OpBuilder builder(op);
    Build build(builder, op);
    Value y = isOfManyRows ? build.weightProduct(op.getInput(), op.getWeight())
                           : build.matmul(op.getInput(),
                                          build.transpose(op.getWeight()));
    if (op.getBias())
      y = build.add(y, op.getBias());
    if (op.getActivation() != ActivationKind::Identity)
      y = build.activation(y, op.getActivation());
    if (op.getResidual())
      y = build.add(y, op.getResidual());
    op.getResult().replaceAllUsesWith(y);
    op.erase();
    if (count)
      ++*count;
  }
  return success();
}

namespace {

struct LowerLinears : tenon::impl::TenonLowerLinearsBase<LowerLinears> {
  void runOnOperation() override {
    int64_t count = 0;
    if (failed(lowerLinears(getOperation(), /*isOfManyRows=*/false, &count)))
      return signalPassFailure();
    numLowered += count;
  }
};

} // namespace
