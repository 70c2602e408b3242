//===- InsertAdapters.cpp - small weights that learn beside frozen ones ---===//
//
// tenon-insert-adapters: see TrainingPasses.td.
//
//===----------------------------------------------------------------------===//

#include "Build.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/SymbolTable.h"
#include "tenon/Dialect/Tenon/IR/Adapters.h"
#include "tenon/Dialect/Tenon/IR/TenonMixture.h"
#include "tenon/Dialect/Tenon/Transforms/TrainingPasses.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSet.h"

namespace tenon {
#define GEN_PASS_DEF_TENONINSERTADAPTERS
#include "tenon/Dialect/Tenon/Transforms/TrainingPasses.h.inc"
} // namespace tenon

using namespace mlir;
using namespace tenon;

namespace {

/// "q_proj" of "model.layers.{i}.self_attn.q_proj.weight", and all before the
/// last point.
std::pair<StringRef, StringRef> moduleOf(StringRef source) {
  StringRef path = source.rsplit('.').first;
  return {path,
          path.rsplit('.').second.empty() ? path : path.rsplit('.').second};
}

struct InsertAdapters : tenon::impl::TenonInsertAdaptersBase<InsertAdapters> {
  using TenonInsertAdaptersBase::TenonInsertAdaptersBase;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    if (rank < 1 || targets.empty()) {
      module.emitError("adapters need a rank of 1 or more, and targets");
      return signalPassFailure();
    }
    SymbolTable symbols(module);
    for (auto weight : module.getOps<WeightOp>()) {
      if (!kept)
        weight->setAttr(kFrozenAttrName, UnitAttr::get(module.getContext()));
      last = weight;
    }
    SmallVector<LinearOp> linears;
    module.walk([&](LinearOp op) { linears.push_back(op); });
    for (LinearOp op : linears)
      if (failed(adapt(op, symbols)))
        return signalPassFailure();
    for (const std::string &target : targets)
      if (!found.contains(target))
        return reportMissing(target, linears, symbols);
  }

private:
  WeightOp weightOf(LinearOp op, SymbolTable &symbols) const {
    auto ref = op.getWeight().getDefiningOp<WeightRefOp>();
    return ref ? symbols.lookup<WeightOp>(ref.getWeight()) : WeightOp();
  }

  /// What a target may call a weight: "wq" or "block.wq" as the description, or
  /// "q_proj" as the checkpoint does.
  static SmallVector<StringRef, 3> namesOf(WeightOp weight) {
    SmallVector<StringRef, 3> names = {
        weight.getSymName().rsplit('.').second.empty()
            ? weight.getSymName()
            : weight.getSymName().rsplit('.').second,
        weight.getSymName()};
    if (isa<SourceAttr>(weight.getSources()[0]))
      names.push_back(moduleOf(nameOf(weight)).second);
    return names;
  }

  /// Its tensor's name, as Hugging Face's checkpoints have it.
  static StringRef nameOf(WeightOp weight) {
    if (auto name = weight->getAttrOfType<StringAttr>(kModuleAttrName))
      return name;
    return cast<SourceAttr>(weight.getSources()[0]).getName();
  }

  void reportMissing(const std::string &target, ArrayRef<LinearOp> linears,
                     SymbolTable &symbols) {
    llvm::SetVector<StringRef> names;
    for (LinearOp op : linears)
      if (WeightOp weight = weightOf(op, symbols))
        names.insert(namesOf(weight).front());
    InFlightDiagnostic error =
        getOperation().emitError("no linear reads a weight '")
        << target << "' that adapters could go beside";
    error.attachNote() << "linears read " << llvm::join(names, ", ");
    signalPassFailure();
  }

