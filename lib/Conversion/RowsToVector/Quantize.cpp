//===- Quantize.cpp - rows of int8 groups ---------------------------------===//

#include "Emitters.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "tenon/Conversion/BlockWeights.h"

using namespace mlir;
using namespace tenon;
using namespace tenon::rows;

using Values = KernelBuilder::Values;

namespace {

/// Quantizes the groups of a row, as many at a time as a register has lanes:
/// what is reduced over the 32 numbers of a group (the largest magnitude, the
/// sums of both halves) is first left in a register for each group; these are
/// reduced for all of them at once, and scales and sums are computed with a
/// group in each lane.
class GroupQuantizer {
public:
  using Number = llvm::function_ref<Value(Value column, Value mask)>;

  GroupQuantizer(KernelBuilder &b, Value output, Value row)
      : b(b), bytes(ElementBytesOp::create(b, output)), row(row),
        hasResidual(cast<Int8GroupType>(
                        cast<MemRefType>(output.getType()).getElementType())
                        .getResidual()),
        numbers(scratch({b.lanes(), kGroup}, b.getF32Type(), "numbers")),
        partials(
            scratch({2, b.lanes(), b.lanes()}, b.getI32Type(), "partials")),
        factors(scratch({b.lanes()}, b.getF32Type(), "factors")),
        fields(scratch({b.lanes(), kFields}, b.getI32Type(), "fields")) {}

  /// Full groups `first` .. `first + count - 1`.
  void emitFull(Value first, Value count, Number number) {
    b.loop(b.index(0), count, 1, [&](Value place) {
      readGroup(b.addIndex(first, place), place, kGroup, number);
    });
    writeGroups(first, count);
  }

  /// Groups `first` .. `end - 1` of a row of `length` numbers: full ones, one
  /// that is full in part, and those that have none and fill a superblock up.
  void emitLast(int64_t first, int64_t end, int64_t length, Number number) {
    int64_t full = std::clamp(length / kGroup, first, end);
    if (full > first)
      b.loop(b.index(0), b.index(full - first), 1, [&](Value place) {
        readGroup(b.addIndex(place, first), place, kGroup, number);
      });
    for (int64_t group = full; group < end; ++group)
      readGroup(b.index(group), b.index(group - first),
                std::max<int64_t>(length - group * kGroup, 0), number);
    writeGroups(b.index(first), b.index(end - first));
  }

private:
  static constexpr int64_t kGroup = Superblock::kGroup;
  /// Words of an Int8Group after its numbers.
  static constexpr int64_t kFields =
      (sizeof(Int8Group) - offsetof(Int8Group, scale)) / 4;

  /// The integer of a group's largest magnitude.
  double largestInteger() const {
    return hasResidual ? 127 << Int8ResidualGroup::kShift : 127;
  }

  Value scratch(ArrayRef<int64_t> shape, Type element, StringRef what) {
    return b.scratch(shape, element, ("quantize " + what).str());
  }
  Value toBits(Value numbers) {
    return arith::BitcastOp::create(b, b.vectorType(b.getI32Type()), numbers);
  }
  Value toNumbers(Value bits) {
    return arith::BitcastOp::create(b, b.f32VectorType(), bits);
  }
  void storeWords(Value words, Value memref, ValueRange indices) {
    vector::StoreOp::create(b, words, memref, indices);
  }

  /// Copies a group's numbers to scratch and leaves its largest magnitudes.
  void readGroup(Value group, Value place, int64_t length, Number number) {
    Value column = b.mulIndex(group, kGroup), largest;
    for (int64_t i = 0; i < kGroup; i += b.lanes()) {
      int64_t here = std::clamp<int64_t>(length - i, 0, b.lanes());
      Value mask = here < b.lanes() ? b.maskOf(here) : Value();
      Value x = here ? number(b.addIndex(column, i), mask) : b.splat(0.0);
      b.store(x, numbers, {place, b.index(i)});
      Value magnitude = math::AbsFOp::create(b, x);
      largest = largest ? b.max(largest, magnitude) : magnitude;
    }
    storeWords(toBits(largest), partials, {b.index(0), place, b.index(0)});
  }

