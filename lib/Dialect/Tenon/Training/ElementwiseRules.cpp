//===- ElementwiseRules.cpp - gradients of elementwise operations ---------===//

#include "Build.h"

using namespace mlir;
using namespace tenon;

namespace {

template <typename Rule, typename Op>
using RuleOf = DifferentiableOpInterface::ExternalModel<Rule, Op>;

struct AddRule : RuleOf<AddRule, AddOp> {
  LogicalResult buildBackward(Operation *op, OpBuilder &builder,
                              Adjoints &adjoints) const {
    auto add = cast<AddOp>(op);
    Value dy = adjoints.of(add.getResult());
    adjoints.add(builder, op->getLoc(), add.getLhs(), dy);
    adjoints.add(builder, op->getLoc(), add.getRhs(), dy);
    return success();
  }
};

struct SubRule : RuleOf<SubRule, SubOp> {
  LogicalResult buildBackward(Operation *op, OpBuilder &builder,
                              Adjoints &adjoints) const {
    auto sub = cast<SubOp>(op);
    Value dy = adjoints.of(sub.getResult());
    adjoints.add(builder, op->getLoc(), sub.getLhs(), dy);
    if (adjoints.wants(sub.getRhs()))
      adjoints.add(builder, op->getLoc(), sub.getRhs(),
                   Build(builder, op).scale(dy, -1.0));
    return success();
  }
};

struct MulRule : RuleOf<MulRule, MulOp> {
  LogicalResult buildBackward(Operation *op, OpBuilder &builder,
                              Adjoints &adjoints) const {
    auto mul = cast<MulOp>(op);
    Value dy = adjoints.of(mul.getResult());
    Build build(builder, op);
    for (auto [operand, other] : {std::pair(mul.getLhs(), mul.getRhs()),
                                  std::pair(mul.getRhs(), mul.getLhs())})
      if (adjoints.wants(operand))
        adjoints.add(builder, op->getLoc(), operand, build.mul(dy, other));
    return success();
  }
};

/// d(a / b) = da / b - y db / b
struct DivRule : RuleOf<DivRule, DivOp> {
  LogicalResult buildBackward(Operation *op, OpBuilder &builder,
                              Adjoints &adjoints) const {
    auto div = cast<DivOp>(op);
    Build build(builder, op);
    Value quotient = build.div(adjoints.of(div.getResult()), div.getRhs());
    adjoints.add(builder, op->getLoc(), div.getLhs(), quotient);
    if (adjoints.wants(div.getRhs()))
      adjoints.add(builder, op->getLoc(), div.getRhs(),
                   build.scale(build.mul(quotient, div.getResult()), -1.0));
    return success();
  }
};

struct ScaleRule : RuleOf<ScaleRule, ScaleOp> {
  LogicalResult buildBackward(Operation *op, OpBuilder &builder,
                              Adjoints &adjoints) const {
    auto scale = cast<ScaleOp>(op);
    adjoints.add(builder, op->getLoc(), scale.getInput(),
                 Build(builder, op)
                     .scale(adjoints.of(scale.getResult()),
                            scale.getFactor().convertToFloat()));
    return success();
  }
};

struct ShiftRule : RuleOf<ShiftRule, ShiftOp> {
  LogicalResult buildBackward(Operation *op, OpBuilder &builder,
                              Adjoints &adjoints) const {
    auto shift = cast<ShiftOp>(op);
    adjoints.add(builder, op->getLoc(), shift.getInput(),
                 adjoints.of(shift.getResult()));
    return success();
  }
};

/// d(n / x) = -(y / x) dx
struct ReciprocalRule : RuleOf<ReciprocalRule, ReciprocalOp> {
  LogicalResult buildBackward(Operation *op, OpBuilder &builder,
                              Adjoints &adjoints) const {
    auto reciprocal = cast<ReciprocalOp>(op);
    Build build(builder, op);
    Value y = reciprocal.getResult();
    Value slope = build.scale(build.div(y, reciprocal.getInput()), -1.0);
    adjoints.add(builder, op->getLoc(), reciprocal.getInput(),
                 build.mul(adjoints.of(y), slope));
    return success();
  }
};

struct ActivationRule : RuleOf<ActivationRule, ActivationOp> {
  LogicalResult buildBackward(Operation *op, OpBuilder &builder,
                              Adjoints &adjoints) const {
    auto activation = cast<ActivationOp>(op);
    Value input = activation.getInput();
    adjoints.add(
        builder, op->getLoc(), input,
        ActivationGradientOp::create(builder, op->getLoc(), input.getType(),
                                     adjoints.of(activation.getResult()), input,
                                     Value(), activation.getKind(), TileAttr())
            .getResult());
    return success();
  }
};

struct ClampRule : RuleOf<ClampRule, ClampOp> {
  LogicalResult buildBackward(Operation *op, OpBuilder &builder,
                              Adjoints &adjoints) const {
    auto clamp = cast<ClampOp>(op);
    Value input = clamp.getInput();
    adjoints.add(builder, op->getLoc(), input,
                 ClampGradientOp::create(builder, op->getLoc(), input.getType(),
                                         adjoints.of(clamp.getResult()), input,
                                         Value(), clamp.getLowAttr(),
                                         clamp.getHighAttr(), TileAttr())
                     .getResult());
    return success();
  }
};

} // namespace

void tenon::attachElementwiseRules(MLIRContext *context) {
  AddOp::attachInterface<AddRule>(*context);
  SubOp::attachInterface<SubRule>(*context);
  MulOp::attachInterface<MulRule>(*context);
  DivOp::attachInterface<DivRule>(*context);
  ScaleOp::attachInterface<ScaleRule>(*context);
  ShiftOp::attachInterface<ShiftRule>(*context);
  ReciprocalOp::attachInterface<ReciprocalRule>(*context);
  ActivationOp::attachInterface<ActivationRule>(*context);
  ClampOp::attachInterface<ClampRule>(*context);
}
