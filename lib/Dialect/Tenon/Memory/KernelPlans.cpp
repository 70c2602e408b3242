//===- KernelPlans.cpp - plans that were measured -------------------------===//

#include "tenon/Dialect/Tenon/Transforms/KernelPlans.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace tenon;

//===----------------------------------------------------------------------===//
// Keys
//===----------------------------------------------------------------------===//

namespace {

/// "any" for a number that only the call knows.
std::string count(int64_t number) {
  return ShapedType::isDynamic(number) ? "any" : std::to_string(number);
}

/// f32, q4_0; int8, int16, int8-token and int7-token of quantized activations.
std::string elementName(Type element) {
  if (auto block = dyn_cast<BlockType>(element))
    return tenon::name(block.getScheme());
  if (auto groups = dyn_cast<Int8GroupType>(element))
    return groups.getResidual()    ? "int16"
           : groups.getBits() == 7 ? "int7-token"
           : groups.getPerToken()  ? "int8-token"
                                   : "int8";
  std::string text;
  llvm::raw_string_ostream(text) << element;
  return text;
}

std::string linearKey(LinearOp op) {
  auto input = dyn_cast<RankedTensorType>(op.getInput().getType());
  auto weight = dyn_cast<RankedTensorType>(op.getWeight().getType());
  if (!input || !weight || !getPanel(weight) || weight.getRank() != 2 ||
      op.getGroups() != 1)
    return "";
  auto output = cast<ComputeOpInterface>(op.getOperation()).getOutputType();
  std::string key;
  llvm::raw_string_ostream stream(key);
  stream << "linear/m:" << count(input.getDimSize(0))
         << "/n:" << weight.getDimSize(0) << "/k:" << weight.getDimSize(1)
         << "/type:" << elementName(weight.getElementType())
         << "/input:" << elementName(input.getElementType());
  if (!output.getElementType().isF32())
    stream << "/output:" << elementName(output.getElementType());
  if (op.getGated())
    stream << "/gated";
  if (op.getActivation() != ActivationKind::Identity)
    stream << "/" << stringifyActivationKind(op.getActivation());
  if (op.getBias())
    stream << "/bias";
  if (op.getResidual())
    stream << "/residual";
  return key;
}

/// What attention with a cache and without has.
template <typename Attention>
void writeAttention(Attention op, int64_t keyHeads, Type element,
                    raw_ostream &stream) {
  auto query = cast<ShapedType>(op.getQuery().getType());
  stream << "attention/m:" << count(query.getDimSize(1))
         << "/heads:" << query.getDimSize(0) << "/kv-heads:" << keyHeads
         << "/head-dim:" << query.getDimSize(2)
         << "/type:" << elementName(element);
  if (op.getCausal())
    stream << "/causal";
  if (op.getWindow())
    stream << "/window:" << *op.getWindow();
  if (op.getBand())
    stream << "/band:" << *op.getBand();
  if (op.getCap())
    stream << "/cap";
  if (op.getBias())
    stream << (op.getBiasByKey() ? "/bias-by-key" : "/bias");
  if (op.getSink())
    stream << "/sink";
}

} // namespace

std::string tenon::getKernelKey(Operation *op) {
  if (auto linear = dyn_cast<LinearOp>(op))
    return linearKey(linear);
  std::string key;
  llvm::raw_string_ostream stream(key);
  if (auto cached = dyn_cast<CachedAttentionOp>(op)) {
    if (!isa<IndexType>(cached.getPosition().getType()))
      return "";
    auto cache = cast<KVCacheType>(cached.getCache().getType());
    writeAttention(cached, cache.getHeads(), cache.getElement(), stream);
  } else if (auto attention = dyn_cast<AttentionOp>(op)) {
    auto keys = dyn_cast<RankedTensorType>(attention.getKey().getType());
    if (!keys)
      return "";
    writeAttention(attention, keys.getDimSize(0), keys.getElementType(),
                   stream);
    stream << (attention.getValid() ? "/valid/uncached" : "/uncached");
  }
  return key;
}

