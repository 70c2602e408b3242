//===- RowsToVector.cpp - row-wise operations to vectors ------------------===//
//
// The pass; the kernels are in the files beside it, by kind.
//
//===----------------------------------------------------------------------===//

#include "tenon/Conversion/RowsToVector.h"
#include "MixtureEmitters.h"
#include "TrainingEmitters.h"
#include "WindowEmitters.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/BuiltinOps.h"
#include "tenon/Dialect/Micro/IR/Micro.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace tenon {
#define GEN_PASS_DEF_TENONROWSTOVECTOR
#include "tenon/Conversion/RowsPasses.h.inc"
} // namespace tenon

using namespace tenon;

namespace {

/// Emits the kernel of an operation of the wanted type in buffer form.
template <typename... Ops> bool emitFor(Operation *op) {
  return llvm::TypeSwitch<Operation *, bool>(op)
      .Case<Ops...>([](auto typed) {
        if (typed->getNumResults() != 0)
          return false;
        KernelBuilder builder(typed);
        rows::emit(builder, typed);
        typed->erase();
        return true;
      })
      .Default(false);
}

struct RowsToVector : tenon::impl::TenonRowsToVectorBase<RowsToVector> {
  void runOnOperation() override {
    getOperation()->walk([&](Operation *op) {
      if (emitFor<AddOp, SubOp, MulOp, DivOp, ScaleOp, ShiftOp, ReciprocalOp,
                  ClampOp, ReduceOp, ActivationOp, CastOp, CopyOp, ConcatOp,
                  EmbeddingOp, PositionsOp, RopeOp, RmsNormOp, LayerNormOp,
                  QuantizeOp, SoftmaxOp, CausalMaskOp, PaddingMaskOp,
                  BandMaskOp, ScoreBiasOp, DistanceGatherOp, MatmulOp, TopKOp,
                  RouteOp, ScatterAddOp, ClearOp, ZeroPadOp, SumHeadsOp,
                  ActivationGradientOp, CrossEntropyOp, CrossEntropyGradientOp,
                  AddGradientOp, WeightProductOp, AttentionGradientOp,
                  WeightGradientOp, EmbeddingGradientOp, ZerosLikeOp, PadRowsOp,
                  ClampGradientOp, ScoreBiasGradientOp,
                  DistanceGatherGradientOp, SumSquaresOp, NormOfSumsOp, AdamWOp,
                  MomentumOp, LeanOp, StepAlongOp, UnfoldOp, UnpackPanelsOp>(
              op))
        ++numLowered;
    });
  }
};

} // namespace
