//===- AppendKV.cpp - keys and values to cache blocks ---------------------===//
//
// Whole blocks of 16 tokens are transposed in registers; tokens of blocks that
// a call fills in part are written one by one. What is written does not depend
// on which of the two it is.
//
//===----------------------------------------------------------------------===//

#include "AttentionKernel.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace tenon;
using namespace tenon::attention;

using Values = KernelBuilder::Values;

namespace {

/// One by one and whole blocks of 16: numbers of f32 and f16, and int8.
class Append {
public:
  Append(KernelBuilder &b, AppendKVOp op)
      : b(b), key(op.getKey()), value(op.getValue()), keys(op.getKeys()),
        values(op.getValues()), position(op.getPosition()),
        blocks(*CacheBlocks::get(cast<MemRefType>(keys.getType()),
                                 cast<MemRefType>(values.getType()))),
        keyDim(cast<MemRefType>(key.getType()).getDimSize(2)),
        valueDim(blocks.valueDim), isScaled(blocks.element.isInteger()),
        isRing(op.getRing()) {
    if (isScaled) {
      keys = ElementBytesOp::create(b, keys);
      values = ElementBytesOp::create(b, values);
    }
  }

  virtual ~Append() = default;
  void emit();

protected:
  virtual void emitToken(Value group, Value token);
  virtual void emitBlock(Value group, Value token);
  /// Where the cache has a token of the call.
  Value placeOf(Value token);

  KernelBuilder &b;
  Value key, value, keys, values, position;
  CacheBlocks blocks;
  int64_t keyDim, valueDim;

private:
  /// How the numbers of one token become bytes: q = x * inverse.
  struct Scale {
    Value scale, inverse;
  };

  void emitTokens(Value group, Value begin, Value end);
  /// The scale of numbers that are this large at most; of a register or one.
  Scale makeScale(Value largest);
  Scale scaleOfToken(Value rows, int64_t dim, Value group, Value token);
  /// A number as memory has it, in f32 or, for bytes, i32.
  Value round(Value number, Value inverse);
  void storeScale(Value bytes, int64_t dim, Value group, Value token,
                  Value scale);
  void storeKey(Value group, Value block, Value lane, Value token);
  void storeValue(Value group, Value token);
  void forEachSquare(function_ref<void(Value component, int64_t count)> body);

  bool isScaled, isRing;
};

/// Pairs of bf16, as they come: of components of keys, of tokens of values.
class AppendPairs : public Append {
public:
  using Append::Append;

protected:
  void emitToken(Value group, Value token) override;
  void emitBlock(Value group, Value token) override;

private:
  int64_t pairsAt(int64_t d) const {
    return llvm::divideCeilSigned(std::min(keyDim - d, 2 * b.lanes()), 2);
  }
  Value loadWords(Value group, Value token, int64_t d) {
    return loadWordsOfPairs(b, key, {group, token, b.index(d)},
                            std::min(keyDim - d, 2 * b.lanes()));
  }
};

} // namespace

void Append::emit() {
  b.loopNest({b.dim(key, 0)}, [&](ValueRange indices) {
    Value group = indices[0], tokens = b.materialize(b.dim(key, 1));
    if (cast<MemRefType>(key.getType()).getDimSize(1) == 1)
      return emitToken(group, b.index(0));
    // Tokens up to a block's begin, whole blocks, and what is left.
    Value ahead =
        arith::AndIOp::create(b, arith::SubIOp::create(b, b.index(0), position),
                              b.index(kLaneBlock - 1));
    Value first = arith::MinSIOp::create(b, ahead, tokens);
    Value left = arith::SubIOp::create(b, tokens, first);
    Value whole = arith::AndIOp::create(b, left, b.index(-kLaneBlock));
    Value last = b.addIndex(first, whole);
    emitTokens(group, b.index(0), first);
    b.loop(first, last, kLaneBlock,
           [&](Value token) { emitBlock(group, token); });
    emitTokens(group, last, tokens);
  });
}

Value Append::placeOf(Value token) {
  Value place = b.addIndex(position, token);
  if (!isRing)
    return place;
  return arith::RemUIOp::create(b, place, b.index(blocks.capacity));
}

void Append::emitTokens(Value group, Value begin, Value end) {
  b.loop(begin, end, 1, [&](Value token) { emitToken(group, token); });
}

Append::Scale Append::makeScale(Value largest) {
  auto one = [&](double c) { return b.constantLike(c, largest); };
  Value isZero =
      arith::CmpFOp::create(b, arith::CmpFPredicate::OEQ, largest, one(0.0));
  Value inverse =
      arith::SelectOp::create(b, isZero, one(0.0), b.div(one(127.0), largest));
  return {b.mul(largest, one(1.0 / 127)), inverse};
}

Append::Scale Append::scaleOfToken(Value rows, int64_t dim, Value group,
                                   Value token) {
  Values largest = b.forEachVector(
      b.getIndexAttr(dim), b.splat(0.0),
      [&](Value d, Value mask, ValueRange args) {
        Value x = b.load(rows, {group, token, d}, mask);
        return Values{b.max(math::AbsFOp::create(b, x), args[0])};
      });
  return makeScale(b.reduceMax(largest[0]));
}

