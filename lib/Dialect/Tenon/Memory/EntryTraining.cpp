//===- EntryTraining.cpp - gradients, kept values and steps in memory -----===//
//
// Gradients lie in a memory of their own where the weights lie in theirs, and
// so do the optimizer's moments, the second ones after the first. What a loop
// keeps for the way back is a buffer with a place for each trip.
//
//===----------------------------------------------------------------------===//

#include "EntryRewriter.h"
#include "WeightLayout.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "tenon/Dialect/Tenon/IR/Adapters.h"
#include "tenon/Dialect/Tenon/IR/TenonFrozen.h"
#include "tenon/Dialect/Tenon/IR/TenonTurns.h"
#include "tenon/Dialect/Tenon/Transforms/MemoryPasses.h"

using namespace mlir;
using namespace tenon;

Value EntryRewriter::tripOf(Location loc, Value stash, Value trip) {
  auto type = cast<MemRefType>(stash.getType());
  int64_t rank = type.getRank();
  SmallVector<OpFoldResult> offsets(rank, builder.getIndexAttr(0));
  SmallVector<OpFoldResult> strides(rank, builder.getIndexAttr(1));
  SmallVector<OpFoldResult> extents;
  for (int64_t extent : type.getShape())
    extents.push_back(builder.getIndexAttr(extent));
  auto alloc = stash.getDefiningOp<memref::AllocOp>();
  for (auto [i, count] : llvm::enumerate(alloc.getDynamicSizes())) {
    auto dim = llvm::find_if(llvm::seq(rank), [&, i = i](int64_t dim) {
      return type.isDynamicDim(dim) && type.getDynamicDimIndex(dim) == i;
    });
    extents[*dim] = count;
  }
  offsets[0] = trip;
  extents[0] = builder.getIndexAttr(1);
  auto one = cast<MemRefType>(memref::SubViewOp::inferRankReducedResultType(
      type.getShape().drop_front(), type, offsets, extents, strides));
  return memref::SubViewOp::create(builder, loc, one, stash, offsets, extents,
                                   strides);
}

bool EntryRewriter::rewriteTraining(Operation *op) {
  Location loc = op->getLoc();
  if (auto gradient = dyn_cast<GradientOp>(op)) {
    auto weight = SymbolTable::lookupNearestSymbolFrom<WeightOp>(
        op, gradient.getWeightAttr());
    mapping.map(gradient.getResult(),
                viewAt(loc, gradients,
                       cast<MemRefType>(gradient.getResult().getType()),
                       layerOffset(loc, weight, gradient.getLayer())));
    return true;
  }
  if (isa<AddGradientOp, WeightGradientOp, EmbeddingGradientOp>(op)) {
    SmallVector<Value> operands;
    for (Value operand : op->getOperands())
      operands.push_back(withUnitStride(loc, operand));
    Operation *copy = builder.clone(*op);
    copy->setOperands(operands);
    finishOp(copy, op);
    return true;
  }
  if (auto numbers = dyn_cast<DequantizeOp>(op)) {
    Value weight = mapping.lookup(numbers.getWeight());
    Value out = chooseOutput(op);
    finishOp(
        UnpackPanelsOp::create(builder, loc, weight, constant(loc, 0), out),
        op);
    return true;
  }
  if (auto stash = dyn_cast<StashOp>(op)) {
    Value count = rows.lookup(stash.getLike());
    auto type = cast<MemRefType>(stash.getResult().getType());
    SmallVector<Value> extents(type.getNumDynamicDims(), count);
    mapping.map(stash.getResult(),
                memref::AllocOp::create(builder, loc, type, extents));
    rows[stash.getResult()] = count;
    return true;
  }
  if (auto keep = dyn_cast<KeepOp>(op)) {
    copy(loc, mapping.lookup(keep.getValue()),
         tripOf(loc, mapping.lookup(keep.getStash()),
                mapping.lookup(keep.getTrip())));
    return true;
  }
  if (auto kept = dyn_cast<KeptOp>(op)) {
    // In no buffer: nothing may be written over it.
    bind(kept.getResult(),
         tripOf(loc, mapping.lookup(kept.getStash()),
                mapping.lookup(kept.getTrip())),
         /*buffer=*/nullptr, rows.lookup(kept.getStash()));
    return true;
  }
  if (auto await = dyn_cast<AwaitTurnOp>(op))
    return takeTurn(loc, kAwaitTurnName, await.getSection(),
                    lookupIf(await.getTrip())),
           true;
  if (auto pass = dyn_cast<PassTurnOp>(op))
    return takeTurn(loc, kPassTurnName, pass.getSection(),
                    lookupIf(pass.getTrip())),
           true;
  if (auto save = dyn_cast<SaveRowsOp>(op)) {
    auto type = cast<RankedTensorType>(save.getValue().getType());
    copy(
        loc, mapping.lookup(save.getValue()),
        savedRowsAt(loc, type, save.getOffset(), rows.lookup(save.getValue())));
    return true;
  }
  if (auto saved = dyn_cast<SavedRowsOp>(op)) {
    auto type = cast<RankedTensorType>(saved.getResult().getType());
    Value count = rows.lookup(saved.getLike());
    bind(saved.getResult(), savedRowsAt(loc, type, saved.getOffset(), count),
         /*buffer=*/nullptr, count);
    return true;
  }
  if (auto attention = dyn_cast<AttentionGradientOp>(op))
    return rewriteAttentionGradient(attention), true;
  if (auto head = dyn_cast<HeadLossOp>(op))
    return rewriteHeadLoss(head), true;
  if (auto norm = dyn_cast<GradientNormOp>(op))
    return rewriteGradientNorm(norm), true;
  if (auto update = dyn_cast<UpdateOp>(op))
    return rewriteUpdate(update), true;
  return false;
}

