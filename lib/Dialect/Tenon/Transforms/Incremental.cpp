//===- Incremental.cpp - prefill and decode with a key/value cache --------===//
//
// tenon-incremental: see FusionPasses.td.
//
//===----------------------------------------------------------------------===//

#include "LastRows.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Matchers.h"
#include "tenon/Dialect/Tenon/IR/TenonMixture.h"
#include "tenon/Dialect/Tenon/Transforms/FusionPasses.h"

namespace tenon {
#define GEN_PASS_DEF_TENONINCREMENTAL
#include "tenon/Dialect/Tenon/Transforms/FusionPasses.h.inc"
} // namespace tenon

using namespace mlir;
using namespace tenon;

namespace {

/// Where each attention of a function has its keys and values in the cache.
class CacheLayers {
public:
  /// Numbers the attentions of a block in the order of execution.
  LogicalResult number(Block &block);
  int64_t size() const { return next; }
  /// The layer of an attention, computed before it.
  Value materialize(OpBuilder &builder, AttentionOp op) const;

private:
  struct Loop {
    int64_t first;        ///< layers before the loop, in its parent's iteration
    int64_t perIteration; ///< layers that one iteration takes
    int64_t lower, step;
  };
  llvm::DenseMap<Operation *, int64_t> ordinal;
  llvm::DenseMap<Operation *, Loop> loops;
  int64_t next = 0;
};

LogicalResult CacheLayers::number(Block &block) {
  for (Operation &op : block) {
    if (isa<AttentionOp>(op)) {
      ordinal[&op] = next++;
      continue;
    }
    bool hasAttention = op.walk([](AttentionOp) {
                            return WalkResult::interrupt();
                          }).wasInterrupted();
    if (!hasAttention)
      continue;
    auto loop = dyn_cast<scf::ForOp>(op);
    if (!loop)
      return op.emitError("attention inside of '")
             << op.getName() << "' has no fixed place in the cache; only loops "
             << "with constant bounds may hold it";
    APInt lower, upper, step;
    if (!matchPattern(loop.getLowerBound(), m_ConstantInt(&lower)) ||
        !matchPattern(loop.getUpperBound(), m_ConstantInt(&upper)) ||
        !matchPattern(loop.getStep(), m_ConstantInt(&step)) ||
        !step.isStrictlyPositive())
      return loop.emitError("loop around attention must have constant bounds "
                            "for the size of the cache to be known");
    int64_t first = next;
    next = 0;
    if (failed(number(*loop.getBody())))
      return failure();
    int64_t trips = std::max<int64_t>(
        0, llvm::divideCeilSigned(upper.getSExtValue() - lower.getSExtValue(),
                                  step.getSExtValue()));
    loops[&op] = {first, next, lower.getSExtValue(), step.getSExtValue()};
    next = first + next * trips;
  }
  return success();
}

Value CacheLayers::materialize(OpBuilder &builder, AttentionOp op) const {
  Location loc = op.getLoc();
  auto constant = [&](int64_t value) -> Value {
    return arith::ConstantIndexOp::create(builder, loc, value);
  };
  int64_t offset = ordinal.lookup(op);
  Value index;
  for (auto loop = op->getParentOfType<scf::ForOp>(); loop;
       loop = loop->getParentOfType<scf::ForOp>()) {
    Loop info = loops.lookup(loop);
    offset += info.first;
    Value iteration = loop.getInductionVar();
    if (info.lower != 0)
      iteration =
          arith::SubIOp::create(builder, loc, iteration, constant(info.lower));
    if (info.step != 1)
      iteration =
          arith::DivUIOp::create(builder, loc, iteration, constant(info.step));
    if (info.perIteration != 1)
      iteration = arith::MulIOp::create(builder, loc, iteration,
                                        constant(info.perIteration));
    index = index ? arith::AddIOp::create(builder, loc, index, iteration)
                  : iteration;
  }
  if (!index)
    return constant(offset);
  if (offset == 0)
    return index;
  return arith::AddIOp::create(builder, loc, index, constant(offset));
}

/// Whether an operation means the same when it sees the next tokens of a
/// sequence only (and the cache).
bool isIncremental(Operation *op) {
  if (isa<WeightRefOp, EmbeddingOp, PositionsOp, LinearOp, FfnOp, AddOp, SubOp,
          MulOp, DivOp, ScaleOp, ShiftOp, ReciprocalOp, ClampOp, ActivationOp,
          CastOp, RmsNormOp, LayerNormOp, RopeOp, ConcatOp, SplitHeadsOp,
          MergeHeadsOp, SliceOp, AttentionOp, TopKOp, MixtureOp,
          MixtureYieldOp>(op))
    return true;
  // Over something else than tokens.
  if (auto reduce = dyn_cast<ReduceOp>(op))
    return !cast<ShapedType>(reduce.getInput().getType())
                .isDynamicDim(reduce.getDim());
  if (auto softmax = dyn_cast<SoftmaxOp>(op))
    return !cast<ShapedType>(softmax.getInput().getType())
                .isDynamicDim(
                    cast<ShapedType>(softmax.getInput().getType()).getRank() -
                    1);
  // A product whose second operand has no tokens.
  if (auto matmul = dyn_cast<MatmulOp>(op))
    return cast<ShapedType>(matmul.getRhs().getType()).hasStaticShape();
  if (auto transpose = dyn_cast<TransposeOp>(op))
    return transpose.getType().hasStaticShape();
  return !isa<TenonDialect>(op->getDialect());
}

/// The product of an attention that was not fused, after an operation on its
/// scores, queries or keys.
Operation *findDeclined(Operation *op) {
  llvm::SetVector<Operation *> reached;
  reached.insert(op);
  for (size_t i = 0; i < reached.size(); ++i) {
    if (reached[i]->hasAttr(kDeclinedAttrName))
      return reached[i];
    reached.insert_range(reached[i]->getUsers());
  }
  return nullptr;
}

/// The error of an operation that has no incremental form, at the place that
/// matters: where an attention stopped being one, if it is a part of such.
InFlightDiagnostic reportWholeSequence(Operation *op) {
  Operation *product = findDeclined(op);
  auto place = product
                   ? product->getAttrOfType<LocationAttr>(kDeclinedAtAttrName)
                   : LocationAttr();
  if (!place) {
    InFlightDiagnostic error =
        op->emitOpError("needs the whole sequence: a decoder's @")
        << kForwardName << " has to be computed token by token";
    error.attachNote() << "only attention looks at other tokens: a product of "
                          "softmax(causal_mask(scores)) and values";
    return error;
  }
  InFlightDiagnostic error =
      emitError(Location(place), "a decoder's @")
      << kForwardName << " has to be computed token by token, but "
      << product->getAttrOfType<StringAttr>(kDeclinedAttrName).getValue();
  error.attachNote(op->getLoc())
      << "'" << op->getName() << "' needs the whole sequence";
  return error;
}

struct IncrementalPass : tenon::impl::TenonIncrementalBase<IncrementalPass> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    auto kind = module->getAttrOfType<StringAttr>(kKindAttrName);
    if (!kind || kind.getValue() != "decoder") {
      numDeclined += llvm::range_size(module.getOps<func::FuncOp>());
      return;
    }
    auto forward = module.lookupSymbol<func::FuncOp>(kForwardName);
    if (!forward) {
      // Already derived: a later stage is an input as well.
      if (module.lookupSymbol(kDecodeName))
        return;
      module.emitError("a decoder needs a function @") << kForwardName;
      return signalPassFailure();
    }
    numDeclined += llvm::range_size(module.getOps<func::FuncOp>()) - 1;
    FailureOr<int64_t> sequences = getMaxSequences(module);
    if (failed(sequences) || failed(check(forward)) ||
        failed(planCache(forward)) ||
        failed(derive(forward, kPrefillName, Tokens::Next)) ||
        failed(derive(forward, kDecodeName, Tokens::One)) ||
        (*sequences > 1 && failed(derive(forward, kDecodeBatchName,
                                         Tokens::OneOfEach, *sequences))))
      return signalPassFailure();
    forward.erase();
  }

