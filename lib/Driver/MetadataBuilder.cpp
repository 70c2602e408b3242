//===- MetadataBuilder.cpp - what the executable knows of itself ----------===//

#include "MetadataBuilder.h"
#include "LinkConfig.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "tenon/Conversion/LoweringPasses.h"
#include "tenon/Dialect/Tenon/Transforms/FusionPasses.h"
#include "tenon/Dialect/Tenon/Transforms/MemoryPasses.h"
#include "tenon/Support/Strings.h"
#include "tenon/Target/TargetDescription.h"

#include <algorithm>

using namespace tenon;
using runtime::EntryInfo;

MetadataBuilder::MetadataBuilder(const LoadedModel &model) {
  metadata.tenonVersion = TENON_VERSION;
  auto &info = metadata.model;
  info.family = std::string(model.description->name);
  info.name = model.directory.name();
  info.isDecoder = model.description->kind == lang::ModelKind::Decoder;
  info.context = model.context;
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

/// The entry point of a function on tensors.
static EntryInfo describeEntry(mlir::func::FuncOp function) {
  EntryInfo entry;
  entry.name = function.getName().str();
  for (unsigned i = 0; i < function.getNumArguments(); ++i) {
    auto type = mlir::dyn_cast<mlir::RankedTensorType>(
        function.getArgument(i).getType());
    if (!type)
      continue; // positions and counts are in the frame
    auto name =
        function.getArgAttrOfType<mlir::StringAttr>(i, kInputNameAttrName);
    entry.inputs.push_back({name ? name.str() : "input" + std::to_string(i),
                            type.getElementType().isF32() ? "f32" : "i32"});
  }
  entry.outputRows = EntryInfo::Rows::Tokens;
  if (function.getNumResults() == 1)
    if (auto type = mlir::dyn_cast<mlir::RankedTensorType>(
            function.getResultTypes().front());
        type && type.getRank() == 2) {
      entry.outputCols = type.getDimSize(1);
      if (type.getDimSize(0) == 1)
        entry.outputRows = EntryInfo::Rows::One;
    }
  return entry;
}

void MetadataBuilder::readEntries(mlir::ModuleOp module) {
  for (auto function : module.getOps<mlir::func::FuncOp>()) {
    if (function.isDeclaration() || function.isPrivate())
      continue;
    EntryInfo entry = describeEntry(function);
    if (!metadata.model.isDecoder) {
      metadata.entries.push_back(std::move(entry));
      continue;
    }
    // A decoder's whole-sequence function becomes incremental ones.
    if (function.getName() != kForwardName)
      continue;
    entry.outputRows = EntryInfo::Rows::Rows;
    for (llvm::StringRef name : {kPrefillName, kDecodeName}) {
      entry.name = name.str();
      metadata.entries.push_back(entry);
    }
    auto sequences =
        module->getAttrOfType<mlir::IntegerAttr>(kMaxSequencesAttrName);
    if (!sequences || sequences.getInt() == 1)
      continue;
    metadata.memory.sequences = sequences.getInt();
    entry.name = kDecodeBatchName.str();
    entry.inputs.push_back({kPositionsInputName.str(), "i32"});
    metadata.entries.push_back(entry);
  }
  // The table that token ids choose from; others are of positions and types.
  module.walk([&](EmbeddingOp op) {
    auto ids = mlir::dyn_cast<mlir::BlockArgument>(op.getIds());
    auto function = op->getParentOfType<mlir::func::FuncOp>();
    if (!ids || ids.getOwner()->getParentOp() != function)
      return;
    auto element = function.getArgAttrOfType<mlir::StringAttr>(
        ids.getArgNumber(), "tenon.element");
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
