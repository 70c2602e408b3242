//===- AttentionGradient.cpp - kernel of what goes back through attention -===//
//
// FlashAttention-2's way back (arXiv:2307.08691): probabilities are computed
// again block by block and never stored. A task has a head of keys and the
// query heads that share it, so that sums over queries need no atomic
// operations and their order is fixed (I5): query heads, blocks of queries and
// queries in order.
//
// For a block of queries, first what each row's exponents sum up to; then, for
// each block of keys, with all products in register tiles:
//
//   P = 2^(S - log2 of the sum)        S = scale Q Kᵀ log2 e, masked
//   dS = P (dO Vᵀ - rowsum(dO O)) scale
//   dV += Pᵀ dO,  dQ += dS K,  dK += dSᵀ Q
//
// Where the paper keeps the logarithms from the way forward, they are computed
// again here, one product of six: then attention's own kernel is the same for
// what learns and what doesn't.
//
//===----------------------------------------------------------------------===//

#include "RegisterTiles.h"
#include "TrainingEmitters.h"

using namespace mlir;
using namespace tenon;
using namespace tenon::rows;

/// Queries and keys of a block, whole tiles of 6 or 12 rows: its scores and
/// their gradients take 18 KiB, and of heads of 64 its keys and values 12 each.
static constexpr int64_t kQueries = 48, kKeys = 48;
static constexpr double kLog2E = 1.44269504088896340736;

namespace {

class AttentionGradientKernel {
  using Values = KernelBuilder::Values;

public:
  AttentionGradientKernel(KernelBuilder &b, AttentionGradientOp op);
  void emit();

private:
  /// A block of queries of a head, and the keys that they see.
  struct Queries {
    Value head, first, count;
    Value begin, end;
  };
  /// A block of keys of the head at hand.
  struct Keys {
    Value first, count;
  };

  void emitQueries(Value head, Value first);
  /// Copies a block's rows of a head tensor to scratch.
  void copyHead(Value from, Value head, Value first, Value count, Value to);
  /// Copies the block's keys, zeros behind them, and transposes them; or its
  /// values, which are read as columns alone.
  void loadKeys(const Keys &keys);
  void loadValues(const Keys &keys);
  void transposeBlock(Value rows, int64_t dim, Value columns);
  void emitSums(const Queries &queries);
  void emitGradients(const Queries &queries, const Keys &keys);
  /// out = x yᵀ for the block's queries and keys, y in columns.
  void multiply(Value x, Value columns, int64_t dim, Value rows, Value out);
  /// out[place + j] += sum_i weights[i][j] x[i] over the block's queries.
  void addToKeys(Value out, const Queries &queries, const Keys &keys,
                 Value weights, Value x, int64_t dim);
  void forEachKeyBlock(const Queries &queries,
                       function_ref<void(const Keys &)> body);
  /// Which of a register of keys a query sees.
  Value visible(const Queries &queries, const Keys &keys, Value row,
                Value column);
  /// Under a cap, its tanh; else null.
  Value capped(Value product);
  /// In units of log 2.
  Value score(Value product, Value tanh);
  void clear(Value memref, Value head, Value first, Value count);
  Value scratch(ArrayRef<int64_t> shape, StringRef purpose) {
    return b.scratch(shape, b.getF32Type(), purpose);
  }
  Value toI32(Value index) {
    return arith::IndexCastOp::create(b, b.getI32Type(), index);
  }

  KernelBuilder &b;
  AttentionGradientOp op;
  RegisterTiles tiles;
  int64_t keyDim, valueDim;
  double scale, cap;
  Value dq, dk, dv;
  /// The head of keys at hand.
  Value group;
  /// Of a block: [kQueries][D], [kQueries][Dv], [kKeys][D], [D][kKeys],
  /// [kKeys][Dv], [Dv][kKeys].
  Value queryRows, gradientRows, keyRows, keyColumns, valueRows, valueColumns;
  /// [kQueries][kKeys]: products, then probabilities; gradients of scores.
  Value scores, slopes;
  /// Of each query: the largest score, the sum of its powers, then the
  /// logarithm of all, and the product of gradient and output.
  Value maxima, sums, products;
};

} // namespace

