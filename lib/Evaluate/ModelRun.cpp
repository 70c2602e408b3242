//===- ModelRun.cpp - a whole model, at any stage of tensors --------------===//

#include "tenon/Evaluate/ModelRun.h"
#include "tenon/Dialect/Tenon/IR/EntryAttrs.h"
#include "tenon/Dialect/Tenon/IR/TenonTexts.h"
#include "tenon/Dialect/Tenon/Transforms/FusionPasses.h"

#include <random>

using namespace mlir;
using namespace tenon;

std::string tenon::getInputName(func::FuncOp function, unsigned argument) {
  if (auto name =
          function.getArgAttrOfType<StringAttr>(argument, kInputNameAttrName))
    return name.str();
  return "arg" + std::to_string(argument);
}

//===----------------------------------------------------------------------===//
// Inputs
//===----------------------------------------------------------------------===//

namespace {

/// What may be drawn for an input of integers.
struct Choices {
  int64_t count = 2;
  bool saysValid = false;
};

Choices choicesOf(Value input) {
  Choices choices;
  int64_t least = 0;
  for (OpOperand &use : input.getUses()) {
    if (auto embedding = dyn_cast<EmbeddingOp>(use.getOwner())) {
      auto table = cast<ShapedType>(embedding.getTable().getType());
      if (!least || table.getDimSize(0) < least)
        least = table.getDimSize(0);
    } else if (auto mask = dyn_cast<PaddingMaskOp>(use.getOwner())) {
      choices.saysValid = true;
    } else if (auto attention = dyn_cast<AttentionOp>(use.getOwner())) {
      choices.saysValid |= attention.getValid() == input;
    }
  }
  if (least)
    choices.count = least;
  return choices;
}

NumberArray drawInput(RankedTensorType type, int64_t length, Choices choices,
                      std::mt19937_64 &random) {
  SmallVector<int64_t, 4> shape(type.getShape());
  for (int64_t &extent : shape)
    if (ShapedType::isDynamic(extent))
      extent = length;
  NumberArray drawn(shape);
  std::normal_distribution<double> normal;
  for (double &x : drawn.values)
    if (isa<FloatType>(type.getElementType()))
      x = static_cast<float>(normal(random));
    else if (choices.saysValid)
      x = &x != &drawn.values.back() || drawn.values.size() == 1;
    else
      x = static_cast<double>(random() % choices.count);
  return drawn;
}

} // namespace

/// Calls for each argument of a function that is a tensor.
static void
forEachInput(ModuleOp module,
             llvm::function_ref<void(BlockArgument, RankedTensorType,
                                     const std::string &, bool isSource)>
                 visit) {
  for (auto function : module.getOps<func::FuncOp>())
    for (BlockArgument argument : function.getArguments())
      if (auto type = dyn_cast<RankedTensorType>(argument.getType())) {
        unsigned number = argument.getArgNumber();
        // Where the texts end follows from how many tokens there are.
        if (getInputName(function, number) == kTextEndsName)
          continue;
        visit(argument, type, getInputName(function, number),
              function.getArgAttr(number, kSourceAttrName) != nullptr);
      }
}

void tenon::drawInputs(ModuleOp module, int64_t tokens, uint64_t seed,
                       NamedArrays &inputs) {
  int64_t lengths[] = {tokens, tokens + 3};
  forEachInput(module, [&](BlockArgument, RankedTensorType type,
                           const std::string &name, bool isSource) {
    auto given = inputs.find(name);
    if (given != inputs.end() && type.getRank() == given->second.rank())
      for (auto [declared, is] :
           llvm::zip_equal(type.getShape(), given->second.shape))
        if (ShapedType::isDynamic(declared))
          lengths[isSource] = is;
  });
  std::mt19937_64 random(seed);
  forEachInput(module, [&](BlockArgument argument, RankedTensorType type,
                           const std::string &name, bool isSource) {
    auto [place, isNew] = inputs.try_emplace(name);
    if (isNew)
      place->second =
          drawInput(type, lengths[isSource], choicesOf(argument), random);
  });
}

//===----------------------------------------------------------------------===//
// Calls
//===----------------------------------------------------------------------===//

namespace {

using Caches = std::vector<std::shared_ptr<CacheState>>;

class Run {
public:
  Run(Evaluator &evaluator, ModuleOp module, const NamedArrays &inputs)
      : evaluator(evaluator), module(module), inputs(inputs) {}

  LogicalResult run();
  NamedArrays results;

private:
  /// What arguments of the functions with a cache are, besides inputs.
  struct Place {
    int64_t position = 0, rows = 0;
    const Caches *caches = nullptr;
  };
  FailureOr<NumberArray> call(func::FuncOp function, const NamedArrays &given,
                              const Place &place);
  LogicalResult runCached(func::FuncOp prefill);
  LogicalResult runBatch(func::FuncOp batch, const Caches &encoded,
                         int64_t sourceLength);
  int64_t findSourceLength(func::FuncOp encode) const;

