//===- FuseAttention.cpp - softmax(QKᵀ·scale + bias + mask)·V -------------===//
//
// tenon-fuse-attention: see FusionPasses.td.
//
//===----------------------------------------------------------------------===//

#include "Values.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "tenon/Dialect/Tenon/IR/Remarks.h"
#include "tenon/Dialect/Tenon/Transforms/FusionPasses.h"

#include <cmath>

namespace tenon {
#define GEN_PASS_DEF_TENONFUSEATTENTION
#include "tenon/Dialect/Tenon/Transforms/FusionPasses.h.inc"
} // namespace tenon

using namespace mlir;
using namespace tenon;

namespace {

constexpr StringLiteral kPass = "tenon-fuse-attention";

/// Why scores make no attention, and the operation where they stop doing so.
struct Decline {
  enum Kind { Uses, Scores, Order, Scale, Padding, Rank, Gradient } kind;
  std::string reason;
  Location place;
};

/// What is known of an attention while its scores are walked up.
struct Match {
  Value query, key, valid, bias, sink;
  /// What the value at hand is multiplied by on its way to the next link below;
  /// in the end the scale of the product.
  double scale = 1.0;
  std::optional<double> cap, biasScale;
  bool causal = false, biasByKey = false;
  std::optional<int64_t> window, band;
  unsigned numScales = 0, numMasks = 0;
  /// The operations fused, the last first.
  SmallVector<Operation *> ops;
};

std::string quoted(Operation *op) {
  return "'" + op->getName().getStringRef().str() + "'";
}

/// The name of an operation as a description has it.
std::string nameOf(Operation *op) {
  if (auto activation = dyn_cast<ActivationOp>(op))
    return "'" + stringifyActivationKind(activation.getKind()).str() + "'";
  return quoted(op);
}

/// The smaller of two limits, of which either may be missing.
void narrow(std::optional<int64_t> &limit, std::optional<int64_t> other) {
  if (other)
    limit = std::min(limit.value_or(*other), *other);
}

/// Walks from the input of a softmax up to the product of queries and keys.
class ScoreMatcher {
public:
  explicit ScoreMatcher(Match &match) : match(match) {}

  std::optional<Decline> walk(Value scores);

private:
  std::optional<Decline> step(Operation *op, Value &scores);
  std::optional<Decline> matchMask(Operation *op);
  std::optional<Decline> matchProduct(MatmulOp product);
  /// Takes scales off a query or key. They may have other users, who keep them.
  Value peelScales(Value value);

  static Decline decline(Decline::Kind kind, Operation *op,
                         const Twine &reason) {
    return {kind, reason.str(), op->getLoc()};
  }

