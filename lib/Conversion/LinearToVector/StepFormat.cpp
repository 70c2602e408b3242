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

  Values sum(ValueRange rows, ArrayRef<WeightVector> vectors) override {
    bool asks = isStreaming && plan.prefetchOf(rows.size()).distance > 0;
    auto step = [&](Value k, ValueRange sums, bool partial) {
      return addStep(rows, vectors, k, sums, partial, asks);
    };
    Values sums(rows.size() * vectors.size(), b.splat(0.0));
    int64_t fullSteps = depth / group, first = 0;
    if (ahead && asksPerSum() > 0) {
      first = asksPerSum() * plan.nextSteps;
      sums = b.loop(b.index(0), b.index(asksPerSum()), 1, sums,
                    [&](Value number, ValueRange args) {
                      return askAndAdd(number, args,
                                       [&](Value k, ValueRange args) {
                                         return step(k, args, false);
                                       });
                    });
    }
    if (fullSteps > first)
      sums = b.loop(
          b.index(first), b.index(fullSteps), 1, sums,
          [&](Value k, ValueRange args) { return step(k, args, false); });
    if (depth % group != 0)
      sums = step(b.index(fullSteps), sums, true);
    return sums;
  }

  int64_t steps() const override {
    return depth % group == 0 ? depth / group : 0;
  }
  int64_t stepElements() const override { return group; }
  int64_t stepsTogether() const override { return plan.nextSteps; }
  void start(ValueRange rows, ArrayRef<WeightVector> vectors,
             StoredTile tile) override {
    for (size_t i = 0; i < rows.size() * vectors.size(); ++i)
      storeSum(b.splat(0.0), tile, i);
  }
  void addPart(ValueRange rows, ArrayRef<WeightVector> vectors, StoredTile tile,
               Value first, Value end) override {
    Values sums = finish(rows, vectors, tile);
    auto step = [&](Value k, ValueRange args) {
      return addStep(rows, vectors, k, args, /*partial=*/false, /*asks=*/false);
    };
    if (ahead && asksPerSum() > 0) {
      Value ask0 = arith::DivUIOp::create(b, first, b.index(plan.nextSteps));
      Value ask1 = arith::DivUIOp::create(b, end, b.index(plan.nextSteps));
      sums = b.loop(ask0, ask1, 1, sums, [&](Value number, ValueRange args) {
        return askAndAdd(number, args, step);
      });
      first = b.mulIndex(ask1, plan.nextSteps);
    }
    sums = b.loop(first, end, 1, sums, step);
    for (auto [i, sum] : llvm::enumerate(sums))
      storeSum(sum, tile, i);
  }
  Values finish(ValueRange rows, ArrayRef<WeightVector> vectors,
                StoredTile tile) override {
    Values sums;
    for (size_t i = 0; i < rows.size() * vectors.size(); ++i)
      sums.push_back(loadSum(tile, i));
    return sums;
  }

  int64_t asksPerSum() const override { return depth / group / plan.nextSteps; }
  int64_t linesPerPanel() const override {
    auto type = cast<MemRefType>(weight.getType());
    int64_t bits = ShapedType::getNumElements(type.getShape().drop_front()) *
                   type.getElementTypeBitWidth();
    return llvm::divideCeil(bits, 8 * kLine);
  }

protected:
  /// Adds a step, of which a partial one has the first link alone; `asks`: and
  /// asks for the weights of a later one.
  Values addStep(ValueRange rows, ArrayRef<WeightVector> vectors, Value k,
                 ValueRange sums, bool partial, bool asks) {
    Values next(sums);
    LinearPlan::Prefetch later = plan.prefetchOf(rows.size());
    if (asks && !partial)
      for (const WeightVector &vector : vectors)
        if (vector.vector.index * b.lanes() * group % elementsOfLine() == 0)
          b.prefetch(weight,
                     {vector.panel, b.addIndex(k, stepsIn(later.distance)),
                      vector.vector.column(b), b.index(0)},
                     later.cache);
    for (int64_t link = 0, end = partial ? 1 : links; link < end; ++link) {
      Values weights;
      for (const WeightVector &vector : vectors)
        weights.push_back(loadWeights(vector.panel, k, vector.vector, link));
      for (auto [r, row] : llvm::enumerate(rows)) {
        Value value = loadInput(row, k, link, partial);
        for (auto [i, weight] : llvm::enumerate(weights)) {
          Value &sum = next[r * vectors.size() + i];
          sum = accumulate(weight, value, sum);
        }
      }
    }
    return next;
  }

  /// Asks for memory once, and adds as many steps as that is for.
  Values askAndAdd(Value number, ValueRange sums,
                   llvm::function_ref<Values(Value, ValueRange)> step) {
    ask(number, [&](Value line) {
      Value zero = b.index(0);
      b.prefetch(weight,
                 {ahead->panel, zero, zero, b.mulIndex(line, elementsOfLine())},
                 2);
    });
    Value k = b.mulIndex(number, plan.nextSteps);
    Values next(sums);
    for (int64_t i = 0; i < plan.nextSteps; ++i)
      next = step(b.addIndex(k, i), next);
    return next;
  }

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
