//===- ViewRules.cpp - gradients of heads, slices and rotary positions ----===//

#include "Build.h"
#include "mlir/Interfaces/FunctionInterfaces.h"

using namespace mlir;
using namespace tenon;

namespace {

template <typename Rule, typename Op>
using RuleOf = DifferentiableOpInterface::ExternalModel<Rule, Op>;

struct SplitHeadsRule : RuleOf<SplitHeadsRule, SplitHeadsOp> {
  LogicalResult buildBackward(Operation *op, OpBuilder &builder,
                              Adjoints &adjoints) const {
    auto split = cast<SplitHeadsOp>(op);
    Value input = split.getInput();
    adjoints.add(builder, op->getLoc(), input,
                 MergeHeadsOp::create(builder, op->getLoc(), input.getType(),
                                      adjoints.of(split.getResult())));
    return success();
  }
};

struct MergeHeadsRule : RuleOf<MergeHeadsRule, MergeHeadsOp> {
  LogicalResult buildBackward(Operation *op, OpBuilder &builder,
                              Adjoints &adjoints) const {
    auto merge = cast<MergeHeadsOp>(op);
    Value input = merge.getInput();
    adjoints.add(builder, op->getLoc(), input,
                 SplitHeadsOp::create(builder, op->getLoc(), input.getType(),
                                      adjoints.of(merge.getResult()),
                                      tensorOf(input).getDimSize(0)));
    return success();
  }
};

struct SliceRule : RuleOf<SliceRule, SliceOp> {
  LogicalResult buildBackward(Operation *op, OpBuilder &builder,
                              Adjoints &adjoints) const {
    auto slice = cast<SliceOp>(op);
    Value input = slice.getInput();
    adjoints.add(builder, op->getLoc(), input,
                 ZeroPadOp::create(builder, op->getLoc(), input.getType(),
                                   adjoints.of(slice.getResult()), Value(),
                                   slice.getOffsetAttr(), TileAttr())
                     .getResult());
    return success();
  }
};

struct RowsRule : RuleOf<RowsRule, RowsOp> {
  LogicalResult buildBackward(Operation *op, OpBuilder &builder,
                              Adjoints &adjoints) const {
    auto rows = cast<RowsOp>(op);
    Value input = rows.getInput();
    adjoints.add(builder, op->getLoc(), input,
                 PadRowsOp::create(builder, op->getLoc(), input.getType(),
                                   adjoints.of(rows.getResult()), input,
                                   Value(), rows.getOffsetAttr(), TileAttr())
                     .getResult());
    return success();
  }
};

struct LastRowsRule : RuleOf<LastRowsRule, LastRowsOp> {
  LogicalResult buildBackward(Operation *op, OpBuilder &builder,
                              Adjoints &adjoints) const {
    auto rows = cast<LastRowsOp>(op);
    int64_t count = tensorOf(rows.getResult()).getDimSize(0);
    if (ShapedType::isDynamic(count))
      return op->emitError("'tenon.last_rows' has no gradient unless it is "
                           "known how many rows they are");
    Value input = rows.getInput();
    adjoints.add(builder, op->getLoc(), input,
                 PadRowsOp::create(builder, op->getLoc(), input.getType(),
                                   adjoints.of(rows.getResult()), input,
                                   Value(), builder.getI64IntegerAttr(-count),
                                   TileAttr())
                     .getResult());
    return success();
  }
};

/// The columns [offset, offset + size) of the last dimension.
Value sliceOf(OpBuilder &builder, Location loc, Value value, int64_t offset,
              int64_t size) {
  RankedTensorType type = tensorOf(value);
  SmallVector<int64_t> shape(type.getShape());
  shape.back() = size;
  return SliceOp::create(builder, loc, type.clone(shape), value, offset);
}

struct ConcatRule : RuleOf<ConcatRule, ConcatOp> {
  LogicalResult buildBackward(Operation *op, OpBuilder &builder,
                              Adjoints &adjoints) const {
    auto concat = cast<ConcatOp>(op);
    Value dy = adjoints.of(concat.getResult());
    int64_t offset = 0;
    for (Value part : {concat.getLhs(), concat.getRhs()}) {
      int64_t size = tensorOf(part).getShape().back();
      if (adjoints.wants(part))
        adjoints.add(builder, op->getLoc(), part,
                     sliceOf(builder, op->getLoc(), dy, offset, size));
      offset += size;
    }
    return success();
  }
};

/// The table with its sines negated, which turns the other way. It stands
/// before all loops, once for all of their trips.
Value reversedTable(OpBuilder &builder, Operation *op, WeightRefOp table) {
  OpBuilder::InsertionGuard guard(builder);
  auto function = op->getParentOfType<FunctionOpInterface>();
  builder.setInsertionPointToStart(&function.getFunctionBody().front());
  Location loc = op->getLoc();
  Value ref = WeightRefOp::create(builder, table.getLoc(), table.getType(),
                                  table.getWeightAttr(), Value());
  int64_t pairs = tensorOf(ref).getDimSize(1) / 2;
  Value cosines = sliceOf(builder, loc, ref, 0, pairs);
  Value sines = sliceOf(builder, loc, ref, pairs, pairs);
  return ConcatOp::create(builder, loc, ref.getType(), cosines,
                          Build(builder, loc).scale(sines, -1.0), Value(),
                          TileAttr())
      .getResult();
}

/// dx is dy turned back.
struct RopeRule : RuleOf<RopeRule, RopeOp> {
  LogicalResult buildBackward(Operation *op, OpBuilder &builder,
                              Adjoints &adjoints) const {
    auto rope = cast<RopeOp>(op);
    auto table = rope.getTable().getDefiningOp<WeightRefOp>();
    if (!table || table.getLayer() || adjoints.wants(table.getResult()))
      return op->emitOpError("has a gradient only with a computed table");
    adjoints.add(
        builder, op->getLoc(), rope.getInput(),
        RopeOp::create(builder, op->getLoc(), rope.getInput().getType(),
                       adjoints.of(rope.getResult()),
                       reversedTable(builder, op, table), rope.getPosition(),
                       Value(), rope.getInterleavedAttr(), TileAttr())
            .getResult());
    return success();
  }
};

} // namespace

void tenon::attachViewRules(MLIRContext *context) {
  SplitHeadsOp::attachInterface<SplitHeadsRule>(*context);
  MergeHeadsOp::attachInterface<MergeHeadsRule>(*context);
  SliceOp::attachInterface<SliceRule>(*context);
  RowsOp::attachInterface<RowsRule>(*context);
  LastRowsOp::attachInterface<LastRowsRule>(*context);
  ConcatOp::attachInterface<ConcatRule>(*context);
  RopeOp::attachInterface<RopeRule>(*context);
}
