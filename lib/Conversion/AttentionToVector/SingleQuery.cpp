//===- SingleQuery.cpp - attention of one query ---------------------------===//
//
// Decode reads every key and value of the cache once: heads that share a key
// head are computed together. For the scores 16 keys of a transposed block are
// in the lanes, for the output the components of a value; the sum of the
// probabilities is one more accumulator beside the outputs, in the order of
// the keys.
//
//===----------------------------------------------------------------------===//

#include "AttentionKernel.h"

using namespace mlir;
using namespace tenon;
using namespace tenon::attention;

SingleQuery::SingleQuery(KernelBuilder &b, BlockAttentionOp op)
    : AttentionKernel(b, op),
      registers(b.getTarget() ? b.getTarget().getRegisters() : 16),
      componentVectors(llvm::divideCeil(headDim, b.lanes())),
      laneVectors(kLaneBlock / b.lanes()) {}

void SingleQuery::emit() {
  int64_t shared = heads / groups;
  // Half of the registers accumulate scores.
  int64_t atOnce = std::clamp<int64_t>(registers / 2 / laneVectors, 1,
                                       std::min<int64_t>(shared, 8));
  b.loopNest({b.getIndexAttr(groups)}, [&](ValueRange indices) {
    Value group = indices[0], first = b.mulIndex(group, shared);
    int64_t full = shared / atOnce * atOnce;
    if (full == atOnce)
      emitHeads(group, first, atOnce);
    else
      b.loop(b.index(0), b.index(full), atOnce, [&](Value head) {
        emitHeads(group, b.addIndex(first, head), atOnce);
      });
    if (full < shared)
      emitHeads(group, b.addIndex(first, full), shared - full);
  });
}

void SingleQuery::emitHeads(Value group, Value first, int64_t count) {
  Heads heads{group, first, count, keyRange(op.getPosition(), op.getPosition()),
              {},    {}};
  scoped([&] {
    int64_t padded = componentVectors * b.lanes();
    heads.scores = scratch({count, kKeyBlock});
    heads.output = scratch({count, padded});
    Value zero = b.splat(0.0);
    for (int64_t h = 0; h < count; ++h)
      for (int64_t d = 0; d < padded; d += b.lanes())
        b.store(zero, heads.output, {b.index(h), b.index(d)});
    Values state(count, b.splat(kStartMaximum));
    state.append(count, zero);
    state =
        b.loop(heads.range.begin, heads.range.end, kKeyBlock, state,
               [&](Value block, ValueRange args) {
                 Value blockCount =
                     minIndex(arith::SubIOp::create(b, heads.range.end, block),
                              b.index(kKeyBlock));
                 ValueRange before = args.take_front(count);
                 Values maxima = emitScores(heads, block, blockCount, before);
                 Values correction;
                 for (int64_t h = 0; h < count; ++h)
                   correction.push_back(b.exp2(b.sub(before[h], maxima[h])));
                 emitProbabilities(heads, blockCount, maxima);
                 Values sums = emitOutput(heads, block, blockCount, correction,
                                          args.drop_front(count));
                 maxima.append(sums);
                 return maxima;
               });
    storeOutput(heads, ValueRange(state).drop_front(count));
  });
}

Value SingleQuery::visible(const Heads &heads, Value key) {
  Value keyLanes = sequence(key);
  Value mask = compare(arith::CmpIPredicate::slt, keyLanes,
                       b.splat(toI32(heads.range.end)));
  if (op.getWindow()) {
    Value oldest = b.addIndex(op.getPosition(), -int64_t(*op.getWindow()));
    mask = both(mask, compare(arith::CmpIPredicate::sgt, keyLanes,
                              b.splat(toI32(oldest))));
  }
  if (op.getValid()) {
    Value flags = b.load(op.getValid(), key, mask);
    Value zero = arith::ConstantOp::create(b, b.getZeroAttr(flags.getType()));
    mask = both(mask, compare(arith::CmpIPredicate::ne, flags, zero));
  }
  return mask;
}

