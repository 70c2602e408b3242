//===- MetadataBuilder.cpp - what the executable knows of itself ----------===//

#include "MetadataBuilder.h"
#include "LinkConfig.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "tenon/Conversion/LoweringPasses.h"
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
  info.bos = model.directory.tokenIds("bos_token_id");
  info.eos = model.directory.tokenIds("eos_token_id");
  for (const lang::LayerDecl *layer : model.description->layers)
    info.layers += model.bound->layerCount(layer);
  metadata.memory.maxChunk = model.maxChunk;
  if (model.directory.generationConfig)
    readGenerationDefaults(*model.directory.generationConfig);
}

void MetadataBuilder::readGenerationDefaults(const nlohmann::json &config) {
  auto number = [&](const char *key) -> std::optional<double> {
    const nlohmann::json *value = findMember(config, key);
    return value ? asNumber(*value) : std::nullopt;
  };
  runtime::GenerationDefaults &defaults = metadata.generation;
  if (const nlohmann::json *value = findMember(config, "do_sample"))
    defaults.doSample = asBool(*value);
  if (const nlohmann::json *value = findMember(config, "top_k"))
    defaults.topK = asInteger(*value);
  defaults.temperature = number("temperature");
  defaults.topP = number("top_p");
  defaults.minP = number("min_p");
  defaults.repetitionPenalty = number("repetition_penalty");
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
  // What a pass has added is of positions.
  input.element = text(kElementAttrName);
  if (input.element.empty())
    input.element = lang::elementName(lang::Element::Position);
  input.dtype = type.getElementType().isF32() ? "f32" : "i32";
  if (!type.getElementType().isF32()) {
    input.limit = idLimit(argument);
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
      {kPrefillName, kDecodeName, kDecodeBatchName}, function.getName());
  if (isPart)
    entry.of = kForwardName.str();
  for (unsigned i = 0; i < function.getNumArguments(); ++i) {
    if (mlir::isa<mlir::RankedTensorType>(function.getArgument(i).getType()))
      entry.inputs.push_back(describeInput(function, i));
    else
      entry.incremental = true; // positions, counts and caches
  }
  entry.incremental |= isPart;
  auto type =
      mlir::cast<mlir::RankedTensorType>(function.getResultTypes().front());
  entry.outputCols = type.getDimSize(1);
  if (isPart || (entry.incremental && type.isDynamicDim(0))) {
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
    variant.operations.push_back(
        {id ? id.getInt() : 0, text("name"), text("kind"), text("location")});
  }
}

void MetadataBuilder::setWeights(WeightsSummary summary) {
  metadata.model.parameters = summary.parameters;
  metadata.model.weightTypes = std::move(summary.bytesByType);
  metadata.weights = std::move(summary.weights);
}
