//===- Optimizers.cpp - the steps that a trainer can choose from ----------===//
//
// One entry point for AdamW, one for SGD and Lion, which differ in numbers
// alone, and one for Muon.
//
//===----------------------------------------------------------------------===//

#include "Optimizers.h"
#include "Build.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "tenon/Dialect/Tenon/IR/TenonOptimizer.h"
#include "llvm/ADT/SetVector.h"

#include <algorithm>
#include <cmath>

using namespace mlir;
using namespace tenon;

namespace {

/// Of Newton and Schulz's iteration (Jordan et al., 2024): its coefficients,
/// how often it runs, and the least norm that it divides by.
constexpr double kLinear = 3.4445, kCubic = -4.7750, kQuintic = 2.0315;
constexpr int64_t kIterations = 5;
constexpr double kLeastNorm = 1e-7;
/// A step's mean square is that of one of AdamW (arXiv:2502.16982).
constexpr double kRootMeanSquare = 0.2;

class UpdateBuilder {
public:
  UpdateBuilder(ModuleOp module, Location loc);

  int64_t derive();

private:
  /// Begins an entry point that takes sets of numbers by these names.
  void begin(StringRef name, ArrayRef<StringRef> inputs);
  void end() { func::ReturnOp::create(builder, loc, norm); }

  template <typename Op> void emitStep(WeightOp weight) {
    bool isMatrix = weight.getLayerType().getRank() > 1;
    Op::create(builder, weight.getLoc(), weight.getSymName(), numbers, norm,
               isMatrix);
  }
  void emitMuon(WeightOp weight, Value muonNumbers);
  Value orthogonalize(Location loc, Value x);
  bool isMatrixOfLinears(WeightOp weight) const;

  ModuleOp module;
  Location loc;
  OpBuilder builder;
  SmallVector<WeightOp> weights; ///< that learn, in the module's order
  llvm::SmallDenseSet<StringAttr> tables;
  func::FuncOp function;
  Value numbers, norm;
};

} // namespace

UpdateBuilder::UpdateBuilder(ModuleOp module, Location loc)
    : module(module), loc(loc), builder(module.getContext()) {
  llvm::SmallDenseSet<StringAttr> learned;
  module.lookupSymbol<func::FuncOp>(kGradientName).walk([&](GradientOp op) {
    StringAttr name = op.getWeightAttr().getAttr();
    learned.insert(name);
    if (llvm::any_of(op->getUsers(), llvm::IsaPred<EmbeddingGradientOp>))
      tables.insert(name);
  });
  for (auto weight : module.getOps<WeightOp>())
    if (learned.contains(weight.getSymNameAttr()))
      weights.push_back(weight);
}

void UpdateBuilder::begin(StringRef name, ArrayRef<StringRef> inputs) {
  builder.setInsertionPointToEnd(module.getBody());
  auto given =
      RankedTensorType::get({UpdateOp::kNumbers}, builder.getF32Type());
  auto scalar = RankedTensorType::get({1, 1}, builder.getF32Type());
  SmallVector<Type> types(inputs.size(), given);
  function = func::FuncOp::create(builder, loc, name,
                                  builder.getFunctionType(types, {scalar}));
  function->setAttr("tenon.entry", builder.getUnitAttr());
  for (auto [i, input] : llvm::enumerate(inputs))
    function.setArgAttr(i, kInputNameAttrName, builder.getStringAttr(input));
  Block *body = function.addEntryBlock();
  builder.setInsertionPointToStart(body);
  numbers = body->getArgument(0);
  norm = GradientNormOp::create(builder, loc, scalar, numbers);
}

int64_t UpdateBuilder::derive() {
  begin(kUpdateName, {"numbers"});
  for (WeightOp weight : weights)
    emitStep<UpdateOp>(weight);
  end();
  begin(kMomentumUpdateName, {"numbers"});
  for (WeightOp weight : weights)
    emitStep<MomentumUpdateOp>(weight);
  end();
  if (llvm::none_of(weights,
                    [&](WeightOp weight) { return isMatrixOfLinears(weight); }))
    return weights.size();
  begin(kMuonUpdateName, {"numbers", "muon_numbers"});
  for (WeightOp weight : weights)
    if (isMatrixOfLinears(weight))
      emitMuon(weight, function.getArgument(1));
    else
      emitStep<UpdateOp>(weight);
  end();
  return weights.size();
}

/// A matrix of a layer that is no table: what Muon is for. Embeddings, heads
/// and vectors have AdamW.
bool UpdateBuilder::isMatrixOfLinears(WeightOp weight) const {
  RankedTensorType type = weight.getLayerType();
  return weight.getStacked() && type.getRank() == 2 && type.getDimSize(0) > 1 &&
         type.getDimSize(1) > 1 && !tables.contains(weight.getSymNameAttr());
}

/// The step of all layers, one after the other: a loop of one matrix's code.
void UpdateBuilder::emitMuon(WeightOp weight, Value muonNumbers) {
  OpBuilder::InsertionGuard guard(builder);
  Location at = weight.getLoc();
  RankedTensorType layer = weight.getLayerType();
  auto index = [&](int64_t value) -> Value {
    return arith::ConstantIndexOp::create(builder, at, value);
  };
  auto loop = scf::ForOp::create(builder, at, index(0),
                                 index(weight.getNumLayers()), index(1));
  builder.setInsertionPointToStart(loop.getBody());
  Value u = MuonDirectionOp::create(
      builder, at,
      RankedTensorType::get(layer.getShape(), builder.getF32Type()),
      weight.getSymName(), loop.getInductionVar(), muonNumbers, norm);
  auto larger =
      static_cast<double>(std::max(layer.getDimSize(0), layer.getDimSize(1)));
  auto factor = static_cast<float>(kRootMeanSquare * std::sqrt(larger));
  MuonUpdateOp::create(builder, at, weight.getSymName(), loop.getInductionVar(),
                       orthogonalize(at, u), muonNumbers, APFloat(factor));
}

/// X / |X|, then five times X = a X + (b G + c G²) X for G = X Xᵀ, with the
/// smaller of both products as G.
Value UpdateBuilder::orthogonalize(Location at, Value x) {
  Build build(builder, at);
  RankedTensorType type = tensorOf(x);
  Value squares = build.reduce(build.reduce(build.mul(x, x), Reduction::Sum, 1),
                               Reduction::Sum, 0);
  Value size = build.activation(squares, ActivationKind::Sqrt);
  size = ClampOp::create(builder, at, size.getType(), size, Value(),
                         builder.getF32FloatAttr(kLeastNorm), FloatAttr(),
                         TileAttr())
             .getResult();
  x = build.div(x, size);
  auto index = [&](int64_t value) -> Value {
    return arith::ConstantIndexOp::create(builder, at, value);
  };
  auto loop = scf::ForOp::create(builder, at, index(0), index(kIterations),
                                 index(1), ValueRange{x});
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToStart(loop.getBody());
  x = loop.getRegionIterArg(0);
  bool isWide = type.getDimSize(0) <= type.getDimSize(1);
  Value turned = build.transpose(x);
  Value g = isWide ? build.matmul(x, turned) : build.matmul(turned, x);
  Value p = build.add(build.scale(g, kCubic),
                      build.scale(build.matmul(g, g), kQuintic));
  Value far = isWide ? build.matmul(p, x) : build.matmul(x, p);
  scf::YieldOp::create(builder, at, build.add(build.scale(x, kLinear), far));
  return loop.getResult(0);
}

int64_t tenon::deriveUpdates(ModuleOp module, Location loc) {
  return UpdateBuilder(module, loc).derive();
}
