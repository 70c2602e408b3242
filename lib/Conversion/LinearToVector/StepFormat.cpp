//===- StepFormat.cpp - inner products of plain numbers -------------------===//

#include "WeightFormat.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

using namespace mlir;
using namespace tenon;
using namespace tenon::linear;

using Values = KernelBuilder::Values;

namespace {

/// Weights `[panels, K / k, n, k]`: K passes in steps of k, each one or more
/// links of a chain of multiply-adds in every lane.
class StepFormat : public WeightFormat {
public:
  StepFormat(KernelBuilder &b, Value input, Value weight,
             const LinearPlan &plan, int64_t links = 1)
      : WeightFormat(b, plan, cast<MemRefType>(weight.getType()).getDimSize(0),
                     cast<MemRefType>(weight.getType()).getDimSize(2)),
        links(links), input(input), weight(weight),
        group(cast<MemRefType>(weight.getType()).getDimSize(3)),
        depth(cast<MemRefType>(input.getType()).getDimSize(1)) {}

  Value sum(const TileRows &rows, const WeightVectors &vectors) override {
    bool asks = isStreaming && plan.prefetchOf(rows.count).distance > 0;
    auto step = [&](Value k, Value sums, bool partial) {
      return addStep(rows, vectors, k, sums, partial, asks);
    };
    Value sums = b.filledArray({rows.count, vectors.size()}, b.splat(0.0));
    int64_t fullSteps = depth / group, first = 0;
    if (ahead && asksPerSum() > 0) {
      first = asksPerSum() * plan.nextSteps;
      sums = loop(b.index(0), b.index(asksPerSum()), sums,
                  [&](Value number, Value sums) {
                    return askAndAdd(number, sums, [&](Value k, Value sums) {
                      return step(k, sums, false);
                    });
                  });
    }
    if (fullSteps > first)
      sums = loop(b.index(first), b.index(fullSteps), sums,
                  [&](Value k, Value sums) { return step(k, sums, false); });
    if (depth % group != 0)
      sums = step(b.index(fullSteps), sums, true);
    return sums;
  }

  int64_t steps() const override {
    return depth % group == 0 ? depth / group : 0;
  }
  int64_t stepElements() const override { return group; }
  int64_t stepsTogether() const override { return plan.nextSteps; }
  void start(const TileRows &rows, const WeightVectors &vectors,
             StoredTile tile) override {
    b.unrolled(rows.count * vectors.size(),
               [&](Value i) { storeSum(b.splat(0.0), tile, i); });
  }
  void addPart(const TileRows &rows, const WeightVectors &vectors,
               StoredTile tile, Value first, Value end) override {
    Value sums = finish(rows, vectors, tile);
    auto step = [&](Value k, Value sums) {
      return addStep(rows, vectors, k, sums, /*partial=*/false, /*asks=*/false);
    };
    if (ahead && asksPerSum() > 0) {
      Value ask0 = arith::DivUIOp::create(b, first, b.index(plan.nextSteps));
      Value ask1 = arith::DivUIOp::create(b, end, b.index(plan.nextSteps));
      sums = loop(ask0, ask1, sums, [&](Value number, Value sums) {
        return askAndAdd(number, sums, step);
      });
      first = b.mulIndex(ask1, plan.nextSteps);
    }
    sums = loop(first, end, sums, step);
    forEachSum(rows, vectors, [&](Value r, Value v, Value place) {
      storeSum(b.get(sums, {r, v}), tile, place);
    });
  }
  Value finish(const TileRows &rows, const WeightVectors &vectors,
               StoredTile tile) override {
    return loadTile(rows, vectors, tile);
  }

  int64_t asksPerSum() const override { return depth / group / plan.nextSteps; }
  int64_t linesPerPanel() const override {
    auto type = cast<MemRefType>(weight.getType());
    int64_t bits = ShapedType::getNumElements(type.getShape().drop_front()) *
                   type.getElementTypeBitWidth();
    return llvm::divideCeil(bits, 8 * kLine);
  }

protected:
  Value loop(Value first, Value end, Value sums,
             llvm::function_ref<Value(Value, Value)> body) {
    return b
        .loop(first, end, 1, sums,
              [&](Value i, ValueRange args) {
                return Values{body(i, args.front())};
              })
        .front();
  }

