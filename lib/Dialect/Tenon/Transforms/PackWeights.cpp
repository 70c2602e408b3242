//===- PackWeights.cpp - weights as the target's kernels read them --------===//
//
// tenon-pack-weights: see FusionPasses.td.
//
//===----------------------------------------------------------------------===//

#include "MixedWeights.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "tenon/Dialect/Tenon/IR/TenonMixture.h"
#include "tenon/Dialect/Tenon/Transforms/FusionPasses.h"
#include "llvm/ADT/MapVector.h"

namespace tenon {
#define GEN_PASS_DEF_TENONPACKWEIGHTS
#include "tenon/Dialect/Tenon/Transforms/FusionPasses.h.inc"
} // namespace tenon

using namespace mlir;
using namespace tenon;

namespace {

/// Operations that pass rows on as they are, whatever the element type.
bool isView(Operation *op) {
  return isa_and_nonnull<SplitHeadsOp, MergeHeadsOp, SliceOp, RowsOp,
                         LastRowsOp>(op);
}

/// Operations whose kernels can round their result to bf16.
bool canProduceBF16(Operation *op) {
  return isa_and_nonnull<RmsNormOp, LayerNormOp, LinearOp, AttentionOp,
                         CachedAttentionOp>(op);
}

/// Whether all that read the value, through views, want it in bf16.
bool isWantedInBF16(Value value) {
  return llvm::all_of(value.getUsers(), [](Operation *user) {
    if (isa<CastOp>(user))
      return cast<RankedTensorType>(user->getResult(0).getType())
          .getElementType()
          .isBF16();
    return isView(user) && isWantedInBF16(user->getResult(0));
  });
}

/// Whether the value is what the function returns, all of it or some rows.
bool isReturned(Value value) {
  return !value.use_empty() &&
         llvm::all_of(value.getUsers(), [](Operation *user) {
           return isa<func::ReturnOp>(user) ||
                  (isView(user) && isReturned(user->getResult(0)));
         });
}

/// Whether all that read the value want it in these int8 groups, and its
/// producer's kernel can write them.
bool isWantedInGroups(Value value, Type groups) {
  return isa_and_nonnull<RmsNormOp, LayerNormOp>(value.getDefiningOp()) &&
         llvm::all_of(value.getUsers(), [&](Operation *user) {
           return isa<QuantizeOp>(user) &&
                  user->getResult(0).getType() == groups;
         });
}

void setElementType(Value value, Type element) {
  value.setType(cast<RankedTensorType>(value.getType()).clone(element));
}

struct PackWeightsPass : tenon::impl::TenonPackWeightsBase<PackWeightsPass> {
  using TenonPackWeightsBase::TenonPackWeightsBase;

  void runOnOperation() override {
    target = tenon::getTarget(getOperation());
    if (!target) {
      getOperation().emitError("weights are packed for a target: the module "
                               "has no attribute ")
          << kTargetAttrName;
      return signalPassFailure();
    }
    makesPairs = bf16Pairs && anyMultipliesBF16();
    // By default two vectors of 512 bits, four of 256: the same for every
    // instruction set, so that one file's weights serve all variants.
    if (panelColumns <= 0 || panelColumns % 2) {
      getOperation().emitError(
          "panel-columns must be positive and even, found ")
          << static_cast<int64_t>(panelColumns);
      return signalPassFailure();
    }
    Weights weights(getOperation());
    lowerFfns(weights);
    FailureOr<unsigned> split = splitMixedWeights(getOperation(), weights);
    if (failed(split))
      return signalPassFailure();
    numSplit += *split;
    packLinears(weights);
    numErased += weights.eraseUnused();
    packTables(weights);
    widenVectors(weights);
    castInputs();
    quantizeInputs();
    numErased += weights.eraseUnused();
  }

private:
  bool anyMultipliesBF16() {
    if (target.hasBf16Dot())
      return true;
    auto targets = getOperation()->getAttrOfType<ArrayAttr>(kTargetsAttrName);
    return targets && llvm::any_of(targets.getAsRange<TargetAttr>(),
                                   [](TargetAttr t) { return t.hasBf16Dot(); });
  }

  //===--------------------------------------------------------------------===//
  // Feed-forward networks: two linears
  //===--------------------------------------------------------------------===//

  void lowerFfns(Weights &weights) {
    SmallVector<FfnOp> ffns;
    getOperation().walk([&](FfnOp op) { ffns.push_back(op); });
    for (FfnOp op : ffns)
      lowerFfn(op, weights);
  }

