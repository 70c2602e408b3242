//===- BatchTexts.cpp - several texts in one call -------------------------===//
//
// tenon-batch-texts: see FusionPasses.td.
//
//===----------------------------------------------------------------------===//

#include "Values.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "tenon/Dialect/Tenon/IR/Remarks.h"
#include "tenon/Dialect/Tenon/IR/TenonTexts.h"
#include "tenon/Dialect/Tenon/Transforms/FusionPasses.h"

#define DEBUG_TYPE "tenon-batch-texts"

namespace tenon {
#define GEN_PASS_DEF_TENONBATCHTEXTS
#include "tenon/Dialect/Tenon/Transforms/FusionPasses.h.inc"
} // namespace tenon

using namespace mlir;
using namespace tenon;

namespace {

bool isDynamic(Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  return tensor && !tensor.hasStaticShape();
}

/// Whether an operation reads rows of a text.
bool readsRows(Operation *op) {
  return llvm::any_of(op->getOperandTypes(), isDynamic);
}

/// What of a function has to see one text at a time.
struct TextPlan {
  /// Operations whose result has rows as their operands have: each alone.
  SmallVector<Operation *> apart;
  /// From the first operation at the end that makes something else of a text:
  /// all that follows from it, in order.
  SmallVector<Operation *> tail;
  /// Why a function is left as it is, and where.
  Operation *blocker = nullptr;
  std::string reason;

  LogicalResult decline(Operation *op, std::string why) {
    blocker = op;
    reason = std::move(why);
    return failure();
  }
  LogicalResult visit(Block &block, bool isOutermost);
  LogicalResult visitResult(func::ReturnOp op);

private:
  DenseSet<Operation *> inTail;
  bool readsTail(Operation *op) const {
    return llvm::any_of(op->getOperands(), [&](Value operand) {
      return inTail.contains(operand.getDefiningOp());
    });
  }
};

LogicalResult TextPlan::visit(Block &block, bool isOutermost) {
  for (Operation &op : block) {
    if (op.hasTrait<OpTrait::IsTerminator>())
      continue;
    if (isa<scf::ForOp, scf::IfOp>(op)) {
      if (readsTail(&op))
        return decline(&op, "a loop or branch comes after what a whole text "
                            "became");
      for (Region &region : op.getRegions())
        for (Block &inner : region)
          if (failed(visit(inner, /*isOutermost=*/false)))
            return failure();
      continue;
    }
    if (readsTail(&op)) {
      tail.push_back(&op);
      inTail.insert(&op);
    } else if (!readsRows(&op)) {
      continue;
    } else if (isa<PositionsOp, RopeOp, AttentionOp>(op)) {
      apart.push_back(&op);
    } else if (isa<tensor::DimOp>(op) || !seesOwnRowOnly(&op)) {
      if (!isOutermost)
        return decline(&op, ("'" + op.getName().getStringRef() +
                             "' in a layer sees a whole text")
                                .str());
      tail.push_back(&op);
      inTail.insert(&op);
    }
  }
  return success();
}

/// The result is rows of the texts, or one of each.
LogicalResult TextPlan::visitResult(func::ReturnOp op) {
  if (op.getNumOperands() != 1)
    return decline(op, "it has no result");
  auto type = dyn_cast<RankedTensorType>(op.getOperand(0).getType());
  bool isOfTail = inTail.contains(op.getOperand(0).getDefiningOp());
  if (!type || type.getRank() != 2 || type.isDynamicDim(1) ||
      !(type.isDynamicDim(0) || (isOfTail && type.getDimSize(0) == 1)))
    return decline(op, "its result is neither a row of a text nor those of "
                       "its tokens");
  return success();
}

struct BatchTextsPass : tenon::impl::TenonBatchTextsBase<BatchTextsPass> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    auto kind = module->getAttrOfType<StringAttr>(kKindAttrName);
    for (auto function : module.getOps<func::FuncOp>()) {
      if (!kind || kind.getValue() != "encoder" ||
          !function->hasAttr("tenon.entry") || !takesTokens(function)) {
        ++numDeclined;
        continue;
      }
      Block &body = function.getBody().front();
      TextPlan plan;
      if (failed(plan.visit(body, /*isOutermost=*/true)) ||
          failed(
              plan.visitResult(cast<func::ReturnOp>(body.getTerminator())))) {
        remarkMissed(function, DEBUG_TYPE, "declined")
            << says("texts are computed one by one: " + plan.reason)
            << blockedBy(plan.blocker->getLoc());
        ++numDeclined;
        continue;
      }
      batch(function, plan);
      ++numFunctions;
    }
  }