private:
  /// The tokens that an entry point takes: the next ones of a sequence, the
  /// next one, or the next one of each of several sequences.
  enum class Tokens { Next, One, OneOfEach };

  static FailureOr<int64_t> getMaxSequences(ModuleOp module) {
    auto attr = module->getAttrOfType<IntegerAttr>(kMaxSequencesAttrName);
    if (!attr)
      return 1;
    if (attr.getInt() > 0)
      return attr.getInt();
    module.emitError("'") << kMaxSequencesAttrName
                          << "' must be positive, found " << attr.getInt();
    return failure();
  }

  /// Checks that @forward has an incremental form.
  LogicalResult check(func::FuncOp forward) {
    for (StringRef name : {kPrefillName, kDecodeName, kDecodeBatchName})
      if (Operation *other = getOperation().lookupSymbol(name))
        return other->emitError("@")
               << name << " is there already; it is to be derived from @"
               << kForwardName;
    for (Type type : forward.getArgumentTypes())
      if (auto tensor = dyn_cast<RankedTensorType>(type);
          !tensor || tensor.getRank() != 1 || !tensor.isDynamicDim(0))
        return forward.emitError("arguments of a decoder's @")
               << kForwardName
               << " must have one element for each token, found " << type;
    if (forward.getNumResults() != 1 ||
        cast<ShapedType>(forward.getResultTypes()[0]).getRank() != 2)
      return forward.emitError("a decoder's @")
             << kForwardName << " must have one result of rank 2";
    WalkResult result = forward.walk([&](Operation *op) -> WalkResult {
      if (auto attention = dyn_cast<AttentionOp>(op)) {
        if (!attention.getCausal()) {
          InFlightDiagnostic error =
              attention.emitOpError("of a decoder is not causal: later tokens "
                                    "would change earlier keys and values");
          error.attachNote() << "apply causal_mask to the scores, or declare "
                                "the model an encoder";
          return error;
        }
        if (attention.getValid())
          return attention.emitOpError(
              "of a decoder has a padding mask: a cache has no padding");
        return WalkResult::advance();
      }
      if (isIncremental(op))
        return WalkResult::advance();
      return reportWholeSequence(op);
    });
    return failure(result.wasInterrupted());
  }

  /// The cache's type, from the attentions and the context.
  LogicalResult planCache(func::FuncOp forward) {
    CacheLayers layers;
    if (failed(layers.number(forward.getBody().front())))
      return failure();
    AttentionOp first;
    WalkResult result = forward.walk([&](AttentionOp op) -> WalkResult {
      if (!first)
        first = op;
      Type keys = op.getKey().getType(), values = op.getValue().getType();
      if (keys == first.getKey().getType() &&
          values == first.getValue().getType())
        return WalkResult::advance();
      InFlightDiagnostic error = op.emitOpError("has keys ")
                                 << keys << " and values " << values
                                 << ", which do not fit a cache for "
                                 << first.getKey().getType() << " and "
                                 << first.getValue().getType();
      error.attachNote(first.getLoc()) << "the cache is laid out for this one";
      return error;
    });
    if (result.wasInterrupted())
      return failure();
    cacheType = {};
    if (!first || layers.size() == 0)
      return success();
    auto context = getOperation()->getAttrOfType<IntegerAttr>(kContextAttrName);
    if (!context || context.getInt() <= 0)
      return getOperation().emitError("a decoder needs the attribute ")
             << kContextAttrName << ", the longest sequence in tokens";
    auto keys = cast<RankedTensorType>(first.getKey().getType());
    Type element = chooseElement(keys.getElementType());
    if (!element)
      return failure();
    int64_t capacity = llvm::alignTo(context.getInt(), kCacheGranularity);
    int64_t valueDim =
        cast<RankedTensorType>(first.getValue().getType()).getDimSize(2);
    cacheType = KVCacheType::getChecked(
        [&] { return first.emitOpError("cannot be cached: "); }, &getContext(),
        layers.size(), keys.getDimSize(0), capacity, keys.getDimSize(2),
        element, /*sequences=*/int64_t(1),
        valueDim == keys.getDimSize(2) ? int64_t(0) : valueDim);
    if (!cacheType)
      return failure();
    // The choice stays where it can be read.
    StringRef name = element.isInteger() ? "int8"
                     : element.isF16()   ? "f16"
                                         : "f32";
    getOperation()->setAttr(kKVCacheAttrName,
                            StringAttr::get(&getContext(), name));
    return success();
  }

  /// The precision that `tenon.kv_cache` asks for; by default f16 beside
  /// weights in blocks, whose error is far above that of f16, and that of the
  /// keys beside others. Null after a diagnostic.
  Type chooseElement(Type keys) {
    Builder builder(&getContext());
    auto wanted = getOperation()->getAttrOfType<StringAttr>(kKVCacheAttrName);
    if (!wanted)
      return hasBlocks() ? builder.getF16Type() : keys;
    if (wanted.getValue() == "f32")
      return builder.getF32Type();
    if (wanted.getValue() == "f16")
      return builder.getF16Type();
    if (wanted.getValue() == "int8")
      return builder.getI8Type();
    getOperation().emitError("a cache is of f32, f16 or int8, not of '")
        << wanted.getValue() << "'";
    return {};
  }

  /// Whether weights are, or will be, quantized to blocks.
  bool hasBlocks() {
    auto scheme = getOperation()->getAttrOfType<StringAttr>(kQuantizeAttrName);
    if (scheme && scheme.getValue() != "bf16")
      return true;
    return llvm::any_of(getOperation().getOps<WeightOp>(), [](WeightOp weight) {
      Type element = weight.getTensorType().getElementType();
      if (auto mixed = dyn_cast<MixedType>(element))
        return llvm::any_of(mixed.getLayers(),
                            [](DType type) { return isBlock(type); });
      return isa<BlockType>(element);
    });
  }

  LogicalResult derive(func::FuncOp forward, StringRef name, Tokens tokens,
                       int64_t sequences = 1) {
    OpBuilder builder(forward);
    auto function = cast<func::FuncOp>(builder.clone(*forward));
    function.setName(name);
    if (tokens != Tokens::Next)
      fixTokens(function, sequences);

    auto addArgument = [&](Type type, DictionaryAttr attrs = {}) -> Value {
      unsigned number = function.getNumArguments();
      (void)function.insertArgument(number, type, attrs, function.getLoc());
      return function.getArgument(number);
    };
    Value position, numRows, cache;
    if (tokens == Tokens::OneOfEach) {
      NamedAttribute name(kInputNameAttrName,
                          builder.getStringAttr(kPositionsInputName));
      position =
          addArgument(RankedTensorType::get(sequences, builder.getI32Type()),
                      builder.getDictionaryAttr(name));
    } else {
      position = addArgument(builder.getIndexType());
      numRows = addArgument(builder.getIndexType());
    }
    if (cacheType)
      cache = addArgument(cacheType.withSequences(sequences));

    CacheLayers layers;
    if (failed(layers.number(function.getBody().front())))
      return failure();
    SmallVector<AttentionOp> attentions;
    function.walk([&](Operation *op) {
      if (auto rope = dyn_cast<RopeOp>(op))
        startAt(rope, position);
      else if (auto positions = dyn_cast<PositionsOp>(op))
        startAt(positions, position);
      else if (auto attention = dyn_cast<AttentionOp>(op))
        attentions.push_back(attention);
    });
    for (AttentionOp op : attentions) {
      builder.setInsertionPoint(op);
      Value layer = layers.materialize(builder, op);
      CacheAppendOp::create(builder, op.getLoc(), op.getKey(), op.getValue(),
                            cache, layer, position);
      auto cached = CachedAttentionOp::create(
          builder, op.getLoc(), op.getResult().getType(), op.getQuery(), cache,
          layer, position, op.getBias(), op.getSink(), op.getScaleAttr(),
          op.getCapAttr(), op.getBiasScaleAttr(), op.getBiasByKeyAttr(),
          builder.getUnitAttr(), op.getWindowAttr(), op.getBandAttr());
      op.getResult().replaceAllUsesWith(cached.getResult());
      op.erase();
      ++numCached;
    }
    if (tokens == Tokens::Next)
      numSunk += returnLastRows(function, numRows);
    ++numFunctions;
    return success();
  }

  void startAt(RopeOp op, Value position) {
    if (op.getPosition())
      return;
    op.getPositionMutable().assign(position);
    ++numPositions;
  }

  void startAt(PositionsOp op, Value position) {
    if (op.getPosition())
      return;
    ++numPositions;
    if (isa<IndexType>(position.getType()) || op.getOffset().value_or(0) != 0)
      return op.getPositionMutable().assign(position);
    // The position of each token is what it computes.
    op.getResult().replaceAllUsesWith(position);
    op.erase();
  }

  /// Every dynamic extent is the number of tokens: now `count`.
  void fixTokens(func::FuncOp function, int64_t count) {
    auto fixed = [count](Type type) -> Type {
      auto tensor = dyn_cast<RankedTensorType>(type);
      if (!tensor)
        return type;
      SmallVector<int64_t> shape(tensor.getShape());
      for (int64_t &size : shape)
        if (ShapedType::isDynamic(size))
          size = count;
      return tensor.clone(shape);
    };
    function.walk<WalkOrder::PreOrder>([&](Operation *op) {
      for (Value result : op->getResults())
        result.setType(fixed(result.getType()));
      // Of several tokens, an expert sees some: nobody knows how many.
      if (isa<MixtureOp>(op) && count != 1)
        return WalkResult::skip();
      for (Region &region : op->getRegions())
        for (Block &block : region)
          for (BlockArgument argument : block.getArguments())
            argument.setType(fixed(argument.getType()));
      return WalkResult::advance();
    });
    SmallVector<Type> results =
        llvm::map_to_vector(function.getResultTypes(), fixed);
    function.setType(FunctionType::get(
        &getContext(), function.getBody().getArgumentTypes(), results));
  }

  /// Blocks of keys have 128 tokens; the last one is whole.
  static constexpr int64_t kCacheGranularity = 128;

  KVCacheType cacheType;
};

} // namespace
