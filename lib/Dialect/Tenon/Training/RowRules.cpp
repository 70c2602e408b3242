//===- RowRules.cpp - gradients of softmax, masks and norms ---------------===//

#include "Build.h"

using namespace mlir;
using namespace tenon;

namespace {

template <typename Rule, typename Op>
using RuleOf = DifferentiableOpInterface::ExternalModel<Rule, Op>;

/// dx = y (dy - sum(dy y)). A sink is a score with the probability 1 - sum(y),
/// to which nothing comes back: it gets (sum(y) - 1) sum(dy y), summed over the
/// rows of its head.
struct SoftmaxRule : RuleOf<SoftmaxRule, SoftmaxOp> {
  LogicalResult buildBackward(Operation *op, OpBuilder &builder,
                              Adjoints &adjoints) const {
    auto softmax = cast<SoftmaxOp>(op);
    Build build(builder, op);
    Value y = softmax.getResult(), dy = adjoints.of(y);
    Value inner = build.sum(build.mul(dy, y));
    adjoints.add(builder, op->getLoc(), softmax.getInput(),
                 build.mul(build.sub(dy, inner), y));
    Value sink = softmax.getSink();
    if (!sink || !adjoints.wants(sink))
      return success();
    Value rest = build.shift(build.sum(y), -1.0);
    Value perRow = build.mul(rest, inner); // [H, T, 1]
    RankedTensorType type = tensorOf(perRow);
    adjoints.add(builder, op->getLoc(), sink,
                 MergeHeadsOp::create(
                     builder, op->getLoc(),
                     type.clone({type.getDimSize(1), type.getDimSize(0)}),
                     perRow));
    return success();
  }
};

/// Whether scores go to a softmax and nothing else, through operations that
/// keep minus infinity.
bool onlySoftmaxReads(Value scores) {
  return llvm::all_of(scores.getUsers(), [](Operation *user) {
    if (auto scale = dyn_cast<ScaleOp>(user))
      return !scale.getFactor().isNegative() && !scale.getFactor().isZero() &&
             onlySoftmaxReads(scale.getResult());
    if (isa<CausalMaskOp, BandMaskOp, PaddingMaskOp, ScoreBiasOp>(user))
      return onlySoftmaxReads(user->getResult(0));
    return isa<SoftmaxOp>(user);
  });
}

/// A softmax gives hidden scores no gradient, so that a mask passes on what
/// comes back as it is.
template <typename Op> struct PassOn : RuleOf<PassOn<Op>, Op> {
  LogicalResult buildBackward(Operation *op, OpBuilder &builder,
                              Adjoints &adjoints) const {
    Value y = op->getResult(0);
    if (!onlySoftmaxReads(y))
      return op->emitOpError("has a gradient only where a softmax, and nothing "
                             "else, reads the scores");
    adjoints.add(builder, op->getLoc(), op->getOperand(0), adjoints.of(y));
    return success();
  }
};

/// A bias on distances gets the sums along the diagonals of scores.
struct ScoreBiasRule : RuleOf<ScoreBiasRule, ScoreBiasOp> {
  LogicalResult buildBackward(Operation *op, OpBuilder &builder,
                              Adjoints &adjoints) const {
    auto biased = cast<ScoreBiasOp>(op);
    Value dy = adjoints.of(biased.getResult()), bias = biased.getBias();
    adjoints.add(builder, op->getLoc(), biased.getInput(), dy);
    if (!adjoints.wants(bias))
      return success();
    if (biased.getByKey())
      return op->emitOpError("by key with a bias that learns has no gradient");
    adjoints.add(builder, op->getLoc(), bias,
                 ScoreBiasGradientOp::create(builder, op->getLoc(),
                                             bias.getType(), dy, Value(),
                                             TileAttr())
                     .getResult());
    return success();
  }
};

struct DistanceGatherRule : RuleOf<DistanceGatherRule, DistanceGatherOp> {
  LogicalResult buildBackward(Operation *op, OpBuilder &builder,
                              Adjoints &adjoints) const {
    auto gather = cast<DistanceGatherOp>(op);
    Value input = gather.getInput();
    adjoints.add(
        builder, op->getLoc(), input,
        DistanceGatherGradientOp::create(builder, op->getLoc(), input.getType(),
                                         adjoints.of(gather.getResult()),
                                         gather.getIndex(), Value(), TileAttr())
            .getResult());
    return success();
  }
};

/// What both norms share: with `centred` rows x, r = 1 / sqrt(mean(x²) + eps)
/// and z = x r they are y = w z (+ b).
struct NormParts {
  Value factor;     ///< r
  Value normalized; ///< z
};

template <typename Op>
NormParts buildParts(const Build &build, Op norm, Value centred) {
  Value squares = build.mean(build.mul(centred, centred));
  Value root =
      build.activation(build.shift(squares, norm.getEps().convertToFloat()),
                       ActivationKind::Sqrt);
  Value factor = build.reciprocal(root, 1.0);
  return {factor, build.mul(centred, factor)};
}

/// The gradient of z, and that of the weight.
template <typename Op>
Value buildWeighted(const Build &build, Op norm, Value dy, Value normalized,
                    Adjoints &adjoints) {
  Value weight = norm.getWeight();
  if (!weight)
    return dy;
  if (adjoints.wants(weight))
    adjoints.add(build.builder, build.loc, weight, build.mul(dy, normalized));
  Value dz = build.mul(dy, weight);
  return norm.getUnitOffset() ? build.add(dz, dy) : dz;
}

/// dx = r (dz - z mean(dz z))
struct RmsNormRule : RuleOf<RmsNormRule, RmsNormOp> {
  LogicalResult buildBackward(Operation *op, OpBuilder &builder,
                              Adjoints &adjoints) const {
    auto norm = cast<RmsNormOp>(op);
    Build build(builder, op);
    auto [r, z] = buildParts(build, norm, norm.getInput());
    Value dz =
        buildWeighted(build, norm, adjoints.of(norm.getResult()), z, adjoints);
    if (!adjoints.wants(norm.getInput()))
      return success();
    Value along = build.mul(z, build.mean(build.mul(dz, z)));
    adjoints.add(builder, op->getLoc(), norm.getInput(),
                 build.mul(build.sub(dz, along), r));
    return success();
  }
};

/// dx = r (dz - mean(dz) - z mean(dz z))
struct LayerNormRule : RuleOf<LayerNormRule, LayerNormOp> {
  LogicalResult buildBackward(Operation *op, OpBuilder &builder,
                              Adjoints &adjoints) const {
    auto norm = cast<LayerNormOp>(op);
    Build build(builder, op);
    Value input = norm.getInput(), dy = adjoints.of(norm.getResult());
    auto [r, z] = buildParts(build, norm, build.sub(input, build.mean(input)));
    if (Value bias = norm.getBias())
      adjoints.add(builder, op->getLoc(), bias, dy);
    Value dz = buildWeighted(build, norm, dy, z, adjoints);
    if (!adjoints.wants(input))
      return success();
    Value along = build.mul(z, build.mean(build.mul(dz, z)));
    Value centred = build.sub(dz, build.mean(dz));
    adjoints.add(builder, op->getLoc(), input,
                 build.mul(build.sub(centred, along), r));
    return success();
  }
};

} // namespace

void tenon::attachRowRules(MLIRContext *context) {
  SoftmaxOp::attachInterface<SoftmaxRule>(*context);
  CausalMaskOp::attachInterface<PassOn<CausalMaskOp>>(*context);
  BandMaskOp::attachInterface<PassOn<BandMaskOp>>(*context);
  PaddingMaskOp::attachInterface<PassOn<PaddingMaskOp>>(*context);
  ScoreBiasOp::attachInterface<ScoreBiasRule>(*context);
  DistanceGatherOp::attachInterface<DistanceGatherRule>(*context);
  RmsNormOp::attachInterface<RmsNormRule>(*context);
  LayerNormOp::attachInterface<LayerNormRule>(*context);
}
