//===- TiledQueries.cpp - attention with queries in the lanes -------------===//
//
// A tile of queries is transposed to scratch once. For each block of keys,
// scores are products of a query register with a broadcast component of a key;
// outputs are products of a register of probabilities with a broadcast
// component of a value. Nothing is reduced across lanes.
//
//===----------------------------------------------------------------------===//

#include "AttentionKernel.h"

using namespace mlir;
using namespace tenon;
using namespace tenon::attention;

TiledQueries::TiledQueries(KernelBuilder &b, BlockAttentionOp op)
    : AttentionKernel(b, AttentionCall(op)), out(op.getOut()) {
  keysAtOnce = call.plan.keys;
  componentsAtOnce = call.plan.components;
  int64_t rows = op.getTile() ? op.getTile()->getRows() : 2 * b.lanes();
  vectors = rows > b.lanes() ? 2 : 1;
}

void TiledQueries::emit() {
  int64_t shared = heads / groups;
  headsTogether = call.plan.headsTogether(shared);
  b.loopNest({b.getIndexAttr(groups), b.getIndexAttr(shared / headsTogether)},
             [&](ValueRange indices) {
               Value first = b.addIndex(b.mulIndex(indices[0], shared),
                                        b.mulIndex(indices[1], headsTogether));
               Value total = b.materialize(b.dim(call.query, 1));
               b.loop(b.index(0), total, vectors * b.lanes(), [&](Value start) {
                 emitTile(first, indices[0], start, total);
               });
             });
}

void TiledQueries::emitTile(Value head, Value group, Value start, Value total) {
  int64_t queries = vectors * b.lanes();
  Tile tile;
  tile.head = head;
  tile.group = group;
  tile.start = start;
  tile.count =
      minIndex(arith::SubIOp::create(b, total, start), b.index(queries));
  tile.first = b.addIndex(call.position, start);
  tile.last = b.addIndex(b.addIndex(tile.first, tile.count), -1);
  tile.range = keyRange(tile.first, tile.last);
  for (int64_t v = 0; v < vectors; ++v)
    tile.positions.push_back(sequence(b.addIndex(tile.first, v * b.lanes())));
  scoped([&] {
    allocate(tile);
    forEachHead(tile, [&](const Tile &one) { packQueries(one); });
    if (!isSplit()) {
      forEachHead(tile, [&](const Tile &one) { begin(one, call.sink); });
      emitKeys(tile, tile.range);
      forEachHead(tile, [&](const Tile &one) { unpackOutput(one); });
      return;
    }
    Tile all = tile;
    all.output = scratch({headsTogether, valueDim, queries});
    all.state = scratch({headsTogether, 2, queries});
    forEachHead(all, [&](const Tile &one) { begin(one, call.sink); });
    forEachSplit(tile.range, {}, [&](KeyRange range, ValueRange) -> Values {
      forEachHead(tile, [&](const Tile &one) { begin(one, /*sink=*/{}); });
      emitKeys(tile, range);
      forEachHeadOf({all, tile},
                    [&](ArrayRef<Tile> one) { joinSplit(one[0], one[1]); });
      return {};
    });
    forEachHead(all, [&](const Tile &one) { unpackOutput(one); });
  });
}

void TiledQueries::allocate(Tile &tile) {
  int64_t queries = vectors * b.lanes();
  tile.queries = scratch({headsTogether, keyDim, queries});
  tile.scores = scratch({keyBlock, queries});
  tile.output = scratch({headsTogether, valueDim, queries});
  tile.state = scratch({headsTogether, 2, queries});
  if (cache.isPlain())
    return;
  tile.keys = scratch({keyBlock / kLaneBlock, keyDim, kLaneBlock});
  int64_t padded = llvm::alignTo(valueDim, b.lanes());
  tile.values = scratch({keyBlock, padded});
  if (cache.isScaled()) {
    tile.keyScales = scratch({keyBlock});
    tile.valueScales = scratch({keyBlock});
  }
}

