//===- DotFormat.cpp - quantized weights in rolled loops ------------------===//

#include "DotFormat.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "tenon/Conversion/Opaque.h"

using namespace mlir;
using namespace tenon;
using namespace tenon::linear;

using Values = KernelBuilder::Values;

static constexpr int64_t kChunks = Superblock::kChunks;

void DotFormat::unpack() {
  bool isFree = b.getTarget() && b.getTarget().hasByteDot();
  UnpackedPanels::Form form = {isFree ? UnpackedPanels::Scaled::Integers
                                      : UnpackedPanels::Scaled::Nothing};
  unpacked.emplace(b, packed, form);
  unpacked->fill(packed);
}

ByteDot DotFormat::getDot() {
  assert((format.zero == ByteDot::kFullRange ||
          (format.bits - format.spareBits < 8 && !format.isTable)) &&
         "bytes above 127 have the zero point 128");
  return ByteDot(b, unpacked ? unpacked->zero() : format.zero);
}

//===----------------------------------------------------------------------===//
// Exact sums
//===----------------------------------------------------------------------===//

class DotFormat::Exact {
public:
  Exact(DotFormat &f, const TileRows &rows, const Part &part,
        const Group &group)
      : f(f), b(f.b), rows(rows), part(part), group(group), dot(f.getDot()),
        terms(f.activations.terms()), parts(f.parts(rows)) {}

  /// Sums with nothing added yet, of half a group: of a group, half 0.
  Value start(int64_t half) {
    int64_t offset = f.format.scalesPerGroup == 2
                         ? offsetof(Int8Group, offsetHalfSums) + 4 * half
                         : offsetof(Int8Group, offsetSum);
    SmallVector<int64_t> shape;
    if (terms > 1)
      shape.push_back(terms);
    if (parts > 1)
      shape.push_back(parts);
    shape.append({rows.count, part.count});
    Value sums = b.filledArray(shape, dot.zeros());
    if (dot.startsFromZero())
      return sums;
    // The offset is that of both terms: the finer one starts from it.
    return b.unrolled(rows.count, sums, [&](Value r, Value sums) {
      Value first = dot.start(f.activations.field(rows.at(b, r), group.ofAll,
                                                  offset, b.getI32Type()));
      return b.unrolled(part.count, sums, [&](Value v, Value sums) {
        return b.set(sums, place(terms - 1, 0, r, v), first);
      });
    });
  }

  /// Adds a chunk of the group to the sums' part `half`.
  Value addChunk(Value chunk, int64_t half, Value sums) {
    Value weights = b.unrolled(part.count, b.array({part.count}, b.getI8Type()),
                               [&](Value v, Value weights) {
                                 int64_t up = half ? kUp : 0;
                                 Value integers = f.loadIntegers(
                                     group, part.at(b, v), chunk, up);
                                 return b.set(weights, v, integers);
                               });
    return b.unrolled(rows.count, sums, [&](Value r, Value sums) {
      for (int64_t term = 0; term < terms; ++term) {
        Value quad =
            f.activations.quad(rows.at(b, r), group.ofAll, chunk, term);
        sums = b.unrolled(part.count, sums, [&](Value v, Value sums) {
          Values at = place(term, half, r, v);
          // Those of a row are summed up where the tile's are.
          if (f.format.isPerChannel)
            at.back() = part.number(b, v);
          Value next = dot.add(b.get(sums, at), b.get(weights, v), quad);
          return b.set(sums, at, next);
        });
      }
      return sums;
    });
  }

  /// The sum of an output.
  Value total(Value sums, Value r, Value v) {
    Value result;
    for (int64_t term = 0; term < terms; ++term) {
      Value sum = b.get(sums, place(term, 0, r, v));
      if (parts == 2) {
        Value upper = b.get(sums, place(term, 1, r, v));
        sum = arith::AddIOp::create(
            b, sum, arith::ShRSIOp::create(b, upper, b.splatI32(kUp)));
      }
      if (result) {
        Value shift = b.splatI32(Int8ResidualGroup::kShift);
        sum = arith::AddIOp::create(b, arith::ShLIOp::create(b, result, shift),
                                    sum);
      }
      result = sum;
    }
    return result;
  }

private:
  Values place(int64_t term, int64_t half, Value r, Value v) {
    Values result;
    if (terms > 1)
      result.push_back(b.index(term));
    if (parts > 1)
      result.push_back(b.index(half));
    result.append({r, v});
    return result;
  }