//===----------------------------------------------------------------------===//
// On operations and as attributes
//===----------------------------------------------------------------------===//

std::optional<KernelPlan> KernelPlan::of(Operation *op) {
  KernelPlan found;
  if (auto linear = dyn_cast<LinearOp>(op)) {
    if (!linear.getTile() || !linear.getPlan())
      return std::nullopt;
    found.rows = linear.getTile()->getRows();
    found.group = linear.getTile()->getGroup();
    found.linear = LinearPlan::of(*linear.getPlan());
    return found;
  }
  auto plan = op->getAttrOfType<AttentionPlanAttr>("plan");
  if (!plan)
    return std::nullopt;
  found.attention = AttentionPlan::of(plan);
  return found;
}

void KernelPlan::put(Operation *op) const {
  MLIRContext *context = op->getContext();
  if (attention) {
    op->setAttr("plan", attention->toAttr(context));
    return;
  }
  auto tile = op->getAttrOfType<TileAttr>("tile");
  op->setAttr("tile", TileAttr::get(context, rows, tile.getColumns(), group));
  op->setAttr("plan", linear.toAttr(context));
}

/// The list of a plan, or null.
static ArrayAttr checkPrefetch(MLIRContext *context,
                               function_ref<InFlightDiagnostic()> emitError,
                               ArrayRef<LinearPlan::Prefetch> entries,
                               bool &isRight) {
  SmallVector<Attribute> attrs;
  for (const LinearPlan::Prefetch &entry : entries) {
    attrs.push_back(PrefetchAttr::getChecked(emitError, context, entry.rows,
                                             entry.distance, entry.cache));
    isRight &= bool(attrs.back());
  }
  return attrs.empty() || !isRight ? ArrayAttr()
                                   : ArrayAttr::get(context, attrs);
}

DictionaryAttr
KernelPlan::toAttr(MLIRContext *context,
                   function_ref<InFlightDiagnostic()> emitError) const {
  Builder builder(context);
  if (attention) {
    Attribute plan = AttentionPlanAttr::getChecked(
        emitError, context, attention->keys, attention->components,
        attention->heads, attention->scoreSums, attention->outputSums,
        attention->prefetch);
    return plan ? builder.getDictionaryAttr(builder.getNamedAttr("plan", plan))
                : DictionaryAttr();
  }
  constexpr int64_t kMost = 64;
  for (auto [name, value] : {std::pair("rows", rows), {"group", group}})
    if (value < 1 || value > kMost) {
      emitError() << name << " must be between 1 and " << kMost << ", found "
                  << value;
      return {};
    }
  bool isRight = true;
  ArrayAttr prefetch =
      checkPrefetch(context, emitError, linear.prefetch, isRight);
  if (!isRight)
    return {};
  Attribute plan = PlanAttr::getChecked(
      emitError, context, linear.panels, linear.streamRows,
      linear.streamColumns, linear.streamVectors, linear.unpackFrom,
      linear.splitRows, linear.unrollGroups, linear.registerSums, linear.chains,
      linear.depthBlock, linear.depthTiles, linear.nextPanels, linear.nextSteps,
      prefetch);
  if (!plan)
    return {};
  return builder.getDictionaryAttr(
      {builder.getNamedAttr("group", builder.getI64IntegerAttr(group)),
       builder.getNamedAttr("plan", plan),
       builder.getNamedAttr("rows", builder.getI64IntegerAttr(rows))});
}