Value Append::round(Value number, Value inverse) {
  if (isScaled)
    return b.roundToInteger(b.mul(number, inverse));
  if (!blocks.element.isF16())
    return number;
  // What passes the range goes to its ends; a NaN stays one.
  constexpr double kLargest = 65504;
  number = b.max(b.constantLike(-kLargest, number), number);
  return b.min(b.constantLike(kLargest, number), number);
}

void Append::storeScale(Value bytes, int64_t dim, Value group, Value token,
                        Value scale) {
  auto [block, lane] = splitToken(b, token);
  Value offset = b.addIndex(b.mulIndex(lane, sizeof(float)), kLaneBlock * dim);
  auto vector = dyn_cast<VectorType>(scale.getType());
  if (!vector) {
    vector = VectorType::get({1}, b.getF32Type());
    scale = vector::BroadcastOp::create(b, vector, scale);
  }
  auto raw = VectorType::get({4 * vector.getDimSize(0)}, b.getI8Type());
  vector::StoreOp::create(b, vector::BitCastOp::create(b, raw, scale), bytes,
                          ValueRange{group, block, offset});
}

void Append::storeKey(Value group, Value block, Value lane, Value token) {
  Scale scale;
  if (isScaled) {
    scale = scaleOfToken(key, keyDim, group, token);
    storeScale(keys, keyDim, group, placeOf(token), scale.scale);
  }
  // A block's lines stay in the first cache level while its 16 tokens come.
  b.loop(b.index(0), b.index(keyDim), 1, [&](Value d) {
    Value number = round(b.loadScalar(key, {group, token, d}), scale.inverse);
    if (!isScaled)
      return b.storeScalar(number, keys, {group, block, d, lane});
    Value place = b.addIndex(b.mulIndex(d, kLaneBlock), lane);
    memref::StoreOp::create(b,
                            arith::TruncIOp::create(b, b.getI8Type(), number),
                            keys, ValueRange{group, block, place});
  });
}

void Append::storeValue(Value group, Value token) {
  Value place = placeOf(token);
  Scale scale;
  Value inverse;
  if (isScaled) {
    scale = scaleOfToken(value, valueDim, group, token);
    storeScale(values, valueDim, group, place, scale.scale);
    inverse = b.splat(scale.inverse);
  }
  b.forEachVector(b.getIndexAttr(valueDim), [&](Value d, Value mask) {
    Value numbers = round(b.load(value, {group, token, d}, mask), inverse);
    if (!isScaled)
      return b.store(numbers, values, {group, place, d}, mask);
    Value bytes =
        arith::TruncIOp::create(b, b.vectorType(b.getI8Type()), numbers);
    auto [block, row] = splitToken(b, place);
    Value column = b.addIndex(b.mulIndex(row, valueDim), d);
    if (!mask) {
      vector::StoreOp::create(b, bytes, values, {group, block, column});
      return;
    }
    // One by one: of a masked store that narrows a single lane to a byte, LLVM
    // makes one of four.
    for (int64_t i = 0; i < valueDim % b.lanes(); ++i)
      memref::StoreOp::create(b, vector::ExtractOp::create(b, bytes, i), values,
                              ValueRange{group, block, b.addIndex(column, i)});
  });
}

void Append::emitToken(Value group, Value token) {
  auto [block, lane] = splitToken(b, placeOf(token));
  storeKey(group, block, lane, token);
  storeValue(group, token);
}

void Append::forEachSquare(function_ref<void(Value, int64_t)> body) {
  int64_t full = keyDim / b.lanes() * b.lanes();
  if (full)
    b.loop(b.index(0), b.index(full), b.lanes(),
           [&](Value d) { body(d, b.lanes()); });
  if (full < keyDim)
    body(b.index(full), keyDim - full);
}

void Append::emitBlock(Value group, Value token) {
  Value first = placeOf(token);
  Value block = splitToken(b, first).first;
  for (int64_t lane = 0; lane < kLaneBlock; lane += b.lanes()) {
    auto square = [&](Value d, int64_t count) {
      Value mask = count < b.lanes() ? b.maskOf(count) : Value();
      Values rows;
      for (int64_t i = 0; i < b.lanes(); ++i)
        rows.push_back(
            b.load(key, {group, b.addIndex(token, lane + i), d}, mask));
      rows = b.transpose(rows);
      rows.resize(count);
      return rows;
    };
    Scale scale;
    if (isScaled) {
      // The largest of each token, tokens in the lanes.
      Value largest = b.splat(0.0);
      int64_t full = keyDim / b.lanes() * b.lanes();
      auto most = [&](Value largest, ValueRange rows) {
        for (Value row : rows)
          largest = b.max(math::AbsFOp::create(b, row), largest);
        return largest;
      };
      if (full)
        largest = b.loop(b.index(0), b.index(full), b.lanes(), largest,
                         [&](Value d, ValueRange args) {
                           return Values{most(args[0], square(d, b.lanes()))};
                         })[0];
      if (full < keyDim)
        largest = most(largest, square(b.index(full), keyDim - full));
      scale = makeScale(largest);
      storeScale(keys, keyDim, group, b.addIndex(first, lane), scale.scale);
    }
    forEachSquare([&](Value d, int64_t count) {
      Values rows = square(d, count);
      for (int64_t i = 0; i < count; ++i) {
        Value numbers = round(rows[i], scale.inverse);
        Value component = b.addIndex(d, i);
        if (!isScaled) {
          b.store(numbers, keys, {group, block, component, b.index(lane)});
          continue;
        }
        Value place = b.addIndex(b.mulIndex(component, kLaneBlock), lane);
        vector::StoreOp::create(
            b, arith::TruncIOp::create(b, b.vectorType(b.getI8Type()), numbers),
            keys, ValueRange{group, block, place});
      }
    });
  }
  b.loop(token, b.addIndex(token, kLaneBlock), 1,
         [&](Value t) { storeValue(group, t); });
}

