//===- ProductRules.cpp - gradients of products and tables ----------------===//
//
// The gradient of a weight is a sum in memory, to which a product adds directly
// where it reads the weight as it is.
//
//===----------------------------------------------------------------------===//

#include "Build.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "tenon/Dialect/Tenon/IR/Adapters.h"
#include "tenon/Dialect/Tenon/IR/TenonFrozen.h"

using namespace mlir;
using namespace tenon;

Value tenon::gradientOf(OpBuilder &builder, WeightRefOp ref) {
  auto type = cast<RankedTensorType>(ref.getType());
  return GradientOp::create(
      builder, ref.getLoc(),
      MemRefType::get(type.getShape(), type.getElementType()),
      ref.getWeightAttr(), ref.getLayer());
}

/// A matrix of numbers that is made from a weight in fewer bits is made again
/// where the way back reads it, and not kept from the way forward.
static Value numbersAgain(OpBuilder &builder, Value matrix) {
  Operation *op = matrix.getDefiningOp();
  if (!isa_and_nonnull<DequantizeOp, CastOp, scf::IfOp>(op) ||
      op->getBlock() != builder.getInsertionBlock())
    return matrix;
  return builder.clone(*op)->getResult(0);
}

namespace {

template <typename Rule, typename Op>
using RuleOf = DifferentiableOpInterface::ExternalModel<Rule, Op>;

/// What came back to a weight otherwise than through a product.
struct WeightRefRule : RuleOf<WeightRefRule, WeightRefOp> {
  LogicalResult buildBackward(Operation *op, OpBuilder &builder,
                              Adjoints &adjoints) const {
    auto ref = cast<WeightRefOp>(op);
    AddGradientOp::create(builder, op->getLoc(), adjoints.of(ref.getResult()),
                          gradientOf(builder, ref));
    return success();
  }
};

/// y = x Wᵀ + b: dx = dy W, dW = dyᵀ x, db = sum of dy.
struct LinearRule : RuleOf<LinearRule, LinearOp> {
  LogicalResult buildBackward(Operation *op, OpBuilder &builder,
                              Adjoints &adjoints) const {
    auto linear = cast<LinearOp>(op);
    if (linear.getGated() ||
        linear.getActivation() != ActivationKind::Identity ||
        linear.getResidual())
      return op->emitOpError("with an epilogue has no gradient: "
                             "tenon-differentiate comes before fusion");
    Build build(builder, op);
    Value dy = adjoints.of(linear.getResult()), weight = linear.getWeight();
    bool learns = adjoints.wants(weight);
    if (adjoints.wants(linear.getInput()))
      adjoints.add(builder, op->getLoc(), linear.getInput(),
                   build.weightProduct(
                       dy, learns ? weight : numbersAgain(builder, weight),
                       /*flipped=*/true));
    if (Value bias = linear.getBias())
      adjoints.add(builder, op->getLoc(), bias, dy);
    if (!learns)
      return success();
    auto transposed = weight.getDefiningOp<TransposeOp>();
    auto source = (transposed ? transposed.getInput() : weight)
                      .getDefiningOp<WeightRefOp>();
    if (source && transposed)
      WeightGradientOp::create(builder, op->getLoc(), linear.getInput(), dy,
                               gradientOf(builder, source));
    else if (source)
      WeightGradientOp::create(builder, op->getLoc(), dy, linear.getInput(),
                               gradientOf(builder, source));
    else
      adjoints.add(builder, op->getLoc(), weight,
                   build.matmul(build.transpose(dy), linear.getInput()));
    return success();
  }
};

/// c = a b: da = dc bᵀ, db = aᵀ dc, summed over the heads that share b. With b
/// the transpose of k, dk = dcᵀ a.
struct MatmulRule : RuleOf<MatmulRule, MatmulOp> {
  LogicalResult buildBackward(Operation *op, OpBuilder &builder,
                              Adjoints &adjoints) const {
    auto product = cast<MatmulOp>(op);
    Build build(builder, op);
    Value dc = adjoints.of(product.getResult());
    Value lhs = product.getLhs(), rhs = product.getRhs();
    if (adjoints.wants(lhs))
      adjoints.add(builder, op->getLoc(), lhs,
                   build.matmul(dc, build.transpose(rhs)));
    if (!adjoints.wants(rhs))
      return success();
    // Of a transposed operand, as keys are, the gradient of what it was made
    // from: that has rows.
    auto transposed = rhs.getDefiningOp<TransposeOp>();
    // What a loop reads from outside has its gradient through the loop.
    if (transposed && transposed->getBlock() != op->getBlock())
      transposed = {};
    Value gradient = transposed ? build.matmul(build.transpose(dc), lhs)
                                : build.matmul(build.transpose(lhs), dc);
    if (transposed)
      rhs = transposed.getInput();
    RankedTensorType type = tensorOf(rhs);
    if (type.getRank() == 3 &&
        type.getDimSize(0) != tensorOf(gradient).getDimSize(0))
      gradient = SumHeadsOp::create(builder, op->getLoc(), type, gradient,
                                    Value(), TileAttr())
                     .getResult();
    adjoints.add(builder, op->getLoc(), rhs, gradient);
    return success();
  }
};

/// The fused form: probabilities are computed again.
struct AttentionRule : RuleOf<AttentionRule, AttentionOp> {
  LogicalResult buildBackward(Operation *op, OpBuilder &builder,
                              Adjoints &adjoints) const {
    auto attention = cast<AttentionOp>(op);
    if (attention.getValid() || attention.getBias() || attention.getSink())
      return op->emitOpError(
          "with padding, a bias or a sink has no gradient: "
          "tenon-fuse-attention{for-gradients} leaves it in parts");
    Value operands[] = {attention.getQuery(), attention.getKey(),
                        attention.getValue()};
    auto gradients = AttentionGradientOp::create(
        builder, op->getLoc(), TypeRange(ValueRange(operands)), operands[0],
        operands[1], operands[2], attention.getResult(),
        adjoints.of(attention.getResult()), ValueRange(),
        attention.getScaleAttr(), attention.getCapAttr(),
        attention.getCausalAttr(), attention.getWindowAttr(),
        attention.getBandAttr());
    for (auto [operand, gradient] :
         llvm::zip_equal(operands, gradients.getResults()))
      adjoints.add(builder, op->getLoc(), operand, gradient);
    return success();
  }
};

struct EmbeddingRule : RuleOf<EmbeddingRule, EmbeddingOp> {
  LogicalResult buildBackward(Operation *op, OpBuilder &builder,
                              Adjoints &adjoints) const {
    auto embedding = cast<EmbeddingOp>(op);
    auto ref = embedding.getTable().getDefiningOp<WeightRefOp>();
    if (!ref)
      return op->emitOpError("has a gradient only where the table is a weight "
                             "as it is");
    EmbeddingGradientOp::create(
        builder, op->getLoc(), embedding.getIds(),
        adjoints.of(embedding.getResult()), gradientOf(builder, ref),
        op->getAttrOfType<IntegerAttr>(kFrozenRowAttrName));
    return success();
  }
};

struct TransposeRule : RuleOf<TransposeRule, TransposeOp> {
  LogicalResult buildBackward(Operation *op, OpBuilder &builder,
                              Adjoints &adjoints) const {
    auto transpose = cast<TransposeOp>(op);
    Value dy = adjoints.of(transpose.getResult());
    adjoints.add(builder, op->getLoc(), transpose.getInput(),
                 Build(builder, op).transpose(dy));
    return success();
  }
};

} // namespace

void tenon::attachProductRules(MLIRContext *context) {
  WeightRefOp::attachInterface<WeightRefRule>(*context);
  LinearOp::attachInterface<LinearRule>(*context);
  MatmulOp::attachInterface<MatmulRule>(*context);
  AttentionOp::attachInterface<AttentionRule>(*context);
  EmbeddingOp::attachInterface<EmbeddingRule>(*context);
  TransposeOp::attachInterface<TransposeRule>(*context);
}