/// What a memref holds of one head.
static Value ofHead(KernelBuilder &b, Value memref, Value head) {
  auto type = cast<MemRefType>(memref.getType());
  SmallVector<OpFoldResult> offsets(type.getRank(), b.getIndexAttr(0));
  SmallVector<OpFoldResult> strides(type.getRank(), b.getIndexAttr(1));
  SmallVector<OpFoldResult> sizes;
  for (int64_t size : type.getShape())
    sizes.push_back(b.getIndexAttr(size));
  offsets[0] = head;
  sizes[0] = b.getIndexAttr(1);
  auto view = cast<MemRefType>(memref::SubViewOp::inferRankReducedResultType(
      type.getShape().drop_front(), type, offsets, sizes, strides));
  return memref::SubViewOp::create(b, view, memref, offsets, sizes, strides);
}

void TiledQueries::forEachHeadOf(ArrayRef<Tile> tiles,
                                 function_ref<void(ArrayRef<Tile>)> body) {
  auto emit = [&](Value head) {
    SmallVector<Tile> ones(tiles);
    for (Tile &one : ones) {
      one.head = b.addIndex(one.head, head);
      for (Value *memref : {&one.queries, &one.output, &one.state})
        *memref = ofHead(b, *memref, head);
    }
    body(ones);
  };
  if (headsTogether == 1)
    emit(b.index(0));
  else
    b.loop(b.index(0), b.index(headsTogether), 1, emit);
}

void TiledQueries::forEachHead(const Tile &tile,
                               function_ref<void(const Tile &)> body) {
  forEachHeadOf(tile, [&](ArrayRef<Tile> one) { body(one.front()); });
}

KernelBuilder::Values TiledQueries::loadState(const Tile &tile, int64_t which) {
  Values state;
  for (int64_t v = 0; v < vectors; ++v)
    state.push_back(
        b.load(tile.state, {b.index(which), b.index(v * b.lanes())}));
  return state;
}

void TiledQueries::storeState(const Tile &tile, int64_t which,
                              ValueRange state) {
  for (auto [v, value] : llvm::enumerate(state))
    b.store(value, tile.state, {b.index(which), b.index(v * b.lanes())});
}

void TiledQueries::begin(const Tile &tile, Value sink) {
  Values start = startState(b, sink, tile.head);
  storeState(tile, kMaxima, Values(vectors, start[0]));
  storeState(tile, kSums, Values(vectors, start[1]));
  b.loop(b.index(0), b.index(valueDim), 1, [&](Value d) {
    for (int64_t v = 0; v < vectors; ++v)
      b.store(b.splat(0.0), tile.output, {d, b.index(v * b.lanes())});
  });
}

void TiledQueries::joinSplit(const Tile &total, const Tile &part) {
  SmallVector<Junction> junctions;
  Values maxima, sums;
  for (auto [before, ofPart] :
       llvm::zip(loadState(total, kMaxima), loadState(part, kMaxima)))
    maxima.push_back(junctions.emplace_back(b, before, ofPart).maximum);
  for (auto [junction, before, ofPart] :
       llvm::zip(junctions, loadState(total, kSums), loadState(part, kSums)))
    sums.push_back(junction.join(b, before, ofPart));
  storeState(total, kMaxima, maxima);
  storeState(total, kSums, sums);
  b.loop(b.index(0), b.index(valueDim), 1, [&](Value d) {
    for (int64_t v = 0; v < vectors; ++v) {
      Values place = {d, b.index(v * b.lanes())};
      b.store(junctions[v].join(b, b.load(total.output, place),
                                b.load(part.output, place)),
              total.output, place);
    }
  });
}

void TiledQueries::emitKeys(const Tile &tile, const KeyRange &range) {
  b.loop(range.begin, range.end, keyBlock, [&](Value first) {
    Block block{first, blockCount(range, first), placeOf(first)};
    prepareBlock(tile, block);
    forEachHead(tile, [&](const Tile &one) { emitBlock(one, block); });
  });
}

