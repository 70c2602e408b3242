//===- FuseLinear.cpp - products with weights become linears --------------===//
//
// tenon-fuse-linear: see FusionPasses.td.
//
//===----------------------------------------------------------------------===//

#include "Weights.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "tenon/Dialect/Tenon/IR/Remarks.h"
#include "tenon/Dialect/Tenon/Transforms/FusionPasses.h"

namespace tenon {
#define GEN_PASS_DEF_TENONFUSELINEAR
#include "tenon/Dialect/Tenon/Transforms/FusionPasses.h.inc"
} // namespace tenon

using namespace mlir;
using namespace tenon;

namespace {

constexpr StringLiteral kPass = "tenon-fuse-linear";

/// The value is all that anyone sees of the linear.
bool isPrivate(LinearOp linear) {
  return linear && linear.getResult() && linear.getResult().hasOneUse();
}

/// An epilogue as a description has it: 'gelu', 'tenon.add'.
std::string describe(Operation *op) {
  if (auto activation = dyn_cast<ActivationOp>(op))
    return "'" + stringifyActivationKind(activation.getKind()).str() + "'";
  return "this sum";
}

/// A reference to the transposed weight, beside the one to the weight.
WeightRefOp transposeRef(Weights &weights, WeightRefOp ref,
                         PatternRewriter &rewriter) {
  WeightOp transposed = weights.getTransposed(weights.get(ref));
  if (!transposed)
    return {};
  OpBuilder::InsertionGuard guard(rewriter);
  rewriter.setInsertionPointAfter(ref);
  return createRef(rewriter, ref.getLoc(), transposed, ref.getLayer());
}

LinearOp createLinear(PatternRewriter &rewriter, Location loc, Type type,
                      Value input, Value weight, Value bias = {},
                      Value residual = {},
                      ActivationKind activation = ActivationKind::Identity) {
  return LinearOp::create(rewriter, loc, type, input, weight, bias, residual,
                          /*out=*/Value(), activation, /*gated=*/false,
                          /*tile=*/TileAttr(), /*plan=*/PlanAttr());
}

/// x·transpose(w) and x·w, w a weight, are linears.
struct ProductToLinear : OpRewritePattern<MatmulOp> {
  ProductToLinear(MLIRContext *context, Weights &weights,
                  PassStatistic &numLinears)
      : OpRewritePattern(context), weights(weights), numLinears(numLinears) {}

  LogicalResult matchAndRewrite(MatmulOp op,
                                PatternRewriter &rewriter) const override {
    auto type = dyn_cast_or_null<RankedTensorType>(
        op.getResult() ? op.getResult().getType() : Type());
    if (!type || type.getRank() != 2)
      return rewriter.notifyMatchFailure(op, "no plain product of tensors");
    WeightRefOp weight;
    if (auto transpose = op.getRhs().getDefiningOp<TransposeOp>())
      weight = transpose.getInput().getDefiningOp<WeightRefOp>();
    else if (auto ref = op.getRhs().getDefiningOp<WeightRefOp>())
      weight = transposeRef(weights, ref, rewriter);
    if (!weight)
      return rewriter.notifyMatchFailure(op, "no operand is a usable weight");
    remarkFused(op, kPass, "linears")
        << says("this product is a linear of @" + weight.getWeight().str());
    rewriter.replaceOp(op, createLinear(rewriter, op.getLoc(), type,
                                        op.getLhs(), weight.getResult()));
    ++numLinears;
    return success();
  }

  Weights &weights;
  PassStatistic &numLinears;
};

/// linear(x, transpose(w)), w a weight: the weight itself is transposed.
struct TransposeWeight : OpRewritePattern<LinearOp> {
  TransposeWeight(MLIRContext *context, Weights &weights)
      : OpRewritePattern(context), weights(weights) {}

  LogicalResult matchAndRewrite(LinearOp op,
                                PatternRewriter &rewriter) const override {
    auto transpose = op.getWeight().getDefiningOp<TransposeOp>();
    auto ref = transpose ? transpose.getInput().getDefiningOp<WeightRefOp>()
                         : WeightRefOp();
    WeightRefOp weight =
        ref ? transposeRef(weights, ref, rewriter) : WeightRefOp();
    if (!weight)
      return rewriter.notifyMatchFailure(op, "no transposed weight");
    rewriter.modifyOpInPlace(
        op, [&] { op.getWeightMutable().assign(weight.getResult()); });
    return success();
  }

