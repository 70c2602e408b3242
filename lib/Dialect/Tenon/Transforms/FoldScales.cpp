//===- FoldScales.cpp - scales move into attention and norms --------------===//
//
// tenon-fold-scales: see FusionPasses.td.
//
//===----------------------------------------------------------------------===//

#include "Values.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "tenon/Dialect/Tenon/IR/Remarks.h"
#include "tenon/Dialect/Tenon/Transforms/FusionPasses.h"

namespace tenon {
#define GEN_PASS_DEF_TENONFOLDSCALES
#include "tenon/Dialect/Tenon/Transforms/FusionPasses.h.inc"
} // namespace tenon

using namespace mlir;
using namespace tenon;

namespace {

constexpr StringLiteral kPass = "tenon-fold-scales";

/// Operations that are linear in their first operand, so that a scale of it is
/// a scale of the result.
bool isLinearStep(Operation *op) {
  return isa_and_nonnull<SplitHeadsOp, MergeHeadsOp, SliceOp, RopeOp>(op);
}

struct FoldScalesPass : tenon::impl::TenonFoldScalesBase<FoldScalesPass> {
  void runOnOperation() override {
    getOperation().walk([&](Operation *op) {
      if (auto attention = dyn_cast<AttentionOp>(op)) {
        foldInto(attention, attention.getQueryMutable());
        foldInto(attention, attention.getKeyMutable());
      } else if (auto norm = dyn_cast<RmsNormOp>(op)) {
        foldInto(norm);
      } else if (auto norm = dyn_cast<LayerNormOp>(op)) {
        foldInto(norm);
      }
    });
    for (Operation *op : bypassed)
      if (op->use_empty())
        op->erase();
  }

private:
  /// Follows a query or key up through linear steps to a scale.
  void foldInto(AttentionOp attention, OpOperand &operand) {
    bool isPrivate = true;
    for (OpOperand *use = &operand;;) {
      if (std::optional<ScaledValue> scaled = matchScale(use->get())) {
        // Other readers of a step on the way need the scale.
        Operation *scale = use->get().getDefiningOp();
        if (!isPrivate) {
          ++numDeclinedUses;
          remarkMissed(scale, kPass, "attention")
              << says("this scale stays an operation of its own: what it "
                      "scales is read elsewhere too")
              << blockedBy(attention.getLoc());
          return;
        }
        remarkFused(scale, kPass, "attention")
            << says("this scale is a part of the attention's own")
            << blockedBy(attention.getLoc());
        bypassed.insert(scale);
        double product =
            attention.getScale().convertToDouble() * scaled->factor;
        attention.setScaleAttr(Builder(&getContext()).getF32FloatAttr(product));
        attention->setLoc(FusedLoc::get(&getContext(),
                                        {scale->getLoc(), attention.getLoc()}));
        use->set(scaled->value);
        ++numAttention;
        continue;
      }
      Operation *step = use->get().getDefiningOp();
      if (!isLinearStep(step))
        return;
      isPrivate &= use->get().hasOneUse();
      use = &step->getOpOperand(0);
    }
  }

  /// norm(f x, eps) = norm(x, eps / f²): exact for powers of two.
  template <typename NormOp> void foldInto(NormOp norm) {
    std::optional<ScaledValue> scaled = matchScale(norm.getInput());
    if (!scaled)
      return;
    Operation *scale = norm.getInput().getDefiningOp();
    if (!norm.getInput().hasOneUse()) {
      ++numDeclinedUses;
      remarkMissed(scale, kPass, "norms")
          << says("this scale stays before the norm: the scaled value is read "
                  "elsewhere too");
      return;
    }
    APFloat eps(static_cast<float>(norm.getEps().convertToDouble() /
                                   (scaled->factor * scaled->factor)));
    if (scaled->factor < 0 || !isPowerOfTwo(scaled->factor) ||
        !(eps.isZero() ? norm.getEps().isZero() : eps.isNormal())) {
      ++numDeclinedInexact;
      remarkMissed(scale, kPass, "norms")
          << says("this scale stays before the norm: only a power of two moves "
                  "into eps without rounding");
      return;
    }
    remarkFused(scale, kPass, "norms")
        << says("this scale is a part of the norm's eps");
    bypassed.insert(scale);
    norm.setEps(eps);
    norm->setLoc(
        FusedLoc::get(&getContext(), {scale->getLoc(), norm.getLoc()}));
    norm.getInputMutable().assign(scaled->value);
    ++numNorms;
  }

  /// Scales that lost a reader, in the order of the walk.
  llvm::SetVector<Operation *> bypassed;
};

} // namespace