KernelBuilder::Values SingleQuery::emitScores(const Heads &heads, Value block,
                                              Value blockCount,
                                              ValueRange maxima) {
  int64_t count = heads.count, lanes = b.lanes();
  // Transposed blocks at once: enough chains to hide the latency. They stay
  // within a block of kKeyBlock, which memory has to its end.
  int64_t laneBlocks = std::clamp<int64_t>(
      llvm::bit_floor(uint64_t(registers / 2 / (count * laneVectors))), 1,
      kKeyBlock / kLaneBlock);
  if (cast<MemRefType>(keys.getType()).getDimSize(1) % laneBlocks)
    laneBlocks = 1;
  int64_t perHead = laneBlocks * laneVectors;
  Value factor = b.splat(scale), lowest = b.splat(kStartMaximum);
  Values blockMaxima =
      b.loop(b.index(0), blockCount, laneBlocks * kLaneBlock,
             Values(count, lowest), [&](Value offset, ValueRange maxima) {
               Value key = b.addIndex(block, offset);
               Value laneBlock = arith::ShRUIOp::create(b, key, b.index(4));
               Values scores = b.loop(
                   b.index(0), b.index(headDim), 1,
                   Values(count * perHead, b.splat(0.0)),
                   [&](Value d, ValueRange sums) {
                     Values keyVectors, next;
                     for (int64_t i = 0; i < laneBlocks; ++i)
                       for (int64_t v = 0; v < laneVectors; ++v)
                         keyVectors.push_back(b.load(
                             keys, {heads.group, b.addIndex(laneBlock, i), d,
                                    b.index(v * lanes)}));
                     for (int64_t h = 0; h < count; ++h) {
                       Value component = b.splat(b.loadScalar(
                           query, {b.addIndex(heads.first, h), b.index(0), d}));
                       for (auto [i, keyVector] : llvm::enumerate(keyVectors))
                         next.push_back(b.fma(keyVector, component,
                                              sums[h * perHead + i]));
                     }
                     return next;
                   });
               Values next(maxima);
               for (int64_t i = 0; i < perHead; ++i) {
                 Value mask = visible(heads, b.addIndex(key, i * lanes));
                 for (int64_t h = 0; h < count; ++h) {
                   Value score = b.mul(scores[h * perHead + i], factor);
                   score = maskScores(mask, score);
                   b.store(score, heads.scores,
                           {b.index(h), b.addIndex(offset, i * lanes)});
                   next[h] = b.max(score, next[h]);
                 }
               }
               return next;
             });
  Values result;
  for (int64_t h = 0; h < count; ++h)
    result.push_back(b.max(b.splat(b.reduceMax(blockMaxima[h])), maxima[h]));
  return result;
}

void SingleQuery::emitProbabilities(const Heads &heads, Value blockCount,
                                    ValueRange maxima) {
  b.loop(b.index(0), blockCount, b.lanes(), [&](Value offset) {
    for (int64_t h = 0; h < heads.count; ++h) {
      Value score = b.load(heads.scores, {b.index(h), offset});
      b.store(b.exp2(b.sub(score, maxima[h])), heads.scores,
              {b.index(h), offset});
    }
  });
}

Value SingleQuery::componentMask(int64_t vector) {
  int64_t left = headDim - vector * b.lanes();
  return left < b.lanes() ? b.maskOf(left) : Value();
}

KernelBuilder::Values SingleQuery::emitOutput(const Heads &heads, Value block,
                                              Value blockCount,
                                              ValueRange correction,
                                              ValueRange sums) {
  int64_t lanes = b.lanes();
  // Accumulators: those of some heads, each with its sum of probabilities, or
  // a part of one head's components.
  int64_t accumulators = registers == 32 ? 24 : 10;
  int64_t vectorsAtOnce = std::min(componentVectors, accumulators - 1);
  int64_t headsAtOnce =
      std::max<int64_t>(1, vectorsAtOnce < componentVectors
                               ? 1
                               : accumulators / (componentVectors + 1));
  Values newSums(heads.count);
  for (int64_t head = 0; head < heads.count; head += headsAtOnce) {
    int64_t headEnd = std::min(head + headsAtOnce, heads.count);
    for (int64_t v0 = 0; v0 < componentVectors; v0 += vectorsAtOnce) {
      int64_t v1 = std::min(v0 + vectorsAtOnce, componentVectors);
      bool withSum = v0 == 0;
      Values state;
      for (int64_t h = head; h < headEnd; ++h) {
        for (int64_t v = v0; v < v1; ++v)
          state.push_back(
              b.mul(b.load(heads.output, {b.index(h), b.index(v * lanes)}),
                    correction[h]));
        if (withSum)
          state.push_back(b.mul(sums[h], correction[h]));
      }
      state = b.loop(
          b.index(0), blockCount, 1, state, [&](Value offset, ValueRange args) {
            Value key = b.addIndex(block, offset);
            Values valueVectors, next;
            for (int64_t v = v0; v < v1; ++v)
              valueVectors.push_back(
                  b.load(values, {heads.group, key, b.index(v * lanes)},
                         componentMask(v)));
            size_t i = 0;
            for (int64_t h = head; h < headEnd; ++h) {
              Value p =
                  b.splat(b.loadScalar(heads.scores, {b.index(h), offset}));
              for (Value vector : valueVectors)
                next.push_back(b.fma(vector, p, args[i++]));
              if (withSum)
                next.push_back(b.add(args[i++], p));
            }
            return next;
          });
      size_t i = 0;
      for (int64_t h = head; h < headEnd; ++h) {
        for (int64_t v = v0; v < v1; ++v)
          b.store(state[i++], heads.output, {b.index(h), b.index(v * lanes)});
        if (withSum)
          newSums[h] = state[i++];
      }
    }
  }
  return newSums;
}

void SingleQuery::storeOutput(const Heads &heads, ValueRange sums) {
  for (int64_t h = 0; h < heads.count; ++h) {
    Value reciprocal = b.div(b.splat(1.0), sums[h]);
    for (int64_t v = 0; v < componentVectors; ++v) {
      Value d = b.index(v * b.lanes());
      Value o = b.mul(b.load(heads.output, {b.index(h), d}), reciprocal);
      b.store(o, out, {b.addIndex(heads.first, h), b.index(0), d},
              componentMask(v));
    }
  }
}