  Weights &weights;
};

/// act(linear), if the linear has no later epilogue.
struct FuseActivation : OpRewritePattern<ActivationOp> {
  FuseActivation(MLIRContext *context, PassStatistic &numActivations)
      : OpRewritePattern(context), numActivations(numActivations) {}

  LogicalResult matchAndRewrite(ActivationOp op,
                                PatternRewriter &rewriter) const override {
    auto linear = op.getInput().getDefiningOp<LinearOp>();
    if (!isPrivate(linear) || linear.getResidual() || linear.getGated() ||
        linear.getActivation() != ActivationKind::Identity)
      return rewriter.notifyMatchFailure(op, "not of a bare linear");
    remarkFused(op, kPass, "epilogues")
        << says(describe(op) + " is computed by the linear before it");
    Location loc = rewriter.getFusedLoc({linear.getLoc(), op.getLoc()});
    rewriter.replaceOp(op, createLinear(rewriter, loc, op.getResult().getType(),
                                        linear.getInput(), linear.getWeight(),
                                        linear.getBias(), {}, op.getKind()));
    rewriter.eraseOp(linear);
    ++numActivations;
    return success();
  }

  PassStatistic &numActivations;
};

/// linear + vector is a bias, linear + tensor of the same type a residual.
struct FuseAdd : OpRewritePattern<AddOp> {
  FuseAdd(MLIRContext *context, PassStatistic &numBiases,
          PassStatistic &numResiduals)
      : OpRewritePattern(context), numBiases(numBiases),
        numResiduals(numResiduals) {}

  LogicalResult matchAndRewrite(AddOp op,
                                PatternRewriter &rewriter) const override {
    for (auto [value, other] : {std::pair(op.getLhs(), op.getRhs()),
                                std::pair(op.getRhs(), op.getLhs())}) {
      auto linear = value.getDefiningOp<LinearOp>();
      if (!isPrivate(linear) || linear.getResidual() ||
          op.getResult().getType() != value.getType())
        continue;
      auto type = cast<RankedTensorType>(value.getType());
      auto otherType = cast<RankedTensorType>(other.getType());
      bool isBias = otherType.getRank() == 1 && !linear.getBias() &&
                    otherType.getDimSize(0) == type.getDimSize(1) &&
                    linear.getActivation() == ActivationKind::Identity &&
                    !linear.getGated();
      bool isResidual = otherType == type;
      if (!isBias && !isResidual)
        continue;
      remarkFused(op, kPass, "epilogues")
          << says(isBias ? "this bias is added by the linear before it"
                         : "this residual is added by the linear before it");
      Location loc = rewriter.getFusedLoc({linear.getLoc(), op.getLoc()});
      auto fused =
          createLinear(rewriter, loc, type, linear.getInput(),
                       linear.getWeight(), isBias ? other : linear.getBias(),
                       isResidual ? other : Value(), linear.getActivation());
      fused.setGated(linear.getGated());
      rewriter.replaceOp(op, fused);
      rewriter.eraseOp(linear);
      ++(isBias ? numBiases : numResiduals);
      return success();
    }
    return rewriter.notifyMatchFailure(op, "no bias or residual of a linear");
  }

  PassStatistic &numBiases;
  PassStatistic &numResiduals;
};

/// act(g) * u, g and u the halves of one linear in this order: its gated form.
struct FuseGate : OpRewritePattern<MulOp> {
  FuseGate(MLIRContext *context, PassStatistic &numGates)
      : OpRewritePattern(context), numGates(numGates) {}

