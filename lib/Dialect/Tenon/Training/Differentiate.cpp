//===- Differentiate.cpp - loss, gradient and step of a decoder -----------===//
//
// tenon-differentiate: see TrainingPasses.td.
//
//===----------------------------------------------------------------------===//

#include "BlockGradient.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "tenon/Dialect/Tenon/IR/EntryAttrs.h"
#include "tenon/Dialect/Tenon/Transforms/FusionPasses.h"
#include "tenon/Dialect/Tenon/Transforms/TrainingPasses.h"

namespace tenon {
#define GEN_PASS_DEF_TENONDIFFERENTIATE
#include "tenon/Dialect/Tenon/Transforms/TrainingPasses.h.inc"
} // namespace tenon

using namespace mlir;
using namespace tenon;

namespace {

constexpr StringLiteral kTargetsName = "targets", kNumbersName = "numbers";

struct Differentiate : tenon::impl::TenonDifferentiateBase<Differentiate> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    func::FuncOp forward = find(module);
    if (!forward || failed(checkWeights(module)))
      return signalPassFailure();
    sinkWeights(forward);
    if (failed(derive(forward, kGradientName, /*withGradient=*/true)) ||
        failed(derive(forward, kLossName, /*withGradient=*/false)))
      return signalPassFailure();
    deriveUpdate(module, forward.getLoc());
    for (auto function :
         llvm::make_early_inc_range(module.getOps<func::FuncOp>()))
      if (!llvm::is_contained(
              {kGradientName, kLossName, kUpdateName, kForwardName},
              function.getName()))
        function.erase();
  }

