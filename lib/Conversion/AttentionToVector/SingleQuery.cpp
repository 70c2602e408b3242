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

#include <limits>

using namespace mlir;
using namespace tenon;
using namespace tenon::attention;

SingleQuery::SingleQuery(KernelBuilder &b, AttentionCall call)
    : AttentionKernel(b, call),
      componentVectors(llvm::divideCeil(valueDim, b.lanes())),
      laneVectors(kLaneBlock / b.lanes()) {}

SingleQuery::SingleQuery(KernelBuilder &b, BlockAttentionOp op)
    : SingleQuery(b, AttentionCall(op)) {
  out = op.getOut();
}

SingleQuery::SingleQuery(KernelBuilder &b, PartialAttentionOp op)
    : SingleQuery(b, AttentionCall(b, op)) {
  partials = op.getPartials();
  firstPart = op.getFirst();
}

void SingleQuery::emit() {
  int64_t shared = heads / groups;
  int64_t atOnce =
      std::clamp<int64_t>(call.plan.scoreSums / laneVectors, 1,
                          std::min<int64_t>(shared, call.plan.heads));
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
  Heads heads{group, first, count, keyRange(call.position, call.position),
              {},    {},    {}};
  scoped([&] {
    heads.scores = heads.weights = scratch({count, keyBlock});
    if (cache.isScaled())
      heads.weights = scratch({count, keyBlock});
    heads.output = scratch({count, componentVectors * b.lanes()});
    if (partials)
      emitParts(heads);
    else if (isSplit())
      joinSplits(heads);
    else
      storeOutput(heads, heads.output,
                  ValueRange(emitKeys(heads, heads.range,
                                      startStates(heads, call.sink)))
                      .drop_front(count));
  });
}

/// Each part to its place.
void SingleQuery::emitParts(const Heads &heads) {
  Value count = b.materialize(b.dim(partials, 1));
  int64_t state = cast<MemRefType>(partials.getType()).getDimSize(2) -
                  PartialAttentionOp::kState;
  b.loop(b.index(0), count, 1, [&](Value part) {
    Value split = b.mulIndex(b.addIndex(firstPart, part), kSplit);
    Values values = emitKeys(heads, splitRange(heads.range, split),
                             startStates(heads, /*sink=*/{}));
    for (int64_t h = 0; h < heads.count; ++h) {
      Value head = b.addIndex(heads.first, h);
      forComponents([&](Value v, Value mask) {
        Value d = b.mulIndex(v, b.lanes());
        b.store(b.load(heads.output, {b.index(h), d}), partials,
                {head, part, d}, mask);
      });
      for (int64_t i : {0, 1})
        b.storeScalar(
            vector::ExtractOp::create(b, values[i * heads.count + h], 0),
            partials, {head, part, b.index(state + i)});
    }
  });
}

/// All parts in order, and the result.
void SingleQuery::joinSplits(const Heads &heads) {
  int64_t count = heads.count;
  Value total = scratch({count, componentVectors * b.lanes()});
  clear(heads, total);
  Values state = startStates(heads, call.sink);
  state =
      forEachSplit(heads.range, state, [&](KeyRange range, ValueRange before) {
        Values part = emitKeys(heads, range, startStates(heads, /*sink=*/{}));
        Values maxima, sums;
        for (int64_t h = 0; h < count; ++h) {
          Junction junction(b, before[h], part[h]);
          maxima.push_back(junction.maximum);
          sums.push_back(junction.join(b, before[count + h], part[count + h]));
          for (int64_t v = 0; v < componentVectors; ++v) {
            Values place = {b.index(h), b.index(v * b.lanes())};
            b.store(junction.join(b, b.load(total, place),
                                  b.load(heads.output, place)),
                    total, place);
          }
        }
        maxima.append(sums);
        return maxima;
      });
  storeOutput(heads, total, ValueRange(state).drop_front(count));
}

void SingleQuery::clear(const Heads &heads, Value output) {
  b.unrolled(heads.count, [&](Value h) {
    b.unrolled(componentVectors, [&](Value v) {
      b.store(b.splat(0.0), output, {h, b.mulIndex(v, b.lanes())});
    });
  });
}

KernelBuilder::Values SingleQuery::startStates(const Heads &heads, Value sink) {
  Values maxima, sums;
  for (int64_t h = 0; h < heads.count; ++h) {
    Values state = startState(b, sink, b.addIndex(heads.first, h));
    maxima.push_back(state[0]);
    sums.push_back(state[1]);
  }
  maxima.append(sums);
  return maxima;
}