  LogicalResult matchAndRewrite(MulOp op,
                                PatternRewriter &rewriter) const override {
    for (auto [first, second] : {std::pair(op.getLhs(), op.getRhs()),
                                 std::pair(op.getRhs(), op.getLhs())}) {
      auto activation = first.getDefiningOp<ActivationOp>();
      auto gate = activation ? activation.getInput().getDefiningOp<SliceOp>()
                             : SliceOp();
      auto up = second.getDefiningOp<SliceOp>();
      if (!gate || !up || gate.getInput() != up.getInput())
        continue;
      auto linear = gate.getInput().getDefiningOp<LinearOp>();
      auto type = cast<RankedTensorType>(gate.getType());
      int64_t half = type.getShape().back();
      if (!linear || linear.getResidual() || linear.getGated() ||
          linear.getActivation() != ActivationKind::Identity ||
          gate.getOffset() != 0 ||
          up.getOffset() != static_cast<uint64_t>(half) ||
          up.getType() != type || op.getResult().getType() != type ||
          cast<RankedTensorType>(gate.getInput().getType()).getShape().back() !=
              2 * half)
        continue;
      if (!linear.getResult().hasNUses(2) || !first.hasOneUse() ||
          !second.hasOneUse() || !gate.getResult().hasOneUse())
        continue;
      remarkFused(op, kPass, "gates")
          << says("the two halves of one linear are its gated form");
      Location loc = rewriter.getFusedLoc(
          {linear.getLoc(), activation.getLoc(), op.getLoc()});
      auto fused = createLinear(rewriter, loc, type, linear.getInput(),
                                linear.getWeight(), linear.getBias(), {},
                                activation.getKind());
      fused.setGated(true);
      rewriter.replaceOp(op, fused);
      ++numGates;
      return success();
    }
    return rewriter.notifyMatchFailure(op, "no halves of one bare linear");
  }

  PassStatistic &numGates;
};

struct FuseLinearPass : tenon::impl::TenonFuseLinearBase<FuseLinearPass> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    Weights weights(module);
    size_t before = llvm::range_size(module.getOps<WeightOp>());
    RewritePatternSet patterns(&getContext());
    patterns.add<ProductToLinear>(&getContext(), weights, numLinears);
    patterns.add<TransposeWeight>(&getContext(), weights);
    patterns.add<FuseActivation>(&getContext(), numActivations);
    patterns.add<FuseGate>(&getContext(), numGates);
    patterns.add<FuseAdd>(&getContext(), numBiases, numResiduals);
    if (failed(applyPatternsGreedily(module, std::move(patterns))))
      return signalPassFailure();
    size_t added = llvm::range_size(module.getOps<WeightOp>()) - before;
    numTransposed += added;
    if (added)
      weights.eraseUnused();
    countDeclined();
  }

  /// What the patterns left, and why.
  void countDeclined() {
    auto countEpilogue = [&](Operation *op, Value value) {
      auto linear = value.getDefiningOp<LinearOp>();
      if (!linear)
        return false;
      auto remark = remarkMissed(op, kPass, "epilogues");
      if (isPrivate(linear)) {
        ++numDeclinedOrder;
        remark << says(describe(op) + " stays an operation of its own: the "
                                      "linear before it ends in another step, "
                                      "which comes later in a linear")
               << blockedBy(linear.getLoc());
        return true;
      }
      ++numDeclinedUses;
      remark << says(describe(op) +
                     " stays an operation of its own: the product before it "
                     "is read elsewhere too, so that it has to be there");
      for (Operation *user : linear.getResult().getUsers())
        if (user != op) {
          remark << blockedBy(user->getLoc());
          break;
        }
      return true;
    };
    getOperation().walk([&](Operation *op) {
      if (auto matmul = dyn_cast<MatmulOp>(op)) {
        if (cast<ShapedType>(matmul.getLhs().getType()).getRank() == 2) {
          ++numDeclinedProducts;
          remarkMissed(op, kPass, "linears")
              << says("this product is none with a weight that can be packed: "
                      "neither side is a weight, or one of a single tensor")
              << suggests("linear(x, w) of a weight [out, in]");
        }
      } else if (auto activation = dyn_cast<ActivationOp>(op)) {
        countEpilogue(op, activation.getInput());
      } else if (auto add = dyn_cast<AddOp>(op)) {
        if (!countEpilogue(op, add.getLhs()))
          countEpilogue(op, add.getRhs());
      }
    });
  }
};

} // namespace
