//===- Differentiate.cpp - loss, gradient and step of a decoder -----------===//
//
// tenon-differentiate: see TrainingPasses.td.
//
//===----------------------------------------------------------------------===//

#include "BlockGradient.h"
#include "Optimizers.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "tenon/Dialect/Tenon/IR/Adapters.h"
#include "tenon/Dialect/Tenon/IR/EntryAttrs.h"
#include "tenon/Dialect/Tenon/IR/Remarks.h"
#include "tenon/Dialect/Tenon/IR/TenonOptimizer.h"
#include "tenon/Dialect/Tenon/Transforms/FusionPasses.h"
#include "tenon/Dialect/Tenon/Transforms/TrainingPasses.h"

namespace tenon {
#define GEN_PASS_DEF_TENONDIFFERENTIATE
#include "tenon/Dialect/Tenon/Transforms/TrainingPasses.h.inc"
} // namespace tenon

using namespace mlir;
using namespace tenon;

namespace {

constexpr StringLiteral kPass = "tenon-differentiate";
/// Rows of logits that are there at once: a weight is read once for all of
/// them, and 25 MiB hold those of 50,000 words.
constexpr int64_t kHeadRows = 128;
constexpr StringLiteral kTargetsName = "targets";

struct Differentiate : tenon::impl::TenonDifferentiateBase<Differentiate> {
  using TenonDifferentiateBase::TenonDifferentiateBase;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    func::FuncOp forward = find(module);
    if (!forward || failed(checkWeights(module)))
      return signalPassFailure();
    module->setAttr(kObjectiveAttrName,
                    StringAttr::get(module.getContext(), objective));
    auto logits = cast<RankedTensorType>(forward.getResultTypes()[0]);
    module->setAttr(kClassesAttrName,
                    IntegerAttr::get(IntegerType::get(module.getContext(), 64),
                                     logits.getDimSize(1)));
    llvm::SmallDenseSet<Operation *> exposed = exposeTables(module, forward);
    sinkWeights(forward);
    if (failed(derive(forward, kGradientName, /*withGradient=*/true)) ||
        failed(derive(forward, kLossName, /*withGradient=*/false)))
      return signalPassFailure();
    numWeights += deriveUpdates(module, forward.getLoc());
    // Only what a decoder says is generated from the weights as they learn.
    for (auto function :
         llvm::make_early_inc_range(module.getOps<func::FuncOp>()))
      if (!llvm::is_contained({kGradientName, kLossName, kUpdateName,
                               kMomentumUpdateName, kMuonUpdateName},
                              function.getName()) &&
          (objective != "causal" || function != forward))
        function.erase();
    for (auto weight : llvm::make_early_inc_range(module.getOps<WeightOp>()))
      if (exposed.contains(weight))
        weight.erase();
  }

private:
  /// The function to learn from, or null with an error; `objective` says what
  /// is learned from it.
  func::FuncOp find(ModuleOp module) {
    auto kind = module->getAttrOfType<StringAttr>(kKindAttrName);
    auto fail = [&](Operation *op, const Twine &what) {
      op->emitError(what);
      return func::FuncOp();
    };
    func::FuncOp function;
    bool isDecoder = kind && kind.getValue() == "decoder";
    bool isEncoder = kind && kind.getValue() == "encoder";
    if (isDecoder &&
        (function = module.lookupSymbol<func::FuncOp>(kForwardName)))
      objective = "causal";
    // What the model's class runs, if that learns.
    auto run = module->getAttrOfType<StringAttr>(kDefaultEntryAttrName);
    for (bool isFirst : {true, false})
      for (auto [name, what] :
           {std::pair("fill_mask", "masked"), std::pair("tag", "tags"),
            std::pair("classify", "classes")})
        if (isEncoder && !function &&
            (!isFirst || (run && run.getValue() == name)) &&
            (function = module.lookupSymbol<func::FuncOp>(name)))
          objective = what;
    if (!function)
      return fail(module,
                  "there is nothing to learn from: a decoder learns from @" +
                      kForwardName +
                      ", an encoder from @fill_mask, @tag or @classify");
    auto tokens = dyn_cast_or_null<RankedTensorType>(
        function.getNumArguments() ? function.getArgumentTypes()[0] : Type());
    bool takesIds = tokens && tokens.getRank() == 1 &&
                    tokens.getElementType().isInteger(32);
    for (unsigned i = 1; i < function.getNumArguments() && takesIds; ++i) {
      bool isSource = bool(function.getArgAttr(i, kSourceAttrName));
      auto element = function.getArgAttrOfType<StringAttr>(i, "tenon.element");
      bool isType = element && element.getValue() == "token_type";
      takesIds &=
          (isSource || isType) && function.getArgumentTypes()[i] == tokens;
      if (isSource && isDecoder)
        objective = "sequence";
    }
    if (!takesIds)
      return fail(function, "a model can be trained so far if its @" +
                                function.getName() +
                                " takes tokens, their types and a source, and "
                                "nothing else");
    auto logits = dyn_cast_or_null<RankedTensorType>(
        function.getNumResults() ? function.getResultTypes()[0] : Type());
    if (function.getNumResults() != 1 || !logits || logits.getRank() != 2 ||
        logits.isDynamicDim(1) ||
        logits.getDimSize(0) !=
            (objective == "classes" ? 1 : tokens.getDimSize(0)))
      return fail(function, "@" + function.getName() +
                                (objective == "classes"
                                     ? " must return logits of a text"
                                     : " must return logits for each token"));
    // The softmax of one number is 1 whatever it is: nothing would learn.
    if (logits.getDimSize(1) < 2)
      return fail(function, "@" + function.getName() +
                                " has one label: a number of its own, as in "
                                "regression and reranking, cannot be learned "
                                "yet");
    if (!function.getBody().hasOneBlock())
      return fail(function, "@" + function.getName() + " must be one block");
    return function;
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
      bool learns =
          llvm::any_of(weight.getSources(), llvm::IsaPred<SourceAttr>) &&
          !weight->hasAttr(kFrozenAttrName);
      if (learns && !weight.getTensorType().getElementType().isF32())
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
    // A target for each row of logits stands after the tokens.
    Type tokens = forward.getArgumentTypes()[0];
    auto logitsType = cast<RankedTensorType>(forward.getResultTypes()[0]);
    Type targetsType = cast<RankedTensorType>(tokens).clone(
        logitsType.getShape().take_front());
    SmallVector<Type> types(forward.getArgumentTypes());
    types.insert(types.begin() + 1, targetsType);
    auto scalar = RankedTensorType::get({1, 1}, builder.getF32Type());
    auto function = func::FuncOp::create(
        builder, loc, name, builder.getFunctionType(types, scalar));
    function->setAttr("tenon.entry", builder.getUnitAttr());
    for (unsigned i = 0; i < types.size(); ++i)
      if (DictionaryAttr attributes = forward.getArgAttrDict(i > 1 ? i - 1 : 0))
        function.setArgAttrs(i, attributes);
    function.setArgAttr(1, kInputNameAttrName,
                        builder.getStringAttr(kTargetsName));
    Block *body = function.addEntryBlock();
    builder.setInsertionPointToStart(body);

    GradientCounts counts;
    BlockGradient gradient(builder, getOperation(),
                           recompute == RecomputePolicy::Cheap, &counts);
    IRMapping mapping;
    for (BlockArgument argument : forward.getArguments()) {
      unsigned i = argument.getArgNumber();
      mapping.map(argument, body->getArgument(i > 0 ? i + 1 : 0));
    }
    BlockGradient::Tape tape;
    Block &old = forward.getBody().front();
    if (failed(gradient.forward(old, mapping, withGradient ? &tape : nullptr)))
      return failure();
    auto result = cast<func::ReturnOp>(old.getTerminator());
    Value logits = mapping.lookup(result.getOperand(0));
    Value targets = body->getArgument(1);
    loc = result.getLoc();
    RankedTensorType rows = tensorOf(logits);
    auto sumOf = [&](Value losses) {
      return Build(builder, loc).reduce(losses, Reduction::Sum, 0);
    };
    auto finish = [&](Value loss) -> LogicalResult {
      if (withGradient && failed(gradient.backward(tape)))
        return failure();
      func::ReturnOp::create(builder, loc, loss);
      numRules += counts.rules;
      numSkipped += counts.skipped;
      numLoops += counts.loops;
      numKept += counts.kept;
      return lowerLinears(function, /*isOfManyRows=*/true);
    };
    if (Value losses = buildHeadLoss(gradient.adjoints, logits, targets,
                                     withGradient, builder))
      return finish(sumOf(losses));
    Value losses =
        CrossEntropyOp::create(builder, loc,
                               RankedTensorType::get({rows.getDimSize(0), 1},
                                                     rows.getElementType()),
                               logits, targets, Value(), TileAttr())
            .getResult();
    Value loss = sumOf(losses);
    if (withGradient) {
      Value back = CrossEntropyGradientOp::create(builder, loc, rows, logits,
                                                  targets, Value(), TileAttr())
                       .getResult();
      gradient.adjoints.add(builder, loc, logits, back);
    }
    return finish(loss);
  }

