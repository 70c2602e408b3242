//===- Incremental.cpp - prefill and decode with a key/value cache --------===//
//
// tenon-incremental: see FusionPasses.td.
//
//===----------------------------------------------------------------------===//

#include "CacheClasses.h"
#include "LastRows.h"
#include "SplitSource.h"
#include "Values.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "tenon/Dialect/Tenon/IR/TenonFrozen.h"
#include "tenon/Dialect/Tenon/IR/TenonMixture.h"
#include "tenon/Dialect/Tenon/IR/TenonTraining.h"
#include "tenon/Dialect/Tenon/Transforms/FusionPasses.h"

namespace tenon {
#define GEN_PASS_DEF_TENONINCREMENTAL
#include "tenon/Dialect/Tenon/Transforms/FusionPasses.h.inc"
} // namespace tenon

using namespace mlir;
using namespace tenon;

bool tenon::seesOwnRowOnly(Operation *op) {
  if (isa<WeightRefOp, EmbeddingOp, PositionsOp, LinearOp, FfnOp, AddOp, SubOp,
          MulOp, DivOp, ScaleOp, ShiftOp, ReciprocalOp, ClampOp, ActivationOp,
          CastOp, RmsNormOp, LayerNormOp, RopeOp, ConcatOp, SplitHeadsOp,
          MergeHeadsOp, SliceOp, AttentionOp, TopKOp, MixtureOp, MixtureYieldOp,
          DequantizeOp>(op))
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

namespace {

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
      // Already derived: a later stage is an input as well. Or a model that
      // learns, and doesn't speak meanwhile.
      if (module.lookupSymbol(kDecodeName) || module.lookupSymbol(kUpdateName))
        return;
      module.emitError("a decoder needs a function @") << kForwardName;
      return signalPassFailure();
    }
    numDeclined += llvm::range_size(module.getOps<func::FuncOp>()) - 1;
    FailureOr<int64_t> sequences = getMaxSequences(module);
    if (failed(sequences) || failed(check(forward)) ||
        failed(planCaches(forward)) ||
        (hasSource && failed(deriveEncode(forward))) ||
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
    for (StringRef name :
         {kEncodeName, kPrefillName, kDecodeName, kDecodeBatchName})
      if (Operation *other = getOperation().lookupSymbol(name))
        return other->emitError("@")
               << name << " is there already; it is to be derived from @"
               << kForwardName;
    for (auto [i, type] : llvm::enumerate(forward.getArgumentTypes())) {
      bool isSource = forward.getArgAttr(i, kSourceAttrName) != nullptr;
      auto tensor = dyn_cast<RankedTensorType>(type);
      // A source may be as long as the model has it.
      bool isWhole = isSource && tensor && tensor.hasStaticShape();
      if (!isWhole && (!tensor || !tensor.isDynamicDim(0) ||
                       !(tensor.getRank() == 1 ||
                         (isSource && tensor.getNumDynamicDims() == 1))))
        return forward.emitError("arguments of a decoder's @")
               << kForwardName
               << " must have one element for each token, found " << type;
    }
    if (forward.getNumResults() != 1 ||
        cast<ShapedType>(forward.getResultTypes()[0]).getRank() != 2)
      return forward.emitError("a decoder's @")
             << kForwardName << " must have one result of rank 2";
    BindingTimes times(forward);
    hasSource = times.hasSource();
    if (hasSource && failed(times.check(forward)))
      return failure();
    if (failed(checkSourceLength(forward, times)))
      return failure();
    WalkResult result = forward.walk([&](Operation *op) -> WalkResult {
      // The source is there as a whole.
      if (times.of(op) == Time::Source)
        return WalkResult::advance();
      if (auto attention = dyn_cast<AttentionOp>(op))
        return failed(check(attention, times)) ? WalkResult::interrupt()
                                               : WalkResult::advance();
      if (seesOwnRowOnly(op))
        return WalkResult::advance();
      return reportWholeSequence(op);
    });
    return failure(result.wasInterrupted());
  }

  /// All attentions to the source see as many keys: functions take one length.
  static LogicalResult checkSourceLength(func::FuncOp forward,
                                         const BindingTimes &times) {
    AttentionOp first;
    auto keysOf = [](AttentionOp op) {
      return cast<RankedTensorType>(op.getKey().getType()).getDimSize(1);
    };
    WalkResult result = forward.walk([&](AttentionOp op) -> WalkResult {
      if (times.kindOf(op) != AttentionKind::Cross)
        return WalkResult::advance();
      if (!first)
        first = op;
      if (keysOf(op) == keysOf(first))
        return WalkResult::advance();
      InFlightDiagnostic error = op.emitOpError("has ")
                                 << keysOf(op) << " keys of the source, and "
                                 << keysOf(first)
                                 << " are attended to elsewhere: a source has "
                                    "one length";
      error.attachNote(first.getLoc()) << "here";
      return error;
    });
    return failure(result.wasInterrupted());
  }

  LogicalResult check(AttentionOp attention, const BindingTimes &times) {
    bool isCross = times.kindOf(attention) == AttentionKind::Cross;
    if (isCross) {
      StringRef what = attention.getCausal() || attention.getWindow()
                           ? "a causal mask"
                       : attention.getBand() ? "a band mask"
                       : attention.getBias() ? "a bias by distance"
                                             : "";
      if (!what.empty())
        return attention.emitOpError("of tokens to the source has ")
               << what << ": positions of two texts have nothing in common";
    } else if (!attention.getCausal()) {
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
    return success();
  }

  /// The caches' types, from the attentions and the context.
  LogicalResult planCaches(func::FuncOp forward) {
    auto sizeOf = [&](StringRef name) {
      auto attr = getOperation()->getAttrOfType<IntegerAttr>(name);
      return attr ? attr.getInt() : 0;
    };
    limits = {sizeOf(kContextAttrName), sizeOf(kMaxChunkAttrName)};
    FailureOr<CacheClasses> classes =
        CacheClasses::find(forward, BindingTimes(forward), limits);
    if (failed(classes))
      return failure();
    cacheTypes.clear();
    if (llvm::all_of(classes->classes(), [](const CacheClasses::Class &known) {
          return known.layers == 0;
        }))
      return success();
    if (limits.context <= 0)
      return getOperation().emitError("a decoder needs the attribute ")
             << kContextAttrName << ", the longest sequence in tokens";
    for (CacheClasses::Class known : classes->classes()) {
      RankedTensorType keys = known.key.keys;
      int64_t valueDim = known.key.values.getDimSize(2);
      Type element = chooseElement(keys.getElementType());
      if (!element)
        return failure();
      KVCacheType type = KVCacheType::getChecked(
          [&] { return known.first.emitOpError("cannot be cached: "); },
          &getContext(), known.layers, keys.getDimSize(0),
          capacityOf(known.key, limits.context), keys.getDimSize(2), element,
          /*sequences=*/int64_t(1),
          valueDim == keys.getDimSize(2) ? int64_t(0) : valueDim,
          known.key.ring > 0);
      if (!type)
        return failure();
      cacheTypes.push_back(type);
    }
    // The choice stays where it can be read.
    Type element = cacheTypes.front().getElement();
    StringRef name = element.isInteger() ? "int8"
                     : element.isF16()   ? "f16"
                                         : "f32";
    getOperation()->setAttr(kKVCacheAttrName,
                            StringAttr::get(&getContext(), name));
    return success();
  }

  /// The tokens that a cache of a class has room for: of a source that is
  /// always as long, all of it.
  static int64_t capacityOf(const CacheKey &key, int64_t context) {
    if (key.ring > 0)
      return key.ring;
    bool isWhole = key.isSource && !key.keys.isDynamicDim(1);
    return llvm::alignTo(isWhole ? key.keys.getDimSize(1) : context,
                         kCacheGranularity);
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

  static Value addArgument(func::FuncOp function, Type type,
                           StringRef name = {}) {
    unsigned number = function.getNumArguments();
    Builder builder(function.getContext());
    DictionaryAttr attrs;
    if (!name.empty())
      attrs = builder.getDictionaryAttr(builder.getNamedAttr(
          kInputNameAttrName, builder.getStringAttr(name)));
    (void)function.insertArgument(number, type, attrs, function.getLoc());
    return function.getArgument(number);
  }

  /// A cache of each class. All functions take all of them, so that a sequence
  /// has them in the same places for all.
  SmallVector<Value> addCaches(func::FuncOp function,
                               const CacheClasses &classes, int64_t sequences) {
    SmallVector<Value> caches;
    if (cacheTypes.empty())
      return caches;
    for (auto [type, known] : llvm::zip_equal(cacheTypes, classes.classes())) {
      caches.push_back(addArgument(function, type.withSequences(sequences)));
      if (known.key.isSource)
        function.setArgAttr(function.getNumArguments() - 1, kSourceAttrName,
                            UnitAttr::get(&getContext()));
    }
    return caches;
  }

  /// The function that is called once for a source: what is computed of it
  /// alone, and its keys and values to their caches.
  LogicalResult deriveEncode(func::FuncOp forward) {
    OpBuilder builder(forward);
    auto function = cast<func::FuncOp>(builder.clone(*forward));
    function.setName(kEncodeName);
    BindingTimes times(function);
    FailureOr<CacheClasses> classes =
        CacheClasses::find(function, times, limits);
    if (failed(classes))
      return failure();
    SmallVector<Value> caches = addCaches(function, *classes, 1);
    builder.setInsertionPointToStart(&function.getBody().front());
    Value start = arith::ConstantIndexOp::create(builder, function.getLoc(), 0);
    for (AttentionOp op : classes->attentions()) {
      unsigned number = classes->classOf(op);
      if (!classes->classes()[number].key.isSource)
        continue;
      builder.setInsertionPoint(op);
      Value layer = classes->materializeLayer(builder, op);
      CacheAppendOp::create(builder, op.getLoc(), op.getKey(), op.getValue(),
                            caches[number], layer, start);
    }
    keepSource(function, times);
    ++numFunctions;
    return success();
  }

  LogicalResult derive(func::FuncOp forward, StringRef name, Tokens tokens,
                       int64_t sequences = 1) {
    OpBuilder builder(forward);
    auto function = cast<func::FuncOp>(builder.clone(*forward));
    function.setName(name);
    FailureOr<CacheClasses> classes =
        CacheClasses::find(function, BindingTimes(function), limits);
    if (failed(classes))
      return failure();

    bool ofEach = tokens == Tokens::OneOfEach;
    Type index = builder.getIndexType();
    Type each = RankedTensorType::get(sequences, builder.getI32Type());
    Value numRows, sourceLength;
    Value position = ofEach ? addArgument(function, each, kPositionsInputName)
                            : addArgument(function, index);
    if (!ofEach)
      numRows = addArgument(function, index);
    SmallVector<Value> caches = addCaches(function, *classes, sequences);
    if (hasSource)
      sourceLength = ofEach ? addArgument(function, each, kSourceLengthsName)
                            : addArgument(function, index, kSourceLengthName);

    for (AttentionOp op : classes->attentions()) {
      unsigned number = classes->classOf(op);
      bool isSource = classes->classes()[number].key.isSource;
      builder.setInsertionPoint(op);
      Value layer = classes->materializeLayer(builder, op);
      if (!isSource)
        CacheAppendOp::create(builder, op.getLoc(), op.getKey(), op.getValue(),
                              caches[number], layer, position);
      auto cached = CachedAttentionOp::create(
          builder, op.getLoc(), op.getResult().getType(), op.getQuery(),
          caches[number], layer, isSource ? sourceLength : position,
          op.getBias(), op.getSink(), op.getScaleAttr(), op.getCapAttr(),
          op.getBiasScaleAttr(), op.getBiasByKeyAttr(), op.getCausalAttr(),
          op.getWindowAttr(), op.getBandAttr(), op.getTileAttr(),
          op.getPlanAttr());
      op.getResult().replaceAllUsesWith(cached.getResult());
      op.erase();
      ++numCached;
    }
    if (hasSource)
      eraseSource(function);
    if (tokens != Tokens::Next)
      fixTokens(function, sequences);
    function.walk([&](Operation *op) {
      if (auto rope = dyn_cast<RopeOp>(op))
        startAt(rope, position);
      else if (auto positions = dyn_cast<PositionsOp>(op))
        startAt(positions, position);
    });
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

  SmallVector<KVCacheType> cacheTypes; ///< by class, of one sequence
  CacheLimits limits;
  bool hasSource = false;
};

} // namespace
