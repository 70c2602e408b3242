//===- TrainingPlan.cpp - what a trainer writes checkpoints of ------------===//

#include "TrainingPlan.h"
#include "Adapters.h"
#include "tenon/Support/MappedFile.h"
#include "tenon/Support/Strings.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

using namespace tenon;

/// What stands beside the weights of a Hugging Face checkpoint, if it does.
static constexpr const char *kFiles[] = {
    "config.json",         "generation_config.json",
    "tokenizer.json",      "tokenizer_config.json",
    "tokenizer.model",     "special_tokens_map.json",
    "added_tokens.json",   "vocab.json",
    "vocab.txt",           "merges.txt",
    "spiece.model",        "sentencepiece.bpe.model",
    "chat_template.jinja", "chat_template.json"};

Status tenon::checkTraining(const CompileOptions &options) {
  auto refuse = [](const std::string &what) {
    return plainError(what, ExitCode::BadUsage);
  };
  bool isFrozenType = options.quantize == "int8" || options.quantize == "int4";
  if (!options.quantize.empty() && !(options.adapters && isFrozenType))
    return refuse("--quantize is for models that compute, and, int8 or int4, "
                  "for what --train=lora leaves as it is; what learns has "
                  "weights in f32");
  if (options.weightType && options.weightType != DType::F32)
    return refuse("--dtype: a model that learns has weights in f32 so far");
  if (!options.kvCache.empty() || !options.activations.empty() ||
      options.latentCache != "auto" || options.maxSequences > 1)
    return refuse("--kv-cache, --latent-cache, --activations and "
                  "--max-sequences are for models that compute, not for "
                  "--train");
  if (options.stage < Stage::Executable && !isPassed(options.stage, true))
    return refuse(strCat("with --train there is no stage '",
                         std::string(getStage(options.stage).name),
                         "': import, differentiated, tiled and what follows "
                         "can be printed"));
  return {};
}

Status tenon::checkTraining(const LoadedModel &model, bool getsHead,
                            bool isFrozen) {
  if (model.directory.gguf && !isFrozen)
    return withNote(
        errorInFile(model.directory.path, "a GGUF file cannot be trained",
                    ExitCode::BadUsage),
        "a trainer writes checkpoints as Hugging Face has them, and starts "
        "from one: a directory with config.json; adapters learn beside it "
        "(--train=lora:targets=...)");
  const nlohmann::json *value =
      findMember(model.directory.config, "problem_type");
  const std::string *problem = value ? asString(*value) : nullptr;
  if (problem && !getsHead && *problem != "single_label_classification")
    return withNote(
        errorInFile(model.directory.configPath,
                    strCat("problem_type ", quoteName(*problem),
                           " cannot be trained yet"),
                    ExitCode::BadUsage),
        "one label of several is learned, \"single_label_classification\"");
  return {};
}

/// The configuration with the type that the weights have now.
static std::string withFloatType(std::string text, nlohmann::json config) {
  bool changed = false;
  for (const char *key : {"dtype", "torch_dtype"})
    if (auto found = config.find(key);
        found != config.end() && *found != "float32") {
      *found = "float32";
      changed = true;
    }
  return changed ? config.dump(2) + "\n" : text;
}

/// Which modules have adapters, by the last part of their path.
static std::string adapterConfigOf(std::span<const PlannedWeight> plan,
                                   const LoadedModel &model,
                                   const AdapterOptions &adapters) {
  std::vector<std::string> modules;
  bool isTransposed = false;
  for (const PlannedWeight &weight : plan) {
    auto source = mlir::dyn_cast<SourceAttr>(weight.sources[0]);
    if (!source || weight.frozen ||
        !source.getName().ends_with(".lora_A.weight"))
      continue;
    llvm::StringRef path =
        source.getName().drop_back(llvm::StringRef(".lora_A.weight").size());
    modules.push_back(path.rsplit('.').second.str());
    llvm::StringRef base =
        llvm::StringRef(weight.name).rsplit('.').first; // without ".lora_a"
    for (const PlannedWeight &other : plan)
      if (other.name == base ||
          llvm::StringRef(other.name).starts_with(base.str() + "."))
        isTransposed |=
            mlir::cast<SourceAttr>(other.sources[0]).getTransposed();
  }
  llvm::sort(modules);
  modules.erase(std::unique(modules.begin(), modules.end()), modules.end());
  return adapterConfig(adapters, model.directory.path, modules, isTransposed);
}