  /// Why logits are more than rows times a weight, or empty.
  static std::string describeHead(Value logits) {
    Operation *op = logits.getDefiningOp();
    auto linear = dyn_cast_or_null<LinearOp>(op);
    if (!linear)
      return op ? "the logits are the result of '" +
                      op->getName().getStringRef().str() +
                      "', and not of a product with a weight"
                : std::string("the logits are an input");
    if (linear.getBias() || linear.getResidual() || linear.getGated() ||
        linear.getActivation() != ActivationKind::Identity)
      return "the head is more than a product";
    if (!linear.getWeight().getDefiningOp<WeightRefOp>())
      return "the head's matrix is not a weight as it lies";
    if (!tensorOf(logits).isDynamicDim(0))
      return "there are few logits";
    return logits.use_empty() ? "" : "the logits are read elsewhere, too";
  }

  /// The losses by head and loss in one, which adds the gradients that go back;
  /// null, with a remark, where the head is something else.
  Value buildHeadLoss(Adjoints &adjoints, Value logits, Value targets,
                      bool withGradient, OpBuilder &builder) {
    if (std::string reason = describeHead(logits); !reason.empty()) {
      if (Operation *op = logits.getDefiningOp(); op && withGradient)
        remarkMissed(op, kPass, "heads")
            << says("all logits of a text are there at once: " + reason);
      return {};
    }
    auto linear = logits.getDefiningOp<LinearOp>();
    Value input = linear.getInput(), weight = linear.getWeight(), into;
    RankedTensorType type = tensorOf(input);
    SmallVector<Type> types = {type.clone({type.getDimSize(0), 1})};
    if (withGradient)
      types.push_back(type);
    if (withGradient && adjoints.wants(weight))
      into = gradientOf(builder, weight.getDefiningOp<WeightRefOp>());
    auto head = HeadLossOp::create(builder, linear.getLoc(), types, input,
                                   weight, targets, into, kHeadRows);
    if (withGradient)
      adjoints.add(builder, linear.getLoc(), input, head.getResult(1));
    ++numHeads;
    return head.getResult(0);
  }

  /// What the function at hand learns.
  std::string objective;
};

} // namespace
