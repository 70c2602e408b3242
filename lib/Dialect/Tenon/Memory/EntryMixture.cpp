//===- EntryMixture.cpp - mixtures of experts in memory -------------------===//
//
// The pairs (row, expert) whose gate isn't 0 are sorted by expert; then, for
// each expert that has any, its rows are gathered, its body runs on them, and
// what it computes is added where it belongs:
//
//   tenon.clear %y
//   tenon.route %gates into %rows, %weights, %offsets
//   for e in [0, E):
//     if offsets[e] < offsets[e + 1]:
//       %x = gather %h at rows[offsets[e] ..]      // not for a single row
//       body of %x, e
//       tenon.scatter_add ... into %y
//
// Experts of a row come in ascending order, and what is computed for a row does
// not depend on how many others there are: so neither do bits (I5). An expert
// without rows costs a comparison, and its weights are not read.
//
// The gradient of a mixture goes the same way. What comes back to a gate is
// added to the expert's column of zeros.
//
//===----------------------------------------------------------------------===//

#include "EntryRewriter.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "tenon/Dialect/Tenon/Transforms/MemoryPasses.h"

using namespace mlir;
using namespace tenon;

static RankedTensorType tensorOf(Value value) {
  return cast<RankedTensorType>(value.getType());
}

/// Row t of the result is computed from row t of the operands alone.
static bool isRowWise(Operation *op) {
  if (isa<WeightRefOp, MixtureYieldOp, arith::ConstantOp>(op) ||
      !isa<TenonDialect>(op->getDialect()))
    return true;
  // Of a weight.
  if (isa<TransposeOp>(op))
    return cast<ShapedType>(op->getOperand(0).getType()).hasStaticShape();
  if (!isa<ComputeOpInterface, SliceOp, SplitHeadsOp, MergeHeadsOp>(op) ||
      isa<EmbeddingOp, PositionsOp, RopeOp, AttentionOp, CausalMaskOp,
          PaddingMaskOp, BandMaskOp, ScoreBiasOp, DistanceGatherOp>(op))
    return false;
  // A product with rows on its right sums over them.
  auto product = dyn_cast<MatmulOp>(op);
  return !product ||
         cast<ShapedType>(product.getRhs().getType()).hasStaticShape();
}

LogicalResult EntryRewriter::forEachExpert(
    Operation *op, Value oldGates, int64_t top, int64_t experts,
    llvm::function_ref<LogicalResult(const ExpertRows &)> emitBody) {
  Location loc = op->getLoc();
  auto gates = cast<RankedTensorType>(oldGates.getType());
  // Its expert's rows are itself.
  bool isOneRow = isa<MixtureOp>(op) && gates.getDimSize(0) == 1;
  int64_t mostRows =
      gates.isDynamicDim(0) ? sizes.maxChunk : gates.getDimSize(0);
  auto scratch = [&](int64_t count, Type element) -> Value {
    return memref::AllocOp::create(builder, loc,
                                   MemRefType::get({count}, element));
  };
  // Within the chunk's bounds: no product passes 64 bits.
  Value pairRows = scratch(mostRows * top, builder.getI32Type());
  Value pairWeights = scratch(mostRows * top, builder.getF32Type());
  Value offsets = scratch(experts + 1, builder.getIndexType());
  finishHelper(RouteOp::create(builder, loc, mapping.lookup(oldGates), pairRows,
                               pairWeights, offsets, top),
               "route " + makeLabel(op));

  auto loop = scf::ForOp::create(builder, loc, constant(loc, 0),
                                 constant(loc, experts), constant(loc, 1));
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPoint(loop.getBody()->getTerminator());
  ExpertRows expert;
  expert.number = loop.getInductionVar();
  Value begin = memref::LoadOp::create(builder, loc, offsets, expert.number);
  Value next =
      arith::AddIOp::create(builder, loc, expert.number, constant(loc, 1));
  Value end = memref::LoadOp::create(builder, loc, offsets, next);
  Value any = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::ult,
                                    begin, end);
  auto branch = scf::IfOp::create(builder, loc, any, /*withElseRegion=*/false);
  builder.setInsertionPoint(branch.thenYield());

  if (!isOneRow)
    expert.count = arith::SubIOp::create(builder, loc, end, begin);
  int64_t extent = isOneRow ? 1 : ShapedType::kDynamic;
  auto ofExpert = [&](Value pairs) {
    return rectangleOf(loc, pairs, {extent}, expert.count, /*dim=*/0, begin);
  };
  expert.rows = ofExpert(pairRows);
  expert.gates = ofExpert(pairWeights);
  return emitBody(expert);
}

