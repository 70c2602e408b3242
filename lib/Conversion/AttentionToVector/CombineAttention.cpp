//===- CombineAttention.cpp - parts over the keys made one ----------------===//

#include "AttentionKernel.h"

using namespace mlir;
using namespace tenon;
using namespace tenon::attention;

using Values = KernelBuilder::Values;

void attention::emitCombine(KernelBuilder &b, CombineAttentionOp op) {
  Value partials = op.getPartials(), out = op.getOut();
  auto type = cast<MemRefType>(partials.getType());
  int64_t valueDim = cast<MemRefType>(out.getType()).getDimSize(2);
  int64_t state = type.getDimSize(2) - PartialAttentionOp::kState;
  KeyRange range =
      getKeyRange(b, kDefaultKeyBlock, op.getPosition(), op.getPosition(),
                  b.addIndex(op.getPosition(), 1),
                  /*isCausal=*/true, op.getWindow());
  Value first = arith::DivUIOp::create(b, range.begin, b.index(kSplit));
  Value end = arith::CeilDivUIOp::create(b, range.end, b.index(kSplit));
  // Few registers at once: parts are few, and near.
  b.loopNest({b.getIndexAttr(type.getDimSize(0))}, [&](ValueRange indices) {
    Value head = indices[0];
    Values start = startState(b, op.getSink(), head);
    b.forEachVector(b.getIndexAttr(valueDim), [&](Value d, Value mask) {
      auto load = [&](Value row, int64_t i) {
        return b.splat(b.loadScalar(partials, {head, row, b.index(state + i)}));
      };
      Values totals = b.loop(
          first, end, 1, {start[0], start[1], b.splat(0.0)},
          [&](Value part, ValueRange before) {
            Value row = part;
            if (op.getRing())
              row =
                  arith::RemUIOp::create(b, part, b.index(type.getDimSize(1)));
            Junction junction(b, before[0], load(row, 0));
            // Rows of parts are padded to whole registers.
            return Values{
                junction.maximum, junction.join(b, before[1], load(row, 1)),
                junction.join(b, before[2], b.load(partials, {head, row, d}))};
          });
      Value reciprocal = b.div(b.splat(1.0), totals[1]);
      b.store(b.mul(totals[2], reciprocal), out, {head, b.index(0), d}, mask);
    });
  });
}
