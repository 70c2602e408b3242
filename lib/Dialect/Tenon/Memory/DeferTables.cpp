//===- DeferTables.cpp - gradients of tables in an entry of their own -----===//
//
// tenon-defer-tables: see TurnPasses.td.
//
//===----------------------------------------------------------------------===//

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "tenon/Dialect/Tenon/IR/TenonTraining.h"
#include "tenon/Dialect/Tenon/IR/TenonTurns.h"
#include "tenon/Dialect/Tenon/Transforms/MemoryPasses.h"
#include "tenon/Dialect/Tenon/Transforms/TurnPasses.h"
#include "llvm/Support/MathExtras.h"

namespace tenon {
#define GEN_PASS_DEF_TENONDEFERTABLES
#include "tenon/Dialect/Tenon/Transforms/TurnPasses.h.inc"
} // namespace tenon

using namespace mlir;
using namespace tenon;

namespace {

struct DeferTables : tenon::impl::TenonDeferTablesBase<DeferTables> {
  void runOnOperation() override {
    auto gradient = getOperation().lookupSymbol<func::FuncOp>(kGradientName);
    if (!gradient || gradient.isExternal())
      return;
    SmallVector<EmbeddingGradientOp> deferred;
    for (EmbeddingGradientOp op : findLaterUses(gradient))
      if (canDefer(op, gradient))
        deferred.push_back(op);
      else
        ++numDeclined;
    if (!deferred.empty())
      defer(gradient, deferred);
    numDeferred += deferred.size();
  }

private:
  /// Embeddings of tables whose gradients something else adds to before.
  static SmallVector<EmbeddingGradientOp> findLaterUses(func::FuncOp function) {
    llvm::SmallDenseSet<Attribute> seen;
    SmallVector<EmbeddingGradientOp> later;
    function.walk([&](Operation *op) {
      for (Value operand : op->getOperands()) {
        auto into = operand.getDefiningOp<GradientOp>();
        if (!into || seen.insert(into.getWeightAttr()).second)
          continue;
        if (auto embedding = dyn_cast<EmbeddingGradientOp>(op))
          later.push_back(embedding);
      }
    });
    return later;
  }

  static bool canDefer(EmbeddingGradientOp op, func::FuncOp function) {
    auto ids = dyn_cast<RankedTensorType>(op.getIds().getType());
    auto rows = dyn_cast<RankedTensorType>(op.getGradient().getType());
    return op->getBlock() == &function.getBody().front() && ids &&
           ids.isDynamicDim(0) && rows && rows.isDynamicDim(0) &&
           !op.getInto().getDefiningOp<GradientOp>().getLayer() &&
           isOfInputs(op.getIds());
  }

  /// Whether another function with the same inputs can compute a value, without
  /// weights.
  static bool isOfInputs(Value value) {
    Operation *op = value.getDefiningOp();
    return !op ||
           (isPure(op) && !op->getNumRegions() && !isa<WeightRefOp>(op) &&
            llvm::all_of(op->getOperands(), isOfInputs));
  }

  static Value copy(Value value, IRMapping &mapping, OpBuilder &builder) {
    if (Value known = mapping.lookupOrNull(value))
      return known;
    Operation *op = value.getDefiningOp();
    for (Value operand : op->getOperands())
      copy(operand, mapping, builder);
    builder.clone(*op, mapping);
    return mapping.lookup(value);
  }

  void defer(func::FuncOp gradient, ArrayRef<EmbeddingGradientOp> deferred) {
    OpBuilder builder(gradient);
    builder.setInsertionPointAfter(gradient);
    auto type = builder.getFunctionType(gradient.getArgumentTypes(), {});
    auto function = func::FuncOp::create(builder, gradient.getLoc(),
                                         kRowGradientsName, type);
    function->setAttr(kEntryAttrName, builder.getUnitAttr());
    for (unsigned i = 0; i < gradient.getNumArguments(); ++i)
      if (DictionaryAttr attributes = gradient.getArgAttrDict(i))
        function.setArgAttrs(i, attributes);
    Block *body = function.addEntryBlock();
    IRMapping mapping;
    mapping.map(gradient.getArguments(), body->getArguments());
    builder.setInsertionPointToStart(body);
    int64_t numbers = 0;
    for (EmbeddingGradientOp op : deferred) {
      Location loc = op.getLoc();
      auto rows = cast<RankedTensorType>(op.getGradient().getType());
      Value ids = copy(op.getIds(), mapping, builder);
      Value saved = SavedRowsOp::create(builder, loc, rows, numbers, ids);
      Value into = copy(op.getInto(), mapping, builder);
      EmbeddingGradientOp::create(builder, loc, ids, saved, into,
                                  op.getFrozenAttr());
      OpBuilder at(op);
      SaveRowsOp::create(at, loc, op.getGradient(), numbers);
      // Of whole cache lines, as all that kernels read.
      numbers += llvm::alignTo(rows.getDimSize(1), 16);
      op.erase();
    }
    func::ReturnOp::create(builder, gradient.getLoc());
    getOperation()->setAttr(kRowNumbersAttrName,
                            builder.getI64IntegerAttr(numbers));
  }
};

} // namespace
