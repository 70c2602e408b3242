//===- EntryTexts.cpp - several texts in memory ---------------------------===//
//
// A loop over texts, whose body works on views of their rows:
//
//   for n in [0, N), begin = 0:
//     end = ends[n]
//     body of %x[begin .. end], into %y[begin .. end] or %y[n]
//     begin = end
//
//===----------------------------------------------------------------------===//

#include "EntryRewriter.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "tenon/Dialect/Tenon/Transforms/MemoryPasses.h"

using namespace mlir;
using namespace tenon;

LogicalResult EntryRewriter::rewriteForEachText(ForEachTextOp op) {
  Location loc = op.getLoc();
  Value texts = rows.lookup(op.getEnds());
  bool givesOneRow = op.givesOneRow();
  rows[op.getResult()] =
      givesOneRow ? texts : rows.lookup(op.getInputs().front());
  Value out = chooseOutput(op);

  Value zero = constant(loc, 0);
  auto loop = scf::ForOp::create(builder, loc, zero, texts, constant(loc, 1),
                                 ValueRange(zero));
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToEnd(loop.getBody());
  Value number = loop.getInductionVar(), begin = loop.getRegionIterArg(0);
  Value last = memref::LoadOp::create(builder, loc,
                                      mapping.lookup(op.getEnds()), number);
  Value end =
      arith::IndexCastOp::create(builder, loc, builder.getIndexType(), last);
  Value count = arith::SubIOp::create(builder, loc, end, begin);

  Block &body = op.getBody().front();
  auto rowsOfText = [&](Value all, Type type, Value offset) {
    return rectangleOf(loc, all, cast<RankedTensorType>(type).getShape(), count,
                       ForEachTextOp::rowDim(type), offset);
  };
  for (auto [input, argument] :
       llvm::zip_equal(op.getInputs(), body.getArguments()))
    bind(argument, rowsOfText(mapping.lookup(input), argument.getType(), begin),
         /*buffer=*/nullptr, count);
  Operation *yield = body.getTerminator();
  Value given = yield->getOperand(0);
  Value own = rowsOfText(out, given.getType(), givesOneRow ? number : begin);
  findDestinations(yield, {addBuffer(own, &body)});
  for (Operation &inner : body.without_terminator())
    if (failed(rewriteOp(&inner)))
      return failure();
  if (Value value = mapping.lookup(given); value != own)
    copy(loc, value, own);
  scf::YieldOp::create(builder, loc, end);
  return success();
}