  void lowerFfn(FfnOp op, Weights &weights) {
    OpBuilder builder(op);
    auto type = cast<RankedTensorType>(op.getInput().getType());
    Type hiddenType = RankedTensorType::get(
        {type.getDimSize(0),
         cast<ShapedType>(op.getUp().getType()).getDimSize(0)},
        type.getElementType());
    auto linear = [&](Type type, Value input, Value weight, Value bias,
                      Value residual, ActivationKind activation, bool gated) {
      return LinearOp::create(builder, op.getLoc(), type, input, weight, bias,
                              residual, /*out=*/Value(), activation, gated,
                              /*tile=*/TileAttr(), /*plan=*/PlanAttr(),
                              /*groups=*/1)
          .getResult();
    };
    Value hidden;
    if (!op.getGate()) {
      hidden = linear(hiddenType, op.getInput(), op.getUp(), op.getUpBias(), {},
                      op.getActivation(), false);
    } else if (auto [weight, bias] = interleave(op, weights, builder); weight) {
      hidden = linear(hiddenType, op.getInput(), weight, bias, {},
                      op.getActivation(), true);
    } else {
      Value gate = linear(hiddenType, op.getInput(), op.getGate(),
                          op.getGateBias(), {}, op.getActivation(), false);
      Value up = linear(hiddenType, op.getInput(), op.getUp(), op.getUpBias(),
                        {}, ActivationKind::Identity, false);
      hidden = MulOp::create(builder, op.getLoc(), hiddenType, gate, up,
                             /*out=*/Value(), /*tile=*/TileAttr())
                   .getResult();
    }
    Value result =
        linear(op.getResult().getType(), hidden, op.getDown(), op.getDownBias(),
               op.getResidual(), ActivationKind::Identity, false);
    op.getResult().replaceAllUsesWith(result);
    op.erase();
  }

  /// References to gate and up as one weight (and bias), or null.
  std::pair<Value, Value> interleave(FfnOp op, Weights &weights,
                                     OpBuilder &builder) {
    auto join = [&](Value gate, Value up) -> Value {
      WeightRefOp gateRef, upRef;
      WeightOp gateWeight = weights.getWeightOf(gate, &gateRef);
      WeightOp upWeight = weights.getWeightOf(up, &upRef);
      if (!gateWeight || !upWeight || gateRef.getLayer() != upRef.getLayer())
        return {};
      WeightOp both = weights.getConcatenated({gateWeight, upWeight});
      return both ? createRef(builder, op.getLoc(), both, gateRef.getLayer())
                        .getResult()
                  : Value();
    };
    if (bool(op.getGateBias()) != bool(op.getUpBias()))
      return {};
    Value bias;
    if (op.getGateBias()) {
      bias = join(op.getGateBias(), op.getUpBias());
      if (!bias)
        return {};
    }
    return {join(op.getGate(), op.getUp()), bias};
  }

  //===--------------------------------------------------------------------===//
  // Layouts
  //===--------------------------------------------------------------------===//

  /// The layout of a weight [N, K] for a linear, or null if it has none.
  PanelAttr choosePanel(RankedTensorType layer, bool gated) {
    Type element = layer.getElementType();
    if (auto block = dyn_cast<BlockType>(element))
      return PanelAttr::get(&getContext(), panelColumns,
                            block.getSuperblock().columns(), gated ? 2 : 1);
    if (!element.isF32() && !element.isF16() && !element.isBF16())
      return {};
    // A pair must not reach past the end of an input row.
    bool pairs = makesPairs && element.isBF16() && layer.getDimSize(1) % 2 == 0;
    return PanelAttr::get(&getContext(), panelColumns, pairs ? 2 : 1,
                          gated ? 2 : 1);
  }

  void packLinears(Weights &weights) {
    // The linears of each weight, by their layout.
    llvm::MapVector<Operation *, SmallVector<LinearOp>> readers;
    llvm::DenseMap<Operation *, SmallVector<WeightRefOp>> references;
    getOperation().walk([&](Operation *op) {
      if (auto ref = dyn_cast<WeightRefOp>(op))
        references[weights.get(ref)].push_back(ref);
      auto linear = dyn_cast<LinearOp>(op);
      if (!linear || !linear.getResult() ||
          getPanel(linear.getWeight().getType()))
        return;
      WeightOp weight = weights.getWeightOf(linear.getWeight());
      if (weight && choosePanel(weight.getLayerType(), linear.getGated()))
        readers[weight].push_back(linear);
      else
        ++numDeclined;
    });
    for (auto &[op, linears] : readers)
      packWeight(cast<WeightOp>(op), linears, references[op], weights);
  }