  /// Bits that integers of the second part are higher.
  static constexpr int64_t kUp = 4;

  DotFormat &f;
  KernelBuilder &b;
  const TileRows &rows;
  const Part &part;
  const Group &group;
  ByteDot dot;
  int64_t terms, parts;
};

Value DotFormat::loadIntegers(const Group &group, const WeightVector &vector,
                              Value chunk, int64_t up) {
  if (unpacked && up == 0)
    return unpacked->integers({vector.panel, {}, group.ofAll}, vector.vector,
                              chunk);
  return packed.integers({vector.panel, group.superblock, group.number},
                         vector.vector, chunk, up);
}

//===----------------------------------------------------------------------===//
// A group
//===----------------------------------------------------------------------===//

namespace {

/// Where a group's exact sums meet their scales.
class Scaling {
public:
  Scaling(KernelBuilder &b, const Superblock &format,
          Int8Activations &activations)
      : b(b), format(format), activations(activations),
        hasMinimums(format.hasMinimum() && !format.hasPairedMinimums()) {}

  /// Of each of `count` vectors of weights.
  void loadWeights(
      int64_t count, WeightSource &source, int64_t half,
      llvm::function_ref<std::pair<WeightGroup, PanelVector>(Value)> placeOf) {
    Values arrays = {b.array({count}, b.getF32Type())};
    if (hasMinimums)
      arrays.push_back(arrays.front());
    arrays = b.unrolled(count, arrays, [&](Value v, ValueRange args) {
      auto [group, vector] = placeOf(v);
      Values next(args);
      next[0] = b.set(next[0], v, source.scale(group, vector, half));
      if (hasMinimums)
        next[1] = b.set(next[1], v, source.minimum(group, vector, half));
      return next;
    });
    scales = arrays.front();
    minimums = arrays.back();
  }

  void loadRow(Value row, Value group, int64_t half) {
    Type f32 = b.getF32Type();
    rowScale = activations.field(row, group, offsetof(Int8Group, scale), f32);
    int64_t offset = format.scalesPerGroup == 2
                         ? offsetof(Int8Group, scaledHalfSums) + 4 * half
                         : offsetof(Int8Group, scaledSum);
    if (hasMinimums)
      rowSum = activations.field(row, group, offset, f32);
  }

  /// The first half's part of an output.
  Value firstHalf(Value integers, Value v) {
    return b.mul(number(integers), b.get(scales, v));
  }
  /// Adds a group's sum, or its second half's (with `first`, which is the
  /// first's). Both halves have the activations' scale: one product for both.
  Value add(Value integers, Value first, Value v, Value sum) {
    Value scale = b.get(scales, v), exact = number(integers);
    if (first)
      sum = b.fma(b.fma(exact, scale, first), rowScale, sum);
    else
      sum = b.fma(exact, b.mul(scale, rowScale), sum);
    return addMinimum(v, sum);
  }
  Value addMinimum(Value v, Value sum) {
    return hasMinimums ? b.fma(b.get(minimums, v), rowSum, sum) : sum;
  }

private:
  Value number(Value integers) {
    return arith::SIToFPOp::create(b, b.f32VectorType(), integers);
  }

  KernelBuilder &b;
  const Superblock &format;
  Int8Activations &activations;
  bool hasMinimums;
  Value scales, minimums, rowScale, rowSum;
};

} // namespace

Value DotFormat::addGroup(const TileRows &rows, const Part &part,
                          const Group &group, Value sums) {
  if (isStreaming)
    return addStreamed(rows, part, group, sums);
  Exact exact(*this, rows, part, group);
  int64_t halves = format.scalesPerGroup, perHalf = kChunks / halves;
  Value firsts;
  for (int64_t half = 0; half < halves; ++half) {
    Value integers = format.isPerChannel ? sums : exact.start(half);
    integers = b.unrolled(perHalf, integers, [&](Value i, Value integers) {
      return exact.addChunk(b.addIndex(i, half * perHalf), 0, integers);
    });
    if (format.isPerChannel)
      return integers;
    sums = finish(exact, rows, part, group, half, integers, firsts, sums);
  }
  return sums;
}

