//===- AbsorbLatent.cpp - attention to what keys and values are made of ---===//
//
// tenon-absorb-latent: see FusionPasses.td.
//
//===----------------------------------------------------------------------===//

#include "CacheClasses.h"
#include "Weights.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "tenon/Dialect/Tenon/IR/Remarks.h"
#include "tenon/Dialect/Tenon/IR/TenonMixture.h"
#include "tenon/Dialect/Tenon/Transforms/FusionPasses.h"

namespace tenon {
#define GEN_PASS_DEF_TENONABSORBLATENT
#include "tenon/Dialect/Tenon/Transforms/FusionPasses.h.inc"
} // namespace tenon

using namespace mlir;
using namespace tenon;

namespace {

constexpr StringLiteral kPass = "tenon-absorb-latent";

/// Groups of a linear begin at panels of columns, and at superblocks of rows
/// that are quantized here: multiples of 64 are multiples of all of them.
constexpr int64_t kUnit = 64;

/// Numbers of keys and values, of all tokens of the context, from which on they
/// are replaced where nothing is said: half a GiB in f16.
constexpr int64_t kManyNumbers = int64_t(1) << 28;

RankedTensorType typeOf(Value value) {
  return cast<RankedTensorType>(value.getType());
}

int64_t lastDim(Value value) { return typeOf(value).getShape().back(); }

/// Keys [kn, kr] and values v that are heads of one linear of c, but for the
/// components kr, which all heads share.
struct Match {
  ConcatOp key;
  SliceOp kn, v;
  SplitHeadsOp heads;
  LinearOp up; ///< of c
  int64_t numHeads, rank, keyDim, sharedDim, valueDim;

  /// Numbers that are cached for a token: now, and of c and kr.
  int64_t numbers() const { return numHeads * (keyDim + sharedDim + valueDim); }
  int64_t absorbed() const { return 2 * rank + sharedDim; }
};

/// The structure alone: what else must hold, `decline` says.
std::optional<Match> match(AttentionOp op) {
  Match m;
  m.key = op.getKey().getDefiningOp<ConcatOp>();
  m.v = op.getValue().getDefiningOp<SliceOp>();
  if (!m.key || !m.v || typeOf(m.key.getRhs()).getRank() != 3 ||
      typeOf(m.key.getRhs()).getDimSize(0) != 1)
    return std::nullopt;
  m.kn = m.key.getLhs().getDefiningOp<SliceOp>();
  m.heads = m.v.getInput().getDefiningOp<SplitHeadsOp>();
  if (!m.kn || !m.heads || m.kn.getInput() != m.heads.getResult())
    return std::nullopt;
  m.up = m.heads.getInput().getDefiningOp<LinearOp>();
  if (!m.up)
    return std::nullopt;
  m.numHeads = m.heads.getHeads();
  m.rank = lastDim(m.up.getInput());
  m.keyDim = lastDim(m.kn);
  m.sharedDim = lastDim(m.key.getRhs());
  m.valueDim = lastDim(m.v);
  if (m.kn.getOffset() != 0 || int64_t(m.v.getOffset()) != m.keyDim ||
      lastDim(m.heads) != m.keyDim + m.valueDim ||
      typeOf(op.getQuery()).getDimSize(0) != m.numHeads)
    return std::nullopt;
  return m;
}

struct AbsorbLatentPass : tenon::impl::TenonAbsorbLatentBase<AbsorbLatentPass> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    std::string wish = "auto";
    if (auto attr = module->getAttrOfType<StringAttr>(kLatentCacheAttrName))
      wish = attr.str();
    if (wish != "auto" && wish != "on" && wish != "off") {
      module.emitError("'")
          << kLatentCacheAttrName << "' is \"auto\", \"on\" or \"off\", not \""
          << wish << "\"";
      return signalPassFailure();
    }
    auto forward = module.lookupSymbol<func::FuncOp>(kForwardName);
    auto kind = module->getAttrOfType<StringAttr>(kKindAttrName);
    // Only what is cached is read again and again.
    if (!forward || !kind || kind.getValue() != "decoder")
      return;
    SmallVector<std::pair<AttentionOp, Match>> found;
    forward.walk([&](AttentionOp op) {
      if (std::optional<Match> m = match(op))
        found.push_back({op, *m});
    });
    bool isWanted = wish == "on" || (wish == "auto" && !found.empty() &&
                                     areNumbersMany(forward));
    Weights weights(module);
    bool changed = false;
    for (auto &[op, m] : found) {
      std::string reason = decline(m, weights);
      if (!reason.empty())
        ++numDeclinedForm;
      else if (!isWanted)
        ++numDeclinedSize;
      else {
        absorb(op, m, weights);
        ++numAbsorbed;
        changed = true;
        continue;
      }
      if (reason.empty())
        reason = wish == "off" ? "it is asked not to be"
                               : "keys and values of the whole context are few";
      remarkMissed(op, kPass, "absorbed")
          << says("keys and values are cached, " + std::to_string(m.numbers()) +
                  " numbers for a token, and not what they are made of, " +
                  std::to_string(m.absorbed()) + ": " + reason)
          << blockedBy(m.up.getLoc());
    }
    if (changed)
      weights.eraseUnused();
    else if (wish == "on")
      module.emitWarning("a latent cache was asked for, but no attention here "
                         "has keys and values of few latent components that "
                         "can be cached instead; --remarks=missed says more");
  }