void TiledQueries::emitBlock(const Tile &tile, const Block &block) {
  Values before = loadState(tile, kMaxima), maxima;
  if (call.valid) {
    maxima = emitScores(tile, block, before, /*masked=*/true);
  } else {
    auto ifOp = scf::IfOp::create(b, ValueRange(before).getTypes(),
                                  isFullyVisible(tile, block),
                                  /*addElseBlock=*/true);
    OpBuilder::InsertionGuard guard(b);
    for (bool masked : {false, true}) {
      b.setInsertionPointToStart(masked ? ifOp.elseBlock() : ifOp.thenBlock());
      scf::YieldOp::create(b, emitScores(tile, block, before, masked));
    }
    maxima = Values(ifOp.getResults());
  }
  storeState(tile, kMaxima, maxima);
  Values correction, sums = loadState(tile, kSums);
  for (int64_t v = 0; v < vectors; ++v) {
    correction.push_back(b.exp2OfNegative(b.sub(before[v], maxima[v])));
    sums[v] = b.mul(sums[v], correction[v]);
  }
  storeState(tile, kSums, emitProbabilities(tile, block, maxima, sums));
  emitOutput(tile, block, correction);
}

/// Once for all queries of the tile: in the products every number is read by
/// scalar code, once for every register of queries.
void TiledQueries::prepareBlock(const Tile &tile, const Block &block) {
  if (cache.isPlain())
    return;
  Value firstBlock = splitToken(b, block.place).first;
  Value laneBlocks =
      arith::CeilDivUIOp::create(b, block.count, b.index(kLaneBlock));
  b.loop(b.index(0), laneBlocks, 1, [&](Value laneBlock) {
    Value source = b.addIndex(firstBlock, laneBlock);
    b.loop(b.index(0), b.index(keyDim), 1, [&](Value d) {
      for (int64_t lane = 0; lane < kLaneBlock; lane += b.lanes())
        b.store(cache.loadKeys(tile.group, source, d, b.index(lane)), tile.keys,
                {laneBlock, d, b.index(lane)});
    });
  });
  b.loop(b.index(0), block.count, 1, [&](Value offset) {
    Value key = b.addIndex(block.place, offset);
    b.forEachVector(b.getIndexAttr(valueDim), [&](Value d, Value mask) {
      b.store(cache.loadValues(tile.group, key, d, mask), tile.values,
              {offset, d});
    });
  });
  if (!cache.isScaled())
    return;
  Value factor = b.splat(scale);
  b.loop(b.index(0), block.count, b.lanes(), [&](Value offset) {
    Value key = b.addIndex(block.place, offset);
    b.store(b.mul(cache.loadKeyScales(tile.group, key), factor), tile.keyScales,
            offset);
    b.store(cache.loadValueScales(tile.group, key), tile.valueScales, offset);
  });
}

Value TiledQueries::keyComponent(const Tile &tile, const Block &block,
                                 Value offset, Value key, Value component) {
  Value token = b.addIndex(offset, key);
  if (!cache.isPlain()) {
    auto [laneBlock, lane] = splitToken(b, token);
    return b.splat(b.loadScalar(tile.keys, {laneBlock, component, lane}));
  }
  auto [laneBlock, lane] = splitToken(b, b.addIndex(block.place, token));
  return b.splat(b.loadScalar(cache.plainKeys(),
                              {tile.group, laneBlock, component, lane}));
}

Value TiledQueries::valueComponent(const Tile &tile, const Block &block,
                                   Value offset, Value component) {
  if (!cache.isPlain())
    return b.splat(b.loadScalar(tile.values, {offset, component}));
  Value key = b.addIndex(block.place, offset);
  return b.splat(
      b.loadScalar(cache.plainValues(), {tile.group, key, component}));
}

KernelBuilder::Values TiledQueries::queryRows(const Tile &tile, Value lane) {
  Value lastRow = b.addIndex(tile.count, -1);
  Values rows;
  for (int64_t i = 0; i < b.lanes(); ++i)
    rows.push_back(
        b.addIndex(tile.start, minIndex(b.addIndex(lane, i), lastRow)));
  return rows;
}