AttentionGradientKernel::AttentionGradientKernel(KernelBuilder &b,
                                                 AttentionGradientOp op)
    : b(b), op(op), tiles(b) {
  keyDim = cast<MemRefType>(op.getKey().getType()).getDimSize(2);
  valueDim = cast<MemRefType>(op.getValue().getType()).getDimSize(2);
  scale = op.getScale().convertToDouble();
  cap = op.getCap() ? op.getCap()->convertToDouble() : 0;
  dq = op.getOuts()[0];
  dk = op.getOuts()[1];
  dv = op.getOuts()[2];
  // Tiles read whole vectors of these.
  int64_t width = tiles.width();
  int64_t keyWidth = llvm::alignTo(keyDim, width);
  int64_t valueWidth = llvm::alignTo(valueDim, width);
  queryRows = scratch({kQueries, keyWidth}, "queries");
  gradientRows = scratch({kQueries, valueWidth}, "gradients");
  keyRows = scratch({kKeys, keyWidth}, "keys");
  keyColumns = scratch({keyWidth, kKeys}, "key columns");
  valueRows = scratch({kKeys, valueWidth}, "values");
  valueColumns = scratch({valueWidth, kKeys}, "value columns");
  scores = scratch({kQueries, kKeys}, "scores");
  slopes = scratch({kQueries, kKeys}, "slopes");
  maxima = scratch({kQueries}, "maxima");
  sums = scratch({kQueries}, "sums");
  products = scratch({kQueries}, "products");
}

void AttentionGradientKernel::emit() {
  Value zero = b.index(0), keys = b.materialize(b.dim(op.getKey(), 1));
  int64_t heads = cast<MemRefType>(op.getQuery().getType()).getDimSize(0);
  int64_t groups = cast<MemRefType>(op.getKey().getType()).getDimSize(0);
  b.loop(zero, b.index(groups), 1, [&](Value of) {
    group = of;
    clear(dk, group, zero, keys);
    clear(dv, group, zero, keys);
    Value firstHead = b.mulIndex(group, heads / groups);
    b.loop(zero, b.index(heads / groups), 1, [&](Value shared) {
      Value head = arith::AddIOp::create(b, firstHead, shared);
      b.loop(zero, b.materialize(b.dim(op.getQuery(), 1)), kQueries,
             [&](Value first) { emitQueries(head, first); });
    });
  });
}

void AttentionGradientKernel::clear(Value memref, Value head, Value first,
                                    Value count) {
  Value zero = b.splat(0.0);
  b.loop(b.index(0), count, 1, [&](Value row) {
    b.forEachVector(b.dim(memref, 2), [&](Value column, Value mask) {
      b.store(zero, memref, {head, b.addIndex(first, row), column}, mask);
    });
  });
}

void AttentionGradientKernel::copyHead(Value from, Value head, Value first,
                                       Value count, Value to) {
  b.loop(b.index(0), count, 1, [&](Value row) {
    b.forEachVector(b.dim(from, 2), [&](Value column, Value mask) {
      b.store(b.load(from, {head, b.addIndex(first, row), column}, mask), to,
              {row, column});
    });
  });
}

void AttentionGradientKernel::transposeBlock(Value rows, int64_t dim,
                                             Value columns) {
  // Squares: what stands behind a row's end goes to columns behind the last.
  Matrix from = {rows, {}};
  int64_t padded = llvm::alignTo(dim, b.lanes());
  tiles.forEachPanel(kKeys, [&](Value key, int64_t width) {
    tiles.copyColumns(from, b.index(0), b.index(padded), key, width,
                      /*tail=*/0, columns, key);
  });
}

/// Zeros behind the keys, so that nothing there is no number.
static void padRows(KernelBuilder &b, Value rows, Value count, int64_t dim) {
  Value zero = b.splat(0.0);
  b.loop(count, b.index(kKeys), 1, [&](Value row) {
    b.forEachVector(b.getIndexAttr(llvm::alignTo(dim, b.lanes())),
                    [&](Value column, Value) {
                      b.store(zero, rows, {row, column});
                    });
  });
}

void AttentionGradientKernel::loadKeys(const Keys &keys) {
  copyHead(op.getKey(), group, keys.first, keys.count, keyRows);
  padRows(b, keyRows, keys.count, keyDim);
  transposeBlock(keyRows, keyDim, keyColumns);
}

void AttentionGradientKernel::loadValues(const Keys &keys) {
  copyHead(op.getValue(), group, keys.first, keys.count, valueRows);
  padRows(b, valueRows, keys.count, valueDim);
  transposeBlock(valueRows, valueDim, valueColumns);
}

void AttentionGradientKernel::multiply(Value x, Value columns, int64_t dim,
                                       Value rows, Value out) {
  tiles.forEachPanel(kKeys, [&](Value column, int64_t width) {
    tiles.forEachTile(rows, [&](Value row, int64_t height) {
      tiles.addTile({out, {}}, row, column, height, width, columns, column,
                    b.index(dim), RegisterTiles::Begin::Zero,
                    [&](int64_t i, Value k) {
                      return b.loadScalar(x, {b.addIndex(row, i), k});
                    });
    });
  });
}