  /// Adds a step, of which a partial one has the first link alone; `asks`: and
  /// asks for the weights of a later one.
  Value addStep(const TileRows &rows, const WeightVectors &vectors, Value k,
                Value sums, bool partial, bool asks) {
    if (asks && !partial)
      prefetchStep(vectors, k, plan.prefetchOf(rows.count));
    for (int64_t link = 0, end = partial ? 1 : links; link < end; ++link) {
      Value weights = b.unrolled(
          vectors.size(), b.array({vectors.size()}, registerElement()),
          [&](Value v, Value weights) {
            WeightVector vector = vectors.at(b, v);
            Value loaded = loadWeights(vector.panel, k, vector.vector, link);
            return b.set(weights, v, loaded);
          });
      sums = b.unrolled(rows.count, sums, [&](Value r, Value sums) {
        Value value = loadInput(rows.at(b, r), k, link, partial);
        return b.unrolled(vectors.size(), sums, [&](Value v, Value sums) {
          Value sum = accumulate(b.get(weights, v), value, b.get(sums, {r, v}));
          return b.set(sums, {r, v}, sum);
        });
      });
    }
    return sums;
  }

  /// Asks for the weights of a later step than k, a line at a time.
  void prefetchStep(const WeightVectors &vectors, Value k,
                    LinearPlan::Prefetch later) {
    int64_t vectorsOfLine =
        std::max<int64_t>(elementsOfLine() / (b.lanes() * group), 1);
    // One that only the running kernel knows starts a line.
    WeightVectors numbers = vectors;
    if (numbers.first && !getConstantIntValue(numbers.first))
      numbers.first = {};
    b.unrolled(vectors.size(), [&](Value v) {
      WeightVector vector = vectors.at(b, v);
      OpBuilder::InsertionGuard guard(b);
      if (vectorsOfLine > 1) {
        Value number = numbers.at(b, v).vector.number(b);
        Value inLine = b.divideIndex(number, vectorsOfLine).second;
        Value isFirst = arith::CmpIOp::create(b, arith::CmpIPredicate::eq,
                                              inLine, b.index(0));
        auto branch = scf::IfOp::create(b, isFirst, /*withElseRegion=*/false);
        b.setInsertionPointToStart(branch.thenBlock());
      }
      b.prefetch(weight,
                 {vector.panel, b.addIndex(k, stepsIn(later.distance)),
                  vector.vector.column(b), b.index(0)},
                 later.cache);
    });
  }

  /// Asks for memory once, and adds as many steps as that is for.
  Value askAndAdd(Value number, Value sums,
                  llvm::function_ref<Value(Value, Value)> step) {
    ask(number, [&](Value line) {
      Value zero = b.index(0);
      b.prefetch(weight,
                 {ahead->panel, zero, zero, b.mulIndex(line, elementsOfLine())},
                 2);
    });
    Value k = b.mulIndex(number, plan.nextSteps);
    return b.unrolled(plan.nextSteps, sums, [&](Value i, Value sums) {
      return step(b.addIndex(k, i), sums);
    });
  }

  /// Of what `loadWeights` gives.
  virtual Type registerElement() { return b.getF32Type(); }
  /// The weights that a link multiplies, of a vector of columns.
  virtual Value loadWeights(Value panel, Value step, const PanelVector &vector,
                            int64_t link) = 0;
  /// The input's elements of a link in every lane; past the end they are 0.
  virtual Value loadInput(Value row, Value step, int64_t link,
                          bool partial) = 0;
  /// sum + weights * input.
  virtual Value accumulate(Value weights, Value input, Value sum) = 0;

  /// Steps of so many bytes.
  int64_t stepsIn(int64_t bytes) const {
    auto type = cast<MemRefType>(weight.getType());
    return llvm::divideCeil(8 * bytes,
                            numColumns * group * type.getElementTypeBitWidth());
  }

  int64_t elementsOfLine() const {
    return 8 * kLine /
           cast<MemRefType>(weight.getType()).getElementTypeBitWidth();
  }

  /// Of a step.
  int64_t links;
  Value input, weight;
  /// k and K.
  int64_t group, depth;
};

/// k = 1: one weight a column and step, converted to f32, and a multiply-add.
class MultiplyAddFormat : public StepFormat {
public:
  MultiplyAddFormat(KernelBuilder &b, Value input, Value weight,
                    const LinearPlan &plan)
      : StepFormat(b, input, weight, plan) {}