  void packWeight(WeightOp weight, ArrayRef<LinearOp> linears,
                  ArrayRef<WeightRefOp> refs, Weights &weights) {
    bool gated = LinearOp(linears.front()).getGated();
    PanelAttr panel = choosePanel(weight.getLayerType(), gated);
    RankedTensorType type = weight.getTensorType();
    auto packedType =
        RankedTensorType::get(type.getShape(), type.getElementType(), panel);

    // An embedding reads rows of a packed table, but not of interleaved ones.
    bool embeds = false, onlyThis = true;
    for (WeightRefOp ref : refs)
      for (Operation *user : ref.getResult().getUsers()) {
        auto linear = dyn_cast<LinearOp>(user);
        auto embedding = dyn_cast<EmbeddingOp>(user);
        embeds |= bool(embedding);
        onlyThis &= (linear && linear.getWeight() == ref.getResult() &&
                     linear.getGated() == gated) ||
                    (embedding && !gated);
      }
    if (onlyThis) {
      weight.setType(packedType);
      for (WeightRefOp ref : refs)
        ref.getResult().setType(weight.getLayerType());
      numShared += embeds;
    } else {
      // Others need it as it is, or packed differently: one more for each way.
      packCopies(weight, linears, weights);
    }
    ++numPacked;
    numPairs += panel.getK() == 2;
    numGated += gated;
  }

  /// Quantized tables that only an embedding reads: their blocks have a layout
  /// in memory when they are packed.
  void packTables(Weights &weights) {
    for (WeightOp weight : getOperation().getOps<WeightOp>()) {
      RankedTensorType type = weight.getTensorType();
      if (!isa<BlockType>(type.getElementType()) || type.getEncoding())
        continue;
      PanelAttr panel = choosePanel(weight.getLayerType(), /*gated=*/false);
      weight.setType(
          RankedTensorType::get(type.getShape(), type.getElementType(), panel));
      ++numPacked;
    }
    getOperation().walk([&](WeightRefOp ref) {
      WeightOp weight = weights.get(ref);
      if (isa<BlockType>(weight.getTensorType().getElementType()))
        ref.getResult().setType(weight.getLayerType());
    });
  }

  void packCopies(WeightOp weight, ArrayRef<LinearOp> linears,
                  Weights &weights) {
    std::optional<WeightOp> copies[2];
    for (LinearOp linear : linears) {
      bool gated = linear.getGated();
      std::optional<WeightOp> &copy = copies[gated];
      if (!copy) {
        RankedTensorType type = weight.getTensorType();
        auto packed =
            RankedTensorType::get(type.getShape(), type.getElementType(),
                                  choosePanel(weight.getLayerType(), gated));
        copy = weights.create(
            weight,
            (weight.getSymName() + (gated ? ".interleaved" : ".packed")).str(),
            packed, weight.getSources().getValue(), weight.getStacked(),
            weight.getLoc(), weight.getLayersAttr(), getExperts(weight));
        ++numCopied;
      }
      auto ref = linear.getWeight().getDefiningOp<WeightRefOp>();
      OpBuilder builder(ref);
      linear.getWeightMutable().assign(
          createRef(builder, ref.getLoc(), *copy, ref.getLayer()).getResult());
      if (ref->use_empty())
        ref.erase();
    }
  }

  /// Norm weights and biases are f32, whatever the file has: they are small,
  /// and kernels add them to f32.
  void widenVectors(Weights &weights) {
    Type f32 = Float32Type::get(&getContext());
    for (WeightOp weight : getOperation().getOps<WeightOp>())
      if (weight.getLayerType().getRank() == 1 &&
          isa<FloatType>(weight.getLayerType().getElementType()))
        weight.setType(weight.getTensorType().clone(f32));
    getOperation().walk([&](WeightRefOp ref) {
      if (isa<RankedTensorType>(ref.getType()))
        ref.getResult().setType(weights.get(ref).getLayerType());
    });
  }

  //===--------------------------------------------------------------------===//
  // bf16 inputs
  //===--------------------------------------------------------------------===//

  /// Whether an attention without a cache computes on pairs of bf16: its inputs
  /// come from linears whose own inputs are rounded to bf16 or int8 anyway.
  bool takesPairs(AttentionOp op) const {
    if (!bf16Pairs || !target.hasBf16Dot())
      return false;
    return llvm::all_of(
        ValueRange{op.getQuery(), op.getKey(), op.getValue()}, [](Value value) {
          while (isView(value.getDefiningOp()))
            value = value.getDefiningOp()->getOperand(0);
          auto linear = value.getDefiningOp<LinearOp>();
          if (!linear)
            return false;
          auto weight = cast<RankedTensorType>(linear.getWeight().getType());
          PanelAttr panel = getPanel(weight);
          return isa<BlockType>(weight.getElementType()) ||
                 (panel && panel.getK() == 2);
        });
  }