KernelBuilder::Values
SingleQuery::emitKeys(const Heads &heads, const KeyRange &range, Values state) {
  int64_t count = heads.count;
  clear(heads, heads.output);
  return b.loop(
      range.begin, range.end, keyBlock, state,
      [&](Value block, ValueRange args) {
        Block keys{block, blockCount(range, block), placeOf(block)};
        ValueRange before = args.take_front(count);
        Values maxima = emitScores(heads, keys, before);
        Values correction;
        for (int64_t h = 0; h < count; ++h)
          correction.push_back(b.exp2OfNegative(b.sub(before[h], maxima[h])));
        emitProbabilities(heads, keys, maxima);
        Values sums =
            emitOutput(heads, keys, correction, args.drop_front(count));
        maxima.append(sums);
        return maxima;
      });
}

// A block's values are asked for while its scores are computed, step by step
// over the components of its keys.
void SingleQuery::prefetchValues(const Heads &heads, Value key,
                                 Value component) {
  if (call.plan.prefetch == 0)
    return;
  int64_t step = llvm::divideCeil(cache.valueElements(), keyDim);
  cache.prefetchValues(heads.group, key, b.mulIndex(component, step),
                       call.plan.prefetch);
}

// The keys of the block after it while its outputs are, in which every pass
// over the block has a part.
void SingleQuery::prefetchKeys(const Heads &heads, Value block, int64_t pass,
                               int64_t passes, Value offset) {
  if (call.plan.prefetch == 0)
    return;
  int64_t step = llvm::divideCeil(cache.keyElements(), kLaneBlock * passes);
  Value place = b.mulIndex(b.addIndex(offset, pass * keyBlock), step);
  int64_t line = std::max<int64_t>(64 / cache.elementBytes(), 1);
  for (int64_t i = 0; i < step; i += line)
    cache.prefetchKeys(heads.group, block, b.addIndex(place, i),
                       call.plan.prefetch);
}

Value SingleQuery::visible(const Heads &heads, Value key) {
  Value keyLanes = sequence(key);
  Value mask = compare(arith::CmpIPredicate::slt, keyLanes,
                       b.splat(toI32(heads.range.end)));
  if (call.window) {
    Value oldest = b.addIndex(call.position, -*call.window);
    mask = both(mask, compare(arith::CmpIPredicate::sgt, keyLanes,
                              b.splat(toI32(oldest))));
  }
  // Those after the query are cut off by the range.
  if (call.band) {
    Value oldest = b.addIndex(call.position, -*call.band);
    mask = both(mask, compare(arith::CmpIPredicate::sge, keyLanes,
                              b.splat(toI32(oldest))));
  }
  if (call.valid) {
    Value flags = b.load(call.valid, key, mask);
    Value zero = arith::ConstantOp::create(b, b.getZeroAttr(flags.getType()));
    mask = both(mask, compare(arith::CmpIPredicate::ne, flags, zero));
  }
  return mask;
}