void TiledQueries::packQueries(const Tile &tile) {
  int64_t lanes = b.lanes();
  b.loop(b.index(0), b.index(vectors * lanes), lanes, [&](Value lane) {
    Values rows = queryRows(tile, lane);
    auto square = [&](Value d, int64_t components) {
      Value mask = components < lanes ? b.maskOf(components) : Value();
      Values matrix;
      for (Value row : rows)
        matrix.push_back(b.load(call.query, {tile.head, row, d}, mask));
      matrix = b.transpose(matrix);
      for (int64_t i = 0; i < components; ++i)
        b.store(matrix[i], tile.queries, {b.addIndex(d, i), lane});
    };
    int64_t full = keyDim / lanes * lanes;
    if (full)
      b.loop(b.index(0), b.index(full), lanes,
             [&](Value d) { square(d, lanes); });
    if (full < keyDim)
      square(b.index(full), keyDim - full);
  });
}

Value TiledQueries::isFullyVisible(const Tile &tile, const Block &block) {
  // range.end may cut keys off for the later queries only; the first query of
  // a causal tile sees keys up to its own.
  Value end = b.addIndex(block.first, keyBlock);
  Value result = compare(arith::CmpIPredicate::sle, end, call.length);
  if (call.isCausal)
    result = both(result, compare(arith::CmpIPredicate::sle, end,
                                  b.addIndex(tile.first, 1)));
  if (call.window)
    result = both(result, compare(arith::CmpIPredicate::sgt, block.first,
                                  b.addIndex(tile.last, -*call.window)));
  if (call.band) {
    result = both(result, compare(arith::CmpIPredicate::sge, block.first,
                                  b.addIndex(tile.last, -*call.band)));
    result = both(result, compare(arith::CmpIPredicate::sle, end,
                                  b.addIndex(tile.first, *call.band + 1)));
  }
  return result;
}

Value TiledQueries::visible(const Tile &tile, Value key, Value position) {
  Value keyLanes = b.splat(toI32(key));
  // Of causal attention the range ends behind the last query's own key.
  Value mask;
  if (!call.isCausal)
    mask = b.splat(compare(arith::CmpIPredicate::slt, key, tile.range.end));
  if (call.isCausal)
    mask = both(mask, compare(arith::CmpIPredicate::sle, keyLanes, position));
  if (call.window) {
    Value window = b.splat(toI32(b.index(*call.window)));
    Value oldest = arith::SubIOp::create(b, position, window);
    mask = both(mask, compare(arith::CmpIPredicate::sgt, keyLanes, oldest));
  }
  if (call.band) {
    Value band = b.splat(toI32(b.index(*call.band)));
    Value oldest = arith::SubIOp::create(b, position, band);
    Value newest = arith::AddIOp::create(b, position, band);
    mask = both(mask, compare(arith::CmpIPredicate::sge, keyLanes, oldest));
    mask = both(mask, compare(arith::CmpIPredicate::sle, keyLanes, newest));
  }
  if (call.valid) {
    Value last = b.addIndex(call.length, -1);
    Value flag = b.loadScalar(call.valid, minIndex(key, last));
    Value zero = arith::ConstantOp::create(b, b.getZeroAttr(flag.getType()));
    mask = both(mask, b.splat(compare(arith::CmpIPredicate::ne, flag, zero)));
  }
  return mask;
}

Value TiledQueries::forSums(int64_t count, Value sums,
                            function_ref<Value(Value)> load,
                            function_ref<Value(Value, Value, Value)> add) {
  return b.unrolled(count, sums, [&](Value i, Value sums) {
    Value number = load(i);
    return b.unrolled(vectors, sums, [&](Value v, Value sums) {
      return b.set(sums, {i, v}, add(v, number, b.get(sums, {i, v})));
    });
  });
}

Value TiledQueries::loadVectors(Type element, function_ref<Value(Value)> load) {
  return b.unrolled(vectors, b.array({vectors}, element),
                    [&](Value v, Value loaded) {
                      return b.set(loaded, v, load(b.mulIndex(v, b.lanes())));
                    });
}

Value TiledQueries::loop(Value end, Value sums,
                         function_ref<Value(Value, Value)> body) {
  return b
      .loop(b.index(0), end, 1, sums,
            [&](Value i, ValueRange args) {
              return Values{body(i, args.front())};
            })
      .front();
}