private:
  /// Whether all inputs have a number for each token; not if texts' ends are
  /// there already: a later stage is an input as well.
  static bool takesTokens(func::FuncOp function) {
    if (!function.getBody().hasOneBlock() || function.getNumArguments() == 0)
      return false;
    for (auto [i, type] : llvm::enumerate(function.getArgumentTypes())) {
      auto tensor = dyn_cast<RankedTensorType>(type);
      auto name = function.getArgAttrOfType<StringAttr>(i, kInputNameAttrName);
      if (!tensor || tensor.getRank() != 1 || !tensor.isDynamicDim(0) ||
          !tensor.getElementType().isInteger(32) ||
          (name && name.getValue() == kTextEndsName))
        return false;
    }
    return true;
  }

  void batch(func::FuncOp function, const TextPlan &plan) {
    Builder builder(function.getContext());
    Block &body = function.getBody().front();
    auto name = builder.getStringAttr(kTextEndsName);
    auto type =
        RankedTensorType::get({ShapedType::kDynamic}, builder.getI32Type());
    unsigned number = function.getNumArguments();
    (void)function.insertArgument(
        number, type,
        builder.getDictionaryAttr(
            {builder.getNamedAttr(kInputNameAttrName, name),
             builder.getNamedAttr("tenon.element", name)}),
        function.getLoc());
    Value ends = function.getArgument(number);
    for (Operation *op : plan.apart)
      separate(op, op->getResult(0), ends);
    if (plan.tail.empty())
      return;
    auto ret = cast<func::ReturnOp>(body.getTerminator());
    Value result = ret.getOperand(0);
    auto given = cast<RankedTensorType>(result.getType());
    separate(plan.tail, result, ends);
    if (given.isDynamicDim(0))
      return;
    function->setAttr(kTextRowsAttrName,
                      builder.getI64IntegerAttr(given.getDimSize(0)));
    function.setFunctionType(builder.getFunctionType(
        function.getArgumentTypes(), ret.getOperandTypes()));
  }

  /// Moves operations to the body of a loop over texts, in place of the last.
  void separate(ArrayRef<Operation *> ops, Value result, Value ends) {
    llvm::SmallPtrSet<Operation *, 8> moved(ops.begin(), ops.end());
    llvm::SetVector<Value> inputs;
    for (Operation *op : ops)
      op->walk([&](Operation *inner) {
        for (Value operand : inner->getOperands()) {
          // Not what is made inside, by one of them or in its regions.
          Operation *scope = operand.getParentBlock()->getParentOp();
          if (isDynamic(operand.getType()) && !op->isAncestor(scope) &&
              !moved.contains(operand.getDefiningOp()))
            inputs.insert(operand);
        }
      });
    auto type = cast<RankedTensorType>(result.getType());
    if (type.hasStaticShape()) {
      SmallVector<int64_t> shape(type.getShape());
      shape[0] = ShapedType::kDynamic;
      type = type.clone(shape);
    }
    Location loc = ops.back()->getLoc();
    OpBuilder builder(ops.back());
    auto each =
        ForEachTextOp::create(builder, loc, type, inputs.getArrayRef(), ends);
    Block *block = builder.createBlock(&each.getBody());
    for (Value input : inputs)
      block->addArgument(input.getType(), input.getLoc());
    for (Operation *op : ops)
      op->moveBefore(block, block->end());
    auto isInside = [&](OpOperand &use) {
      return each.getBody().isAncestor(use.getOwner()->getParentRegion());
    };
    for (auto [input, argument] :
         llvm::zip_equal(inputs, block->getArguments()))
      Value(input).replaceUsesWithIf(argument, isInside);
    result.replaceUsesWithIf(each.getResult(),
                             [&](OpOperand &use) { return !isInside(use); });
    builder.setInsertionPointToEnd(block);
    TextYieldOp::create(builder, loc, result);
    numSeparated += ops.size();
  }
};

} // namespace
