//===- MixedWeights.cpp - weights whose layers differ in precision --------===//
//
// A step of tenon-pack-weights: see FusionPasses.td.
//
//===----------------------------------------------------------------------===//

#include "MixedWeights.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "tenon/Dialect/Tenon/IR/TenonFrozen.h"
#include "tenon/Dialect/Tenon/IR/TenonMixture.h"

using namespace mlir;
using namespace tenon;

namespace {

/// The layers of one precision: a weight of its own, and a bit for each layer
/// of the model that is among them. The experts of a layer have one precision.
struct Part {
  WeightOp weight;
  llvm::APInt layers;
};
using Parts = SmallVector<Part, 2>;

class Splitter {
public:
  Splitter(ModuleOp module, Weights &weights)
      : module(module), weights(weights) {}

  FailureOr<unsigned> run() {
    SmallVector<Operation *> readers;
    WalkResult result = module.walk([&](Operation *op) -> WalkResult {
      Value read = readBy(op);
      WeightOp weight = read ? weights.getWeightOf(read) : WeightOp();
      if (!weight || !isa<MixedType>(weight.getTensorType().getElementType()))
        return WalkResult::advance();
      readers.push_back(op);
      return checkExperts(weight);
    });
    if (result.wasInterrupted())
      return failure();
    for (Operation *op : readers)
      split(op);
    return readers.size();
  }

private:
  /// The weight that an operation reads which can be one of several, or null.
  static Value readBy(Operation *op) {
    if (auto linear = dyn_cast<LinearOp>(op))
      return linear.getWeight();
    if (auto numbers = dyn_cast<DequantizeOp>(op))
      return numbers.getWeight();
    return {};
  }

  static ArrayRef<DType> precisionsOf(WeightOp weight) {
    Type element = weight.getTensorType().getElementType();
    return cast<MixedType>(element).getLayers();
  }

  static LogicalResult checkExperts(WeightOp weight) {
    ArrayRef<DType> all = precisionsOf(weight);
    int64_t experts = getExperts(weight);
    for (int64_t n = 0, e = all.size(); n < e; ++n)
      if (all[n] != all[n - n % experts])
        return weight.emitError("experts of layer ")
               << n / experts
               << " differ in precision: " << tenon::name(all[n - n % experts])
               << " and " << tenon::name(all[n]);
    return success();
  }

  Parts &getParts(WeightOp weight) {
    Parts &parts = known[weight];
    if (!parts.empty())
      return parts;
    RankedTensorType type = weight.getTensorType();
    Builder builder(weight.getContext());
    std::optional<ArrayRef<int64_t>> own = weight.getLayers();
    int64_t experts = getExperts(weight);
    ArrayRef<DType> all = precisionsOf(weight);
    SmallVector<DType> layers;
    for (size_t n = 0; n < all.size(); n += experts)
      layers.push_back(all[n]);
    SmallVector<DType> seen;
    for (DType precision : layers) {
      if (llvm::is_contained(seen, precision))
        continue;
      seen.push_back(precision);
      SmallVector<int64_t> numbers;
      llvm::APInt bits(layers.size(), 0);
      for (auto [i, other] : llvm::enumerate(layers))
        if (other == precision) {
          numbers.push_back(own ? (*own)[i] : static_cast<int64_t>(i));
          bits.setBit(i);
        }
      SmallVector<int64_t> shape(type.getShape());
      shape[0] = numbers.size() * experts;
      WeightOp part = weights.create(
          parts.empty() ? weight : parts.back().weight,
          (weight.getSymName() + "." + tenon::name(precision)).str(),
          RankedTensorType::get(
              shape, getWeightElement(weight.getContext(), precision)),
          weight.getSources().getValue(), /*stacked=*/true, weight.getLoc(),
          builder.getDenseI64ArrayAttr(numbers), getExperts(weight));
      parts.push_back({part, bits});
    }
    return parts;
  }

  /// Layer `layer` is one of these: its bit, and how many of them are below.
  struct Place {
    Value isOne, index;
  };
  Place findPlace(OpBuilder &builder, Location loc, Value layer,
                  const llvm::APInt &layers) {
    Type word = builder.getIntegerType(layers.getBitWidth());
    auto constant = [&](const llvm::APInt &bits) -> Value {
      return arith::ConstantOp::create(builder, loc,
                                       builder.getIntegerAttr(word, bits));
    };
    Value all = constant(layers);
    Value count = arith::IndexCastOp::create(builder, loc, word, layer);
    Value shifted = arith::ShRUIOp::create(builder, loc, all, count);
    Value isOne = shifted;
    if (layers.getBitWidth() > 1)
      isOne =
          arith::TruncIOp::create(builder, loc, builder.getI1Type(), shifted);
    Value bit = arith::ShLIOp::create(
        builder, loc, constant(llvm::APInt(layers.getBitWidth(), 1)), count);
    Value below = arith::SubIOp::create(
        builder, loc, bit, constant(llvm::APInt(layers.getBitWidth(), 1)));
    Value number = math::CtPopOp::create(
        builder, loc, arith::AndIOp::create(builder, loc, all, below));
    return {isOne, arith::IndexCastUIOp::create(
                       builder, loc, builder.getIndexType(), number)};
  }

  void split(Operation *op) {
    auto ref = readBy(op).getDefiningOp<WeightRefOp>();
    Parts &parts = getParts(weights.get(ref));
    OpBuilder builder(op);
    // Layers are told apart, not their experts.
    int64_t experts = getExperts(weights.get(ref));
    Value layer = ref.getLayer(), expert;
    if (experts > 1) {
      Value count =
          arith::ConstantIndexOp::create(builder, op->getLoc(), experts);
      expert = arith::RemUIOp::create(builder, op->getLoc(), layer, count);
      layer = arith::DivUIOp::create(builder, op->getLoc(), layer, count);
    }
    Value result = choose(builder, op, layer, expert, parts);
    op->getResult(0).replaceAllUsesWith(result);
    op->erase();
    if (ref->use_empty())
      ref.erase();
  }

  Value choose(OpBuilder &builder, Operation *op, Value layer, Value expert,
               ArrayRef<Part> parts) {
    Location loc = op->getLoc();
    Place place = findPlace(builder, loc, layer, parts[0].layers);
    auto emit = [&](OpBuilder &inner, const Part &part, Value index) -> Value {
      IRMapping mapping;
      if (expert) {
        Value first =
            arith::MulIOp::create(inner, loc, index,
                                  arith::ConstantIndexOp::create(
                                      inner, loc, getExperts(part.weight)));
        index = arith::AddIOp::create(inner, loc, first, expert);
      }
      mapping.map(readBy(op),
                  createRef(inner, loc, part.weight, index).getResult());
      return inner.clone(*op, mapping)->getResult(0);
    };
    if (parts.size() == 1)
      return emit(builder, parts[0], place.index);
    auto branch = scf::IfOp::create(builder, loc, op->getResult(0).getType(),
                                    place.isOne, /*withElseRegion=*/true);
    OpBuilder then = branch.getThenBodyBuilder();
    scf::YieldOp::create(then, loc, emit(then, parts[0], place.index));
    OpBuilder otherwise = branch.getElseBodyBuilder();
    scf::YieldOp::create(
        otherwise, loc,
        choose(otherwise, op, layer, expert, parts.drop_front()));
    return branch.getResult(0);
  }

  ModuleOp module;
  Weights &weights;
  llvm::DenseMap<Operation *, Parts> known;
};

} // namespace

FailureOr<unsigned> tenon::splitMixedWeights(ModuleOp module,
                                             Weights &weights) {
  return Splitter(module, weights).run();
}
