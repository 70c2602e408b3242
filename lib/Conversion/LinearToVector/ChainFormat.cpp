//===- ChainFormat.cpp - quantized weights without VNNI -------------------===//

#include "ChainFormat.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "tenon/Conversion/Opaque.h"
#include "tenon/Dialect/Tenon/IR/ByteProducts.h"

using namespace mlir;
using namespace tenon;
using namespace tenon::linear;

using Values = KernelBuilder::Values;

std::unique_ptr<WeightFormat> linear::makeChainFormat(KernelBuilder &b,
                                                      Value input, Value weight,
                                                      const LinearPlan &plan,
                                                      int64_t panels,
                                                      int64_t columns) {
  return std::make_unique<ChainFormat>(b, input, weight, plan, panels, columns);
}

ChainFormat::ChainFormat(KernelBuilder &b, Value input, Value weight,
                         const LinearPlan &plan, int64_t panels,
                         int64_t columns)
    : BlockFormat(b, input, weight, plan, panels, columns) {
  const Superblock &format = packed.getSuperblock();
  planes = planesOfBytes(format);
  length = planes == 2 ? chainLength(15) : chainLength(format);
}

//===----------------------------------------------------------------------===//
// Sums in memory
//===----------------------------------------------------------------------===//

bool ChainFormat::usesWords() const {
  return isStreaming && activations.terms() == 2 &&
         prefersWords(packed.getSuperblock());
}

bool ChainFormat::storesSums(size_t rows, size_t vectors) const {
  // Several rows have two sums of words for an output beside its own.
  int64_t sums = rows * vectors * (usesWords() && rows > 1 ? 2 : 1);
  return !isStreaming || sums > plan.registerSums;
}

size_t ChainFormat::StoredSums::placeOf(size_t row,
                                        const WeightVector &vector) const {
  for (auto [i, other] : llvm::enumerate(vectors))
    if (other.panel == vector.panel &&
        other.vector.first == vector.vector.first &&
        other.vector.index == vector.vector.index)
      return row * vectors.size() + i;
  llvm_unreachable("a vector of another sum");
}

WeightFormat::StoredTile ChainFormat::unknownTile() {
  return {stored->tile.sums, makeOpaque(b, stored->tile.number)};
}

void ChainFormat::start(ValueRange rows, ArrayRef<WeightVector> vectors,
                        StoredTile tile) {
  ByteDot dot = getDot();
  for (auto [r, row] : llvm::enumerate(rows)) {
    Value start = b.splat(0.0);
    if (packed.getSuperblock().isPerChannel)
      start = dot.start(activations.field(
          row, b.index(0), offsetof(Int8Group, offsetSum), b.getI32Type()));
    for (size_t i = 0; i < vectors.size(); ++i)
      storeSum(start, tile, r * vectors.size() + i);
  }
}

void ChainFormat::addPart(ValueRange rows, ArrayRef<WeightVector> vectors,
                          StoredTile tile, Value first, Value end) {
  stored = {tile, vectors};
  addAll(rows, vectors, {}, first, end);
  stored.reset();
}

Values ChainFormat::finish(ValueRange rows, ArrayRef<WeightVector> vectors,
                           StoredTile tile) {
  Values sums;
  for (size_t i = 0; i < rows.size() * vectors.size(); ++i)
    sums.push_back(loadSum(tile, i));
  return packed.getSuperblock().isPerChannel ? scaleSums(rows, vectors, sums)
                                             : sums;
}

Values ChainFormat::sum(ValueRange rows, ArrayRef<WeightVector> vectors) {
  if (!storesSums(rows.size(), vectors.size()))
    return BlockFormat::sum(rows, vectors);
  int64_t count = rows.size() * vectors.size();
  StoredTile tile = {b.scratch({1, count, b.lanes()}, sumType(), "sums"),
                     b.index(0)};
  tile.number = makeOpaque(b, tile.number);
  start(rows, vectors, tile);
  addPart(rows, vectors, tile, {}, {});
  tile.number = makeOpaque(b, tile.number);
  return finish(rows, vectors, tile);
}

