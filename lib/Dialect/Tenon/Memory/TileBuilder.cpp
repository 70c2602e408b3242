//===- TileBuilder.cpp - dispatches of tile-level operations --------------===//

#include "TileBuilder.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "tenon/Dialect/Tenon/Transforms/MemoryPasses.h"

using namespace mlir;
using namespace tenon;

/// Bytes that a chunk of tasks should read at least.
static constexpr int64_t kGrainBytes = 64 * 1024;
Value TileBuilder::constant(int64_t value) {
  return arith::ConstantIndexOp::create(builder, loc, value);
}

Value TileBuilder::add(Value a, Value b) {
  return arith::AddIOp::create(builder, loc, a, b);
}

Value TileBuilder::multiply(Value a, int64_t b) {
  return b == 1 ? a : arith::MulIOp::create(builder, loc, a, constant(b));
}

Value TileBuilder::ceilDivide(Value a, int64_t b) {
  if (std::optional<int64_t> known = getConstantIntValue(a))
    return constant(llvm::divideCeil(*known, b));
  return b == 1 ? a : arith::CeilDivUIOp::create(builder, loc, a, constant(b));
}

Value TileBuilder::minimum(Value a, Value b) {
  return arith::MinUIOp::create(builder, loc, a, b);
}

Value TileBuilder::extent(Value memref, unsigned dim) {
  // Looks through the views that bufferization makes, so that T is found as
  // the entry point's argument instead of a field of a descriptor.
  for (;;) {
    auto type = cast<MemRefType>(memref.getType());
    if (!type.isDynamicDim(dim))
      return constant(type.getDimSize(dim));
    Operation *op = memref.getDefiningOp();
    if (auto swap = dyn_cast_or_null<memref::TransposeOp>(op)) {
      dim = swap.getPermutation().getDimPosition(dim);
      memref = swap.getIn();
    } else if (isa_and_nonnull<memref::CollapseShapeOp>(op) && dim == 0) {
      memref = op->getOperand(0);
    } else if (auto expand = dyn_cast_or_null<memref::ExpandShapeOp>(op)) {
      return cast<Value>(expand.getMixedOutputShape()[dim]);
    } else if (auto part = dyn_cast_or_null<memref::SubViewOp>(op)) {
      // Dimensions that the part has lost stand before this one.
      llvm::SmallBitVector dropped = part.getDroppedDims();
      unsigned from = 0;
      for (unsigned left = dim;; ++from)
        if (!dropped.test(from) && left-- == 0)
          break;
      return cast<Value>(part.getMixedSizes()[from]);
    } else if (auto view = dyn_cast_or_null<memref::ViewOp>(op)) {
      return view.getSizes()[type.getDynamicDimIndex(dim)];
    } else {
      return memref::DimOp::create(builder, loc, memref, dim);
    }
  }
}

Value TileBuilder::view(Value memref, ArrayRef<TileRange> ranges) {
  auto type = cast<MemRefType>(memref.getType());
  SmallVector<OpFoldResult> offsets(type.getRank(), builder.getIndexAttr(0));
  SmallVector<OpFoldResult> strides(type.getRank(), builder.getIndexAttr(1));
  SmallVector<OpFoldResult> sizes;
  for (int64_t dim = 0; dim < type.getRank(); ++dim) {
    const TileRange *range =
        llvm::find_if(ranges, [&](const TileRange &r) { return r.dim == dim; });
    if (range != ranges.end()) {
      offsets[dim] = range->offset;
      sizes.push_back(range->size);
    } else if (type.isDynamicDim(dim)) {
      sizes.push_back(extent(memref, dim));
    } else {
      sizes.push_back(builder.getIndexAttr(type.getDimSize(dim)));
    }
  }
  return memref::SubViewOp::create(builder, loc, memref, offsets, sizes,
                                   strides);
}

void TileBuilder::whereLast(Value task, int64_t tasks,
                            llvm::function_ref<void()> last,
                            llvm::function_ref<void()> full) {
  Value isLast = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::eq,
                                       task, constant(tasks - 1));
  auto branch = scf::IfOp::create(builder, loc, isLast, /*withElse=*/true);
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPoint(branch.thenYield());
  last();
  builder.setInsertionPoint(branch.elseYield());
  full();
}

Operation *TileBuilder::cloneWith(Operation *op, ArrayRef<Value> operands) {
  Operation *clone = builder.clone(*op);
  clone->setOperands(operands);
  clone->removeAttr(kLabelAttrName);
  return clone;
}

StringRef tenon::getLabel(Operation *op) {
  if (auto label = op->getAttrOfType<StringAttr>(kLabelAttrName))
    return label.getValue();
  return op->getName().stripDialect();
}

int64_t tenon::chooseGrain(int64_t bytes, int64_t tasks) {
  int64_t grain = llvm::divideCeil(kGrainBytes, std::max<int64_t>(bytes, 1));
  return std::clamp<int64_t>(grain, 1, std::max<int64_t>(tasks, 1));
}

FailureOr<bool> tenon::keepWhole(Operation *op) {
  OpBuilder builder(op);
  TileBuilder tiles(builder, op->getLoc());
  DispatchOp::create(builder, op->getLoc(), tiles.constant(1), /*grain=*/1,
                     getLabel(op), [&](OpBuilder &inner, Location loc, Value) {
                       TileBuilder body(inner, loc);
                       body.cloneWith(op, llvm::to_vector(op->getOperands()));
                     });
  op->erase();
  return false;
}