void AttentionGradientKernel::forEachKeyBlock(
    const Queries &queries, function_ref<void(const Keys &)> body) {
  Value all = b.materialize(b.dim(op.getKey(), 1));
  b.loop(queries.begin, queries.end, kKeys, [&](Value first) {
    body(Keys{first, tiles.rest(all, first, kKeys)});
  });
}

Value AttentionGradientKernel::visible(const Queries &queries, const Keys &keys,
                                       Value row, Value column) {
  auto compare = [&](arith::CmpIPredicate predicate, Value x, Value y) {
    return Value(arith::CmpIOp::create(b, predicate, x, y));
  };
  auto both = [&](Value x, Value y) {
    return Value(arith::AndIOp::create(b, x, y));
  };
  SmallVector<int32_t> counting(b.lanes());
  std::iota(counting.begin(), counting.end(), 0);
  Value lanes = arith::ConstantOp::create(
      b, DenseElementsAttr::get(b.vectorType(b.getI32Type()),
                                ArrayRef<int32_t>(counting)));
  Value key = arith::AddIOp::create(
      b, b.splat(toI32(b.addIndex(keys.first, column))), lanes);
  Value query = b.splat(toI32(b.addIndex(queries.first, row)));
  Value end = b.splat(toI32(b.addIndex(keys.first, keys.count)));
  Value mask = compare(arith::CmpIPredicate::slt, key, end);
  if (op.getCausal())
    mask = both(mask, compare(arith::CmpIPredicate::sle, key, query));
  Value back = arith::SubIOp::create(b, query, key);
  if (op.getWindow())
    mask = both(mask, compare(arith::CmpIPredicate::slt, back,
                              b.splatI32(*op.getWindow())));
  if (op.getBand()) {
    Value ahead = arith::SubIOp::create(b, key, query);
    Value band = b.splatI32(*op.getBand());
    mask = both(mask, compare(arith::CmpIPredicate::sle, back, band));
    mask = both(mask, compare(arith::CmpIPredicate::sle, ahead, band));
  }
  return mask;
}

Value AttentionGradientKernel::capped(Value product) {
  return cap > 0 ? b.tanh(b.mul(product, b.splat(scale / cap))) : Value();
}

Value AttentionGradientKernel::score(Value product, Value tanh) {
  return tanh ? b.mul(tanh, b.splat(cap * kLog2E))
              : b.mul(product, b.splat(scale * kLog2E));
}

/// Of each query the base-2 logarithm of the sum of its powers, in `sums`.
void AttentionGradientKernel::emitSums(const Queries &queries) {
  Value zero = b.index(0);
  // Finite, so that differences to hidden scores are numbers.
  Value lowest = b.f32(-1e30);
  b.loop(zero, queries.count, 1, [&](Value row) {
    b.storeScalar(lowest, maxima, row);
    b.storeScalar(b.f32(0.0), sums, row);
  });
  forEachKeyBlock(queries, [&](const Keys &keys) {
    loadKeys(keys);
    multiply(queryRows, keyColumns, keyDim, queries.count, scores);
    b.loop(zero, queries.count, 1, [&](Value row) {
      Values most = b.forEachVector(
          b.getIndexAttr(kKeys), b.splat(lowest),
          [&](Value column, Value, ValueRange args) {
            Value product = b.load(scores, {row, column});
            Value s = arith::SelectOp::create(
                b, visible(queries, keys, row, column),
                score(product, capped(product)), b.splat(lowest));
            b.store(s, scores, {row, column});
            return Values{b.max(args[0], s)};
          });
      Value before = b.loadScalar(maxima, row);
      Value maximum = b.max(before, b.reduceMax(most[0]));
      Value shift = b.splat(maximum);
      Values powers = b.forEachVector(
          b.getIndexAttr(kKeys), b.splat(0.0),
          [&](Value column, Value, ValueRange args) {
            Value s = b.load(scores, {row, column});
            return Values{b.add(args[0], b.exp2(b.sub(s, shift)))};
          });
      Value sum =
          b.mul(b.loadScalar(sums, row), b.exp2(b.sub(before, maximum)));
      b.storeScalar(b.add(sum, b.reduceAdd(powers[0])), sums, row);
      b.storeScalar(maximum, maxima, row);
    });
  });
  b.loop(zero, queries.count, 1, [&](Value row) {
    Value logarithm = b.mul(b.log(b.loadScalar(sums, row)), b.f32(kLog2E));
    b.storeScalar(b.add(b.loadScalar(maxima, row), logarithm), sums, row);
  });
}

