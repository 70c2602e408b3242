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
//===----------------------------------------------------------------------===//

#include "EntryRewriter.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "tenon/Dialect/Tenon/Transforms/MemoryPasses.h"

using namespace mlir;
using namespace tenon;

/// Row t of the result is computed from row t of the operands alone.
static bool isRowWise(Operation *op) {
  if (isa<WeightRefOp, MixtureYieldOp, arith::ConstantOp>(op) ||
      !isa<TenonDialect>(op->getDialect()))
    return true;
  if (!isa<ComputeOpInterface, SliceOp, SplitHeadsOp, MergeHeadsOp>(op) ||
      isa<EmbeddingOp, PositionsOp, RopeOp, AttentionOp, CausalMaskOp,
          PaddingMaskOp, BandMaskOp, ScoreBiasOp, DistanceGatherOp>(op))
    return false;
  // A product with rows on its right sums over them.
  auto product = dyn_cast<MatmulOp>(op);
  return !product ||
         cast<ShapedType>(product.getRhs().getType()).hasStaticShape();
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

  auto gates = cast<RankedTensorType>(op.getGates().getType());
  int64_t experts = op.getExperts(), top = op.getTop();
  bool isOneRow = gates.getDimSize(0) == 1;
  int64_t mostRows =
      gates.isDynamicDim(0) ? sizes.maxChunk : gates.getDimSize(0);
  // A row's own result is not read before all of its experts have been added.
  rows[op.getResult()] = rows.lookup(op.getGates());
  Value out = chooseOutput(op);
  std::string label = makeLabel(op);
  finishHelper(ClearOp::create(builder, loc, out, TileAttr()),
               "clear " + label);

  auto scratch = [&](int64_t count, Type element) -> Value {
    return memref::AllocOp::create(builder, loc,
                                   MemRefType::get({count}, element));
  };
  // Within the chunk's bounds: no product passes 64 bits.
  Value pairRows = scratch(mostRows * top, builder.getI32Type());
  Value pairWeights = scratch(mostRows * top, builder.getF32Type());
  Value offsets = scratch(experts + 1, builder.getIndexType());
  finishHelper(RouteOp::create(builder, loc, mapping.lookup(op.getGates()),
                               pairRows, pairWeights, offsets, top),
               "route " + label);

  auto loop = scf::ForOp::create(builder, loc, constant(loc, 0),
                                 constant(loc, experts), constant(loc, 1));
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPoint(loop.getBody()->getTerminator());
  Value expert = loop.getInductionVar();
  Value begin = memref::LoadOp::create(builder, loc, offsets, expert);
  Value next = arith::AddIOp::create(builder, loc, expert, constant(loc, 1));
  Value end = memref::LoadOp::create(builder, loc, offsets, next);
  Value any = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::ult,
                                    begin, end);
  auto branch = scf::IfOp::create(builder, loc, any, /*withElseRegion=*/false);
  builder.setInsertionPoint(branch.thenYield());

  Value count =
      isOneRow ? Value()
               : arith::SubIOp::create(builder, loc, end, begin).getResult();
  int64_t extent = isOneRow ? 1 : ShapedType::kDynamic;
  auto ofExpert = [&](Value pairs) {
    return rectangleOf(loc, pairs, {extent}, count, /*dim=*/0, begin);
  };
  Value expertRows = ofExpert(pairRows), expertWeights = ofExpert(pairWeights);

  Block &body = op.getBody().front();
  for (auto [input, argument] :
       llvm::zip(op.getInputs(), body.getArguments())) {
    Value from = mapping.lookup(input);
    if (isOneRow) {
      bind(argument, from, /*buffer=*/nullptr, Value());
      continue;
    }
    auto type = cast<RankedTensorType>(input.getType());
    Value some = allocate(
        loc, type.clone({ShapedType::kDynamic, type.getDimSize(1)}), count);
    auto gather = EmbeddingOp::create(builder, loc, Type(), expertRows, from,
                                      some, TileAttr());
    finishHelper(gather, "gather " + label);
    bind(argument, some, addBuffer(some, &body), count);
  }
  mapping.map(op.getExpert(), expert);
  for (Operation &inner : body.without_terminator())
    if (failed(rewriteOp(&inner)))
      return failure();
  auto yield = cast<MixtureYieldOp>(body.getTerminator());
  finishHelper(ScatterAddOp::create(builder, loc,
                                    mapping.lookup(yield.getValue()),
                                    expertRows, expertWeights, out, TileAttr()),
               "scatter_add " + label);
  return success();
}