  /// Reduces what the groups left: a register with a group in each lane.
  Value reduce(int64_t which, llvm::function_ref<Value(Value, Value)> combine) {
    Values parts;
    auto type = b.vectorType(b.getI32Type());
    for (int64_t i = 0; i < b.lanes(); ++i)
      parts.push_back(vector::LoadOp::create(
          b, type, partials,
          ValueRange{b.index(which), b.index(i), b.index(0)}));
    return b.reduceRows(parts, combine);
  }

  void writeGroups(Value first, Value count) {
    Value most = toNumbers(reduce(0, [&](Value x, Value y) {
      return toBits(b.max(toNumbers(x), toNumbers(y)));
    }));
    Value scale = b.mul(most, b.splat(1.0 / largestInteger()));
    Value isZero =
        arith::CmpFOp::create(b, arith::CmpFPredicate::OEQ, most, b.splat(0.0));
    b.store(arith::SelectOp::create(b, isZero, b.splat(0.0),
                                    b.div(b.splat(largestInteger()), most)),
            factors, b.index(0));
    b.loop(b.index(0), count, 1, [&](Value place) {
      writeIntegers(b.addIndex(first, place), place);
    });

    auto sum = [&](int64_t half) {
      return reduce(half, [&](Value x, Value y) -> Value {
        return arith::AddIOp::create(b, x, y);
      });
    };
    Value halves[2] = {sum(0), sum(1)};
    Value all = arith::AddIOp::create(b, halves[0], halves[1]);
    auto offset = [&](Value sum) -> Value {
      return arith::MulIOp::create(b, sum, b.splatI32(-ByteDot::kFullRange));
    };
    auto scaled = [&](Value sum) {
      return b.mul(scale, arith::SIToFPOp::create(b, b.f32VectorType(), sum));
    };
    storeFields({toBits(scale), toBits(scaled(all)), offset(all),
                 offset(halves[0]), offset(halves[1]),
                 toBits(scaled(halves[0])), toBits(scaled(halves[1])),
                 pairSums(scaled(all), count)});
    b.loop(b.index(0), count, 1, [&](Value place) {
      auto type = VectorType::get({kFields}, b.getI32Type());
      Value words = vector::LoadOp::create(b, type, fields,
                                           ValueRange{place, b.index(0)});
      vector::StoreOp::create(
          b,
          vector::BitCastOp::create(
              b, VectorType::get({4 * kFields}, b.getI8Type()), words),
          bytes,
          ValueRange{row, b.addIndex(first, place),
                     b.index(offsetof(Int8Group, scale))});
    });
  }

  /// The fields pairSums and sumScale of `count` groups, given their scaled
  /// sums.
  Value pairSums(Value sums, Value count) {
    int64_t lanes = b.lanes();
    Value lane = vector::StepOp::create(b, b.vectorType(b.getIndexType()));
    Value exists = arith::CmpIOp::create(b, arith::CmpIPredicate::slt, lane,
                                         b.splat(count));
    sums = arith::SelectOp::create(b, exists, sums, b.splat(0.0));
    auto swap = [&](Value vector, int64_t distance) -> Value {
      SmallVector<int64_t> mask;
      for (int64_t lane = 0; lane < lanes; ++lane)
        mask.push_back(lane ^ distance);
      return vector::ShuffleOp::create(b, vector, vector, mask);
    };
    Value most = math::AbsFOp::create(b, sums);
    for (int64_t d = 1; d < std::min<int64_t>(Int8Group::kSumRun, lanes);
         d *= 2)
      most = b.max(most, swap(most, d));
    constexpr double kMost = 32767;
    Value isZero =
        arith::CmpFOp::create(b, arith::CmpFPredicate::OEQ, most, b.splat(0.0));
    Value factor = arith::SelectOp::create(b, isZero, b.splat(0.0),
                                           b.div(b.splat(kMost), most));
    Value integers = b.roundToInteger(b.mul(sums, factor));
    Value low = arith::AndIOp::create(b, integers, b.splatI32(0xffff));
    Value high = arith::ShLIOp::create(b, swap(integers, 1), b.splatI32(16));
    SmallVector<bool> even;
    for (int64_t lane = 0; lane < lanes; ++lane)
      even.push_back(lane % 2 == 0);
    Value isEven = arith::ConstantOp::create(
        b, DenseElementsAttr::get(b.vectorType(b.getI1Type()), even));
    return arith::SelectOp::create(b, isEven,
                                   arith::OrIOp::create(b, low, high),
                                   toBits(b.mul(most, b.splat(1.0 / kMost))));
  }