  void castInputs() {
    if (!target.hasBf16Dot())
      return;
    llvm::MapVector<Value, CastOp> casts;
    Type bf16 = BFloat16Type::get(&getContext());
    auto castOperand = [&](OpOperand &operand) {
      auto type = cast<RankedTensorType>(operand.get().getType());
      if (type.getElementType().isBF16())
        return;
      CastOp &converted = casts[operand.get()];
      if (!converted) {
        OpBuilder builder(&getContext());
        builder.setInsertionPointAfterValue(operand.get());
        converted = CastOp::create(builder, operand.get().getLoc(),
                                   type.clone(bf16), operand.get(),
                                   /*out=*/Value(), /*tile=*/TileAttr());
      }
      operand.set(converted.getResult());
    };
    getOperation().walk([&](Operation *op) {
      if (auto linear = dyn_cast<LinearOp>(op)) {
        PanelAttr panel = getPanel(linear.getWeight().getType());
        if (linear.getResult() && panel && panel.getK() == 2)
          castOperand(linear.getInputMutable());
      } else if (auto attention = dyn_cast<AttentionOp>(op)) {
        if (!attention.getResult() || !takesPairs(attention))
          return;
        for (OpOperand *operand :
             {&attention.getQueryMutable(), &attention.getKeyMutable(),
              &attention.getValueMutable()})
          castOperand(*operand);
      }
    });
    for (auto &[value, converted] : casts) {
      Value root = value;
      while (isView(root.getDefiningOp()))
        root = root.getDefiningOp()->getOperand(0);
      if (!cast<ShapedType>(root.getType()).getElementType().isBF16() &&
          !(canProduceBF16(root.getDefiningOp()) && isWantedInBF16(root))) {
        ++numCasts;
        continue;
      }
      for (Value view = value;; view = view.getDefiningOp()->getOperand(0)) {
        setElementType(view, bf16);
        if (view == root)
          break;
      }
      converted.getResult().replaceAllUsesWith(value);
      converted.erase();
      ++numCastsFolded;
    }
  }

  //===--------------------------------------------------------------------===//
  // int8 inputs
  //===--------------------------------------------------------------------===//

  /// What a linear of weights in blocks reads. Logits show all of what their
  /// linear's input loses, and few rows of them are computed: 16 bits for
  /// those, unless something is asked for.
  Int8GroupType groupsOf(LinearOp op) {
    auto weight = cast<ShapedType>(op.getWeight().getType());
    auto all = getOperation()->getAttrOfType<StringAttr>(kActivationsAttrName);
    Superblock format =
        cast<BlockType>(weight.getElementType()).getSuperblock();
    bool perToken = format.isPerChannel;
    bool residual = !perToken && (all ? all.getValue() == "int16"
                                      : isReturned(op.getResult()));
    return Int8GroupType::get(&getContext(), perToken, residual,
                              format.mostActivation == 64 ? 7 : 8);
  }

  /// Leaves on the module how inputs (and their types in groups) are rounded.
  template <typename Range> void noteActivations(Range inputs) {
    bool areFew = false, areMany = false;
    for (auto [value, type] : inputs) {
      auto groups =
          cast<Int8GroupType>(cast<RankedTensorType>(type).getElementType());
      (groups.getResidual() ? areMany : areFew) = true;
    }
    StringRef text = areFew && areMany ? "int8, int16 for logits"
                     : areMany         ? "int16"
                                       : "int8";
    if (areFew || areMany)
      getOperation()->setAttr(kActivationsAttrName,
                              StringAttr::get(&getContext(), text));
    else
      getOperation()->removeAttr(kActivationsAttrName);
  }

  void quantizeInputs() {
    llvm::MapVector<std::pair<Value, Type>, QuantizeOp> inputs;
    getOperation().walk([&](LinearOp op) {
      auto weight = cast<ShapedType>(op.getWeight().getType());
      auto type = cast<RankedTensorType>(op.getInput().getType());
      if (!op.getResult() || !isa<BlockType>(weight.getElementType()) ||
          isa<Int8GroupType>(type.getElementType()))
        return;
      int64_t groups =
          op.getGroups() * getInt8Groups(cast<RankedTensorType>(weight));
      Type groupsType =
          RankedTensorType::get({type.getDimSize(0), groups}, groupsOf(op));
      QuantizeOp &quantized = inputs[{op.getInput(), groupsType}];
      if (!quantized) {
        OpBuilder builder(&getContext());
        builder.setInsertionPointAfterValue(op.getInput());
        quantized = QuantizeOp::create(builder, op.getInput().getLoc(),
                                       groupsType, op.getInput(),
                                       /*out=*/Value(), /*tile=*/TileAttr());
      }
      op.getInputMutable().assign(quantized.getResult());
    });
    noteActivations(llvm::make_first_range(inputs));
    for (auto &[key, quantized] : inputs) {
      auto [value, groups] = key;
      if (!isWantedInGroups(value, groups)) {
        ++numQuantized;
        continue;
      }
      value.setType(groups);
      quantized.getResult().replaceAllUsesWith(value);
      quantized.erase();
      ++numQuantizedFolded;
    }
  }

  TargetAttr target;
  bool makesPairs = false;
};

} // namespace