  Value loadWeights(Value panel, Value step, const PanelVector &vector,
                    int64_t) override {
    // A vector runs along n, over the trailing dimension of 1.
    return b.load(weight, {panel, step, vector.column(b), b.index(0)});
  }

  Value loadInput(Value row, Value step, int64_t, bool) override {
    return b.splat(b.loadScalar(input, {row, step}));
  }

  Value accumulate(Value weights, Value value, Value sum) override {
    return b.fma(weights, value, sum);
  }
};

/// k = 2, bf16, and f32 inputs: both numbers of 32 bits are f32 when the other
/// 16 bits are zero. Two multiply-adds, in order.
class WidenedPairFormat : public StepFormat {
public:
  WidenedPairFormat(KernelBuilder &b, Value input, Value weight,
                    const LinearPlan &plan)
      : StepFormat(b, input, weight, plan, /*links=*/2) {}

  Value loadWeights(Value panel, Value step, const PanelVector &vector,
                    int64_t link) override {
    VectorType words = b.vectorType(b.getI32Type());
    Value pairs = vector::LoadOp::create(
        b, VectorType::get({2 * b.lanes()}, b.getBF16Type()), weight,
        ValueRange{panel, step, vector.column(b), b.index(0)});
    Value word = vector::BitCastOp::create(b, words, pairs);
    Value bits =
        link == 0 ? arith::ShLIOp::create(b, word, b.splatI32(16)).getResult()
                  : arith::AndIOp::create(b, word, b.splatI32(0xffff0000));
    return vector::BitCastOp::create(b, b.f32VectorType(), bits);
  }

  Value loadInput(Value row, Value step, int64_t link, bool) override {
    Value column = b.addIndex(b.mulIndex(step, 2), link);
    return b.splat(b.loadScalar(input, {row, column}));
  }

  Value accumulate(Value weights, Value value, Value sum) override {
    return b.fma(weights, value, sum);
  }
};

/// k = 2, bf16: vdpbf16ps adds the products of two neighbours to each lane.
class PairFormat : public StepFormat {
public:
  PairFormat(KernelBuilder &b, Value input, Value weight,
             const LinearPlan &plan)
      : StepFormat(b, input, weight, plan) {}

  Type registerElement() override { return b.getBF16Type(); }

  Value loadWeights(Value panel, Value step, const PanelVector &vector,
                    int64_t) override {
    return vector::LoadOp::create(
        b, b.pairsType(), weight,
        ValueRange{panel, step, vector.column(b), b.index(0)});
  }

  Value loadInput(Value row, Value step, int64_t, bool partial) override {
    Value column = b.mulIndex(step, 2);
    if (!partial)
      return b.loadPair(input, {row, column});
    Value last = memref::LoadOp::create(b, input, ValueRange{row, column});
    Value zero =
        arith::ConstantOp::create(b, b.getFloatAttr(b.getBF16Type(), 0.0));
    return b.splatPair(vector::FromElementsOp::create(
        b, VectorType::get({2}, b.getBF16Type()), ValueRange{last, zero}));
  }

  Value accumulate(Value weights, Value pair, Value sum) override {
    return b.dotPairs(weights, pair, sum);
  }
};

} // namespace

std::unique_ptr<WeightFormat> linear::getStepFormat(KernelBuilder &b,
                                                    Value input, Value weight,
                                                    const LinearPlan &plan) {
  auto type = dyn_cast<MemRefType>(weight.getType());
  auto inputType = cast<MemRefType>(input.getType());
  if (!type || type.getRank() != 4 || !type.hasStaticShape() ||
      isa<Int8GroupType>(inputType.getElementType()) ||
      inputType.isDynamicDim(1) || type.getDimSize(2) % b.lanes())
    return nullptr;
  int64_t depth = inputType.getDimSize(1), group = type.getDimSize(3);
  if (type.getDimSize(1) != llvm::divideCeilSigned(depth, group))
    return nullptr;
  if (group == 1)
    return std::make_unique<MultiplyAddFormat>(b, input, weight, plan);
  if (group != 2 || !type.getElementType().isBF16())
    return nullptr;
  if (inputType.getElementType().isF32())
    return std::make_unique<WidenedPairFormat>(b, input, weight, plan);
  bool multiplies = b.getTarget() && b.getTarget().hasBf16Dot();
  if (inputType.getElementType().isBF16() && multiplies)
    return std::make_unique<PairFormat>(b, input, weight, plan);
  return nullptr;
}
