//===- UnpackToVector.cpp - integers and scales out of packed tiles -------===//
//
// Where their bits are is in Kernel/BlockWeights.cpp and Support/Superblock.h.
//
//===----------------------------------------------------------------------===//

#include "mlir/IR/BuiltinOps.h"
#include "tenon/Conversion/BlockWeights.h"
#include "tenon/Conversion/MicroPasses.h"
#include "tenon/Dialect/Micro/IR/Micro.h"
#include "llvm/ADT/TypeSwitch.h"

namespace tenon {
#define GEN_PASS_DEF_TENONUNPACKTOVECTOR
#include "tenon/Conversion/MicroPasses.h.inc"
} // namespace tenon

using namespace mlir;
using namespace tenon;
using namespace tenon::micro;

namespace {

/// The four bytes as a number of 32 bits.
Value lowerBroadcast(Broadcast4Op op) {
  ImplicitLocOpBuilder b(op.getLoc(), op);
  auto bytes = cast<VectorType>(op.getType());
  auto words = VectorType::get({bytes.getNumElements() / 4}, b.getI32Type());
  Value four = vector::LoadOp::create(b, VectorType::get({4}, b.getI8Type()),
                                      op.getBytes(), op.getIndices());
  Value word =
      vector::BitCastOp::create(b, VectorType::get({1}, b.getI32Type()), four);
  Value all = vector::BroadcastOp::create(
      b, words, vector::ExtractOp::create(b, word, 0));
  return vector::BitCastOp::create(b, bytes, all);
}

class Lowering {
public:
  Lowering(KernelBuilder &b, Operation *op) : weights(b, op->getOperand(0)) {}

  FailureOr<Value> lower(UnpackOp op) {
    std::optional<int64_t> chunk = getConstantIntValue(op.getChunk());
    if (!chunk || *chunk < 0 || *chunk >= Superblock::kChunks)
      return op.emitOpError()
             << "takes a chunk that only the running kernel knows";
    return weights.integers(groupOf(op), weights.vectorAt(vectorOf(op)), *chunk,
                            op.getUp());
  }
  FailureOr<Value> lower(UnpackScaleOp op) {
    return weights.scale(groupOf(op), vectorOf(op), op.getHalf());
  }
  FailureOr<Value> lower(UnpackMinimumOp op) {
    return weights.minimum(groupOf(op), vectorOf(op), op.getHalf());
  }
  FailureOr<Value> lower(UnpackMinimumPairOp op) {
    return weights.minimumPair({op.getPanel(), op.getSuperblock(), {}},
                               vectorOf(op), op.getPair());
  }
  FailureOr<Value> lower(UnpackMinimumFactorOp op) {
    WeightSource &source = weights;
    return source.minimumFactor({op.getPanel(), op.getSuperblock(), {}},
                                vectorOf(op));
  }
  LogicalResult lower(PrefetchWeightsOp op) {
    std::optional<int64_t> part = getConstantIntValue(op.getPart());
    if (!part || *part < 0)
      return op.emitOpError()
             << "is of a part that only the running kernel knows";
    weights.prefetch(groupOf(op), weights.vectorAt(vectorOf(op)).half, *part,
                     op.getDistance(), op.getCache());
    return success();
  }

private:
  template <typename Op> WeightGroup groupOf(Op op) {
    return {op.getPanel(), op.getSuperblock(), op.getGroup()};
  }
  template <typename Op> PanelVector vectorOf(Op op) {
    if (std::optional<int64_t> number = getConstantIntValue(op.getVector()))
      return {{}, *number};
    return {op.getVector(), 0};
  }

  BlockWeights weights;
};

struct UnpackToVector : tenon::impl::TenonUnpackToVectorBase<UnpackToVector> {
  void runOnOperation() override {
    WalkResult result = getOperation().walk([&](Operation *op) {
      if (auto broadcast = dyn_cast<Broadcast4Op>(op)) {
        op->getResult(0).replaceAllUsesWith(lowerBroadcast(broadcast));
        op->erase();
        ++numLowered;
        return WalkResult::advance();
      }
      if (!isa<UnpackOp, UnpackScaleOp, UnpackMinimumOp, UnpackMinimumPairOp,
               UnpackMinimumFactorOp, PrefetchWeightsOp>(op))
        return WalkResult::advance();
      auto type = cast<MemRefType>(op->getOperand(0).getType());
      if (type.getRank() != 2 || !isa<SuperblockType>(type.getElementType())) {
        op->emitOpError("takes superblocks [panels, superblocks], found ")
            << type;
        return WalkResult::interrupt();
      }
      KernelBuilder b(op);
      Lowering lowering(b, op);
      if (auto prefetch = dyn_cast<PrefetchWeightsOp>(op)) {
        if (failed(lowering.lower(prefetch)))
          return WalkResult::interrupt();
      } else {
        FailureOr<Value> value =
            llvm::TypeSwitch<Operation *, FailureOr<Value>>(op)
                .Case<UnpackOp, UnpackScaleOp, UnpackMinimumOp,
                      UnpackMinimumPairOp, UnpackMinimumFactorOp>(
                    [&](auto unpack) { return lowering.lower(unpack); })
                .Default([](Operation *) { return failure(); });
        if (failed(value))
          return WalkResult::interrupt();
        op->getResult(0).replaceAllUsesWith(*value);
      }
      op->erase();
      ++numLowered;
      return WalkResult::advance();
    });
    if (result.wasInterrupted())
      signalPassFailure();
  }
};

} // namespace