Value TiledQueries::emitProducts(const Tile &tile, const Block &block,
                                 Value offset, int64_t count) {
  Value zeros = b.filledArray({count, vectors}, b.splat(0.0));
  return loop(b.index(keyDim), zeros, [&](Value d, Value sums) {
    Value queries = loadVectors(b.getF32Type(), [&](Value lane) {
      return b.load(tile.queries, {d, lane});
    });
    return forSums(
        count, sums,
        [&](Value i) { return keyComponent(tile, block, offset, i, d); },
        [&](Value v, Value component, Value sum) {
          return b.fma(component, b.get(queries, v), sum);
        });
  });
}

// The distance falls from one query to the next, so that a register has the
// biases of consecutive distances, the other way round.
Value TiledQueries::loadBias(const Tile &tile, Value key, Value vector) {
  if (!call.bias)
    return {};
  if (call.isBiasByKey)
    return b.splat(b.loadScalar(call.bias, {tile.head, key}));
  int64_t lanes = b.lanes();
  Value last =
      b.addIndex(tile.first, b.addIndex(b.mulIndex(vector, lanes), lanes - 1));
  Value biases = b.load(call.bias, {tile.head, biasPlace(key, last)});
  SmallVector<int64_t> reversed;
  for (int64_t i = lanes; i-- > 0;)
    reversed.push_back(i);
  return vector::ShuffleOp::create(b, biases, biases, reversed);
}

KernelBuilder::Values TiledQueries::emitScores(const Tile &tile,
                                               const Block &block,
                                               ValueRange maxima, bool masked) {
  Value end = masked ? block.count : b.index(keyBlock);
  int64_t full = keyBlock / keysAtOnce * keysAtOnce;
  Value fullEnd = full < keyBlock ? minIndex(end, b.index(full)) : end;
  auto scores = [&](int64_t count) {
    return [&, count](Value offset, ValueRange maxima) {
      return Values{
          emitScoresOf(tile, block, offset, count, maxima.front(), masked)};
    };
  };
  Values result = b.loop(b.index(0), fullEnd, keysAtOnce,
                         b.arrayOf({vectors}, maxima), scores(keysAtOnce));
  if (full < keyBlock)
    result = b.loop(b.index(full), end, keyBlock - full, result,
                    scores(keyBlock - full));
  return b.registersOf(result.front());
}

Value TiledQueries::emitScoresOf(const Tile &tile, const Block &block,
                                 Value offset, int64_t count, Value maxima,
                                 bool masked) {
  Value key = b.addIndex(block.first, offset);
  Value scores = emitProducts(tile, block, offset, count);
  Value positions = b.arrayOf({vectors}, tile.positions);
  return b.unrolled(count, maxima, [&](Value i, Value maxima) {
    Value ofKey = b.splat(scale);
    if (cache.isScaled())
      ofKey = b.splat(b.loadScalar(tile.keyScales, b.addIndex(offset, i)));
    return b.unrolled(vectors, maxima, [&](Value v, Value maxima) {
      Value token = b.addIndex(key, i);
      Value score = b.mul(b.get(scores, {i, v}), ofKey);
      score = chainScores(score, loadBias(tile, token, v));
      if (masked)
        score = maskScores(visible(tile, token, b.get(positions, v)), score);
      b.store(score, tile.scores,
              {b.addIndex(offset, i), b.mulIndex(v, b.lanes())});
      return b.set(maxima, v, b.max(score, b.get(maxima, v)));
    });
  });
}

KernelBuilder::Values TiledQueries::emitProbabilities(const Tile &tile,
                                                      const Block &block,
                                                      ValueRange maxima,
                                                      ValueRange sums) {
  return b.loop(
      b.index(0), block.count, 1, sums, [&](Value key, ValueRange sums) {
        Values next;
        Value weight;
        if (cache.isScaled())
          weight = b.splat(b.loadScalar(tile.valueScales, key));
        for (int64_t v = 0; v < vectors; ++v) {
          Value lane = b.index(v * b.lanes());
          Value score = b.load(tile.scores, {key, lane});
          Value p = b.exp2OfNegative(b.sub(score, maxima[v]));
          b.store(weight ? b.mul(p, weight) : p, tile.scores, {key, lane});
          next.push_back(b.add(sums[v], p));
        }
        return next;
      });
}