  LogicalResult adapt(LinearOp op, SymbolTable &symbols) {
    WeightOp weight = weightOf(op, symbols);
    auto name = [&]() -> const std::string * {
      if (weight)
        for (const std::string &target : targets)
          if (llvm::is_contained(namesOf(weight), StringRef(target)))
            return &target;
      return nullptr;
    }();
    if (!name) {
      ++numSkipped;
      return success();
    }
    found.insert(*name);
    if (op.getGated() || op.getResidual() ||
        op.getActivation() != ActivationKind::Identity)
      return op.emitOpError("with an epilogue takes no adapter: "
                            "tenon-insert-adapters comes before fusion");
    if (getExperts(weight) > 1)
      return op.emitOpError("of experts takes no adapter so far: @")
             << weight.getSymName() << " is a weight of each of "
             << getExperts(weight);
    if (weight.getSources().size() != 1 ||
        !isa<SourceAttr>(weight.getSources()[0]))
      return op.emitOpError("takes no adapter: @")
             << weight.getSymName() << " is no tensor of the checkpoint";
    auto ref = op.getWeight().getDefiningOp<WeightRefOp>();
    auto type = cast<RankedTensorType>(ref.getType());
    int64_t outputs = type.getDimSize(0), inputs = type.getDimSize(1);
    StringAttr down = declare(weight, "lora_A", {rank, inputs},
                              kept ? kInitialZeros : kInitialNormal, symbols),
               up = declare(weight, "lora_B", {outputs, rank}, kInitialZeros,
                            symbols);

    OpBuilder builder(op->getContext());
    builder.setInsertionPointAfter(op);
    Build build(builder, op);
    Value input = op.getInput();
    for (auto [symbol, shape] :
         {std::pair(down, SmallVector<int64_t>{rank, inputs}),
          std::pair(up, SmallVector<int64_t>{outputs, rank})}) {
      auto matrix = RankedTensorType::get(shape, builder.getF32Type());
      Value read = WeightRefOp::create(builder, op.getLoc(), matrix, symbol,
                                       ref.getLayer());
      SmallVector<int64_t> rows(tensorOf(input).getShape());
      rows.back() = shape[0];
      input = LinearOp::create(
                  builder, op.getLoc(),
                  RankedTensorType::get(rows, builder.getF32Type()), input,
                  read, Value(), Value(), Value(), ActivationKind::Identity,
                  false, TileAttr(), PlanAttr())
                  .getResult();
    }
    if (!kept)
      input = build.scale(input, alpha / static_cast<double>(rank));
    Value sum = build.add(op.getResult(), input);
    op.getResult().replaceAllUsesExcept(sum, sum.getDefiningOp());
    ++numAdapters;
    return success();
  }

  /// The weight beside another, of f32, which the first linear that needs it
  /// declares.
  StringAttr declare(WeightOp weight, StringRef part, ArrayRef<int64_t> shape,
                     StringRef initial, SymbolTable &symbols) {
    std::string symbol = (weight.getSymName() + "." + part.lower()).str();
    OpBuilder builder(last);
    builder.setInsertionPointAfter(last);
    if (!symbols.lookup(symbol)) {
      StringRef path = moduleOf(nameOf(weight)).first;
      auto type = RankedTensorType::get(shape, builder.getF32Type());
      SmallVector<int64_t> stack(shape);
      if (weight.getStacked())
        stack.insert(stack.begin(), weight.getNumLayers());
      std::string source =
          ("base_model.model." + path + "." + part + ".weight").str();
      last =
          WeightOp::create(builder, weight.getLoc(), symbol,
                           RankedTensorType::get(stack, builder.getF32Type()),
                           builder.getArrayAttr(SourceAttr::get(
                               builder.getContext(), source, type, false)),
                           weight.getStacked(), IntegerAttr(), IntegerAttr(),
                           weight.getLayersAttr());
      last->setAttr(kInitialAttrName, builder.getStringAttr(initial));
      symbols.insert(last);
    }
    return builder.getStringAttr(symbol);
  }

  WeightOp last; ///< new weights come after all others, so that what learns is
                 ///< one piece of memory
  llvm::StringSet<> found; ///< targets
};

} // namespace