Value DotFormat::finish(Exact &exact, const TileRows &rows, const Part &part,
                        const Group &group, int64_t half, Value integers,
                        Value &firsts, Value sums) {
  Scaling scaling(b, format, activations);
  scaling.loadWeights(part.count, getSource(), half, [&](Value v) {
    WeightVector vector = part.at(b, v);
    Value number = unpacked ? group.ofAll : group.number;
    return std::pair(WeightGroup{vector.panel, group.superblock, number},
                     vector.vector);
  });
  bool isFirst = half + 1 < format.scalesPerGroup;
  if (isFirst)
    firsts = b.array({rows.count, part.count}, b.getF32Type());
  Values arrays = {sums};
  if (isFirst)
    arrays.push_back(firsts);
  arrays = b.unrolled(rows.count, arrays, [&](Value r, ValueRange args) {
    scaling.loadRow(rows.at(b, r), group.ofAll, half);
    return b.unrolled(part.count, args, [&](Value v, ValueRange args) {
      Values next(args), at = {r, part.number(b, v)};
      Value total = exact.total(integers, r, v), old = b.get(args[0], at);
      if (isFirst) {
        next[1] = b.set(args[1], {r, v}, scaling.firstHalf(total, v));
        next[0] = b.set(args[0], at, scaling.addMinimum(v, old));
        return next;
      }
      Value first = firsts ? b.get(firsts, {r, v}) : Value();
      next[0] = b.set(args[0], at, scaling.add(total, first, v, old));
      return next;
    });
  });
  if (isFirst)
    firsts = arrays.back();
  return arrays.front();
}

/// Few rows are bound by reading weights. Where they ask for those that come
/// later it is a few lines at a time: many at once would fill the buffers that
/// wait for memory and stop them. The fence, no instruction, keeps LLVM from
/// gathering those, or reads, of several groups.
Value DotFormat::addStreamed(const TileRows &rows, const Part &part,
                             const Group &group, Value sums) {
  LLVM::FenceOp::create(b, LLVM::AtomicOrdering::acq_rel, "singlethread");
  Exact exact(*this, rows, part, group);
  LinearPlan::Prefetch later = plan.prefetchOf(rows.count);
  int64_t halves = format.scalesPerGroup, split = parts(rows);
  Values integers;
  for (int64_t half = 0; half < halves; ++half)
    integers.push_back(format.isPerChannel ? sums : exact.start(half));
  auto pair = [&](Value i, Value first, Value second, int64_t firstHalf,
                  int64_t secondHalf, ValueRange args) {
    Values next(args);
    Value line = b.mulIndex(i, 2);
    prefetch(part, group, line, later);
    prefetch(part, group, b.addIndex(line, 1), later);
    auto add = [&](Value chunk, int64_t half) {
      Value &own = next[halves == 2 ? half : 0];
      own = exact.addChunk(chunk, split == 2 ? half : 0, own);
    };
    add(first, firstHalf);
    add(second, secondHalf);
    return next;
  };
  // In the order of memory; half-bytes of a line together.
  if (format.bits == 4) {
    integers = b.unrolled(kChunks / 2, integers, [&](Value i, ValueRange args) {
      return pair(i, i, b.addIndex(i, kChunks / 2), 0, 1, args);
    });
  } else {
    int64_t sections = std::max(halves, split);
    int64_t each = kChunks / 2 / sections;
    for (int64_t section = 0; section < sections; ++section)
      integers = b.unrolled(each, integers, [&](Value i, ValueRange args) {
        i = b.addIndex(i, section * each);
        Value chunk = b.mulIndex(i, 2);
        return pair(i, chunk, b.addIndex(chunk, 1), section, section, args);
      });
  }
  if (format.isPerChannel)
    return integers.front();
  Value firsts;
  for (int64_t half = 0; half < halves; ++half)
    sums = finish(exact, rows, part, group, half, integers[half], firsts, sums);
  return sums;
}