void EntryRewriter::gatherRows(Operation *op, const ExpertRows &expert,
                               Value from, Value argument) {
  Location loc = op->getLoc();
  if (!expert.count)
    return bind(argument, from, /*buffer=*/nullptr, Value());
  RankedTensorType type = tensorOf(argument);
  Value some =
      allocate(loc, type.clone({ShapedType::kDynamic, type.getDimSize(1)}),
               expert.count);
  auto gather = EmbeddingOp::create(builder, loc, Type(), expert.rows, from,
                                    some, TileAttr());
  finishHelper(gather, "gather " + makeLabel(op));
  bind(argument, some, addBuffer(some, argument.getParentBlock()),
       expert.count);
}

LogicalResult EntryRewriter::rewriteMixture(MixtureOp op) {
  Location loc = op.getLoc();
  WalkResult walked = op.getBody().walk([](Operation *inner) -> WalkResult {
    if (isRowWise(inner))
      return WalkResult::advance();
    return inner->emitOpError(
        "in a mixture: an expert sees some rows only, and "
        "this needs all of them");
  });
  if (walked.wasInterrupted())
    return failure();

  // A row's own result is not read before all of its experts have been added.
  rows[op.getResult()] = rows.lookup(op.getGates());
  Value out = chooseOutput(op);
  std::string label = makeLabel(op);
  finishHelper(ClearOp::create(builder, loc, out, TileAttr()),
               "clear " + label);
  auto emitBody = [&](const ExpertRows &expert) -> LogicalResult {
    Block &body = op.getBody().front();
    for (auto [input, argument] :
         llvm::zip(op.getInputs(), body.getArguments()))
      gatherRows(op, expert, mapping.lookup(input), argument);
    mapping.map(op.getExpert(), expert.number);
    for (Operation &inner : body.without_terminator())
      if (failed(rewriteOp(&inner)))
        return failure();
    auto yield = cast<MixtureYieldOp>(body.getTerminator());
    finishHelper(
        ScatterAddOp::create(builder, loc, mapping.lookup(yield.getValue()),
                             expert.rows, expert.gates, out, TileAttr()),
        "scatter_add " + label);
    return success();
  };
  return forEachExpert(op, op.getGates(), op.getTop(), op.getExperts(),
                       emitBody);
}

LogicalResult EntryRewriter::rewriteMixtureGradient(MixtureGradientOp op) {
  Location loc = op.getLoc();
  Value count = rows.lookup(op.getGates());
  std::string label = makeLabel(op);
  SmallVector<Value> outs;
  for (Value result : op.getResults()) {
    Value out = allocate(loc, tensorOf(result), count);
    bind(result, out, addBuffer(out, op->getBlock()), count);
    finishHelper(ClearOp::create(builder, loc, out, TileAttr()),
                 "clear " + label);
    outs.push_back(out);
  }
  SmallVector<Value> inputs;
  for (Value input : op.getInputs())
    inputs.push_back(withUnitStride(loc, input));
  Value gradient = withUnitStride(loc, op.getGradient());
  auto emitBody = [&](const ExpertRows &expert) -> LogicalResult {
    Block &body = op.getBody().front();
    for (auto [input, argument] : llvm::zip_equal(inputs, op.getRows()))
      gatherRows(op, expert, input, argument);
    gatherRows(op, expert, gradient, op.getGradientRows());
    Value gates = memref::ExpandShapeOp::create(
        builder, loc, ArrayRef<int64_t>{ShapedType::kDynamic, 1}, expert.gates,
        ArrayRef<ReassociationIndices>{{0, 1}},
        ArrayRef<OpFoldResult>{expert.count, builder.getIndexAttr(1)});
    bind(op.getGateRows(), gates, /*buffer=*/nullptr, expert.count);
    mapping.map(op.getExpert(), expert.number);
    for (Operation &inner : body.without_terminator())
      if (failed(rewriteOp(&inner)))
        return failure();
    auto yield = cast<MixtureGradientYieldOp>(body.getTerminator());
    for (auto [value, whole] : llvm::zip_equal(yield.getValues(), outs)) {
      Value out = whole;
      if (whole == outs.back()) // The expert's column.
        out = rectangleOf(loc, out, {tensorOf(op.getGates()).getDimSize(0), 1},
                          count,
                          /*dim=*/1, expert.number);
      finishHelper(ScatterAddOp::create(builder, loc,
                                        withUnitStride(loc, value), expert.rows,
                                        /*weights=*/Value(), out, TileAttr()),
                   "scatter_add " + label);
    }
    return success();
  };
  return forEachExpert(op, op.getGates(), op.getTop(), op.getExperts(),
                       emitBody);
}