KernelBuilder::Values SingleQuery::emitScores(const Heads &heads,
                                              const Block &block,
                                              ValueRange maxima) {
  int64_t count = heads.count, lanes = b.lanes();
  // Transposed blocks at once: enough chains to hide the latency. They stay
  // within a block of keyBlock, which memory has to its end.
  int64_t laneBlocks = std::clamp<int64_t>(
      llvm::bit_floor(uint64_t(call.plan.scoreSums / (count * laneVectors))), 1,
      keyBlock / kLaneBlock);
  if (cache.shape().capacity / kLaneBlock % laneBlocks)
    laneBlocks = 1;
  Value factor = b.splat(scale), lowest = b.splat(kStartMaximum);
  auto addComponent = [&](Value key, Value laneBlock, Value d, Value sums) {
    b.unrolled(laneBlocks, [&](Value i) {
      prefetchValues(heads, b.addIndex(key, b.mulIndex(i, kLaneBlock)), d);
    });
    Value keys = b.array({laneBlocks, laneVectors}, b.getF32Type());
    keys = b.unrolled(laneBlocks, keys, [&](Value i, Value keys) {
      return b.unrolled(laneVectors, keys, [&](Value v, Value keys) {
        Value loaded = cache.loadKeys(heads.group, b.addIndex(laneBlock, i), d,
                                      b.mulIndex(v, lanes));
        return b.set(keys, {i, v}, loaded);
      });
    });
    return b.unrolled(count, sums, [&](Value h, Value sums) {
      Value component = b.splat(b.loadScalar(
          call.query, {b.addIndex(heads.first, h), b.index(0), d}));
      return b.unrolled(laneBlocks, sums, [&](Value i, Value sums) {
        return b.unrolled(laneVectors, sums, [&](Value v, Value sums) {
          Value sum =
              b.fma(b.get(keys, {i, v}), component, b.get(sums, {h, i, v}));
          return b.set(sums, {h, i, v}, sum);
        });
      });
    });
  };
  // Scores of a register of keys: to memory, and to the maxima.
  auto store = [&](Value key, Value place, Value offset, Value i, Value v,
                   Value sums, Value maxima) {
    Value inBlock = b.addIndex(b.mulIndex(i, kLaneBlock), b.mulIndex(v, lanes));
    Value token = b.addIndex(key, inBlock);
    Value mask = visible(heads, token);
    Value ofTokens = factor;
    if (cache.isScaled()) {
      Value stored = place == key ? token : b.addIndex(place, inBlock);
      ofTokens = b.mul(cache.loadKeyScales(heads.group, stored), factor);
    }
    Value distance;
    if (call.bias)
      distance = biasPlace(token, call.position);
    return b.unrolled(count, maxima, [&](Value h, Value maxima) {
      Value bias;
      if (call.bias)
        bias = b.load(call.bias, {b.addIndex(heads.first, h), distance});
      Value score = chainScores(b.mul(b.get(sums, {h, i, v}), ofTokens), bias);
      score = maskScores(mask, score);
      b.store(score, heads.scores, {h, b.addIndex(offset, inBlock)});
      return b.set(maxima, h, b.max(score, b.get(maxima, h)));
    });
  };
  auto step = [&](Value offset, ValueRange maxima) {
    Value key = b.addIndex(block.first, offset), place = key;
    if (call.isRing)
      place = b.addIndex(block.place, offset);
    Value laneBlock = arith::ShRUIOp::create(b, place, b.index(4));
    Value zeros = b.filledArray({count, laneBlocks, laneVectors}, b.splat(0.0));
    Value sums =
        b.loop(b.index(0), b.index(keyDim), 1, zeros,
               [&](Value d, ValueRange sums) {
                 return Values{addComponent(place, laneBlock, d, sums.front())};
               })
            .front();
    Value next =
        b.unrolled(laneBlocks, maxima.front(), [&](Value i, Value maxima) {
          return b.unrolled(laneVectors, maxima, [&](Value v, Value maxima) {
            return store(key, place, offset, i, v, sums, maxima);
          });
        });
    return Values{next};
  };
  Values blockMaxima =
      b.registersOf(b.loop(b.index(0), block.count, laneBlocks * kLaneBlock,
                           b.filledArray({count}, lowest), step)
                        .front());
  Values result;
  for (int64_t h = 0; h < count; ++h)
    result.push_back(b.max(b.splat(b.reduceMax(blockMaxima[h])), maxima[h]));
  return result;
}

void SingleQuery::emitProbabilities(const Heads &heads, const Block &block,
                                    ValueRange maxima) {
  b.loop(b.index(0), block.count, b.lanes(), [&](Value offset) {
    Value scales;
    if (cache.isScaled())
      scales =
          cache.loadValueScales(heads.group, b.addIndex(block.place, offset));
    for (int64_t h = 0; h < heads.count; ++h) {
      Values place = {b.index(h), offset};
      Value p = b.exp2OfNegative(b.sub(b.load(heads.scores, place), maxima[h]));
      b.store(p, heads.scores, place);
      if (scales)
        b.store(b.mul(p, scales), heads.weights, place);
    }
  });
}

Value SingleQuery::componentMask(int64_t vector) {
  int64_t left = valueDim - vector * b.lanes();
  return left < b.lanes() ? b.maskOf(left) : Value();
}

KernelBuilder::Values SingleQuery::forComponents(
    int64_t first, int64_t end, ValueRange inits,
    function_ref<Values(Value, Value, ValueRange)> body) {
  Value lastMask = componentMask(end - 1);
  Values values = b.unrolled(end - first - (lastMask ? 1 : 0), inits,
                             [&](Value v, ValueRange args) {
                               return body(b.addIndex(v, first), {}, args);
                             });
  return lastMask ? body(b.index(end - 1), lastMask, values) : values;
}

void SingleQuery::forComponents(function_ref<void(Value, Value)> body) {
  forComponents(0, componentVectors, {},
                [&](Value vector, Value mask, ValueRange) {
                  body(vector, mask);
                  return Values{};
                });
}

// A tile of h heads and v registers of components reads h probabilities and v
// values for h v products, and each head has its sum of probabilities beside
// them. A value that has to be converted is as much work as two.
std::pair<int64_t, int64_t> SingleQuery::outputTile(int64_t count) const {
  int64_t ofValue = cache.isPlain() ? 1 : 2;
  std::pair<int64_t, int64_t> best = {1, 1};
  int64_t least = std::numeric_limits<int64_t>::max();
  for (int64_t h = 1; h <= count; ++h) {
    int64_t v = std::min(componentVectors, call.plan.outputSums / h - 1);
    if (v < 1)
      break;
    v = llvm::divideCeil(componentVectors,
                         llvm::divideCeil(componentVectors, v));
    int64_t reads = llvm::divideCeil(componentVectors, v) * count +
                    llvm::divideCeil(count, h) * componentVectors * ofValue;
    if (reads < least) {
      least = reads;
      best = {h, v};
    }
  }
  return best;
}