void AttentionGradientKernel::addToKeys(Value out, const Queries &queries,
                                        const Keys &keys, Value weights,
                                        Value x, int64_t dim) {
  tiles.forEachPanel(dim, [&](Value column, int64_t width) {
    tiles.forEachTile(keys.count, [&](Value key, int64_t height) {
      tiles.addTile({out, {group}}, b.addIndex(keys.first, key), column, height,
                    width, x, column, queries.count,
                    RegisterTiles::Begin::Memory, [&](int64_t j, Value i) {
                      return b.loadScalar(weights, {i, b.addIndex(key, j)});
                    });
    });
  });
}

void AttentionGradientKernel::emitGradients(const Queries &queries,
                                            const Keys &keys) {
  loadKeys(keys);
  loadValues(keys);
  multiply(queryRows, keyColumns, keyDim, queries.count, scores);
  multiply(gradientRows, valueColumns, valueDim, queries.count, slopes);
  Value factor = b.splat(scale), one = b.splat(1.0), none = b.splat(0.0);
  b.loop(b.index(0), queries.count, 1, [&](Value row) {
    Value logarithm = b.splat(b.loadScalar(sums, row));
    Value mean = b.splat(b.loadScalar(products, row));
    b.forEachVector(b.getIndexAttr(kKeys), [&](Value column, Value) {
      Value product = b.load(scores, {row, column});
      Value tanh = capped(product);
      Value p = arith::SelectOp::create(
          b, visible(queries, keys, row, column),
          b.exp2(b.sub(score(product, tanh), logarithm)), none);
      b.store(p, scores, {row, column});
      Value slope =
          b.mul(b.mul(p, b.sub(b.load(slopes, {row, column}), mean)), factor);
      if (tanh)
        slope = b.mul(slope, b.sub(one, b.mul(tanh, tanh)));
      b.store(slope, slopes, {row, column});
    });
  });
  addToKeys(dv, queries, keys, scores, gradientRows, valueDim);
  addToKeys(dk, queries, keys, slopes, queryRows, keyDim);
  tiles.forEachPanel(keyDim, [&](Value column, int64_t width) {
    tiles.forEachTile(queries.count, [&](Value row, int64_t height) {
      tiles.addTile({dq, {queries.head}}, b.addIndex(queries.first, row),
                    column, height, width, keyRows, column, keys.count,
                    RegisterTiles::Begin::Memory, [&](int64_t i, Value j) {
                      return b.loadScalar(slopes, {b.addIndex(row, i), j});
                    });
    });
  });
}

void AttentionGradientKernel::emitQueries(Value head, Value first) {
  Value zero = b.index(0);
  Value all = b.materialize(b.dim(op.getKey(), 1));
  Value count =
      tiles.rest(b.materialize(b.dim(op.getQuery(), 1)), first, kQueries);
  Queries queries = {head, first, count, zero, all};
  auto limit = [&](int64_t ahead) {
    Value end = b.addIndex(b.addIndex(first, count), ahead);
    queries.end = arith::MinSIOp::create(b, queries.end, end);
  };
  if (op.getCausal())
    limit(0);
  if (op.getBand())
    limit(*op.getBand());
  if (op.getWindow() || op.getBand()) {
    Value begin =
        b.addIndex(first, op.getWindow() ? 1 - int64_t(*op.getWindow())
                                         : -int64_t(*op.getBand()));
    begin = arith::MaxSIOp::create(b, begin, zero);
    queries.begin =
        b.mulIndex(arith::DivUIOp::create(b, begin, b.index(kKeys)), kKeys);
  }
  copyHead(op.getQuery(), head, first, count, queryRows);
  copyHead(op.getGradient(), head, first, count, gradientRows);
  clear(dq, head, first, count);
  b.loop(zero, count, 1, [&](Value row) {
    Values sum = b.forEachVector(
        b.getIndexAttr(valueDim), b.splat(0.0),
        [&](Value column, Value mask, ValueRange args) {
          Value o = b.load(op.getOutput(),
                           {head, b.addIndex(first, row), column}, mask);
          Value d = b.load(gradientRows, {row, column}, mask);
          return Values{b.fma(o, d, args[0])};
        });
    b.storeScalar(b.reduceAdd(sum[0]), products, row);
  });
  emitSums(queries);
  forEachKeyBlock(queries,
                  [&](const Keys &keys) { emitGradients(queries, keys); });
}

void rows::emit(KernelBuilder &b, AttentionGradientOp op) {
  AttentionGradientKernel(b, op).emit();
}
