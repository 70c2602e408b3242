//===- ChoiceRules.cpp - gradients of choices and of sums -----------------===//
//
// What a mixture's gates are made with: the greatest of a row, and sums of it.
// The mixture itself has a body: BlockGradient.cpp goes through that.
//
//===----------------------------------------------------------------------===//

#include "Build.h"
#include "tenon/Dialect/Tenon/IR/TenonMixture.h"

using namespace mlir;
using namespace tenon;

namespace {

template <typename Rule, typename Op>
using RuleOf = DifferentiableOpInterface::ExternalModel<Rule, Op>;

/// What was chosen gets what comes back, the others nothing: dy where the same
/// numbers choose. These get no gradient, as a choice has none.
struct TopKRule : RuleOf<TopKRule, TopKOp> {
  LogicalResult buildBackward(Operation *op, OpBuilder &builder,
                              Adjoints &adjoints) const {
    auto top = cast<TopKOp>(op);
    Value input = top.getInput();
    Value by = top.getBy() ? top.getBy() : input;
    adjoints.add(builder, op->getLoc(), input,
                 TopKOp::create(builder, op->getLoc(), input.getType(),
                                adjoints.of(top.getResult()), by, Value(),
                                top.getK(), top.getGroups(), top.getKeep(),
                                top.getBest(), TileAttr())
                     .getResult());
    return success();
  }
};

/// Each term of a sum gets its gradient, of a mean its part of it.
struct ReduceRule : RuleOf<ReduceRule, ReduceOp> {
  LogicalResult buildBackward(Operation *op, OpBuilder &builder,
                              Adjoints &adjoints) const {
    auto reduce = cast<ReduceOp>(op);
    Value input = reduce.getInput(), dy = adjoints.of(reduce.getResult());
    Build build(builder, op);
    if (reduce.getKind() == Reduction::Max)
      return op->emitOpError("of the greatest has no gradient yet");
    if (reduce.getKind() == Reduction::Mean) {
      int64_t terms = tensorOf(input).getDimSize(reduce.getDim());
      if (ShapedType::isDynamic(terms))
        return op->emitOpError("over a number of terms that varies has no "
                               "gradient yet");
      dy = build.scale(dy, 1.0 / static_cast<double>(terms));
    }
    adjoints.add(builder, op->getLoc(), input,
                 build.add(build.zerosLike(input), dy));
    return success();
  }
};

} // namespace

void tenon::attachChoiceRules(MLIRContext *context) {
  TopKOp::attachInterface<TopKRule>(*context);
  ReduceOp::attachInterface<ReduceRule>(*context);
}
