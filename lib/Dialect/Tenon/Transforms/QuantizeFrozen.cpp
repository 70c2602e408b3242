//===- QuantizeFrozen.cpp - weights that don't learn in fewer bits --------===//
//
// tenon-quantize-frozen: see FusionPasses.td.
//
//===----------------------------------------------------------------------===//

#include "MixedWeights.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "tenon/Dialect/Tenon/IR/Adapters.h"
#include "tenon/Dialect/Tenon/IR/TenonFrozen.h"
#include "tenon/Dialect/Tenon/Transforms/FusionPasses.h"
#include "llvm/ADT/MapVector.h"

namespace tenon {
#define GEN_PASS_DEF_TENONQUANTIZEFROZEN
#include "tenon/Dialect/Tenon/Transforms/FusionPasses.h.inc"
} // namespace tenon

using namespace mlir;
using namespace tenon;

namespace {

/// As tenon-pack-weights lays blocks out: the same for every CPU.
constexpr int64_t kPanelColumns = 32;

struct QuantizeFrozen : tenon::impl::TenonQuantizeFrozenBase<QuantizeFrozen> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    auto scheme = module->getAttrOfType<StringAttr>(kQuantizeAttrName);
    if (scheme && scheme != "int8" && scheme != "int4") {
      module.emitError("frozen weights are quantized to int8 or int4, not to ")
          << scheme;
      return signalPassFailure();
    }
    Weights weights(module);
    llvm::MapVector<Operation *, SmallVector<WeightRefOp>> references;
    module.walk(
        [&](WeightRefOp ref) { references[weights.get(ref)].push_back(ref); });
    int64_t count = 0;
    for (auto &[op, refs] : references) {
      auto weight = cast<WeightOp>(op);
      Type element;
      if (isMatrixOfLinears(weight, refs))
        element = chooseElement(weight, scheme);
      if (!element) {
        ++numKept;
        continue;
      }
      weight.setType(weight.getTensorType().clone(element));
      for (WeightRefOp ref : refs)
        read(ref, weight.getLayerType());
      ++count;
    }
    numStored += count;
    if (scheme && count == 0) {
      module.emitError("no frozen matrix can be quantized to ")
          << scheme << ": layers have none that linears alone read";
      return signalPassFailure();
    }
    FailureOr<unsigned> split = splitMixedWeights(module, weights);
    if (failed(split))
      return signalPassFailure();
    if (*split)
      weights.eraseUnused();
    finish(weights);
  }

private:
  /// A frozen matrix of layers that linears alone read. Tables, and a head that
  /// is one, keep their numbers: all of a vocabulary's at once are too many.
  static bool isMatrixOfLinears(WeightOp weight, ArrayRef<WeightRefOp> refs) {
    RankedTensorType type = weight.getTensorType();
    if (!weight->hasAttr(kFrozenAttrName) || !weight.getStacked() ||
        weight.getLayerType().getRank() != 2 || type.getEncoding() ||
        !type.getElementType().isF32() || weight.getSources().size() != 1 ||
        !isa<SourceAttr>(weight.getSources()[0]))
      return false;
    return llvm::all_of(
        refs, [](WeightRefOp ref) { return isReadByLinears(ref.getResult()); });
  }

  static bool isReadByLinears(Value matrix) {
    return llvm::all_of(matrix.getUses(), [](OpOperand &use) {
      if (auto transpose = dyn_cast<TransposeOp>(use.getOwner()))
        return isReadByLinears(transpose.getResult());
      auto linear = dyn_cast<LinearOp>(use.getOwner());
      return linear && use.get() == linear.getWeight() &&
             use.get() != linear.getInput();
    });
  }

  /// What the checkpoint has, if that is fewer bits than f32; else what is
  /// asked for, or null.
  Type chooseElement(WeightOp weight, StringAttr scheme) {
    auto source = cast<SourceAttr>(weight.getSources()[0]);
    Type has = source.getType().getElementType();
    if (isa<BlockType, MixedType>(has))
      return has;
    if (scheme)
      return BlockType::get(&getContext(),
                            scheme == "int4" ? DType::Q4_0 : DType::Q8_0);
    return has.isF16() || has.isBF16() ? has : Type();
  }

  /// A reference gives what is stored from now on, and its readers its numbers.
  static void read(WeightRefOp ref, RankedTensorType layer) {
    ref.getResult().setType(layer);
    OpBuilder builder(ref.getContext());
    builder.setInsertionPointAfter(ref);
    auto numbers = DequantizeOp::create(
        builder, ref.getLoc(),
        RankedTensorType::get(layer.getShape(), builder.getF32Type()),
        ref.getResult());
    ref.getResult().replaceAllUsesExcept(numbers.getResult(), numbers);
  }

  /// Blocks have the layout in which they are unpacked; what are no blocks is
  /// cast, if need be.
  void finish(Weights &weights) {
    SmallVector<DequantizeOp> readers;
    getOperation().walk([&](DequantizeOp op) { readers.push_back(op); });
    for (DequantizeOp op : readers) {
      WeightRefOp ref;
      WeightOp weight = weights.getWeightOf(op.getWeight(), &ref);
      RankedTensorType type = weight.getTensorType();
      // One of several that were one.
      weight->setAttr(kFrozenAttrName, UnitAttr::get(&getContext()));
      if (auto block = dyn_cast<BlockType>(type.getElementType())) {
        auto panel = PanelAttr::get(&getContext(), kPanelColumns,
                                    block.getSuperblock().columns(), 1);
        weight.setType(RankedTensorType::get(type.getShape(), block, panel));
        ref.getResult().setType(weight.getLayerType());
        continue;
      }
      OpBuilder builder(op);
      Value numbers = ref.getResult();
      if (!type.getElementType().isF32())
        numbers = CastOp::create(builder, op.getLoc(), op.getResult().getType(),
                                 numbers, Value(), TileAttr())
                      .getResult();
      op.getResult().replaceAllUsesWith(numbers);
      op.erase();
    }
  }
};

} // namespace