void EntryRewriter::takeTurn(Location loc, StringRef callee, int64_t section,
                             Value trip) {
  auto module = newFunc->getParentOfType<ModuleOp>();
  if (!module.lookupSymbol<func::FuncOp>(callee)) {
    OpBuilder at = OpBuilder::atBlockBegin(module.getBody());
    auto type = at.getFunctionType(at.getIndexType(), {});
    func::FuncOp::create(at, module.getLoc(), callee, type).setPrivate();
  }
  Value number = constant(loc, section);
  if (trip)
    number = arith::AddIOp::create(builder, loc, number, trip);
  func::CallOp::create(builder, loc, callee, TypeRange(), number);
}

Value EntryRewriter::savedRowsAt(Location loc, RankedTensorType type,
                                 int64_t offset, Value count) {
  auto all = MemRefType::get({sizes.maxChunk, type.getDimSize(1)},
                             type.getElementType());
  int64_t place = offset * sizes.maxChunk * int64_t(sizeof(float));
  return rectangleOf(loc, viewAt(loc, savedRows, all, constant(loc, place)),
                     type.getShape(), count);
}

void EntryRewriter::rewriteAttentionGradient(AttentionGradientOp op) {
  Location loc = op.getLoc();
  SmallVector<Value> operands;
  for (Value operand : op->getOperands())
    operands.push_back(withUnitStride(loc, operand));
  Value of[] = {op.getQuery(), op.getKey(), op.getValue()};
  for (auto [result, like] : llvm::zip_equal(op.getResults(), of)) {
    Value count = rows.lookup(like);
    Value out = allocate(loc, cast<RankedTensorType>(result.getType()), count);
    bind(result, out, addBuffer(out, op->getBlock()), count);
    operands.push_back(out);
  }
  finishOp(AttentionGradientOp::create(builder, loc, TypeRange(), operands,
                                       op->getAttrs()),
           op);
}

