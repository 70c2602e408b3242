//===- Gather.cpp - kernels that look tables up ---------------------------===//

#include "Emitters.h"
#include "tenon/Conversion/BlockWeights.h"

using namespace mlir;
using namespace tenon;
using namespace tenon::rows;

/// The row of a token in a plain table: copied by vectors.
static void emitPlainRow(KernelBuilder &b, Value table, Value id, Value output,
                         Value token) {
  b.forEachVector(lastDim(b, output), [&](Value column, Value mask) {
    b.store(b.load(table, {id, column}, mask), output, {token, column}, mask);
  });
}

/// The row of a token in a table packed for a linear, [P][K/k][n][k]: row id is
/// lane id % n of panel id / n; its elements are n k apart.
static void emitPackedRow(KernelBuilder &b, Value table, Value id, Value output,
                          Value token) {
  auto type = cast<MemRefType>(table.getType());
  int64_t n = type.getDimSize(2), k = type.getDimSize(3);
  int64_t columns = cast<MemRefType>(output.getType()).getDimSize(1);
  Value panel = arith::DivUIOp::create(b, id, b.index(n));
  Value lane = arith::RemUIOp::create(b, id, b.index(n));
  b.loop(b.index(0), b.index(columns / k), 1, [&](Value group) {
    Value first = b.mulIndex(group, k);
    for (int64_t i = 0; i < k; ++i)
      b.storeScalar(b.loadScalar(table, {panel, group, lane, b.index(i)}),
                    output, {token, b.addIndex(first, i)});
  });
  for (int64_t column = columns / k * k; column < columns; ++column)
    b.storeScalar(b.loadScalar(table, {panel, b.index(column / k), lane,
                                       b.index(column % k)}),
                  output, {token, b.index(column)});
}

/// The row of a token in a table of superblocks: of each chunk the four bytes
/// of the row's column.
static void emitBlockRow(KernelBuilder &b, Value table, Value id, Value output,
                         Value token) {
  BlockWeights weights(b, table);
  const Superblock &format = weights.getSuperblock();
  int64_t columns = cast<MemRefType>(output.getType()).getDimSize(1);
  int64_t panelColumns = weights.panelColumns();
  Value panel = arith::DivUIOp::create(b, id, b.index(panelColumns));
  Value column = arith::RemUIOp::create(b, id, b.index(panelColumns));
  auto [vector, lane] = weights.vectorOf(column);
  VectorType four = VectorType::get({4}, b.getF32Type());
  auto ofLane = [&](Value value) -> Value {
    return vector::ExtractOp::create(b, value, lane);
  };
  auto emitGroup = [&](Value superblock, Value group, Value first,
                       int64_t count) {
    WeightGroup place = {panel, superblock, group};
    int64_t perScale = Superblock::kChunks / format.scalesPerGroup;
    Value scale, minimum;
    for (int64_t chunk = 0; 4 * chunk < count; ++chunk) {
      if (chunk % perScale == 0) {
        scale = ofLane(weights.scale(place, vector, chunk / perScale));
        if (Value lowest = weights.minimum(place, vector, chunk / perScale))
          minimum = ofLane(lowest);
      }
      Value words =
          vector::BitCastOp::create(b, b.vectorType(b.getI32Type()),
                                    weights.integers(place, vector, chunk));
      Value word = vector::FromElementsOp::create(
          b, VectorType::get({1}, b.getI32Type()), ofLane(words));
      Value bytes = vector::BitCastOp::create(
          b, VectorType::get({4}, b.getI8Type()), word);
      Value numbers = arith::UIToFPOp::create(
          b, four,
          arith::ExtUIOp::create(b, VectorType::get({4}, b.getI32Type()),
                                 bytes));
      auto splat = [&](Value scalar) -> Value {
        return vector::BroadcastOp::create(b, four, scalar);
      };
      numbers = b.sub(numbers, splat(b.f32(format.zero)));
      numbers = b.mul(numbers, splat(scale));
      if (minimum)
        numbers = b.add(numbers, splat(minimum));
      for (int64_t i = 0; i < std::min<int64_t>(4, count - 4 * chunk); ++i)
        b.storeScalar(vector::ExtractOp::create(b, numbers, i), output,
                      {token, b.addIndex(first, 4 * chunk + i)});
    }
  };
  constexpr int64_t kGroup = Superblock::kGroup;
  int64_t full = columns / kGroup;
  b.loop(b.index(0), b.index(full), 1, [&](Value i) {
    Value superblock = arith::DivUIOp::create(b, i, b.index(format.groups));
    Value group = arith::RemUIOp::create(b, i, b.index(format.groups));
    emitGroup(superblock, group, b.mulIndex(i, kGroup), kGroup);
  });
  if (columns % kGroup)
    emitGroup(b.index(full / format.groups), b.index(full % format.groups),
              b.index(full * kGroup), columns % kGroup);
}

void rows::emit(KernelBuilder &b, EmbeddingOp op) {
  Value output = op.getOut(), table = op.getTable();
  auto type = cast<MemRefType>(table.getType());
  auto emitRow = isa<SuperblockType>(type.getElementType()) ? emitBlockRow
                 : type.getRank() == 4                      ? emitPackedRow
                                                            : emitPlainRow;
  b.loopNest(leadingDims(b, output), [&](ValueRange row) {
    Value id = b.loadScalar(op.getIds(), row);
    id = arith::IndexCastOp::create(b, b.getIndexType(), id);
    emitRow(b, table, id, output, row[0]);
  });
}