  /// Writes a group's integers and leaves the sums of its halves.
  void writeIntegers(Value group, Value place) {
    Value factor = b.splat(b.loadScalar(factors, place));
    int64_t perHalf = kGroup / 2 / b.lanes();
    for (int64_t half = 0; half < 2; ++half) {
      Value sum;
      for (int64_t i = half * perHalf; i < (half + 1) * perHalf; ++i) {
        Value column = b.index(i * b.lanes());
        Value words =
            b.roundToInteger(b.mul(b.load(numbers, {place, column}), factor));
        storeIntegers(words, group, i * b.lanes());
        sum = sum ? arith::AddIOp::create(b, sum, words).getResult() : words;
      }
      storeWords(sum, partials, {b.index(half), place, b.index(0)});
    }
  }

  /// Stores integers `place` and behind of a group: as bytes, or as two.
  void storeIntegers(Value words, Value group, int64_t place) {
    auto storeBytes = [&](Value value, int64_t offset) {
      vector::StoreOp::create(
          b, arith::TruncIOp::create(b, b.vectorType(b.getI8Type()), value),
          bytes, ValueRange{row, group, b.index(offset)});
    };
    if (!hasResidual)
      return storeBytes(words, place);
    constexpr int kShift = Int8ResidualGroup::kShift;
    Value high = arith::ShRSIOp::create(
        b, arith::AddIOp::create(b, words, b.splatI32(1 << (kShift - 1))),
        b.splatI32(kShift));
    storeBytes(high, place);
    Value coarse = arith::ShLIOp::create(b, high, b.splatI32(kShift));
    storeBytes(arith::SubIOp::create(b, words, coarse),
               offsetof(Int8ResidualGroup, r) + place);
  }

  /// Registers of fields, in the order of Int8Group, to a row for each group.
  void storeFields(Values registers) {
    int64_t lanes = b.lanes();
    while (static_cast<int64_t>(registers.size()) < lanes)
      registers.push_back(registers.back());
    for (int64_t first = 0; first < kFields; first += lanes) {
      Values square = b.transpose(ArrayRef(registers).slice(first, lanes));
      for (int64_t group = 0; group < lanes; ++group) {
        Value words = square[group];
        if (lanes > kFields)
          words =
              vector::ExtractStridedSliceOp::create(b, words, 0, kFields, 1);
        storeWords(words, fields, {b.index(group), b.index(first)});
      }
    }
  }

  KernelBuilder &b;
  Value bytes, row;
  bool hasResidual;
  Value numbers, partials, factors, fields;
};

} // namespace

