//===- MetadataBuilder.cpp - what the executable knows of itself ----------===//

#include "MetadataBuilder.h"
#include "LinkConfig.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "tenon/Conversion/LoweringPasses.h"
#include "tenon/Dialect/Tenon/IR/EntryAttrs.h"
#include "tenon/Dialect/Tenon/IR/TenonTexts.h"
#include "tenon/Dialect/Tenon/Transforms/FusionPasses.h"
#include "tenon/Dialect/Tenon/Transforms/MemoryPasses.h"
#include "tenon/Import/Import.h"
#include "tenon/Support/Strings.h"
#include "tenon/Target/TargetDescription.h"

#include <algorithm>

using namespace tenon;
using runtime::EntryInfo;

MetadataBuilder::MetadataBuilder(const LoadedModel &model)
    : bound(&*model.bound) {
  metadata.tenonVersion = TENON_VERSION;
  auto &info = metadata.model;
  info.family = std::string(model.description->name);
  info.name = model.directory.name();
  info.isDecoder = model.bound->kind() == lang::ModelKind::Decoder;
  info.entry = std::string(model.bound->defaultEntry()->name);
  info.context = model.context;
  if (const nlohmann::json *value =
          findMember(model.directory.config, "problem_type"))
    if (const std::string *problem = asString(*value))
      info.problem = *problem;
  if (const nlohmann::json *value =
          findPath(model.directory.config, "sentence.pooling"))
    if (const std::string *pooling = asString(*value))
      info.pooling = *pooling;
  if (const nlohmann::json *value =
          findPath(model.directory.config, "sentence.normalize"))
    info.normalized = asBool(*value).value_or(false);
  info.cutTo = std::min(model.directory.maxSequenceLength, model.context);
  info.bos = model.directory.tokenIds("bos_token_id");
  info.eos = model.directory.tokenIds("eos_token_id");
  for (const lang::LayerDecl *layer : model.description->layers)
    info.layers += model.bound->layerCount(layer);
  metadata.memory.maxChunk = model.maxChunk;
  metadata.generation = model.generation;
  readSpecialTokens(model);
}

/// Tokens that decoding begins or ends with, and that it keeps from. A
/// description may say with what a family's decoders begin and end when nobody
/// else does: `param decoder_start_token_id : int = …`, `eos_token_id` and
/// `forced_eos_token_id`, none if they are negative. Transformers takes the
/// latter two of its classes where there is no generation_config.json.
void MetadataBuilder::readSpecialTokens(const LoadedModel &model) {
  runtime::GenerationDefaults &defaults = metadata.generation;
  auto first = [&](const char *key) -> std::optional<int64_t> {
    std::vector<int32_t> ids = model.directory.tokenIds(key);
    return ids.empty() ? std::nullopt : std::optional<int64_t>(ids.front());
  };
  defaults.decoderStart = first("decoder_start_token_id");
  auto described = [&](const char *name) -> std::optional<int64_t> {
    auto found = model.bound->values().find(name);
    if (found == model.bound->values().end())
      return std::nullopt;
    auto *id = std::get_if<int64_t>(&found->second);
    return id && *id >= 0 && *id <= INT32_MAX ? std::optional(*id)
                                              : std::nullopt;
  };
  auto orDescribed = [&](std::vector<int32_t> &ids, const char *name) {
    if (ids.empty() && !model.directory.generationConfig)
      if (std::optional<int64_t> id = described(name))
        ids.push_back(static_cast<int32_t>(*id));
  };
  if (!defaults.decoderStart)
    defaults.decoderStart = described("decoder_start_token_id");
  orDescribed(metadata.model.eos, "eos_token_id");
  if (auto found = model.bound->values().find("decoder_start_is_last_token");
      found != model.bound->values().end())
    if (auto *is = std::get_if<bool>(&found->second))
      defaults.decoderStartIsLast = *is;
  defaults.forcedBos = first("forced_bos_token_id");
  defaults.forcedEos = model.directory.tokenIds("forced_eos_token_id");
  orDescribed(defaults.forcedEos, "forced_eos_token_id");
  defaults.suppressed = model.directory.tokenIds("suppress_tokens");
  defaults.suppressedFirst = model.directory.tokenIds("begin_suppress_tokens");
  const auto &generation = model.directory.generationConfig;
  const nlohmann::json *bad =
      generation ? findMember(*generation, "bad_words_ids") : nullptr;
  if (!bad)
    bad = findMember(model.directory.config, "bad_words_ids");
  if (!bad || !bad->is_array())
    return;
  for (const nlohmann::json &word : *bad)
    if (word.is_array()) {
      std::vector<int32_t> &ids = defaults.badWords.emplace_back();
      for (const nlohmann::json &id : word)
        ids.push_back(static_cast<int32_t>(asInteger(id).value_or(-1)));
    }
}