private:
  /// The function to learn from, or null with an error.
  func::FuncOp find(ModuleOp module) {
    auto kind = module->getAttrOfType<StringAttr>(kKindAttrName);
    auto forward = module.lookupSymbol<func::FuncOp>(kForwardName);
    auto fail = [&](Operation *op, const Twine &what) {
      op->emitError(what);
      return func::FuncOp();
    };
    if (!kind || kind.getValue() != "decoder" || !forward)
      return fail(module, "only a decoder with a function @" + kForwardName +
                              " can be trained so far: what else could be "
                              "learned from needs another objective");
    auto tokens = dyn_cast_or_null<RankedTensorType>(
        forward.getNumArguments() ? forward.getArgumentTypes()[0] : Type());
    if (forward.getNumArguments() != 1 || !tokens || tokens.getRank() != 1 ||
        !tokens.getElementType().isInteger(32))
      return fail(forward, "a model can be trained so far if its @" +
                               kForwardName + " takes tokens and nothing else");
    auto logits = dyn_cast_or_null<RankedTensorType>(
        forward.getNumResults() ? forward.getResultTypes()[0] : Type());
    if (forward.getNumResults() != 1 || !logits || logits.getRank() != 2 ||
        logits.getDimSize(0) != tokens.getDimSize(0) || logits.isDynamicDim(1))
      return fail(forward,
                  "@" + kForwardName + " must return logits for each token");
    if (!forward.getBody().hasOneBlock())
      return fail(forward, "@" + kForwardName + " must be one block");
    return forward;
  }

  /// Loops and experts read weights themselves: then nothing comes back to
  /// references outside.
  static void sinkWeights(func::FuncOp function) {
    SmallVector<std::pair<WeightRefOp, OpOperand *>> uses;
    function.walk([&](WeightRefOp ref) {
      for (OpOperand &use : ref->getUses())
        if (use.getOwner()->getBlock() != ref->getBlock())
          uses.push_back({ref, &use});
    });
    for (auto [ref, use] : uses) {
      OpBuilder builder(use->getOwner());
      use->set(builder.clone(*ref)->getResult(0));
    }
  }

  LogicalResult checkWeights(ModuleOp module) {
    for (auto weight : module.getOps<WeightOp>()) {
      if (llvm::any_of(weight.getSources(), llvm::IsaPred<RelativeBucketsAttr>))
        return weight.emitOpError("is computed from a tensor that learns, "
                                  "which has no gradient yet");
      bool isRead =
          llvm::any_of(weight.getSources(), llvm::IsaPred<SourceAttr>);
      if (isRead && !weight.getTensorType().getElementType().isF32())
        return weight.emitOpError() << "of type " << weight.getTensorType()
                                    << ": weights that learn are f32";
    }
    return success();
  }

  /// Tokens and targets to the sum of cross entropies.
  LogicalResult derive(func::FuncOp forward, StringRef name,
                       bool withGradient) {
    OpBuilder builder(forward);
    Location loc = forward.getLoc();
    Type tokens = forward.getArgumentTypes()[0];
    auto scalar = RankedTensorType::get({1, 1}, builder.getF32Type());
    auto function = func::FuncOp::create(
        builder, loc, name, builder.getFunctionType({tokens, tokens}, scalar));
    function->setAttr("tenon.entry", builder.getUnitAttr());
    for (unsigned i : {0, 1})
      if (DictionaryAttr attributes = forward.getArgAttrDict(0))
        function.setArgAttrs(i, attributes);
    function.setArgAttr(1, kInputNameAttrName,
                        builder.getStringAttr(kTargetsName));
    Block *body = function.addEntryBlock();
    builder.setInsertionPointToStart(body);

    GradientCounts counts;
    BlockGradient gradient(builder, getOperation(), &counts);
    IRMapping mapping;
    mapping.map(forward.getArgument(0), body->getArgument(0));
    BlockGradient::Tape tape;
    Block &old = forward.getBody().front();
    if (failed(gradient.forward(old, mapping, withGradient ? &tape : nullptr)))
      return failure();
    auto result = cast<func::ReturnOp>(old.getTerminator());
    Value logits = mapping.lookup(result.getOperand(0));
    Value targets = body->getArgument(1);
    loc = result.getLoc();
    RankedTensorType rows = tensorOf(logits);
    Value losses =
        CrossEntropyOp::create(builder, loc,
                               RankedTensorType::get({rows.getDimSize(0), 1},
                                                     rows.getElementType()),
                               logits, targets, Value(), TileAttr())
            .getResult();
    Value loss = Build(builder, loc).reduce(losses, Reduction::Sum, 0);
    if (withGradient) {
      Value back = CrossEntropyGradientOp::create(builder, loc, rows, logits,
                                                  targets, Value(), TileAttr())
                       .getResult();
      gradient.adjoints.add(builder, loc, logits, back);
      if (failed(gradient.backward(tape)))
        return failure();
    }
    func::ReturnOp::create(builder, loc, loss);
    numRules += counts.rules;
    numSkipped += counts.skipped;
    numLoops += counts.loops;
    return lowerLinears(function);
  }

  /// The step of the optimizer, for each weight that has a gradient.
  void deriveUpdate(ModuleOp module, Location loc) {
    llvm::SetVector<StringAttr> weights;
    module.lookupSymbol<func::FuncOp>(kGradientName).walk([&](GradientOp op) {
      weights.insert(op.getWeightAttr().getAttr());
    });
    OpBuilder builder(module.getContext());
    builder.setInsertionPointToEnd(module.getBody());
    auto numbers =
        RankedTensorType::get({UpdateOp::kNumbers}, builder.getF32Type());
    auto scalar = RankedTensorType::get({1, 1}, builder.getF32Type());
    auto function =
        func::FuncOp::create(builder, loc, kUpdateName,
                             builder.getFunctionType({numbers}, {scalar}));
    function->setAttr("tenon.entry", builder.getUnitAttr());
    function.setArgAttr(0, kInputNameAttrName,
                        builder.getStringAttr(kNumbersName));
    Block *body = function.addEntryBlock();
    builder.setInsertionPointToStart(body);
    Value given = body->getArgument(0);
    Value norm = GradientNormOp::create(builder, loc, scalar, given);
    // In the order of the module's weights.
    for (auto weight : module.getOps<WeightOp>()) {
      if (!weights.contains(weight.getSymNameAttr()))
        continue;
      bool isMatrix = weight.getLayerType().getRank() > 1;
      UpdateOp::create(builder, weight.getLoc(), weight.getSymName(), given,
                       norm, isMatrix);
      ++numWeights;
    }
    func::ReturnOp::create(builder, loc, norm);
  }
};

} // namespace