/// Quantizes a row with the scale of its largest magnitude, which becomes
/// `largest`.
static void quantizePerToken(KernelBuilder &b, int64_t length, double largest,
                             Value output, Value row,
                             GroupQuantizer::Number number) {
  Value bytes = ElementBytesOp::create(b, output);
  Value magnitudes =
      b.forEachVector(b.getIndexAttr(length), b.splat(0.0),
                      [&](Value column, Value mask, ValueRange args) -> Values {
                        Value x = number(column, mask);
                        return {b.max(args[0], math::AbsFOp::create(b, x))};
                      })
          .front();
  Value most = b.reduceMax(magnitudes);
  Value scale = b.mul(most, b.f32(1.0 / largest));
  Value isZero =
      arith::CmpFOp::create(b, arith::CmpFPredicate::OEQ, most, b.f32(0.0));
  Value factor = b.splat(arith::SelectOp::create(b, isZero, b.f32(0.0),
                                                 b.div(b.f32(largest), most)));

  VectorType words = b.vectorType(b.getI32Type());
  auto addVector = [&](Value group, int64_t place, int64_t count, Value sum) {
    Value column = b.addIndex(b.mulIndex(group, Superblock::kGroup), place);
    Value mask = count < b.lanes() ? b.maskOf(count) : Value();
    Value x = count > 0 ? number(column, mask) : b.splat(0.0);
    Value q = b.roundToInteger(b.mul(x, factor));
    vector::StoreOp::create(
        b, arith::TruncIOp::create(b, b.vectorType(b.getI8Type()), q), bytes,
        ValueRange{row, group, b.index(place)});
    return arith::AddIOp::create(b, sum, q).getResult();
  };
  auto addGroup = [&](Value group, int64_t count, Value sum) {
    for (int64_t i = 0; i < Superblock::kGroup; i += b.lanes())
      sum = addVector(group, i, std::clamp<int64_t>(count - i, 0, b.lanes()),
                      sum);
    return sum;
  };
  Value sum = arith::ConstantOp::create(b, b.getZeroAttr(words));
  int64_t full = length / Superblock::kGroup;
  int64_t groups = cast<MemRefType>(output.getType()).getDimSize(1);
  sum = b.loop(b.index(0), b.index(full), 1, sum,
               [&](Value group, ValueRange args) -> Values {
                 return {addGroup(group, Superblock::kGroup, args[0])};
               })
            .front();
  for (int64_t group = full; group < groups; ++group)
    sum = addGroup(b.index(group), length - group * Superblock::kGroup, sum);

  auto store = [&](size_t offset, Value word) {
    Value one = vector::FromElementsOp::create(
        b, VectorType::get({1}, b.getI32Type()), word);
    vector::StoreOp::create(
        b,
        vector::BitCastOp::create(b, VectorType::get({4}, b.getI8Type()), one),
        bytes, ValueRange{row, b.index(0), b.index(offset)});
  };
  Value total = vector::ReductionOp::create(b, vector::CombiningKind::ADD, sum);
  Value zeroPoint =
      arith::ConstantOp::create(b, b.getI32IntegerAttr(-ByteDot::kFullRange));
  store(offsetof(Int8Group, offsetSum),
        arith::MulIOp::create(b, total, zeroPoint));
  store(offsetof(Int8Group, scale),
        arith::BitcastOp::create(b, b.getI32Type(), scale));
}

void rows::quantizeRow(
    KernelBuilder &b, int64_t length, Value output, Value row,
    llvm::function_ref<Value(Value column, Value mask)> number) {
  auto type = cast<MemRefType>(output.getType());
  auto element = cast<Int8GroupType>(type.getElementType());
  if (element.getPerToken())
    return quantizePerToken(b, length, element.getMost(), output, row, number);
  constexpr int64_t kGroup = Superblock::kGroup;
  int64_t lanes = b.lanes(), groups = type.getDimSize(1);
  // Batches start at multiples of the lanes, as runs of sums do.
  int64_t full = length / kGroup;
  if (length != groups * kGroup)
    full -= full % lanes;
  GroupQuantizer quantizer(b, output, row);
  if (full > lanes)
    b.loop(b.index(0), b.index(full), lanes, [&](Value first) {
      Value left = arith::SubIOp::create(b, b.index(full), first);
      quantizer.emitFull(first, arith::MinSIOp::create(b, left, b.index(lanes)),
                         number);
    });
  else if (full > 0)
    quantizer.emitFull(b.index(0), b.index(full), number);
  for (int64_t first = full; first < groups; first += lanes)
    quantizer.emitLast(first, std::min(first + lanes, groups), length, number);
}

void rows::emit(KernelBuilder &b, QuantizeOp op) {
  Value input = op.getInput();
  int64_t length = cast<MemRefType>(input.getType()).getDimSize(1);
  b.loopNest({b.dim(op.getOut(), 0)}, [&](ValueRange row) {
    quantizeRow(b, length, op.getOut(), row[0], [&](Value column, Value mask) {
      return b.load(input, at(row, column), mask);
    });
  });
}
