//===- FuseAttention.cpp - softmax(QKᵀ·scale + mask)·V --------------------===//
//
// tenon-fuse-attention: see FusionPasses.td.
//
//===----------------------------------------------------------------------===//

#include "Values.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "tenon/Dialect/Tenon/Transforms/FusionPasses.h"

namespace tenon {
#define GEN_PASS_DEF_TENONFUSEATTENTION
#include "tenon/Dialect/Tenon/Transforms/FusionPasses.h.inc"
} // namespace tenon

using namespace mlir;
using namespace tenon;

namespace {

enum class Decline { Uses, Scores, Scale, Padding, Rank };

/// What is known of an attention while its scores are walked up.
struct Match {
  Value query, key, valid;
  double scale = 1.0;
  bool causal = false;
  std::optional<int64_t> window;
  unsigned numScales = 0, numMasks = 0;
  /// The operations fused, the last first.
  SmallVector<Operation *> ops;
};

/// Takes scales off a query or key. They may have other users, who keep them.
Value peelScales(Value value, Match &match) {
  while (std::optional<ScaledValue> scaled = matchScale(value)) {
    match.scale *= scaled->factor;
    ++match.numScales;
    match.ops.push_back(value.getDefiningOp());
    value = scaled->value;
  }
  return value;
}

/// From the input of the softmax up to the product of queries and keys.
std::optional<Decline> matchScores(Value scores, Match &match) {
  while (true) {
    if (!scores.hasOneUse())
      return Decline::Uses;
    Operation *op = scores.getDefiningOp();
    if (!op)
      return Decline::Scores;
    match.ops.push_back(op);
    if (auto mask = dyn_cast<CausalMaskOp>(op)) {
      match.causal = true;
      ++match.numMasks;
      if (std::optional<int64_t> window = mask.getWindow())
        match.window = std::min(match.window.value_or(*window), *window);
      scores = mask.getInput();
    } else if (auto mask = dyn_cast<PaddingMaskOp>(op)) {
      if (match.valid && match.valid != mask.getValid())
        return Decline::Padding;
      match.valid = mask.getValid();
      ++match.numMasks;
      scores = mask.getInput();
    } else if (std::optional<ScaledValue> scaled = matchScale(scores)) {
      match.scale *= scaled->factor;
      ++match.numScales;
      scores = scaled->value;
      // -inf times zero is no number, times a negative one is +inf.
      if (!(scaled->factor > 0) && isMasked(scores))
        return Decline::Scale;
    } else if (auto product = dyn_cast<MatmulOp>(op)) {
      match.query = peelScales(product.getLhs(), match);
      Value keys = peelScales(product.getRhs(), match);
      auto transpose = keys.getDefiningOp<TransposeOp>();
      if (!transpose)
        return Decline::Scores;
      match.ops.push_back(transpose);
      match.key = peelScales(transpose.getInput(), match);
      return std::nullopt;
    } else {
      return Decline::Scores;
    }
  }
}

struct FuseAttentionPass
    : tenon::impl::TenonFuseAttentionBase<FuseAttentionPass> {
  void runOnOperation() override {
    SmallVector<MatmulOp> products;
    getOperation().walk([&](MatmulOp op) {
      if (op.getResult() && op.getLhs().getDefiningOp<SoftmaxOp>())
        products.push_back(op);
    });
    for (MatmulOp product : products)
      if (std::optional<Decline> reason = fuse(product))
        count(*reason);
  }

  std::optional<Decline> fuse(MatmulOp product) {
    auto softmax = product.getLhs().getDefiningOp<SoftmaxOp>();
    auto type = cast<RankedTensorType>(product.getResult().getType());
    if (type.getRank() != 3)
      return Decline::Rank;
    if (!softmax.getResult().hasOneUse())
      return Decline::Uses;
    Match match;
    match.ops = {product, softmax};
    if (std::optional<Decline> reason = matchScores(softmax.getInput(), match))
      return reason;

    SmallVector<Location> locs;
    for (Operation *op : llvm::reverse(match.ops))
      locs.push_back(op->getLoc());
    OpBuilder builder(product);
    auto attention = AttentionOp::create(
        builder, FusedLoc::get(&getContext(), locs), type, match.query,
        match.key, product.getRhs(), match.valid, /*out=*/Value(),
        builder.getF32FloatAttr(match.scale),
        match.causal ? builder.getUnitAttr() : UnitAttr(),
        match.window ? builder.getI64IntegerAttr(*match.window) : IntegerAttr(),
        /*tile=*/TileAttr());
    product.getResult().replaceAllUsesWith(attention.getResult());
    // The last first: scales of q and k may have other users and stay.
    for (Operation *op : match.ops)
      if (op->use_empty())
        op->erase();
    ++numFused;
    numScales += match.numScales;
    numMasks += match.numMasks;
    return std::nullopt;
  }

  void count(Decline reason) {
    switch (reason) {
    case Decline::Uses:
      ++numDeclinedUses;
      break;
    case Decline::Scores:
      ++numDeclinedScores;
      break;
    case Decline::Scale:
      ++numDeclinedScale;
      break;
    case Decline::Padding:
      ++numDeclinedPadding;
      break;
    case Decline::Rank:
      ++numDeclinedRank;
      break;
    }
  }
};

} // namespace