void TiledQueries::emitOutput(const Tile &tile, const Block &block,
                              ValueRange correction) {
  int64_t full = valueDim / componentsAtOnce * componentsAtOnce;
  if (full)
    b.loop(b.index(0), b.index(full), componentsAtOnce, [&](Value d) {
      emitOutputChunk(tile, block, correction, d, componentsAtOnce);
    });
  if (full < valueDim)
    emitOutputChunk(tile, block, correction, b.index(full), valueDim - full);
}

void TiledQueries::emitOutputChunk(const Tile &tile, const Block &block,
                                   ValueRange correction, Value component,
                                   int64_t count) {
  auto forOutputs = [&](Value sums,
                        function_ref<Value(Values, Value, Value, Value)> body) {
    return b.unrolled(count, sums, [&](Value i, Value sums) {
      return b.unrolled(vectors, sums, [&](Value v, Value sums) {
        Values place = {b.addIndex(component, i), b.mulIndex(v, b.lanes())};
        return body(place, i, v, sums);
      });
    });
  };
  Value factors = b.arrayOf({vectors}, correction);
  Value sums =
      forOutputs(b.array({count, vectors}, b.getF32Type()),
                 [&](Values place, Value i, Value v, Value sums) {
                   Value output = b.load(tile.output, place);
                   return b.set(sums, {i, v}, b.mul(output, b.get(factors, v)));
                 });
  sums = emitWeightedSums(tile, block, component, count, sums);
  forOutputs(sums, [&](Values place, Value i, Value v, Value sums) {
    b.store(b.get(sums, {i, v}), tile.output, place);
    return sums;
  });
}

Value TiledQueries::emitWeightedSums(const Tile &tile, const Block &block,
                                     Value component, int64_t count,
                                     Value sums) {
  return loop(block.count, sums, [&](Value offset, Value sums) {
    Value probabilities = loadVectors(b.getF32Type(), [&](Value lane) {
      return b.load(tile.scores, {offset, lane});
    });
    return forSums(
        count, sums,
        [&](Value i) {
          return valueComponent(tile, block, offset, b.addIndex(component, i));
        },
        [&](Value v, Value value, Value sum) {
          return b.fma(value, b.get(probabilities, v), sum);
        });
  });
}

void TiledQueries::unpackOutput(const Tile &tile) {
  Values sums = loadState(tile, kSums);
  int64_t lanes = b.lanes(), queries = vectors * lanes;
  int64_t padded = llvm::alignTo(valueDim, lanes);
  Value rows = scratch({queries, padded});
  Value zero = b.splat(0.0);
  for (int64_t v = 0; v < vectors; ++v) {
    Value reciprocal = b.div(b.splat(1.0), sums[v]);
    auto square = [&](Value d, int64_t components) {
      Values matrix;
      for (int64_t i = 0; i < lanes; ++i)
        matrix.push_back(i < components
                             ? b.mul(b.load(tile.output, {b.addIndex(d, i),
                                                          b.index(v * lanes)}),
                                     reciprocal)
                             : zero);
      matrix = b.transpose(matrix);
      for (int64_t i = 0; i < lanes; ++i)
        b.store(matrix[i], rows, {b.index(v * lanes + i), d});
    };
    int64_t full = valueDim / lanes * lanes;
    if (full)
      b.loop(b.index(0), b.index(full), lanes,
             [&](Value d) { square(d, lanes); });
    if (full < valueDim)
      square(b.index(full), valueDim - full);
  }
  b.loop(b.index(0), tile.count, 1, [&](Value row) {
    b.forEachVector(b.getIndexAttr(valueDim), [&](Value d, Value mask) {
      b.store(b.load(rows, {row, d}, mask), out,
              {tile.head, b.addIndex(tile.start, row), d}, mask);
    });
  });
}