/// The keys of a source that is always as long; 0: one for each of its tokens.
static int64_t sourceLength(mlir::func::FuncOp prefill) {
  int64_t length = 0;
  auto module = prefill->getParentOfType<mlir::ModuleOp>();
  if (auto encode = module.lookupSymbol<mlir::func::FuncOp>(kEncodeName))
    encode.walk([&](CacheAppendOp op) {
      auto keys = mlir::cast<mlir::RankedTensorType>(op.getKey().getType());
      if (!keys.isDynamicDim(1))
        length = keys.getDimSize(1);
    });
  return length;
}

/// The caches that a sequence has, side by side.
void MetadataBuilder::readCaches(mlir::func::FuncOp function) {
  uint64_t offset = 0;
  for (mlir::BlockArgument argument : function.getArguments()) {
    auto type = mlir::dyn_cast<KVCacheType>(argument.getType());
    if (!type)
      continue;
    runtime::CacheInfo &cache = metadata.memory.caches.emplace_back();
    cache.isSource = function.getArgAttr(argument.getArgNumber(),
                                         kSourceAttrName) != nullptr;
    cache.isRing = type.getRing();
    cache.layers = type.getLayers();
    cache.heads = type.getHeads();
    cache.headDim = type.getHeadDim();
    cache.capacity = type.getCapacity();
    cache.length = cache.isSource ? sourceLength(function) : 0;
    cache.offset = offset;
    cache.size = type.getSequenceBytes();
    cache.keys = type.getKeysBytes();
    offset += cache.size;
  }
}

/// Rows of the tables that an input chooses from; 0: of none.
static int64_t idLimit(mlir::BlockArgument argument) {
  int64_t limit = 0;
  for (mlir::Operation *user : argument.getUsers())
    if (auto op = mlir::dyn_cast<EmbeddingOp>(user);
        op && op.getIds() == argument) {
      auto table = mlir::cast<mlir::ShapedType>(op.getTable().getType());
      int64_t rows = table.getDimSize(0);
      limit = limit ? std::min(limit, rows) : rows;
    }
  return limit;
}

static runtime::InputInfo describeInput(mlir::func::FuncOp function,
                                        unsigned number) {
  mlir::BlockArgument argument = function.getArgument(number);
  auto type = mlir::cast<mlir::RankedTensorType>(argument.getType());
  auto text = [&](llvm::StringRef key) {
    auto value = function.getArgAttrOfType<mlir::StringAttr>(number, key);
    return value ? value.str() : std::string();
  };
  runtime::InputInfo input;
  input.name = text(kInputNameAttrName);
  // What a pass has added is of positions, or lengths of sources.
  input.element = text(kElementAttrName);
  if (input.element.empty())
    input.element = input.name == kSourceLengthsName
                        ? kSourceLengthName.str()
                        : lang::elementName(lang::Element::Position);
  input.dtype = type.getElementType().isF32() ? "f32" : "i32";
  if (!type.getElementType().isF32()) {
    input.limit = idLimit(argument);
    if (auto last = function.getArgAttrOfType<mlir::IntegerAttr>(
            number, kLastTokenAttrName))
      input.last = last.getInt();
    return input;
  }
  input.shape.clear();
  for (int64_t extent : type.getShape())
    input.shape.push_back(mlir::ShapedType::isDynamic(extent)
                              ? runtime::InputInfo::kTokens
                              : extent);
  return input;
}

/// The entry point of a function on tensors, before or after its incremental
/// form is derived.
static EntryInfo describeEntry(mlir::func::FuncOp function) {
  EntryInfo entry;
  entry.name = entry.of = function.getName().str();
  bool isPart = llvm::is_contained(
      {kEncodeName, kPrefillName, kDecodeName, kDecodeBatchName},
      function.getName());
  if (isPart)
    entry.of = kForwardName.str();
  for (unsigned i = 0; i < function.getNumArguments(); ++i) {
    if (mlir::isa<mlir::RankedTensorType>(function.getArgument(i).getType()))
      entry.inputs.push_back(describeInput(function, i));
    else
      entry.incremental = true; // positions, counts and caches
  }
  entry.incremental |= isPart;
  if (function.getNumResults() == 0) {
    entry.outputRows = EntryInfo::Rows::Fixed;
    entry.fixedRows = 0;
    return entry;
  }
  auto type =
      mlir::cast<mlir::RankedTensorType>(function.getResultTypes().front());
  entry.outputCols = type.getDimSize(1);
  if (auto ofText =
          function->getAttrOfType<mlir::IntegerAttr>(kTextRowsAttrName)) {
    entry.outputRows = EntryInfo::Rows::Fixed;
    entry.fixedRows = ofText.getInt();
  } else if (isPart || (entry.incremental && type.isDynamicDim(0))) {
    entry.outputRows = EntryInfo::Rows::Rows;
  } else if (type.isDynamicDim(0)) {
    entry.outputRows = EntryInfo::Rows::Tokens;
  } else {
    entry.outputRows = EntryInfo::Rows::Fixed;
    entry.fixedRows = type.getDimSize(0);
  }
  return entry;
}