std::optional<KernelPlan> KernelPlan::of(Attribute attr) {
  auto dictionary = dyn_cast_if_present<DictionaryAttr>(attr);
  if (!dictionary)
    return std::nullopt;
  KernelPlan found;
  Attribute plan = dictionary.get("plan");
  if (auto attention = dyn_cast_if_present<AttentionPlanAttr>(plan)) {
    if (dictionary.size() != 1)
      return std::nullopt;
    found.attention = AttentionPlan::of(attention);
    return found;
  }
  auto rows = dictionary.getAs<IntegerAttr>("rows");
  auto group = dictionary.getAs<IntegerAttr>("group");
  auto linear = dyn_cast_if_present<PlanAttr>(plan);
  if (!rows || !group || !linear || dictionary.size() != 3)
    return std::nullopt;
  found.rows = rows.getInt();
  found.group = group.getInt();
  found.linear = LinearPlan::of(linear);
  return found;
}

//===----------------------------------------------------------------------===//
// Fields by their names
//===----------------------------------------------------------------------===//

namespace {

/// Calls with the name and the number of each field that is one.
template <typename Body> void forEachNumber(KernelPlan &plan, Body body) {
  if (plan.attention) {
    AttentionPlan &own = *plan.attention;
    body(StringLiteral("keys"), own.keys);
    body(StringLiteral("components"), own.components);
    body(StringLiteral("heads"), own.heads);
    body(StringLiteral("score_sums"), own.scoreSums);
    body(StringLiteral("output_sums"), own.outputSums);
    body(StringLiteral("prefetch"), own.prefetch);
    return;
  }
  LinearPlan &own = plan.linear;
  body(StringLiteral("rows"), plan.rows);
  body(StringLiteral("group"), plan.group);
  body(StringLiteral("panels"), own.panels);
  body(StringLiteral("stream_rows"), own.streamRows);
  body(StringLiteral("stream_columns"), own.streamColumns);
  body(StringLiteral("stream_vectors"), own.streamVectors);
  body(StringLiteral("unpack_from"), own.unpackFrom);
  body(StringLiteral("split_rows"), own.splitRows);
  body(StringLiteral("unroll_groups"), own.unrollGroups);
  body(StringLiteral("register_sums"), own.registerSums);
  body(StringLiteral("chains"), own.chains);
  body(StringLiteral("depth_block"), own.depthBlock);
  body(StringLiteral("depth_tiles"), own.depthTiles);
  body(StringLiteral("next_steps"), own.nextSteps);
}

} // namespace

std::vector<std::pair<StringRef, std::string>> KernelPlan::fields() const {
  std::vector<std::pair<StringRef, std::string>> all;
  KernelPlan copy = *this;
  forEachNumber(copy, [&](StringRef name, int64_t &value) {
    all.emplace_back(name, std::to_string(value));
  });
  if (attention)
    return all;
  all.emplace_back("next_panels", linear.nextPanels ? "1" : "0");
  std::string list;
  for (const LinearPlan::Prefetch &entry : linear.prefetch) {
    list += list.empty() ? "" : "+";
    list += std::to_string(entry.rows) + ":" + std::to_string(entry.distance) +
            ":" + std::to_string(entry.cache);
  }
  all.emplace_back("prefetch", list.empty() ? "none" : list);
  return all;
}

bool KernelPlan::set(StringRef name, StringRef value) {
  if (!attention && name == "prefetch") {
    linear.prefetch.clear();
    SmallVector<StringRef> entries;
    if (value != "none")
      value.split(entries, '+');
    for (StringRef text : entries) {
      auto [rows, rest] = text.split(':');
      auto [distance, cache] = rest.split(':');
      LinearPlan::Prefetch entry;
      if (rows.getAsInteger(10, entry.rows) ||
          distance.getAsInteger(10, entry.distance) ||
          cache.getAsInteger(10, entry.cache))
        return false;
      linear.prefetch.push_back(entry);
    }
    return true;
  }
  if (!attention && name == "next_panels") {
    linear.nextPanels = value == "1";
    return value == "0" || value == "1";
  }
  bool isSet = false;
  forEachNumber(*this, [&](StringRef known, int64_t &number) {
    if (known == name)
      isSet = !value.getAsInteger(10, number);
  });
  return isSet;
}