Values ChainFormat::addMinimums(ValueRange rows, ArrayRef<WeightVector> vectors,
                                Value superblock, Value first,
                                ValueRange sums) {
  if (!stored || !packed.getSuperblock().hasPairedMinimums())
    return BlockFormat::addMinimums(rows, vectors, superblock, first, sums);
  StoredTile tile = unknownTile();
  // Vector by vector: so many products have registers.
  for (const WeightVector &vector : vectors) {
    Values own;
    for (size_t r = 0; r < rows.size(); ++r)
      own.push_back(loadSum(tile, stored->placeOf(r, vector)));
    own = BlockFormat::addMinimums(rows, vector, superblock, first, own);
    for (size_t r = 0; r < rows.size(); ++r)
      storeSum(own[r], tile, stored->placeOf(r, vector));
  }
  return {};
}

//===----------------------------------------------------------------------===//
// A group
//===----------------------------------------------------------------------===//

/// Chains of the outputs of some vectors, and what becomes of them.
class ChainFormat::GroupSums {
public:
  GroupSums(ChainFormat &f, ValueRange rows, ArrayRef<WeightVector> vectors,
            const WeightGroup &place, Value group, Values &sums)
      : f(f), b(f.b), format(f.packed.getSuperblock()), dot(f.getDot()),
        rows(rows), vectors(vectors), place(place), group(group), sums(sums),
        terms(f.activations.terms()), firstHalf(rows.size() * vectors.size()) {
    chains.resize(terms * f.planes * rows.size() * vectors.size());
    integers.resize(terms * rows.size() * vectors.size());
    perHalf = Superblock::kChunks / format.scalesPerGroup;
    if (f.stored)
      tile = f.unknownTile();
    if (!f.usesWords())
      return;
    wordSums.resize(2 * rows.size() * vectors.size());
    if (rows.size() == 1)
      rowWords = f.activations.words(rows.front(), group);
    else
      storedWords = {f.words->sums, makeOpaque(b, f.words->number)};
  }

  /// Adds a chunk to the chains of all outputs. Chunks of a half come together,
  /// those of the first half first.
  void addChunk(int64_t chunk) {
    if (f.usesWords())
      addWords(chunk);
    else
      addBytes(chunk);
    ++added;
    if (added % perHalf == 0)
      finish(added / perHalf - 1);
    else if (!f.usesWords() && added % perHalf % f.length == 0)
      for (size_t output = 0; output < firstHalf.size(); ++output)
        for (int64_t term = 0; term < terms; ++term)
          endChain(term, output);
  }

private:
  size_t outputOf(size_t row, size_t vector) const {
    return row * vectors.size() + vector;
  }
  Value &chainOf(int64_t term, int64_t plane, size_t output) {
    return chains[(output * terms + term) * f.planes + plane];
  }
  Value &integersOf(int64_t term, size_t output) {
    return integers[output * terms + term];
  }

  /// Of a chunk, by vector and plane.
  Values loadWeights(int64_t chunk) {
    Values weights;
    for (const WeightVector &vector : vectors) {
      WeightGroup at = placeOf(place, vector);
      Value all;
      if (!f.unpacked)
        all = f.packed.integers(at, f.packed.vectorAt(vector.vector), chunk);
      for (int64_t plane = 0; plane < f.planes; ++plane)
        weights.push_back(
            f.unpacked ? f.unpacked->integers(at, vector.vector, chunk, plane)
            : f.planes == 1 ? all
                            : halfBytes(b, all, plane));
    }
    return weights;
  }

  void addBytes(int64_t chunk) {
    Values weights = loadWeights(chunk);
    for (auto [r, row] : llvm::enumerate(rows))
      for (int64_t term = 0; term < terms; ++term) {
        Value quad = f.activations.quad(row, group, chunk, term);
        for (size_t i = 0; i < vectors.size(); ++i)
          addProducts(ArrayRef(weights).slice(i * f.planes, f.planes), quad,
                      term, outputOf(r, i));
      }
  }

  /// Both terms at once, as activations of 16 bits: the lower half of a
  /// vector's columns in one sum, the upper one in another, each column's in
  /// two neighbouring lanes.
  void addWords(int64_t chunk) {
    for (auto [i, vector] : llvm::enumerate(vectors)) {
      Value bytes = f.packed.integers(placeOf(place, vector),
                                      f.packed.vectorAt(vector.vector), chunk);
      int64_t count = 2 * b.lanes();
      Values weights;
      for (int64_t half = 0; half < 2; ++half)
        weights.push_back(
            arith::ExtUIOp::create(b, VectorType::get({count}, b.getI16Type()),
                                   vector::ExtractStridedSliceOp::create(
                                       b, bytes, half * count, count, 1)));
      for (size_t r = 0; r < rows.size(); ++r) {
        Value quad = wordQuad(r, chunk);
        for (int64_t half = 0; half < 2; ++half) {
          Value &sum = wordSums[2 * outputOf(r, i) + half];
          sum = makeOpaque(
              b, dot.addPairs(sum ? sum : dot.zeros(), weights[half], quad));
        }
      }
    }
  }

