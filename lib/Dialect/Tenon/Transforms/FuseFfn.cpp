//===- FuseFfn.cpp - linear, activation, linear become tenon.ffn ----------===//
//
// tenon-fuse-ffn: see FusionPasses.td.
//
//===----------------------------------------------------------------------===//

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "tenon/Dialect/Tenon/IR/Remarks.h"
#include "tenon/Dialect/Tenon/Transforms/FusionPasses.h"

namespace tenon {
#define GEN_PASS_DEF_TENONFUSEFFN
#include "tenon/Dialect/Tenon/Transforms/FusionPasses.h.inc"
} // namespace tenon

using namespace mlir;
using namespace tenon;

namespace {

constexpr StringLiteral kPass = "tenon-fuse-ffn";

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
  static void miss(LinearOp down, Operation *blocker, std::string reason) {
    remarkMissed(down, kPass, "fused")
        << says("this feed-forward network stays in parts: " + reason)
        << blockedBy(blocker->getLoc());
  }

  /// The reader of a value that is not `down`.
  static Operation *otherReader(Value value, Operation *down) {
    for (Operation *user : value.getUsers())
      if (user != down)
        return user;
    return down;
  }

  /// Whether the last linear may end a network; counts why not.
  bool checkDown(LinearOp down) {
    if (!down.getInput().hasOneUse()) {
      ++numDeclinedUses;
      miss(down, otherReader(down.getInput(), down),
           "what lies between its products is read elsewhere too");
      return false;
    }
    if (down.getActivation() != ActivationKind::Identity || down.getGated()) {
      ++numDeclinedActivation;
      miss(down, down, "its last product has an activation");
      return false;
    }
    return true;
  }

  void fusePlain(LinearOp down, LinearOp up) {
    if (!isActivated(up) || !checkDown(down))
      return;
    remarkFused(down, kPass, "fused")
        << says("two products with an activation between them are one "
                "feed-forward network");
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
      LinearOp read = gate.getResult().hasOneUse() ? up : gate;
      miss(down, otherReader(read.getResult(), product),
           "gate or up is read elsewhere too");
      return;
    }
    if (bool(gate.getBias()) != bool(up.getBias())) {
      ++numDeclinedBias;
      miss(down, gate.getBias() ? gate : up,
           "only one of gate and up has a bias, and they are to be one weight");
      return;
    }
    remarkFused(down, kPass, "fused")
        << says("gate, up and down are one gated feed-forward network");
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