private:
  /// Whether keys and values of a context take much memory.
  bool areNumbersMany(func::FuncOp forward) {
    auto context = getOperation()->getAttrOfType<IntegerAttr>(kContextAttrName);
    FailureOr<CacheClasses> classes =
        CacheClasses::find(forward, BindingTimes(forward), CacheLimits());
    if (!context || failed(classes))
      return false;
    double numbers = 0;
    for (const CacheClasses::Class &known : classes->classes())
      numbers +=
          double(known.layers) * known.key.keys.getDimSize(0) *
          (known.key.keys.getDimSize(2) + known.key.values.getDimSize(2)) *
          double(context.getInt());
    return numbers > kManyNumbers;
  }

  /// Why it cannot be, or nothing.
  static std::string decline(Match &m, Weights &weights) {
    if (m.up.getBias() || m.up.getResidual() || m.up.getGated() ||
        m.up.getGroups() != 1 ||
        m.up.getActivation() != ActivationKind::Identity)
      return "the linear that makes them has an epilogue";
    WeightOp weight = weights.getWeightOf(m.up.getWeight());
    auto source = weight && weight.getSources().size() == 1
                      ? dyn_cast<SourceAttr>(weight.getSources()[0])
                      : SourceAttr();
    if (!source || source.getTransposed() || source.isOfHeads() ||
        weight.getLayerType().getRank() != 2 ||
        weight.getTensorType().getEncoding())
      return "their weight is not one matrix of the checkpoint, row by row";
    if (!isa<FloatType>(weight.getTensorType().getElementType()))
      return "their weight is quantized already, and would be quantized again "
             "turned around";
    for (int64_t size : {m.rank, m.keyDim, m.valueDim})
      if (size % kUnit)
        return std::to_string(size) + " is no multiple of " +
               std::to_string(kUnit);
    if (m.absorbed() >= m.numbers())
      return "that would be no less";
    for (Value value : {m.kn.getResult(), m.v.getResult(), m.key.getResult(),
                        m.up.getResult()})
      if (!value.hasOneUse())
        return "they are read elsewhere, too";
    return "";
  }

  /// A weight of the part of each head's rows from `first` on.
  static WeightOp partOf(WeightOp weight, StringRef name, int64_t heads,
                         int64_t first, int64_t count, bool transposed,
                         Weights &weights) {
    auto source = cast<SourceAttr>(weight.getSources()[0]);
    auto part =
        SourceAttr::get(weight.getContext(), source.getName(), source.getType(),
                        transposed, heads, first, count);
    SmallVector<int64_t> shape = part.getWeightShape();
    if (weight.getStacked())
      shape.insert(shape.begin(), weight.getNumLayers());
    return weights.create(
        weight, (weight.getSymName() + name).str(),
        RankedTensorType::get(shape, weight.getTensorType().getElementType()),
        {part}, weight.getStacked(), weight.getLoc(), weight.getLayersAttr(),
        getExperts(weight));
  }

  static void absorb(AttentionOp op, Match &m, Weights &weights) {
    OpBuilder builder(op);
    Location loc = FusedLoc::get(op.getContext(),
                                 {op.getLoc(), m.key.getLoc(), m.up.getLoc()});
    WeightRefOp ref;
    WeightOp weight = weights.getWeightOf(m.up.getWeight(), &ref);
    WeightOp ofValues = partOf(weight, ".values", m.numHeads, m.keyDim,
                               m.valueDim, /*transposed=*/false, weights);
    WeightOp ofKeys = partOf(weight, ".keys", m.numHeads, 0, m.keyDim,
                             /*transposed=*/true, weights);

    RankedTensorType query = typeOf(op.getQuery());
    int64_t tokens = query.getDimSize(1);
    Type element = query.getElementType();
    auto tensor = [&](ArrayRef<int64_t> shape) {
      return RankedTensorType::get(shape, element);
    };
    /// Each head by its part of a weight.
    auto perHead = [&](Value heads, WeightOp part, int64_t dim) -> Value {
      int64_t width = m.numHeads * lastDim(heads);
      Value rows =
          MergeHeadsOp::create(builder, loc, tensor({tokens, width}), heads);
      Value product =
          LinearOp::create(builder, loc, tensor({tokens, m.numHeads * dim}),
                           rows, createRef(builder, loc, part, ref.getLayer()),
                           /*bias=*/Value(), /*residual=*/Value(),
                           /*out=*/Value(), ActivationKind::Identity,
                           /*gated=*/false, TileAttr(), PlanAttr(), m.numHeads)
              .getResult();
      return SplitHeadsOp::create(
          builder, loc, tensor({m.numHeads, tokens, dim}), product, m.numHeads);
    };
    auto slice = [&](Value value, int64_t offset, int64_t size) -> Value {
      return SliceOp::create(builder, loc, tensor({m.numHeads, tokens, size}),
                             value, offset);
    };
    auto concat = [&](Value a, Value b) -> Value {
      SmallVector<int64_t> shape(typeOf(a).getShape());
      shape.back() += lastDim(b);
      return ConcatOp::create(builder, loc, tensor(shape), a, b,
                              /*out=*/Value(), TileAttr())
          .getResult();
    };

    Value qn, qr;
    auto parts = op.getQuery().getDefiningOp<ConcatOp>();
    if (parts && lastDim(parts.getLhs()) == m.keyDim &&
        typeOf(parts.getRhs()).getDimSize(0) == m.numHeads) {
      qn = parts.getLhs();
      qr = parts.getRhs();
    } else {
      qn = slice(op.getQuery(), 0, m.keyDim);
      qr = slice(op.getQuery(), m.keyDim, m.sharedDim);
    }
    Value latent = m.up.getInput();
    Value values = SplitHeadsOp::create(
        builder, loc, tensor({1, typeOf(latent).getDimSize(0), m.rank}), latent,
        /*heads=*/1);
    auto attention = cast<AttentionOp>(builder.clone(*op));
    attention->setLoc(loc);
    attention.getQueryMutable().assign(concat(perHead(qn, ofKeys, m.rank), qr));
    attention.getKeyMutable().assign(concat(values, m.key.getRhs()));
    attention.getValueMutable().assign(values);
    attention->moveAfter(attention.getKey().getDefiningOp());
    attention.getResult().setType(tensor({m.numHeads, tokens, m.rank}));
    Value result = perHead(attention.getResult(), ofValues, m.valueDim);
    op.getResult().replaceAllUsesWith(result);
    remarkFused(attention, kPass, "absorbed") << says(
        "what keys and values are made of is cached, " +
        std::to_string(m.absorbed()) + " numbers for a token instead of " +
        std::to_string(m.numbers()) +
        "; queries and results are multiplied by what made them");
    op.erase();
    for (Operation *gone :
         {m.v.getOperation(), m.key.getOperation(), m.kn.getOperation(),
          m.heads.getOperation(), m.up.getOperation()})
      if (gone->use_empty())
        gone->erase();
  }
};

} // namespace