  /// Activations of 16 bits for a chunk, in every column's two lanes.
  Value wordQuad(size_t row, int64_t chunk) {
    if (rowWords)
      return f.activations.wordQuad(rowWords, chunk);
    Value quad = memref::LoadOp::create(
        b, storedWords.sums,
        ValueRange{storedWords.number, b.index(row), b.index(chunk)});
    Value all = vector::BroadcastOp::create(
        b, VectorType::get({b.lanes() / 2}, b.getI64Type()), quad);
    return vector::BitCastOp::create(
        b, VectorType::get({2 * b.lanes()}, b.getI16Type()), all);
  }

  /// A column's two lanes of both sums, added up; they start anew.
  Value takeWordSum(size_t output) {
    Value &lower = wordSums[2 * output], &upper = wordSums[2 * output + 1];
    auto everyOther = [&](int64_t first) {
      SmallVector<int64_t> lanes;
      for (int64_t lane = 0; lane < b.lanes(); ++lane)
        lanes.push_back(2 * lane + first);
      return vector::ShuffleOp::create(b, lower, upper, lanes);
    };
    Value sum = arith::AddIOp::create(b, everyOther(0), everyOther(1));
    lower = upper = {};
    return sum;
  }

  /// Opaque, or LLVM adds products of several chunks in an order of its own,
  /// for which there are not enough registers.
  void addProducts(ArrayRef<Value> weights, Value quad, int64_t term,
                   size_t output) {
    for (int64_t plane = 0; plane < f.planes; ++plane) {
      Value &chain = chainOf(term, plane, output);
      Value product = dot.multiply(weights[plane], quad);
      chain = chain ? makeOpaque(b, arith::AddIOp::create(b, chain, product))
                    : product;
    }
  }

  /// Takes the chains of an output to the sums of 32 bits.
  void endChain(int64_t term, size_t output) {
    int64_t factor = f.unpacked ? f.unpacked->sumFactor() : 1;
    Value &sum = integersOf(term, output);
    for (int64_t plane = 0; plane < f.planes; ++plane) {
      Value &chain = chainOf(term, plane, output);
      sum = dot.addProducts(sum, chain, plane == 0 ? factor : 16 * factor);
      chain = {};
    }
  }

  WeightScales loadScales(int64_t half) {
    return format.isPerChannel ? WeightScales()
                               : f.loadScales(place, vectors, half);
  }

  /// What a row has for half a group: its scale, and where exact sums start.
  struct RowStart {
    RowScale scale;
    Value start;
  };
  RowStart loadRow(size_t r, int64_t half) {
    if (format.isPerChannel)
      return {};
    RowStart row = {f.loadRowScale(rows[r], group, half), {}};
    int64_t offset = format.scalesPerGroup == 2
                         ? offsetof(Int8Group, offsetHalfSums) + 4 * half
                         : offsetof(Int8Group, offsetSum);
    if (format.zero)
      row.start = dot.start(
          f.activations.field(rows[r], group, offset, b.getI32Type()));
    return row;
  }

  /// Ends the chains of a half and adds it to the sums.
  void finish(int64_t half) {
    WeightScales scales = loadScales(half);
    for (size_t r = 0; r < rows.size(); ++r) {
      RowStart row = loadRow(r, half);
      for (size_t i = 0; i < vectors.size(); ++i)
        finishOutput(r, row, i, scales, half);
    }
  }

  void finishOutput(size_t r, const RowStart &row, size_t i,
                    const WeightScales &scales, int64_t half) {
    size_t output = outputOf(r, i);
    Value number = total(output, row.start), &sum = sums[output];
    Value old =
        f.stored ? f.loadSum(tile, f.stored->placeOf(r, vectors[i])) : sum;
    Value next = format.isPerChannel
                     ? arith::AddIOp::create(b, old, number).getResult()
                     : f.addScaled(number, scales, i, row.scale, half,
                                   firstHalf[output], old);
    if (!f.stored)
      sum = next;
    else if (half == format.scalesPerGroup - 1 || row.scale.scaledSum)
      f.storeSum(next, tile, f.stored->placeOf(r, vectors[i]));
  }