void DotFormat::prefetch(const Part &part, const Group &group, Value line,
                         LinearPlan::Prefetch later) {
  if (later.distance <= 0)
    return;
  // Of 16 columns the first one's number is known, whatever `first` is.
  WeightVectors numbers = part.vectors;
  if (numbers.first && !getConstantIntValue(numbers.first))
    numbers.first = {};
  b.unrolled(part.count, [&](Value v) {
    WeightVector vector = part.at(b, v);
    Value number = numbers.at(b, part.number(b, v)).vector.number(b);
    packed.prefetch({vector.panel, group.superblock, group.number},
                    vector.vector,
                    b.addIndex(b.mulIndex(number, kChunks), line),
                    later.distance, later.cache);
  });
}

Value DotFormat::addMinimums(const TileRows &rows, const Part &part,
                             Value superblock, Value first, Value sums) {
  if (!format.hasPairedMinimums())
    return sums;
  WeightSource &source = getSource();
  ByteDot dot = getDot();
  auto placeOf = [&](Value v) {
    WeightVector vector = part.at(b, v);
    return std::pair(WeightGroup{vector.panel, superblock, {}}, vector.vector);
  };
  Value factors = b.unrolled(
      part.count, b.array({part.count}, b.getF32Type()),
      [&](Value v, Value factors) {
        auto [place, vector] = placeOf(v);
        return b.set(factors, v, source.minimumFactor(place, vector));
      });
  int64_t run = std::min<int64_t>(Int8Group::kSumRun, b.lanes());
  return b.unrolled(format.groups / run, sums, [&](Value i, Value sums) {
    Value start = b.mulIndex(i, run);
    Value products = b.filledArray({rows.count, part.count}, dot.zeros());
    products = b.unrolled(run / 2, products, [&](Value k, Value products) {
      Value group = b.addIndex(start, b.mulIndex(k, 2));
      Value number = arith::DivUIOp::create(b, group, b.index(2));
      Value pairs = b.unrolled(
          part.count, b.array({part.count}, b.getI16Type()),
          [&](Value v, Value pairs) {
            auto [place, vector] = placeOf(v);
            return b.set(pairs, v, source.minimumPair(place, vector, number));
          });
      return b.unrolled(rows.count, products, [&](Value r, Value products) {
        Value sums =
            activations.pairSums(rows.at(b, r), b.addIndex(first, group));
        return b.unrolled(part.count, products, [&](Value v, Value products) {
          Value next =
              dot.addPairs(b.get(products, {r, v}), b.get(pairs, v), sums);
          return b.set(products, {r, v}, next);
        });
      });
    });
    return b.unrolled(rows.count, sums, [&](Value r, Value sums) {
      Value group = b.addIndex(first, b.addIndex(start, 1));
      Value scale = activations.field(
          rows.at(b, r), group, offsetof(Int8Group, sumScale), b.getF32Type());
      return b.unrolled(part.count, sums, [&](Value v, Value sums) {
        Values at = {r, part.number(b, v)};
        Value number = arith::SIToFPOp::create(b, b.f32VectorType(),
                                               b.get(products, {r, v}));
        Value sum =
            b.fma(number, b.mul(b.get(factors, v), scale), b.get(sums, at));
        return b.set(sums, at, sum);
      });
    });
  });
}

//===----------------------------------------------------------------------===//
// All of K
//===----------------------------------------------------------------------===//

Value DotFormat::sum(const TileRows &rows, const WeightVectors &vectors) {
  SmallVector<int64_t> shape = {rows.count, vectors.size()};
  if (!format.isPerChannel)
    return addAll(rows, vectors, b.filledArray(shape, b.splat(0.0)));
  ByteDot dot = getDot();
  Value sums = b.array(shape, b.getI32Type()), zero = b.index(0);
  sums = b.unrolled(rows.count, sums, [&](Value r, Value sums) {
    Value start = dot.start(activations.field(
        rows.at(b, r), zero, offsetof(Int8Group, offsetSum), b.getI32Type()));
    return b.unrolled(vectors.size(), sums, [&](Value v, Value sums) {
      return b.set(sums, {r, v}, start);
    });
  });
  return scaleSums(rows, vectors, addAll(rows, vectors, sums));
}