  /// Inputs, or some tokens of them: those of the decoder's own length.
  NamedArrays part(func::FuncOp function, int64_t first, int64_t count) const;

  Evaluator &evaluator;
  ModuleOp module;
  const NamedArrays &inputs;
};

/// Rows of two matrices one after the other.
void append(NumberArray &to, const NumberArray &from) {
  if (to.shape.empty()) {
    to = from;
    return;
  }
  to.shape[0] += from.shape[0];
  to.values.insert(to.values.end(), from.values.begin(), from.values.end());
}

} // namespace

FailureOr<NumberArray> Run::call(func::FuncOp function,
                                 const NamedArrays &given, const Place &place) {
  std::vector<EvaluatedValue> arguments;
  size_t cache = 0, number = 0;
  for (BlockArgument argument : function.getArguments()) {
    Type type = argument.getType();
    std::string name = getInputName(function, argument.getArgNumber());
    auto found = given.find(name);
    if (isa<KVCacheType>(type) && place.caches) {
      arguments.push_back(EvaluatedValue::of((*place.caches)[cache++]));
    } else if (found != given.end() && type.isIndex()) {
      arguments.push_back(EvaluatedValue::ofIndex(
          static_cast<int64_t>(found->second.values[0])));
    } else if (found != given.end()) {
      arguments.push_back(EvaluatedValue::of(found->second));
    } else if (type.isIndex() && place.caches) {
      // The position of the first token, then the number of rows.
      arguments.push_back(
          EvaluatedValue::ofIndex(number++ == 0 ? place.position : place.rows));
    } else if (name == kTextEndsName && !arguments.empty() &&
               arguments[0].array) {
      // All tokens are one text.
      NumberArray end(ArrayRef<int64_t>{1});
      end.values[0] = static_cast<double>(arguments[0].array->shape[0]);
      arguments.push_back(EvaluatedValue::of(std::move(end)));
    } else {
      return function.emitError("there is no input '") << name << "'";
    }
  }
  FailureOr<std::vector<EvaluatedValue>> values =
      evaluator.call(function.getName(), arguments);
  if (failed(values))
    return failure();
  if (values->empty() || !values->front().array)
    return NumberArray();
  return *values->front().array;
}

NamedArrays Run::part(func::FuncOp function, int64_t first,
                      int64_t count) const {
  NamedArrays some;
  for (BlockArgument argument : function.getArguments()) {
    auto type = dyn_cast<RankedTensorType>(argument.getType());
    auto found = inputs.find(getInputName(function, argument.getArgNumber()));
    if (!type || found == inputs.end())
      continue;
    NumberArray own = found->second;
    if (!function.getArgAttr(argument.getArgNumber(), kSourceAttrName)) {
      int64_t width = own.values.size() / own.shape[0];
      own.values = {own.values.begin() + first * width,
                    own.values.begin() + (first + count) * width};
      own.shape[0] = count;
    }
    some[found->first] = std::move(own);
  }
  return some;
}

/// Empty caches, as a function takes them.
static Caches makeCaches(func::FuncOp function) {
  Caches caches;
  for (Type type : function.getArgumentTypes())
    if (auto cache = dyn_cast<KVCacheType>(type))
      caches.push_back(std::make_shared<CacheState>(cache));
  return caches;
}

int64_t Run::findSourceLength(func::FuncOp encode) const {
  // As many as there are keys, of a source that is always as long.
  int64_t keys = ShapedType::kDynamic;
  encode.walk([&](CacheAppendOp op) {
    keys = cast<RankedTensorType>(op.getKey().getType()).getDimSize(1);
  });
  if (!ShapedType::isDynamic(keys))
    return keys;
  for (unsigned i = 0; i < encode.getNumArguments(); ++i)
    if (auto found = inputs.find(getInputName(encode, i));
        found != inputs.end())
      return found->second.shape[0];
  return 0;
}

