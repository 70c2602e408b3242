//===- RowRules.cpp - gradients of softmax, masks and norms ---------------===//

#include "Build.h"

using namespace mlir;
using namespace tenon;

namespace {

template <typename Rule, typename Op>
using RuleOf = DifferentiableOpInterface::ExternalModel<Rule, Op>;

/// dx = y (dy - sum(dy y))
struct SoftmaxRule : RuleOf<SoftmaxRule, SoftmaxOp> {
  LogicalResult buildBackward(Operation *op, OpBuilder &builder,
                              Adjoints &adjoints) const {
    auto softmax = cast<SoftmaxOp>(op);
    if (softmax.getSink() && adjoints.wants(softmax.getSink()))
      return op->emitOpError("with a sink that learns has no gradient yet");
    Build build(builder, op);
    Value y = softmax.getResult(), dy = adjoints.of(y);
    Value inner = build.sum(build.mul(dy, y));
    adjoints.add(builder, op->getLoc(), softmax.getInput(),
                 build.mul(build.sub(dy, inner), y));
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
/// comes back as it is; so does a bias that does not learn.
template <typename Op> struct PassOn : RuleOf<PassOn<Op>, Op> {
  LogicalResult buildBackward(Operation *op, OpBuilder &builder,
                              Adjoints &adjoints) const {
    Value y = op->getResult(0);
    if (!isa<ScoreBiasOp>(op) && !onlySoftmaxReads(y))
      return op->emitOpError("has a gradient only where a softmax, and nothing "
                             "else, reads the scores");
    for (Value operand : op->getOperands().drop_front())
      if (adjoints.wants(operand))
        return op->emitOpError("with a bias that learns has no gradient yet");
    adjoints.add(builder, op->getLoc(), op->getOperand(0), adjoints.of(y));
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
  ScoreBiasOp::attachInterface<PassOn<ScoreBiasOp>>(*context);
  RmsNormOp::attachInterface<RmsNormRule>(*context);
  LayerNormOp::attachInterface<LayerNormRule>(*context);
}
