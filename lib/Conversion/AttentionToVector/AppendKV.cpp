//===- AppendKV.cpp - keys and values to cache blocks ---------------------===//

#include "AttentionKernel.h"

using namespace mlir;
using namespace tenon;
using namespace tenon::attention;

void attention::emitAppend(KernelBuilder &b, AppendKVOp op) {
  Value key = op.getKey(), value = op.getValue();
  Value keys = op.getKeys(), values = op.getValues();
  int64_t headDim = cast<MemRefType>(key.getType()).getDimSize(2);
  b.loopNest({b.dim(key, 0), b.dim(key, 1)}, [&](ValueRange indices) {
    Value group = indices[0], token = indices[1];
    Value position = b.addIndex(op.getPosition(), token);
    Value block = arith::ShRUIOp::create(b, position, b.index(4));
    Value lane = arith::AndIOp::create(b, position, b.index(kLaneBlock - 1));
    // A block's lines stay in the first cache level while its 16 tokens come.
    b.loop(b.index(0), b.index(headDim), 1, [&](Value d) {
      b.storeScalar(b.loadScalar(key, {group, token, d}), keys,
                    {group, block, d, lane});
    });
    b.forEachVector(b.getIndexAttr(headDim), [&](Value d, Value mask) {
      b.store(b.load(value, {group, token, d}, mask), values,
              {group, position, d}, mask);
    });
  });
}