void MetadataBuilder::readEntries(mlir::ModuleOp module) {
  auto sequences =
      module->getAttrOfType<mlir::IntegerAttr>(kMaxSequencesAttrName);
  if (sequences && metadata.model.isDecoder)
    metadata.memory.sequences = sequences.getInt();
  for (auto function : module.getOps<mlir::func::FuncOp>()) {
    if (function.isDeclaration() || function.isPrivate())
      continue;
    EntryInfo entry = describeEntry(function);
    if (entry.name == kPrefillName)
      readCaches(function);
    for (const lang::DefDecl *def : bound->entries())
      if (def->name == entry.of) {
        entry.element = lang::elementName(def->resultSyntax.element);
        entry.labels = bound->labels(*def);
      }
    // What a decoder's forward computes goes without saying.
    if (entry.name != entry.of && entry.element.empty())
      entry.element = lang::elementName(lang::Element::Token);
    metadata.entries.push_back(std::move(entry));
  }
  // The table that token ids choose from; others are of positions and types.
  module.walk([&](EmbeddingOp op) {
    auto ids = mlir::dyn_cast<mlir::BlockArgument>(op.getIds());
    auto function = op->getParentOfType<mlir::func::FuncOp>();
    if (!ids || ids.getOwner()->getParentOp() != function)
      return;
    auto element = function.getArgAttrOfType<mlir::StringAttr>(
        ids.getArgNumber(), kElementAttrName);
    if (!element || element.getValue() != "token")
      return;
    auto table = mlir::cast<mlir::ShapedType>(op.getTable().getType());
    metadata.model.vocabSize = table.getDimSize(0);
    metadata.model.hiddenSize = table.getDimSize(1);
  });
}

Status MetadataBuilder::readMemory(mlir::ModuleOp module) {
  auto bytes = [&](llvm::StringRef name) -> uint64_t {
    auto attribute = module->getAttrOfType<mlir::IntegerAttr>(name);
    return attribute ? attribute.getInt() : 0;
  };
  uint64_t cache = bytes(kCacheBytesAttrName);
  if (hasMemory && cache != metadata.memory.cache)
    return plainError(strCat("internal error: variants have caches of ",
                             metadata.memory.cache, " and of ", cache,
                             " bytes"));
  hasMemory = true;
  metadata.memory.cache = cache;
  metadata.memory.arena =
      std::max(metadata.memory.arena, bytes(kArenaBytesAttrName));
  if (auto type = module->getAttrOfType<mlir::StringAttr>(kKVCacheAttrName))
    metadata.memory.cacheType = type.str();
  if (auto text = module->getAttrOfType<mlir::StringAttr>(kActivationsAttrName))
    metadata.model.activations = text.str();
  return Status::success();
}

void MetadataBuilder::addVariant(mlir::ModuleOp module, TargetAttr target) {
  runtime::VariantInfo &variant = metadata.variants.emplace_back();
  variant.cpu = target.getCpu().str();
  variant.features = getRequiredFeatures(target);
  auto operations = module->getAttrOfType<mlir::ArrayAttr>(kOperationsAttrName);
  if (!operations)
    return;
  for (auto operation : operations.getAsRange<mlir::DictionaryAttr>()) {
    auto text = [&](llvm::StringRef key) {
      auto value = operation.getAs<mlir::StringAttr>(key);
      return value ? value.str() : std::string();
    };
    auto id = operation.getAs<mlir::IntegerAttr>("id");
    variant.operations.push_back({id ? id.getInt() : 0,
                                  text("name"),
                                  text("kind"),
                                  text("location"),
                                  text("entry"),
                                  {}});
  }
  work.addTo(variant.operations);
  work = {};
}

void MetadataBuilder::setWeights(WeightsSummary summary) {
  metadata.model.parameters = summary.parameters;
  metadata.model.weightTypes = std::move(summary.bytesByType);
  metadata.weights = std::move(summary.weights);
}
