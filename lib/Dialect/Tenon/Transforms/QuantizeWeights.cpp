//===- QuantizeWeights.cpp - weights of linears in fewer bits -------------===//
//
// tenon-quantize-weights: see FusionPasses.td.
//
//===----------------------------------------------------------------------===//

#include "Weights.h"
#include "tenon/Dialect/Tenon/IR/Adapters.h"
#include "tenon/Dialect/Tenon/IR/ByteProducts.h"
#include "tenon/Dialect/Tenon/IR/Remarks.h"
#include "tenon/Dialect/Tenon/IR/TenonMixture.h"
#include "tenon/Dialect/Tenon/Transforms/FusionPasses.h"
#include "llvm/ADT/MapVector.h"

namespace tenon {
#define GEN_PASS_DEF_TENONQUANTIZEWEIGHTS
#include "tenon/Dialect/Tenon/Transforms/FusionPasses.h.inc"
} // namespace tenon

using namespace mlir;
using namespace tenon;

namespace {

/// How the operations of a module read a weight.
struct Readers {
  llvm::SmallVector<WeightRefOp> references;
  bool linear = false;
  /// By what is neither a linear nor a feed-forward network nor an embedding,
  /// or by a linear that chooses experts.
  bool other = false;
};

/// Whether this operand is a matrix that the operation's kernels multiply by.
bool isMatrix(OpOperand &operand) {
  Value value = operand.get();
  if (auto linear = dyn_cast<LinearOp>(operand.getOwner()))
    return value == linear.getWeight();
  if (auto ffn = dyn_cast<FfnOp>(operand.getOwner()))
    return value == ffn.getGate() || value == ffn.getUp() ||
           value == ffn.getDown();
  return false;
}

/// Whether a value decides, through operations on rows, which experts a row
/// goes to: an error there is more than an error of the same size elsewhere.
bool isChoice(Value value) {
  return llvm::any_of(value.getUsers(), [](Operation *user) {
    if (isa<TopKOp>(user))
      return true;
    return isa<ScaleOp, ActivationOp, SoftmaxOp, AddOp>(user) &&
           isChoice(user->getResult(0));
  });
}

struct QuantizeWeights
    : tenon::impl::TenonQuantizeWeightsBase<QuantizeWeights> {
  using TenonQuantizeWeightsBase::TenonQuantizeWeightsBase;

  void runOnOperation() override {
    std::string name = scheme;
    if (auto attr =
            getOperation()->getAttrOfType<StringAttr>(kQuantizeAttrName);
        attr && name.empty())
      name = attr.str();
    if (name.empty())
      return;
    if (name != "int8" && name != "int8-channel" && name != "int7-channel" &&
        name != "int4" && name != "bf16") {
      getOperation().emitError("weights are quantized to int8, int8-channel, "
                               "int7-channel, int4 or bf16, not to '")
          << name << "'";
      return signalPassFailure();
    }

    Weights weights(getOperation());
    llvm::MapVector<Operation *, Readers> readersOf;
    getOperation().walk([&](WeightRefOp ref) {
      Readers &readers = readersOf[weights.get(ref)];
      readers.references.push_back(ref);
      for (OpOperand &use : ref.getResult().getUses()) {
        bool matrix = isMatrix(use);
        readers.linear |= matrix;
        readers.other |= !matrix && !isa<EmbeddingOp>(use.getOwner());
        if (auto linear = dyn_cast<LinearOp>(use.getOwner()))
          readers.other |= isChoice(linear.getResult());
      }
    });
    for (auto &[op, readers] : readersOf) {
      auto weight = cast<WeightOp>(op);
      // Places for adapters are small, and filled later.
      if (!readers.linear || weight->hasAttr(kInitialAttrName))
        continue;
      RankedTensorType type = weight.getTensorType();
      if (readers.other || type.getEncoding() ||
          !isa<FloatType>(type.getElementType())) {
        ++numKept;
        continue;
      }
      weight.setType(type.clone(
          getElement(name, weight.getStacked(), type.getShape().back())));
      for (WeightRefOp ref : readers.references)
        ref.getResult().setType(weight.getLayerType());
      ++numQuantized;
      sayRange(weight);
    }
  }

  /// Bits of a weight per channel that the target would multiply faster.
  void sayRange(WeightOp weight) {
    auto target = getOperation()->getAttrOfType<TargetAttr>(kTargetAttrName);
    auto block = dyn_cast<BlockType>(weight.getTensorType().getElementType());
    if (!block || block.getScheme() != DType::Q8_CHANNEL ||
        !addsInChains(target))
      return;
    remarkMissed(weight, "tenon-quantize-weights", "halved")
        << says("half-bytes of @" + weight.getSymName().str() +
                " are multiplied: " + target.getCpu().str() +
                " adds products of bytes in 16 bits, which hold no two of 8 "
                "bits for sure")
        << suggests(
               "7 bits (--quantize=int7-channel), of which they hold four");
    ++numHalved;
  }

  Type getElement(StringRef name, bool isInLayers, int64_t columns) {
    if (name == "bf16")
      return BFloat16Type::get(&getContext());
    DType type = DType::Q8_0;
    if (isInLayers && name == "int4")
      type = DType::Q4_0;
    else if (isInLayers && columns <= kMostPerChannel)
      type = name == "int8-channel"   ? DType::Q8_CHANNEL
             : name == "int7-channel" ? DType::Q7_CHANNEL
                                      : DType::Q8_0;
    return BlockType::get(&getContext(), type);
  }
};

} // namespace