KernelBuilder::Values SingleQuery::emitOutput(const Heads &heads,
                                              const Block &block,
                                              ValueRange correction,
                                              ValueRange sums) {
  int64_t lanes = b.lanes();
  auto [headsAtOnce, vectorsAtOnce] = outputTile(heads.count);
  int64_t pass = 0, passes = llvm::divideCeil(heads.count, headsAtOnce) *
                             llvm::divideCeil(componentVectors, vectorsAtOnce);
  Value nextBlock = b.addIndex(block.first, keyBlock);
  nextBlock = arith::SelectOp::create(
      b, compare(arith::CmpIPredicate::slt, nextBlock, heads.range.end),
      nextBlock, block.first);
  nextBlock = placeOf(nextBlock);
  Values newSums(heads.count);
  for (int64_t head = 0; head < heads.count; head += headsAtOnce) {
    int64_t headEnd = std::min(head + headsAtOnce, heads.count);
    for (int64_t v0 = 0; v0 < componentVectors; v0 += vectorsAtOnce) {
      int64_t v1 = std::min(v0 + vectorsAtOnce, componentVectors);
      bool withSum = v0 == 0;
      int64_t ofHeads = headEnd - head, vectors = v1 - v0;
      auto ofAll = [&](Value h) { return b.addIndex(h, head); };
      auto ofPass = [&](Value v) { return b.addIndex(v, -v0); };
      // Outputs, and the sums of probabilities.
      Values state = {b.array({ofHeads, vectors}, b.getF32Type())};
      if (withSum)
        state.push_back(b.arrayOf({ofHeads}, sums.slice(head, ofHeads)));
      Value factors = b.arrayOf({ofHeads}, correction.slice(head, ofHeads));
      state = b.unrolled(ofHeads, state, [&](Value h, ValueRange args) {
        Value factor = b.get(factors, h);
        Values next(args);
        next[0] = b.unrolled(vectors, args[0], [&](Value v, Value outputs) {
          Value d = b.mulIndex(b.addIndex(v, v0), lanes);
          Value output = b.load(heads.output, {ofAll(h), d});
          return b.set(outputs, {h, v}, b.mul(output, factor));
        });
        if (withSum)
          next[1] = b.set(args[1], h, b.mul(b.get(args[1], h), factor));
        return next;
      });
      state = b.loop(
          b.index(0), block.count, 1, state,
          [&](Value offset, ValueRange args) {
            Value key = b.addIndex(block.place, offset);
            prefetchKeys(heads, nextBlock, pass, passes, offset);
            Value values = b.array({vectors}, b.getF32Type());
            values =
                forComponents(
                    v0, v1, values,
                    [&](Value v, Value mask, ValueRange args) {
                      Value loaded = cache.loadValues(
                          heads.group, key, b.mulIndex(v, lanes), mask);
                      return Values{b.set(args.front(), ofPass(v), loaded)};
                    })
                    .front();
            return b.unrolled(ofHeads, args, [&](Value h, ValueRange args) {
              auto load = [&](Value numbers) {
                return b.splat(b.loadScalar(numbers, {ofAll(h), offset}));
              };
              Value p = load(heads.weights);
              Values next(args);
              next[0] =
                  b.unrolled(vectors, args[0], [&](Value v, Value outputs) {
                    Value sum =
                        b.fma(b.get(values, v), p, b.get(outputs, {h, v}));
                    return b.set(outputs, {h, v}, sum);
                  });
              if (withSum) {
                Value term = cache.isScaled() ? load(heads.scores) : p;
                next[1] = b.set(args[1], h, b.add(b.get(args[1], h), term));
              }
              return next;
            });
          });
      ++pass;
      b.unrolled(ofHeads, [&](Value h) {
        b.unrolled(vectors, [&](Value v) {
          Value d = b.mulIndex(b.addIndex(v, v0), lanes);
          b.store(b.get(state[0], {h, v}), heads.output, {ofAll(h), d});
        });
      });
      if (withSum)
        llvm::copy(b.registersOf(state[1]), newSums.begin() + head);
    }
  }
  return newSums;
}

void SingleQuery::storeOutput(const Heads &heads, Value output,
                              ValueRange sums) {
  Value all = b.arrayOf({heads.count}, sums);
  b.unrolled(heads.count, [&](Value h) {
    Value reciprocal = b.div(b.splat(1.0), b.get(all, h));
    forComponents([&](Value v, Value mask) {
      Value d = b.mulIndex(v, b.lanes());
      Value o = b.mul(b.load(output, {h, d}), reciprocal);
      b.store(o, out, {b.addIndex(heads.first, h), b.index(0), d}, mask);
    });
  });
}
