//===- TiledPairs.cpp - attention in products of pairs of bf16 ------------===//
//
// The precision of models whose linears take rounded activations anyway:
// queries, keys, values and probabilities in bf16, scores, sums and outputs in
// f32. A pair in scratch is kept as the f32 that has its bits.
//
//===----------------------------------------------------------------------===//

#include "AttentionKernel.h"

using namespace mlir;
using namespace tenon;
using namespace tenon::attention;

using Values = KernelBuilder::Values;

void TiledPairs::allocate(Tile &tile) {
  int64_t queries = vectors * b.lanes();
  int64_t pairs = llvm::divideCeilSigned(keyDim, 2);
  tile.queries = scratch({headsTogether, pairs, queries});
  tile.scores = scratch({keyBlock, queries});
  tile.weights = scratch({keyBlock / 2, queries});
  tile.output = scratch({headsTogether, valueDim, queries});
  tile.state = scratch({headsTogether, 2, queries});
}

void TiledPairs::packQueries(const Tile &tile) {
  int64_t lanes = b.lanes();
  b.loop(b.index(0), b.index(vectors * lanes), lanes, [&](Value lane) {
    Values rows = queryRows(tile, lane);
    for (int64_t d = 0; d < keyDim; d += 2 * lanes) {
      int64_t count = std::min(keyDim - d, 2 * lanes);
      Values matrix;
      for (Value row : rows)
        matrix.push_back(loadWordsOfPairs(b, call.query,
                                          {tile.head, row, b.index(d)}, count));
      matrix = b.transpose(matrix);
      for (int64_t i = 0; i < llvm::divideCeilSigned(count, 2); ++i)
        b.store(matrix[i], tile.queries, {b.index(d / 2 + i), lane});
    }
  });
}

Value TiledPairs::emitProducts(const Tile &tile, const Block &block,
                               Value offset, int64_t count) {
  Value zero = b.index(0);
  int64_t pairs = llvm::divideCeilSigned(keyDim, 2);
  Value zeros = b.filledArray({count, vectors}, b.splat(0.0));
  return loop(b.index(pairs), zeros, [&](Value pair, Value sums) {
    Value queries = loadVectors(b.getBF16Type(), [&](Value lane) -> Value {
      return vector::BitCastOp::create(b, b.pairsType(),
                                       b.load(tile.queries, {pair, lane}));
    });
    return forSums(
        count, sums,
        [&](Value i) {
          auto [laneBlock, lane] =
              splitToken(b, b.addIndex(block.place, b.addIndex(offset, i)));
          return b.loadPair(call.keys,
                            {tile.group, laneBlock, pair, lane, zero});
        },
        [&](Value v, Value key, Value sum) {
          return b.dotPairs(b.get(queries, v), key, sum);
        });
  });
}

Values TiledPairs::emitProbabilities(const Tile &tile, const Block &block,
                                     ValueRange maxima, ValueRange sums) {
  // The last key of an odd count is joined by one that is masked, or by
  // whatever was in scratch: its probability is not summed and its value 0.
  SmallVector<int64_t> interleaved;
  for (int64_t i = 0; i < b.lanes(); ++i)
    interleaved.append({i, b.lanes() + i});
  return b.loop(
      b.index(0), block.count, 2, sums, [&](Value key, ValueRange sums) {
        Value second = b.addIndex(key, 1);
        Value exists =
            b.splat(compare(arith::CmpIPredicate::slt, second, block.count));
        Value pair = arith::ShRUIOp::create(b, key, b.index(1));
        Values next;
        for (int64_t v = 0; v < vectors; ++v) {
          Value lane = b.index(v * b.lanes());
          auto probability = [&](Value place) {
            Value score = b.load(tile.scores, {place, lane});
            return b.exp2OfNegative(b.sub(score, maxima[v]));
          };
          Value p = probability(key);
          Value q = arith::SelectOp::create(b, exists, probability(second),
                                            b.splat(0.0));
          Value both = vector::ShuffleOp::create(
              b, b.fromF32(p, b.getBF16Type()), b.fromF32(q, b.getBF16Type()),
              interleaved);
          b.store(vector::BitCastOp::create(b, b.f32VectorType(), both),
                  tile.weights, {pair, lane});
          next.push_back(b.add(b.add(sums[v], p), q));
        }
        return next;
      });
}

Value TiledPairs::emitWeightedSums(const Tile &tile, const Block &block,
                                   Value component, int64_t count, Value sums) {
  Value one = b.index(1);
  Value pairs = arith::ShRUIOp::create(b, b.addIndex(block.count, 1), one);
  Value firstPair = arith::ShRUIOp::create(b, block.place, one);
  return loop(pairs, sums, [&](Value offset, Value sums) {
    Value pair = b.addIndex(firstPair, offset);
    Value weights = loadVectors(b.getBF16Type(), [&](Value lane) -> Value {
      return vector::BitCastOp::create(b, b.pairsType(),
                                       b.load(tile.weights, {offset, lane}));
    });
    return forSums(
        count, sums,
        [&](Value i) {
          return b.loadPair(
              call.values,
              {tile.group, pair, b.addIndex(component, i), b.index(0)});
        },
        [&](Value v, Value value, Value sum) {
          return b.dotPairs(b.get(weights, v), value, sum);
        });
  });
}