/// A loop over blocks of rows, whose logits lie in one place.
void EntryRewriter::rewriteHeadLoss(HeadLossOp op) {
  Location loc = op.getLoc();
  auto weightType = cast<RankedTensorType>(op.getWeight().getType());
  int64_t most = op.getRows();
  Value input = withUnitStride(loc, op.getInput());
  Value weight = withUnitStride(loc, op.getWeight());
  Value targets = mapping.lookup(op.getTargets()),
        total = rowsOf(loc, op.getInput());
  SmallVector<Value> outs;
  for (Value result : op.getResults()) {
    Value count = rows.lookup(op.getInput());
    Value out = allocate(loc, cast<RankedTensorType>(result.getType()), count);
    bind(result, out, addBuffer(out, op->getBlock()), count);
    outs.push_back(out);
  }
  Value all = memref::AllocOp::create(
      builder, loc,
      MemRefType::get({most, weightType.getDimSize(0)}, builder.getF32Type()));
  Value step = constant(loc, most);
  auto loop = scf::ForOp::create(builder, loc, constant(loc, 0), total, step);
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPoint(loop.getBody()->getTerminator());
  Value first = loop.getInductionVar();
  Value count = arith::MinSIOp::create(
      builder, loc, arith::SubIOp::create(builder, loc, total, first), step);
  auto block = [&](Value from, OpFoldResult offset) {
    SmallVector<int64_t> shape(cast<MemRefType>(from.getType()).getShape());
    shape[0] = ShapedType::kDynamic;
    return rectangleOf(loc, from, shape, count, /*dim=*/0, offset);
  };
  Value x = block(input, first), ids = block(targets, first),
        logits = block(all, builder.getIndexAttr(0));
  std::string label = makeLabel(op);
  finishHelper(WeightProductOp::create(builder, loc, Type(), x, weight, logits,
                                       /*flipped=*/false, TileAttr()),
               label);
  finishHelper(CrossEntropyOp::create(builder, loc, Type(), logits, ids,
                                      block(outs[0], first), TileAttr()),
               "cross_entropy " + label);
  if (outs.size() < 2)
    return;
  finishHelper(CrossEntropyGradientOp::create(builder, loc, Type(), logits, ids,
                                              logits, TileAttr()),
               "cross_entropy_gradient " + label);
  finishHelper(WeightProductOp::create(builder, loc, Type(), logits, weight,
                                       block(outs[1], first),
                                       /*flipped=*/true, TileAttr()),
               label);
  if (auto turn = op->getAttrOfType<IntegerAttr>(kTurnAttrName))
    takeTurn(loc, kAwaitTurnName, turn.getInt(), Value());
  if (op.getInto())
    finishHelper(WeightGradientOp::create(builder, loc, logits, x,
                                          mapping.lookup(op.getInto())),
                 label);
}

void EntryRewriter::rewriteGradientNorm(GradientNormOp op) {
  Location loc = op.getLoc();
  Type f32 = builder.getF32Type();
  // What lies between weights, and where they are computed, stays zero; so does
  // what frozen ones before those that learn would have.
  int64_t begin = sizes.weights;
  for (auto weight : op->getParentOfType<ModuleOp>().getOps<WeightOp>())
    if (!weight->hasAttr(kFrozenAttrName))
      begin = std::min<int64_t>(begin, *weight.getOffset());
  int64_t count = (sizes.weights - begin) / static_cast<int64_t>(sizeof(float));
  Value all = viewAt(loc, gradients, MemRefType::get({count}, f32),
                     constant(loc, begin));
  int64_t blocks = llvm::divideCeilSigned(count, SumSquaresOp::kBlock);
  Value sums =
      memref::AllocOp::create(builder, loc, MemRefType::get({blocks}, f32));
  finishOp(SumSquaresOp::create(builder, loc, all, sums), op);
  Value out = chooseOutput(op);
  finishOp(NormOfSumsOp::create(builder, loc, sums,
                                mapping.lookup(op.getNumbers()), out),
           op);
}

std::pair<MemRefType, int64_t> EntryRewriter::wholeWeight(WeightOp weight) {
  MemRefType layer = getWeightMemRef(weight.getLayerType());
  int64_t bytes = layer.getNumElements() * int64_t(sizeof(float));
  if (weight.getStacked())
    bytes += (weight.getNumLayers() - 1) * int64_t(*weight.getStride());
  return {
      MemRefType::get({bytes / int64_t(sizeof(float))}, builder.getF32Type()),
      static_cast<int64_t>(*weight.getOffset())};
}

void EntryRewriter::rewriteUpdate(UpdateOp op) {
  Location loc = op.getLoc();
  auto [type, offset] = wholeWeight(
      SymbolTable::lookupNearestSymbolFrom<WeightOp>(op, op.getWeightAttr()));
  auto at = [&, type = type](Value memory, int64_t begin) {
    return viewAt(loc, memory, type, constant(loc, begin));
  };
  auto step = AdamWOp::create(
      builder, loc, at(newFunc.getArgument(EntryArguments::Weights), offset),
      at(gradients, offset), at(moments, offset),
      at(moments, sizes.weights + offset), mapping.lookup(op.getNumbers()),
      mapping.lookup(op.getNorm()), op.getDecay());
  step->setAttr(kLabelAttrName,
                builder.getStringAttr("update " + op.getWeight()));
}
