//===- Canonicalize.cpp - simpler forms of primitive operations -----------===//

#include "tenon/Dialect/Tenon/IR/TenonDialect.h"

#include "mlir/IR/Matchers.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;
using namespace tenon;

namespace {
/// scale(scale(x, a), b) -> scale(x, a b)
struct MergeScales : OpRewritePattern<ScaleOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(ScaleOp op,
                                PatternRewriter &rewriter) const override {
    auto inner = op.getInput().getDefiningOp<ScaleOp>();
    if (!inner)
      return rewriter.notifyMatchFailure(op, "input is no scale");
    APFloat product = inner.getFactor() * op.getFactor();
    rewriter.modifyOpInPlace(op, [&] {
      op.getInputMutable().assign(inner.getInput());
      op.setFactor(product);
    });
    return success();
  }
};
} // namespace

void ScaleOp::getCanonicalizationPatterns(RewritePatternSet &patterns,
                                          MLIRContext *context) {
  patterns.add<MergeScales>(context);
}

/// The element of a constant whose elements are all the same.
static std::optional<APFloat> matchSplat(Value value) {
  DenseElementsAttr attr;
  if (!matchPattern(value, m_Constant(&attr)) || !attr.isSplat() ||
      !attr.getElementType().isF32())
    return std::nullopt;
  return attr.getSplatValue<APFloat>();
}

namespace {
/// x * constant -> scale(x)
struct MulToScale : OpRewritePattern<MulOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(MulOp op,
                                PatternRewriter &rewriter) const override {
    for (auto [value, other] : {std::pair(op.getLhs(), op.getRhs()),
                                std::pair(op.getRhs(), op.getLhs())}) {
      std::optional<APFloat> factor = matchSplat(other);
      if (!factor || !op.getResult() ||
          value.getType() != op.getResult().getType())
        continue;
      rewriter.replaceOpWithNewOp<ScaleOp>(
          op, op.getResult().getType(), value, /*out=*/Value(),
          rewriter.getFloatAttr(rewriter.getF32Type(), *factor),
          op.getTileAttr());
      return success();
    }
    return rewriter.notifyMatchFailure(op, "no product with one number");
  }
};

/// x / constant -> scale(x), where the inverse is exact
struct DivToScale : OpRewritePattern<DivOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(DivOp op,
                                PatternRewriter &rewriter) const override {
    std::optional<APFloat> divisor = matchSplat(op.getRhs());
    APFloat inverse(0.0f);
    if (!divisor || !op.getResult() ||
        op.getLhs().getType() != op.getResult().getType() ||
        !divisor->getExactInverse(&inverse))
      return rewriter.notifyMatchFailure(op, "no exact inverse");
    rewriter.replaceOpWithNewOp<ScaleOp>(
        op, op.getResult().getType(), op.getLhs(), /*out=*/Value(),
        rewriter.getFloatAttr(rewriter.getF32Type(), inverse),
        op.getTileAttr());
    return success();
  }
};

/// causal_mask(causal_mask(x)) -> one mask with the smaller window
struct MergeCausalMasks : OpRewritePattern<CausalMaskOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(CausalMaskOp op,
                                PatternRewriter &rewriter) const override {
    auto inner = op.getInput().getDefiningOp<CausalMaskOp>();
    if (!inner)
      return rewriter.notifyMatchFailure(op, "input is no causal mask");
    std::optional<int64_t> a = op.getWindow(), b = inner.getWindow();
    rewriter.modifyOpInPlace(op, [&] {
      op.getInputMutable().assign(inner.getInput());
      if (a || b)
        op.setWindow(
            std::min(a.value_or(*(a ? a : b)), b.value_or(*(b ? b : a))));
    });
    return success();
  }
};
/// relu(x) * relu(x) -> relu_squared(x)
struct SquareRelu : OpRewritePattern<MulOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(MulOp op,
                                PatternRewriter &rewriter) const override {
    auto relu = [](Value value) {
      auto activation = value.getDefiningOp<ActivationOp>();
      return activation && activation.getKind() == ActivationKind::Relu
                 ? activation.getInput()
                 : Value();
    };
    Value input = relu(op.getLhs());
    if (!input || input != relu(op.getRhs()) || !op.getResult())
      return rewriter.notifyMatchFailure(op, "no square of one relu");
    rewriter.replaceOpWithNewOp<ActivationOp>(
        op, op.getResult().getType(), input, /*out=*/Value(),
        ActivationKind::ReluSquared, op.getTileAttr());
    return success();
  }
};
} // namespace

void MulOp::getCanonicalizationPatterns(RewritePatternSet &patterns,
                                        MLIRContext *context) {
  patterns.add<MulToScale, SquareRelu>(context);
}

void DivOp::getCanonicalizationPatterns(RewritePatternSet &patterns,
                                        MLIRContext *context) {
  patterns.add<DivToScale>(context);
}

void CausalMaskOp::getCanonicalizationPatterns(RewritePatternSet &patterns,
                                               MLIRContext *context) {
  patterns.add<MergeCausalMasks>(context);
}

namespace {
/// norm(x, 1 + w) -> norm(x, w) with the offset
template <typename NormOp> struct ShiftToOffset : OpRewritePattern<NormOp> {
  using OpRewritePattern<NormOp>::OpRewritePattern;
  LogicalResult matchAndRewrite(NormOp op,
                                PatternRewriter &rewriter) const override {
    auto shift = op.getWeight()
                     ? op.getWeight().template getDefiningOp<ShiftOp>()
                     : ShiftOp();
    if (!shift || op.getUnitOffset() || !shift.getAmount().isExactlyValue(1.0))
      return rewriter.notifyMatchFailure(op, "the weight is not 1 more");
    rewriter.modifyOpInPlace(op, [&] {
      op.getWeightMutable().assign(shift.getInput());
      op.setUnitOffset(true);
    });
    return success();
  }
};
} // namespace

void RmsNormOp::getCanonicalizationPatterns(RewritePatternSet &patterns,
                                            MLIRContext *context) {
  patterns.add<ShiftToOffset<RmsNormOp>>(context);
}

void LayerNormOp::getCanonicalizationPatterns(RewritePatternSet &patterns,
                                              MLIRContext *context) {
  patterns.add<ShiftToOffset<LayerNormOp>>(context);
}
