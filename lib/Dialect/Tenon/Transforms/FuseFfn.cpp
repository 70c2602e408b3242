//===- FuseFfn.cpp - linear, activation, linear become tenon.ffn ----------===//
//
// tenon-fuse-ffn: see FusionPasses.td.
//
//===----------------------------------------------------------------------===//

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "tenon/Dialect/Tenon/Transforms/FusionPasses.h"

namespace tenon {
#define GEN_PASS_DEF_TENONFUSEFFN
#include "tenon/Dialect/Tenon/Transforms/FusionPasses.h.inc"
} // namespace tenon

using namespace mlir;
using namespace tenon;

namespace {

bool isBare(LinearOp linear) {
  return linear && !linear.getResidual() && !linear.getGated() &&
         linear.getActivation() == ActivationKind::Identity;
}

bool isActivated(LinearOp linear) {
  return linear && !linear.getResidual() && !linear.getGated() &&
         linear.getActivation() != ActivationKind::Identity;
}

struct FuseFfnPass : tenon::impl::TenonFuseFfnBase<FuseFfnPass> {
  void runOnOperation() override {
    SmallVector<LinearOp> linears;
    getOperation().walk([&](LinearOp op) {
      if (op.getResult())
        linears.push_back(op);
    });
    for (LinearOp down : linears) {
      if (auto product = down.getInput().getDefiningOp<MulOp>())
        fuseGated(down, product);
      else if (auto up = down.getInput().getDefiningOp<LinearOp>())
        fusePlain(down, up);
    }
  }

private:
  /// Whether the last linear may end a network; counts why not.
  bool checkDown(LinearOp down) {
    if (!down.getInput().hasOneUse()) {
      ++numDeclinedUses;
      return false;
    }
    if (down.getActivation() != ActivationKind::Identity || down.getGated()) {
      ++numDeclinedActivation;
      return false;
    }
    return true;
  }

  void fusePlain(LinearOp down, LinearOp up) {
    if (!isActivated(up) || !checkDown(down))
      return;
    replace(down, up, LinearOp(), {up});
    ++numPlain;
  }

  void fuseGated(LinearOp down, MulOp product) {
    auto gate = product.getLhs().getDefiningOp<LinearOp>();
    auto up = product.getRhs().getDefiningOp<LinearOp>();
    if (isBare(gate) && isActivated(up))
      std::swap(gate, up);
    if (!isActivated(gate) || !isBare(up) || gate.getInput() != up.getInput() ||
        gate.getWeight().getType() != up.getWeight().getType() ||
        gate.getResult().getType() != product.getResult().getType())
      return;
    if (!checkDown(down))
      return;
    if (!gate.getResult().hasOneUse() || !up.getResult().hasOneUse()) {
      ++numDeclinedUses;
      return;
    }
    if (bool(gate.getBias()) != bool(up.getBias())) {
      ++numDeclinedBias;
      return;
    }
    replace(down, up, gate, {product, gate, up});
    ++numGated;
  }

  /// Puts an ffn in the place of `down` and erases what it swallowed, whose
  /// last operation comes first.
  void replace(LinearOp down, LinearOp up, LinearOp gate,
               ArrayRef<Operation *> swallowed) {
    SmallVector<Location> locs;
    for (Operation *op : llvm::reverse(swallowed))
      locs.push_back(op->getLoc());
    locs.push_back(down.getLoc());
    OpBuilder builder(down);
    auto ffn = FfnOp::create(
        builder, FusedLoc::get(&getContext(), locs), down.getResult().getType(),
        up.getInput(), up.getWeight(), down.getWeight(),
        gate ? gate.getWeight() : Value(), up.getBias(),
        gate ? gate.getBias() : Value(), down.getBias(), down.getResidual(),
        /*out=*/Value(), (gate ? gate : up).getActivation());
    down.getResult().replaceAllUsesWith(ffn.getResult());
    down.erase();
    for (Operation *op : swallowed)
      op->erase();
  }
};

} // namespace