LogicalResult Run::runCached(func::FuncOp prefill) {
  Caches caches = makeCaches(prefill);
  int64_t sourceLength = 0;
  if (auto encode = module.lookupSymbol<func::FuncOp>(kEncodeName)) {
    sourceLength = findSourceLength(encode);
    if (failed(call(encode, inputs, {0, 0, &caches})))
      return failure();
  }
  Caches encoded;
  for (const auto &cache : caches)
    encoded.push_back(std::make_shared<CacheState>(*cache));

  auto found = inputs.find(getInputName(prefill, 0));
  if (found == inputs.end())
    return prefill.emitError("there is no input '")
           << getInputName(prefill, 0) << "'";
  int64_t tokens = found->second.shape[0];
  auto decode = module.lookupSymbol<func::FuncOp>(kDecodeName);
  NumberArray result;
  for (int64_t at = 0, next; at < tokens; at = next) {
    // Two thirds in chunks, the rest one by one.
    bool one = decode && at * 3 >= tokens * 2;
    next = one ? at + 1 : std::min(at + (tokens + 2) / 3, tokens);
    func::FuncOp function = one ? decode : prefill;
    NamedArrays given = part(function, at, next - at);
    if (sourceLength) {
      NumberArray length(ArrayRef<int64_t>{1});
      length.values[0] = static_cast<double>(sourceLength);
      given[kSourceLengthName.str()] = length;
    }
    evaluator.firstToken = at;
    FailureOr<NumberArray> rows =
        call(function, given, {at, next - at, &caches});
    evaluator.firstToken = 0;
    if (failed(rows))
      return failure();
    append(result, *rows);
  }
  results[kForwardName.str()] = std::move(result);
  if (auto batch = module.lookupSymbol<func::FuncOp>(kDecodeBatchName))
    return runBatch(batch, encoded, sourceLength);
  return success();
}

/// The last sequence gets the tokens, the others other ones.
LogicalResult Run::runBatch(func::FuncOp batch, const Caches &encoded,
                            int64_t sourceLength) {
  Caches caches = makeCaches(batch);
  int64_t sequences =
      cast<RankedTensorType>(batch.getArgumentTypes()[0]).getDimSize(0);
  for (auto [cache, from] : llvm::zip_equal(caches, encoded))
    for (const auto &[place, tokens] : from->tokens)
      for (int64_t s = 0; s < sequences; ++s)
        cache->tokens[{place.first, s}] = tokens;
  NamedArrays all = part(batch, 0, inputs.at(getInputName(batch, 0)).shape[0]);
  int64_t tokens = all.begin()->second.shape[0];
  NumberArray result;
  for (int64_t t = 0; t < tokens; ++t) {
    NamedArrays given;
    auto ofEach = [&](double number) {
      NumberArray each(ArrayRef<int64_t>{sequences});
      llvm::fill(each.values, number);
      return each;
    };
    for (auto &[name, whole] : all) {
      NumberArray each = ofEach(0);
      for (int64_t s = 0; s < sequences; ++s)
        each.values[s] = whole.values[(t + sequences - 1 - s) % tokens];
      given[name] = std::move(each);
    }
    given[kPositionsInputName.str()] = ofEach(static_cast<double>(t));
    given[kSourceLengthsName.str()] = ofEach(static_cast<double>(sourceLength));
    evaluator.firstToken = -1 - t;
    FailureOr<NumberArray> rows = call(batch, given, {t, sequences, &caches});
    evaluator.firstToken = 0;
    if (failed(rows))
      return failure();
    NumberArray last({1, rows->columns()});
    std::copy_n(rows->row(sequences - 1), last.columns(), last.values.data());
    append(result, last);
  }
  results[kDecodeBatchName.str()] = std::move(result);
  return success();
}

LogicalResult Run::run() {
  // A decoder may have no attention, and so no cache.
  auto prefill = module.lookupSymbol<func::FuncOp>(kPrefillName);
  auto isDerived = [&](func::FuncOp function) {
    return prefill && llvm::is_contained({kEncodeName, kPrefillName,
                                          kDecodeName, kDecodeBatchName},
                                         function.getName());
  };
  for (auto function : module.getOps<func::FuncOp>()) {
    if (function.isExternal())
      continue;
    if (isDerived(function)) {
      if (function == prefill && failed(runCached(function)))
        return failure();
      continue;
    }
    FailureOr<NumberArray> result = call(function, inputs, {});
    if (failed(result))
      return failure();
    results[function.getName().str()] = std::move(*result);
  }
  return success();
}

FailureOr<NamedArrays> tenon::runModel(Evaluator &evaluator, ModuleOp module,
                                       const NamedArrays &inputs) {
  Run run(evaluator, module, inputs);
  if (failed(run.run()))
    return failure();
  return std::move(run.results);
}

RunDifference tenon::compareRuns(const NamedArrays &after,
                                 const NamedArrays &before) {
  RunDifference worst;
  for (const auto &[name, result] : after) {
    auto expected = before.find(name);
    if (expected == before.end() && name == kDecodeBatchName)
      expected = before.find(kForwardName.str());
    if (expected == before.end())
      continue;
    double error = relativeError(result, expected->second);
    if (worst.entry.empty() || error > worst.error)
      worst = {error, name};
  }
  return worst;
}