Expected<runtime::TrainingInfo>
tenon::planTraining(std::span<const PlannedWeight> plan,
                    const LoadedModel &model,
                    const std::optional<AdapterOptions> &adapters) {
  runtime::TrainingInfo info;
  const Checkpoint *checkpoint = model.checkpoint();
  for (const PlannedWeight &weight : plan) {
    if (!llvm::all_of(weight.sources, llvm::IsaPred<SourceAttr>))
      continue; // computed
    // Of a model with adapters, the file has those alone; else all weights.
    if (weight.frozen && adapters)
      continue;
    if (weight.sources.size() != 1)
      return plainError(strCat("weight @", weight.name,
                               " is no tensor of the checkpoint: it cannot be "
                               "written there"));
    auto source = mlir::cast<SourceAttr>(weight.sources[0]);
    int64_t parts = isFused(weight, source) ? weight.experts : 1;
    for (int64_t layer = 0; layer < weight.layers; layer += parts) {
      runtime::TrainedTensor tensor;
      std::string name = getTensorName(weight, source, layer);
      const TensorInfo *found = checkpoint ? checkpoint->find(name) : nullptr;
      if ((found && found->join) || llvm::StringRef(name).contains('*'))
        return withNote(
            errorInFile(model.directory.path,
                        strCat("the tensor ", quoteName(name),
                               " is held in parts, which cannot be written"),
                        ExitCode::BadUsage),
            "adapters learn beside it (--train=lora:targets=...)");
      // The file may lack dimensions of 1, and a prefix of the name.
      tensor.name = found ? found->name : name;
      if (found)
        tensor.shape.assign(found->shape.begin(), found->shape.end());
      else {
        if (parts > 1)
          tensor.shape.push_back(parts);
        llvm::append_range(tensor.shape, source.getType().getShape());
      }
      tensor.offset = weight.offset + layer * weight.stride;
      tensor.elements = parts * weight.layerType.getNumElements();
      tensor.parts = parts;
      tensor.stride = parts > 1 ? weight.stride : 0;
      tensor.transposed = source.getTransposed();
      info.tensors.push_back(std::move(tensor));
    }
  }
  if (adapters) {
    info.weightsFile = "adapter_model.safetensors";
    info.files.push_back(
        {"adapter_config.json", adapterConfigOf(plan, model, *adapters)});
    return info;
  }
  llvm::StringRef directory =
      llvm::sys::path::parent_path(model.directory.configPath);
  for (const char *name : kFiles) {
    llvm::SmallString<256> path(directory);
    llvm::sys::path::append(path, name);
    if (!llvm::sys::fs::exists(path))
      continue;
    Expected<MappedFile> file = MappedFile::open(path.str().str());
    if (!file)
      return file.takeError();
    info.files.push_back({name, std::string(file->text())});
  }
  info.labels = model.bound->labels(*model.bound->defaultEntry());
  if (model.hasNewHead) {
    // A model of another class: it generates nothing, and has other labels.
    std::erase_if(info.files, [](const runtime::CheckpointFile &file) {
      return file.name == "generation_config.json";
    });
    nlohmann::json config = model.directory.config;
    config.erase("sentence"); // of other files
    for (runtime::CheckpointFile &file : info.files)
      if (file.name == "config.json")
        file.bytes = config.dump(2) + "\n";
  }
  for (runtime::CheckpointFile &file : info.files)
    if (file.name == "config.json")
      if (Expected<nlohmann::json> config =
              parseJson(file.bytes, model.directory.configPath))
        file.bytes = withFloatType(file.bytes, std::move(*config));
  return info;
}
