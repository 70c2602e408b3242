//===- SeedFault.cpp - wrong rewrites, for tests of the verifier ----------===//

#include "SeedFault.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "tenon/Dialect/Tenon/IR/TenonTraining.h"

using namespace mlir;
using namespace tenon;

/// Applies a change to the first operation that it can be applied to.
template <typename Op>
static bool changeFirst(ModuleOp module, llvm::function_ref<bool(Op)> change) {
  return module
      .walk([&](Op op) {
        return change(op) ? WalkResult::interrupt() : WalkResult::advance();
      })
      .wasInterrupted();
}

template <typename Op> static bool changeScale(ModuleOp module) {
  return changeFirst<Op>(module, [](Op op) {
    op.setScale(APFloat(op.getScale().convertToFloat() * 1.01f));
    return true;
  });
}

/// A step after a linear that is forgotten.
static bool forgetEpilogue(LinearOp op) {
  if (op.getResidual())
    op.getResidualMutable().clear();
  else if (op.getBias())
    op.getBiasMutable().clear();
  else if (op.getActivation() != ActivationKind::Identity)
    op.setActivation(ActivationKind::Identity);
  else
    return false;
  return true;
}

bool tenon::seedFault(ModuleOp module, StringRef pass) {
  if (pass == "tenon-fuse-linear")
    return changeFirst<LinearOp>(module, forgetEpilogue);
  if (pass == "tenon-fuse-attention")
    return changeScale<AttentionOp>(module);
  if (pass == "tenon-absorb-latent")
    return changeFirst<SliceOp>(module, [](SliceOp op) {
      // The values' part of each head for the keys' one.
      if (op.getOffset() == 0)
        return false;
      op.setOffset(0);
      return true;
    });
  if (pass == "tenon-fold-scales")
    return changeFirst<RmsNormOp>(
               module,
               [](RmsNormOp op) {
                 op.setEps(APFloat(op.getEps().convertToFloat() * 4));
                 return true;
               }) ||
           changeScale<AttentionOp>(module);
  if (pass == "tenon-fuse-ffn")
    return changeFirst<FfnOp>(module, [](FfnOp op) {
      if (!op.getGate())
        return false;
      Value gate = op.getGate(), up = op.getUp();
      op.getGateMutable().assign(up);
      op.getUpMutable().assign(gate);
      return true;
    });
  if (pass == "tenon-fuse-qkv")
    return changeFirst<SliceOp>(module, [](SliceOp op) {
      if (op.getOffset() == 0)
        return false;
      op.setOffset(op.getOffset() - 1);
      return true;
    });
  if (pass == "tenon-incremental")
    return changeFirst<RopeOp>(module,
                               [](RopeOp op) {
                                 op.getPositionMutable().clear();
                                 return true;
                               }) ||
           changeScale<CachedAttentionOp>(module);
  if (pass == "tenon-differentiate")
    return changeFirst<ActivationGradientOp>(module,
                                             [](ActivationGradientOp op) {
                                               op.setKind(ActivationKind::Tanh);
                                               return true;
                                             });
  if (pass == "tenon-pack-weights")
    return changeFirst<LinearOp>(module, forgetEpilogue);
  // What it writes is in no operation: seedScales().
  return pass == "tenon-quantize-weights";
}

WeightReader tenon::seedScales(WeightReader reader, StringRef pass) {
  if (pass != "tenon-quantize-weights")
    return reader;
  auto changed = std::make_shared<std::string>();
  return [=](WeightOp weight, int64_t place) -> FailureOr<NumberArray> {
    FailureOr<NumberArray> numbers = reader(weight, place);
    // All of a matrix in eight bits changes what the model computes. In four
    // bits that is within the rounding of the rest; there it is one block, of
    // which the block itself must tell.
    auto isOf = [](WeightOp op, DType scheme) {
      auto type = dyn_cast<BlockType>(op.getTensorType().getElementType());
      return type && type.getScheme() == scheme;
    };
    auto all = weight->getParentOfType<ModuleOp>().getOps<WeightOp>();
    bool isOne =
        llvm::any_of(all, [&](WeightOp op) { return isOf(op, DType::Q4_0); });
    if (failed(numbers) ||
        !isa<BlockType>(weight.getTensorType().getElementType()) ||
        (isOne && !isOf(weight, DType::Q4_0)))
      return numbers;
    // The first one that is read.
    if (changed->empty())
      *changed = weight.getSymName().str();
    if (*changed == weight.getSymName())
      for (double &x : MutableArrayRef(numbers->values)
                           .take_front(isOne ? 32 : numbers->values.size()))
        x *= isOne ? 1.1 : 1.25;
    return numbers;
  };
}
