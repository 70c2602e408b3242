//===- InsertCalibration.cpp - tells an observer the input of linears -----===//
//
// tenon-insert-calibration: see MemoryPasses.td.
//
//===----------------------------------------------------------------------===//

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "tenon/Dialect/Tenon/Transforms/MemoryPasses.h"

namespace tenon {
#define GEN_PASS_DEF_TENONINSERTCALIBRATION
#include "tenon/Dialect/Tenon/Transforms/MemoryPasses.h.inc"
} // namespace tenon

using namespace mlir;
using namespace tenon;

namespace {

struct InsertCalibration
    : tenon::impl::TenonInsertCalibrationBase<InsertCalibration> {
  void runOnOperation() override {
    SmallVector<LinearOp> linears;
    getOperation().walk([&](LinearOp op) { linears.push_back(op); });
    for (LinearOp op : linears)
      if (observe(op))
        ++numObserved;
      else
        ++numDeclined;
  }

  bool observe(LinearOp op) {
    auto type = dyn_cast<MemRefType>(op.getInput().getType());
    auto weight = op.getWeight().getDefiningOp<memref::ViewOp>();
    bool isRead = type && (type.getElementType().isF32() ||
                           type.getElementType().isBF16());
    // Columns of a weight in groups belong to several of the input.
    if (!isRead || !weight || !isWeights(weight.getSource()) ||
        op.getGroups() != 1)
      return false;

    OpBuilder builder(op);
    Location loc = op.getLoc();
    auto constant = [&](int64_t value) -> Value {
      return arith::ConstantIndexOp::create(builder, loc, value);
    };
    auto layout =
        memref::ExtractStridedMetadataOp::create(builder, loc, op.getInput());
    Value base = memref::ExtractAlignedPointerAsIndexOp::create(builder, loc,
                                                                op.getInput());
    Value bytes = constant(getElementBytes(type.getElementType()));
    Value offset =
        arith::MulIOp::create(builder, loc, layout.getOffset(), bytes);
    func::CallOp::create(builder, loc, declareObserver(),
                         {weight.getByteShift(),
                          arith::AddIOp::create(builder, loc, base, offset),
                          layout.getSizes()[0], layout.getStrides()[0], bytes});
    return true;
  }

  /// Whether this is the argument of an entry point that holds all weights.
  static bool isWeights(Value memory) {
    auto argument = dyn_cast<BlockArgument>(memory);
    return argument && argument.getArgNumber() == EntryArguments::Weights &&
           isa<func::FuncOp>(argument.getOwner()->getParentOp());
  }

  func::FuncOp declareObserver() {
    ModuleOp module = getOperation();
    if (auto known = module.lookupSymbol<func::FuncOp>(kObserverName))
      return known;
    OpBuilder builder = OpBuilder::atBlockBegin(module.getBody());
    Type index = builder.getIndexType();
    auto type = builder.getFunctionType(SmallVector<Type>(5, index), {});
    auto observer =
        func::FuncOp::create(builder, module.getLoc(), kObserverName, type);
    observer.setPrivate();
    return observer;
  }
};

} // namespace