void rows::emit(KernelBuilder &b, PositionsOp op) {
  Value output = op.getOut();
  b.loop(b.index(0), b.materialize(b.dim(output, 0)), 1, [&](Value token) {
    Value position = token;
    if (Value first = op.getPosition(); first && first.getType().isIndex())
      position = b.addIndex(first, token);
    else if (first)
      position = arith::IndexCastOp::create(b, b.getIndexType(),
                                            b.loadScalar(first, token));
    position = b.addIndex(position, op.getOffset().value_or(0));
    Value id = arith::IndexCastOp::create(b, b.getI32Type(), position);
    memref::StoreOp::create(b, id, output, token);
  });
}

/// Neighbours (x_{2j}, x_{2j+1}) turned together: the registers at 2j of a
/// head's row, two at a time, are parted into even and odd components.
static void rotateNeighbours(KernelBuilder &b, RopeOp op, int64_t pairs,
                             ValueRange row, Value position) {
  Value input = op.getInput(), output = op.getOut(), table = op.getTable();
  int64_t lanes = b.lanes();
  auto place = [&](Value column) {
    KernelBuilder::Values indices(row);
    indices.push_back(column);
    return indices;
  };
  auto scalarPair = [&](Value j) {
    Value even = b.mulIndex(j, 2), odd = b.addIndex(even, 1);
    Value cosine = b.loadScalar(table, {position, j});
    Value sine = b.loadScalar(table, {position, b.addIndex(j, pairs)});
    Value x = b.loadScalar(input, place(even));
    Value y = b.loadScalar(input, place(odd));
    b.storeScalar(b.sub(b.mul(x, cosine), b.mul(y, sine)), output, place(even));
    b.storeScalar(b.add(b.mul(y, cosine), b.mul(x, sine)), output, place(odd));
  };
  SmallVector<int64_t> evens, odds, low, high;
  for (int64_t i = 0; i < lanes; ++i) {
    evens.push_back(2 * i);
    odds.push_back(2 * i + 1);
    int64_t half = i / 2;
    low.push_back(half + (i % 2) * lanes);
    high.push_back(half + lanes / 2 + (i % 2) * lanes);
  }
  auto shuffle = [&](Value a, Value c, ArrayRef<int64_t> mask) -> Value {
    return vector::ShuffleOp::create(b, a, c, mask);
  };
  int64_t whole = pairs / lanes * lanes;
  b.loop(b.index(0), b.index(whole), lanes, [&](Value j) {
    Value first = b.mulIndex(j, 2), second = b.addIndex(first, lanes);
    Value cosine = b.load(table, {position, j});
    Value sine = b.load(table, {position, b.addIndex(j, pairs)});
    Value a = b.load(input, place(first)), c = b.load(input, place(second));
    Value x = shuffle(a, c, evens), y = shuffle(a, c, odds);
    Value rotatedX = b.sub(b.mul(x, cosine), b.mul(y, sine));
    Value rotatedY = b.add(b.mul(y, cosine), b.mul(x, sine));
    b.store(shuffle(rotatedX, rotatedY, low), output, place(first));
    b.store(shuffle(rotatedX, rotatedY, high), output, place(second));
  });
  b.loop(b.index(whole), b.index(pairs), 1, scalarPair);
}

void rows::emit(KernelBuilder &b, RopeOp op) {
  Value input = op.getInput(), output = op.getOut(), table = op.getTable();
  int64_t pairs = cast<MemRefType>(table.getType()).getDimSize(1) / 2;
  int64_t size = cast<MemRefType>(input.getType()).getDimSize(2);
  // Tokens outside, heads inside: a row of the table serves every head.
  b.loopNest({b.dim(output, 1)}, [&](ValueRange tokens) {
    Value token = tokens[0], position = token;
    if (Value first = op.getPosition(); first && first.getType().isIndex())
      position = b.addIndex(first, token);
    else if (first)
      position = arith::IndexCastOp::create(b, b.getIndexType(),
                                            b.loadScalar(first, token));
    b.loopNest({b.dim(output, 0)}, [&](ValueRange heads) {
      Value head = heads[0];
      if (op.getInterleaved())
        rotateNeighbours(b, op, pairs, {head, token}, position);
      else
        b.forEachVector(b.getIndexAttr(pairs), [&](Value j, Value mask) {
          Value other = b.addIndex(j, pairs);
          Value cosine = b.load(table, {position, j}, mask);
          Value sine = b.load(table, {position, other}, mask);
          Value x = b.load(input, {head, token, j}, mask);
          Value y = b.load(input, {head, token, other}, mask);
          Value rotatedX = b.sub(b.mul(x, cosine), b.mul(y, sine));
          Value rotatedY = b.add(b.mul(y, cosine), b.mul(x, sine));
          b.store(rotatedX, output, {head, token, j}, mask);
          b.store(rotatedY, output, {head, token, other}, mask);
        });
      if (2 * pairs < size)
        b.forEachVector(b.getIndexAttr(size - 2 * pairs),
                        [&](Value j, Value mask) {
                          Value rest = b.addIndex(j, 2 * pairs);
                          b.store(b.load(input, {head, token, rest}, mask),
                                  output, {head, token, rest}, mask);
                        });
    });
  });
}