  Match &match;
  bool isDone = false;
};

Value ScoreMatcher::peelScales(Value value) {
  while (std::optional<ScaledValue> scaled = matchScale(value)) {
    match.scale *= scaled->factor;
    ++match.numScales;
    match.ops.push_back(value.getDefiningOp());
    value = scaled->value;
  }
  return value;
}

std::optional<Decline> ScoreMatcher::walk(Value scores) {
  while (!isDone) {
    Operation *op = scores.getDefiningOp();
    if (!op) {
      Operation *user = *scores.getUsers().begin();
      return decline(Decline::Scores, user,
                     "these scores come from outside of the layer's body, and "
                     "not from a product of queries and keys");
    }
    if (!scores.hasOneUse())
      return decline(Decline::Uses, op,
                     "the result of " + nameOf(op) +
                         " is read elsewhere too, so that these scores have "
                         "to be there");
    match.ops.push_back(op);
    if (std::optional<Decline> reason = step(op, scores))
      return reason;
  }
  return std::nullopt;
}

std::optional<Decline> ScoreMatcher::matchMask(Operation *op) {
  // tanh makes a number of minus infinity.
  if (match.cap)
    return decline(Decline::Order, op,
                   "the mask of " + nameOf(op) +
                       " comes before the cap, which would undo it; masks "
                       "come last");
  ++match.numMasks;
  if (auto mask = dyn_cast<CausalMaskOp>(op)) {
    match.causal = true;
    narrow(match.window, mask.getWindow());
  } else if (auto mask = dyn_cast<BandMaskOp>(op)) {
    narrow(match.band, static_cast<int64_t>(mask.getWidth()));
  } else {
    Value valid = cast<PaddingMaskOp>(op).getValid();
    if (match.valid && match.valid != valid)
      return decline(Decline::Padding, op,
                     "these scores have padding masks of two inputs");
    match.valid = valid;
  }
  return std::nullopt;
}

std::optional<Decline> ScoreMatcher::matchProduct(MatmulOp product) {
  match.query = peelScales(product.getLhs());
  Value keys = peelScales(product.getRhs());
  auto transpose = keys.getDefiningOp<TransposeOp>();
  if (!transpose)
    return decline(Decline::Scores, product,
                   "the right side of this product is no transposed tensor of "
                   "keys");
  match.ops.push_back(transpose);
  match.key = peelScales(transpose.getInput());
  isDone = true;
  return std::nullopt;
}

/// One link of the chain: what is above it.
std::optional<Decline> ScoreMatcher::step(Operation *op, Value &scores) {
  Value value = scores;
  if (isa<CausalMaskOp, PaddingMaskOp, BandMaskOp>(op)) {
    scores = op->getOperand(0);
    return matchMask(op);
  }
  if (std::optional<ScaledValue> scaled = matchScale(value)) {
    match.scale *= scaled->factor;
    ++match.numScales;
    scores = scaled->value;
    // -inf times zero is no number, times a negative one is +inf.
    if (!(scaled->factor > 0) && isMasked(scores))
      return decline(Decline::Scale, op,
                     "masked scores are multiplied by a number that is not "
                     "positive");
    return std::nullopt;
  }
  if (auto biased = dyn_cast<ScoreBiasOp>(op)) {
    if (match.cap)
      return decline(Decline::Order, op,
                     "the bias comes before the cap; attention takes it after");
    if (match.bias)
      return decline(Decline::Order, op,
                     "these scores get a second bias; attention takes one");
    match.bias = biased.getBias();
    match.biasByKey = biased.getByKey();
    match.biasScale = match.scale;
    scores = biased.getInput();
    return std::nullopt;
  }
  auto activation = dyn_cast<ActivationOp>(op);
  if (activation && activation.getKind() == ActivationKind::Tanh) {
    if (match.cap)
      return decline(Decline::Order, op,
                     "these scores pass through 'tanh' "
                     "twice; attention takes one cap");
    // f tanh(x) = -f tanh(-x)
    match.cap = std::abs(match.scale);
    match.scale = match.scale < 0 ? -1.0 : 1.0;
    scores = activation.getInput();
    if (*match.cap > 0 && std::isfinite(*match.cap))
      return std::nullopt;
    return decline(Decline::Scale, op, "the cap of these scores is 0");
  }
  if (auto product = dyn_cast<MatmulOp>(op))
    return matchProduct(product);
  return decline(Decline::Scores, op,
                 "these scores pass through " + nameOf(op) +
                     ", which attention can't take in");
}

struct FuseAttentionPass
    : tenon::impl::TenonFuseAttentionBase<FuseAttentionPass> {
  using TenonFuseAttentionBase::TenonFuseAttentionBase;

  void runOnOperation() override {
    SmallVector<MatmulOp> products;
    getOperation().walk([&](MatmulOp op) {
      if (op.getResult() && op.getLhs().getDefiningOp<SoftmaxOp>())
        products.push_back(op);
    });
    for (MatmulOp product : products)
      if (std::optional<Decline> decline = fuse(product)) {
        count(decline->kind);
        remarkMissed(product, decline->place, kPass, "fused")
            << says("this attention stays in parts: " + decline->reason)
            << blockedBy(product.getLoc())
            << suggests("scores are softmax(...) of a chain: product of "
                        "queries and transposed keys, scale, cap, bias, "
                        "masks");
        // Whoever needs an attention here can say what is in the way.
        product->setAttr(kDeclinedAttrName,
                         StringAttr::get(&getContext(), decline->reason));
        product->setAttr(kDeclinedAtAttrName, LocationAttr(decline->place));
      }
  }

  std::optional<Decline> fuse(MatmulOp product) {
    auto softmax = product.getLhs().getDefiningOp<SoftmaxOp>();
    auto type = cast<RankedTensorType>(product.getResult().getType());
    if (type.getRank() != 3)
      return Decline{Decline::Rank,
                     "these scores have no dimension of heads; heads(x, 1) "
                     "makes one",
                     product.getLoc()};
    if (!softmax.getResult().hasOneUse())
      return Decline{Decline::Uses,
                     "the probabilities are read elsewhere too, so that they "
                     "have to be there",
                     softmax.getLoc()};
    Match match;
    match.ops = {product, softmax};
    match.sink = softmax.getSink();
    if (std::optional<Decline> decline =
            ScoreMatcher(match).walk(softmax.getInput()))
      return decline;
    if (forGradients)
      if (std::optional<Decline> decline = checkGradient(softmax, match))
        return decline;
    // The side of a band that a causal query sees is a window.
    if (match.band && match.causal) {
      narrow(match.window, *match.band + 1);
      match.band.reset();
    }
    remarkFused(softmax, kPass, "fused") << says(describe(match));
    replace(product, type, match);
    ++numFused;
    numScales += match.numScales;
    numMasks += match.numMasks;
    numCaps += match.cap.has_value();
    numBiases += bool(match.bias);
    numSinks += bool(match.sink);
    return std::nullopt;
  }

  /// What goes back through an attention has no form of its own for all chains.
  static std::optional<Decline> checkGradient(SoftmaxOp softmax,
                                              const Match &match) {
    StringRef what = match.valid  ? "padding mask"
                     : match.bias ? "bias"
                     : match.sink ? "sink"
                                  : "";
    if (what.empty())
      return std::nullopt;
    return Decline{
        Decline::Gradient,
        ("what learns goes back through parts where there is a " + what).str(),
        softmax.getLoc()};
  }

  /// "this softmax and its two products are one attention, with a causal mask
  /// and a cap".
  static std::string describe(const Match &match) {
    SmallVector<StringRef> parts;
    auto add = [&](bool isThere, StringRef part) {
      if (isThere)
        parts.push_back(part);
    };
    add(match.causal, "a causal mask");
    add(match.window.has_value(), "a window");
    add(match.band.has_value(), "a band mask");
    add(bool(match.valid), "a padding mask");
    add(bool(match.bias), "a bias");
    add(match.cap.has_value(), "a cap");
    add(bool(match.sink), "a sink");
    std::string text = "this softmax and its two products are one attention";
    for (auto [i, part] : llvm::enumerate(parts)) {
      text += i == 0 ? ", with " : i + 1 == parts.size() ? " and " : ", ";
      text += part;
    }
    return text;
  }

  void replace(MatmulOp product, RankedTensorType type, const Match &match) {
    SmallVector<Location> locs;
    for (Operation *op : llvm::reverse(match.ops))
      locs.push_back(op->getLoc());
    OpBuilder builder(product);
    auto unit = [&](bool is) {
      return is ? builder.getUnitAttr() : UnitAttr();
    };
    auto f32 = [&](std::optional<double> number) {
      return number ? builder.getF32FloatAttr(*number) : FloatAttr();
    };
    auto i64 = [&](std::optional<int64_t> number) {
      return number ? builder.getI64IntegerAttr(*number) : IntegerAttr();
    };
    // Under a cap the product is scaled by all that is above and below it.
    double scale = match.scale * match.cap.value_or(1.0);
    std::optional<double> biasScale = match.biasScale;
    if (biasScale == 1.0)
      biasScale.reset();
    auto attention = AttentionOp::create(
        builder, FusedLoc::get(&getContext(), locs), type, match.query,
        match.key, product.getRhs(), match.valid, match.bias, match.sink,
        /*out=*/Value(), builder.getF32FloatAttr(scale), f32(match.cap),
        f32(biasScale), unit(match.biasByKey), unit(match.causal),
        i64(match.window), i64(match.band), /*tile=*/TileAttr(),
        /*plan=*/AttentionPlanAttr());
    product.getResult().replaceAllUsesWith(attention.getResult());
    // The last first: scales of q and k may have other users and stay.
    for (Operation *op : match.ops)
      if (op->use_empty())
        op->erase();
  }

  void count(Decline::Kind kind) {
    switch (kind) {
    case Decline::Uses:
      ++numDeclinedUses;
      break;
    case Decline::Scores:
      ++numDeclinedScores;
      break;
    case Decline::Order:
      ++numDeclinedOrder;
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
    case Decline::Gradient:
      ++numDeclinedGradient;
      break;
    }
  }
};

} // namespace