Value DotFormat::scaleSums(const TileRows &rows, const WeightVectors &vectors,
                           Value integers) {
  Value zero = b.index(0);
  Value scales = b.unrolled(
      vectors.size(), b.array({vectors.size()}, b.getF32Type()),
      [&](Value v, Value scales) {
        WeightVector vector = vectors.at(b, v);
        WeightGroup place = {vector.panel, zero, zero};
        return b.set(scales, v, getSource().scale(place, vector.vector, 0));
      });
  Value sums = b.array({rows.count, vectors.size()}, b.getF32Type());
  return b.unrolled(rows.count, sums, [&](Value r, Value sums) {
    Value scale = activations.field(rows.at(b, r), zero,
                                    offsetof(Int8Group, scale), b.getF32Type());
    return b.unrolled(vectors.size(), sums, [&](Value v, Value sums) {
      Value number = arith::SIToFPOp::create(b, b.f32VectorType(),
                                             b.get(integers, {r, v}));
      Value sum = b.mul(number, b.mul(b.get(scales, v), scale));
      return b.set(sums, {r, v}, sum);
    });
  });
}

Value DotFormat::addAll(const TileRows &rows, const WeightVectors &vectors,
                        Value sums) {
  Part all = {vectors, b.index(0), vectors.size()};
  auto loop = [&](Value first, Value end, Value sums,
                  llvm::function_ref<Value(Value, Value)> body) {
    auto step = [&](Value i, ValueRange args) {
      return Values{body(i, args.front())};
    };
    return b.loop(first, end, 1, sums, step).front();
  };
  Value zero = b.index(0), superblocks = b.index(packed.superblocks());
  if (unpacked) {
    auto addOne = [&](Value group, Value sums) {
      return addGroup(rows, all, {{}, {}, group}, sums);
    };
    if (!format.hasPairedMinimums())
      return loop(zero, b.index(packed.superblocks() * format.groups), sums,
                  [&](Value group, Value sums) {
                    askAhead(group);
                    return addOne(group, sums);
                  });
    return loop(zero, superblocks, sums, [&](Value superblock, Value sums) {
      askAhead(superblock);
      Value first = b.mulIndex(superblock, format.groups);
      Value end = b.addIndex(first, format.groups);
      sums = addMinimums(rows, all, superblock, first, sums);
      return loop(first, end, sums, addOne);
    });
  }
  return loop(zero, superblocks, sums, [&](Value superblock, Value sums) {
    if (!isStreaming)
      return addSuperblock(rows, all, superblock, sums);
    // In the order in which they lie in memory, which is what
    // prefetchers of the CPU expect.
    int64_t together = std::min(plan.streamVectors, all.count);
    int64_t whole = all.count / together, rest = all.count % together;
    sums = b.unrolled(whole, sums, [&](Value i, Value sums) {
      Part part = {vectors, b.mulIndex(i, together), together};
      return addSuperblock(rows, part, superblock, sums);
    });
    if (rest == 0)
      return sums;
    Part part = {vectors, b.index(whole * together), rest};
    return addSuperblock(rows, part, superblock, sums);
  });
}

Value DotFormat::addSuperblock(const TileRows &rows, const Part &part,
                               Value superblock, Value sums) {
  Value base = b.mulIndex(superblock, format.groups);
  // LLVM would keep the activations of several rows, or of as many numbers, for
  // the next vectors, on the stack: they are nearer where they are.
  if (isStreaming && (rows.count > 1 || plan.streamVectors > 1))
    base = makeOpaque(b, base);
  // First, as they lie before the groups.
  sums = addMinimums(rows, part, superblock, base, sums);
  auto step = [&](Value first, Value sums) {
    if (!isStreaming)
      askAhead(superblock);
    return b.unrolled(plan.unrollGroups, sums, [&](Value i, Value sums) {
      Value group = b.addIndex(first, i);
      return addGroup(rows, part, {superblock, group, b.addIndex(base, group)},
                      sums);
    });
  };
  if (format.groups == plan.unrollGroups)
    return step(b.index(0), sums);
  return b
      .loop(b.index(0), b.index(format.groups), plan.unrollGroups, sums,
            [&](Value first, ValueRange args) {
              return Values{step(first, args.front())};
            })
      .front();
}