void AppendPairs::emitToken(Value group, Value token) {
  Value place = placeOf(token), zero = b.index(0);
  auto [block, lane] = splitToken(b, place);
  for (int64_t d = 0; d < keyDim; d += 2 * b.lanes()) {
    Value words = loadWords(group, token, d);
    for (int64_t i = 0; i < pairsAt(d); ++i) {
      Value word = vector::ExtractStridedSliceOp::create(b, words, i, 1, 1);
      Value pair = vector::BitCastOp::create(
          b, VectorType::get({2}, b.getBF16Type()), word);
      vector::StoreOp::create(
          b, pair, keys,
          ValueRange{group, block, b.index(d / 2 + i), lane, zero});
    }
  }
  Value pair = arith::ShRUIOp::create(b, place, b.index(1));
  Value which = arith::AndIOp::create(b, place, b.index(1));
  auto store = [&](Value number, Value d, Value which) {
    memref::StoreOp::create(b, number, values,
                            ValueRange{group, pair, d, which});
  };
  Value nothing =
      arith::ConstantOp::create(b, b.getFloatAttr(b.getBF16Type(), 0.0));
  b.loop(zero, b.index(valueDim), 1, [&](Value d) {
    // An even token's neighbour is 0 until it comes: it is multiplied by 0,
    // and must be a number.
    Value number =
        memref::LoadOp::create(b, value, ValueRange{group, token, d});
    Value isEven =
        arith::CmpIOp::create(b, arith::CmpIPredicate::eq, which, zero);
    store(arith::SelectOp::create(b, isEven, nothing, number), d, b.index(1));
    store(number, d, which);
  });
}

void AppendPairs::emitBlock(Value group, Value token) {
  Value first = placeOf(token), zero = b.index(0);
  Value block = splitToken(b, first).first;
  int64_t lanes = b.lanes();
  for (int64_t d = 0; d < keyDim; d += 2 * lanes) {
    Values rows;
    for (int64_t i = 0; i < kLaneBlock; ++i)
      rows.push_back(loadWords(group, b.addIndex(token, i), d));
    rows = b.transpose(rows);
    for (int64_t i = 0; i < pairsAt(d); ++i)
      vector::StoreOp::create(
          b, vector::BitCastOp::create(b, b.pairsType(), rows[i]), keys,
          ValueRange{group, block, b.index(d / 2 + i), zero, zero});
  }
  SmallVector<int64_t> interleaved;
  for (int64_t i = 0; i < lanes; ++i)
    interleaved.append({i, lanes + i});
  Value firstPair = arith::ShRUIOp::create(b, first, b.index(1));
  VectorType type = b.vectorType(b.getBF16Type());
  Value nothing = arith::ConstantOp::create(b, b.getZeroAttr(type));
  b.loop(zero, b.index(kLaneBlock / 2), 1, [&](Value pair) {
    Value even = b.addIndex(token, b.mulIndex(pair, 2));
    for (int64_t d = 0; d < valueDim; d += lanes) {
      int64_t count = std::min(valueDim - d, lanes);
      auto load = [&](Value t) -> Value {
        Values place = {group, t, b.index(d)};
        if (count == lanes)
          return vector::LoadOp::create(b, type, value, place);
        return vector::MaskedLoadOp::create(b, type, value, place,
                                            b.maskOf(count), nothing);
      };
      Value both = vector::ShuffleOp::create(
          b, load(even), load(b.addIndex(even, 1)), interleaved);
      Values place = {group, b.addIndex(firstPair, pair), b.index(d), zero};
      if (count == lanes) {
        vector::StoreOp::create(b, both, values, place);
        continue;
      }
      Value mask = vector::ConstantMaskOp::create(
          b, b.pairsType().clone(b.getI1Type()), ArrayRef<int64_t>{2 * count});
      vector::MaskedStoreOp::create(b, values, place, mask, both);
    }
  });
}

void attention::emitAppend(KernelBuilder &b, AppendKVOp op) {
  if (cast<MemRefType>(op.getKeys().getType()).getElementType().isBF16())
    AppendPairs(b, op).emit();
  else
    Append(b, op).emit();
}