  /// The exact sum of an output, from `start` (null: 0) on.
  Value total(size_t output, Value start) {
    Value result;
    if (f.usesWords())
      result = takeWordSum(output);
    for (int64_t term = 0; term < terms && !f.usesWords(); ++term) {
      Value &sum = integersOf(term, output);
      if (chainOf(term, 0, output))
        endChain(term, output);
      if (result)
        sum = arith::AddIOp::create(
            b,
            arith::ShLIOp::create(b, result,
                                  b.splatI32(Int8ResidualGroup::kShift)),
            sum);
      result = sum;
      sum = {};
    }
    // The offset is that of both terms.
    return start ? arith::AddIOp::create(b, result, start).getResult() : result;
  }

  ChainFormat &f;
  KernelBuilder &b;
  const Superblock &format;
  ByteDot dot;
  ValueRange rows;
  ArrayRef<WeightVector> vectors;
  WeightGroup place;
  Value group;
  /// Of the outputs; or, if they are in memory, the place of their memory.
  Values &sums;
  StoredTile tile;
  int64_t terms, perHalf, added = 0;
  /// By output, term and plane; by output and term; by output.
  Values chains, integers, firstHalf;
  /// By output and half of its columns.
  Values wordSums;
  /// Of the only row; of several, in memory.
  Value rowWords;
  StoredTile storedWords;
};

WeightFormat::StoredTile ChainFormat::storeWords(ValueRange rows, Value group) {
  auto type = VectorType::get({Superblock::kChunks}, b.getI64Type());
  StoredTile place = {b.scratch({1, int64_t(rows.size()), Superblock::kChunks},
                                b.getI64Type(), "words of activations"),
                      makeOpaque(b, b.index(0))};
  for (auto [r, row] : llvm::enumerate(rows))
    vector::StoreOp::create(
        b, vector::BitCastOp::create(b, type, activations.words(row, group)),
        place.sums, ValueRange{place.number, b.index(r), b.index(0)});
  return place;
}

Values ChainFormat::addGroup(ValueRange rows, ArrayRef<WeightVector> vectors,
                             const WeightGroup &place, Value group,
                             ValueRange sums) {
  // As many vectors at once as their chains have registers.
  int64_t perVector =
      rows.size() * activations.terms() * (usesWords() ? 1 : planes);
  int64_t together =
      std::clamp<int64_t>(plan.chains / perVector, 1, vectors.size());
  Values next(sums);
  words.reset();
  if (usesWords() && rows.size() > 1)
    words = storeWords(rows, group);
  for (size_t first = 0; first < vectors.size(); first += together) {
    auto part = vectors.slice(
        first, std::min<size_t>(together, vectors.size() - first));
    // Or LLVM keeps the activations for the next part, on the stack.
    if (first > 0)
      group = makeOpaque(b, group);
    Values own = pick(next, rows.size(), vectors.size(), first, part.size());
    own.resize(rows.size() * part.size());
    GroupSums all(*this, rows, part, place, group, own);
    if (isStreaming)
      addStreamed(all, part, place, plan.prefetchOf(rows.size()));
    else
      for (int64_t chunk = 0; chunk < Superblock::kChunks; ++chunk)
        all.addChunk(chunk);
    put(own, next, rows.size(), vectors.size(), first, part.size());
  }
  return next;
}

/// Weights in the order of memory, as BlockFormat takes them.
void ChainFormat::addStreamed(GroupSums &all, ArrayRef<WeightVector> vectors,
                              const WeightGroup &place,
                              LinearPlan::Prefetch later) {
  LLVM::FenceOp::create(b, LLVM::AtomicOrdering::acq_rel, "singlethread");
  bool areHalves = packed.getSuperblock().bits == 4;
  constexpr int64_t kChunks = Superblock::kChunks;
  for (int64_t i = 0; i < kChunks / 2; ++i) {
    for (int64_t line : {2 * i, 2 * i + 1})
      for (const WeightVector &vector : vectors)
        if (later.distance > 0)
          packed.prefetch(placeOf(place, vector), vector.vector, line,
                          later.distance, later.cache);
    // Half-bytes of a line together.
    all.addChunk(areHalves ? i : 2 * i);
    all.addChunk(areHalves ? i + kChunks / 2 : 2 * i + 1);
  }
}
