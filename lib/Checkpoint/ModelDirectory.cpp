//===- ModelDirectory.cpp - a model: directory or GGUF file --------------===//

#include "tenon/Checkpoint/ModelDirectory.h"
#include "SentenceModules.h"

#include "tenon/Checkpoint/Gguf.h"
#include "tenon/Checkpoint/Safetensors.h"
#include "tenon/Support/Strings.h"

#include <filesystem>

using namespace tenon;
using nlohmann::json;
namespace fs = std::filesystem;

static Expected<json> parseObject(std::string_view text,
                                  const std::string &path) {
  JsonOptions options;
  options.nonFinite = true; // these files are written by Python
  Expected<json> parsed = parseJson(text, path, options);
  if (parsed && !parsed->is_object())
    return errorAt(path, 1, 1,
                   strCat("expected an object, found ", kindName(*parsed)));
  return parsed;
}

// A file that need not be there. `text` becomes what it holds.
static Expected<std::optional<json>> readOptional(const fs::path &path,
                                                  std::string *text) {
  std::error_code failure;
  bool isThere = fs::exists(path, failure);
  if (failure)
    return systemError(path.string(), "open", failure.value());
  if (!isThere)
    return std::optional<json>();
  Expected<MappedFile> file = MappedFile::open(path.string());
  if (!file)
    return file.takeError();
  Expected<json> parsed = parseObject(file->text(), path.string());
  if (!parsed)
    return parsed.takeError();
  if (text)
    *text = file->text();
  return std::optional<json>(*std::move(parsed));
}

// Whether the directory has anything that looks like weights, good or bad.
static Expected<bool> holdsWeights(const fs::path &directory) {
  std::error_code failure;
  fs::directory_iterator entries(directory, failure), end;
  for (; !failure && entries != end; entries.increment(failure)) {
    std::string name = entries->path().filename().string();
    if (entries->path().extension() == ".safetensors" ||
        name == "model.safetensors.index.json" ||
        name.starts_with("pytorch_model.bin"))
      return true;
  }
  // A directory that can't be listed is not one without weights.
  if (failure)
    return systemError(directory.string(), "list the directory",
                       failure.value());
  return false;
}

Expected<ModelDirectory> tenon::openModelDirectory(const std::string &path) {
  std::error_code failure;
  fs::path directory(path);
  if (directory.filename() == "config.json" && fs::exists(path, failure) &&
      !fs::is_directory(path, failure))
    directory = directory.has_parent_path() ? directory.parent_path() : ".";
  if (!fs::exists(directory, failure))
    return errorInFile(path, "no such file or directory");
  if (!fs::is_directory(directory, failure))
    return errorInFile(path, "expected a model directory that holds "
                             "config.json, or a .gguf file, found a file");

  fs::path root = directory;
  Expected<fs::path> folder = transformerFolder(root);
  if (!folder)
    return folder.takeError();
  directory = *std::move(folder);
  ModelDirectory model;
  model.path = root.string();
  model.configPath = (directory / "config.json").string();
  if (!fs::exists(model.configPath, failure))
    return withNote(errorInFile(path, "the directory holds no config.json"),
                    "a Hugging Face model directory has config.json, "
                    "model.safetensors and tokenizer.json");
  {
    Expected<MappedFile> file = MappedFile::open(model.configPath);
    if (!file)
      return file.takeError();
    model.configText = file->text();
  }
  Expected<json> config = parseObject(model.configText, model.configPath);
  if (!config)
    return config.takeError();
  model.config = *std::move(config);

  model.generationConfigPath = (directory / "generation_config.json").string();
  Expected<std::optional<json>> generation =
      readOptional(model.generationConfigPath, &model.generationConfigText);
  if (!generation)
    return generation.takeError();
  model.generationConfig = *std::move(generation);
  Expected<std::optional<json>> tokenizer =
      readOptional(directory / "tokenizer_config.json", nullptr);
  if (!tokenizer)
    return tokenizer.takeError();
  model.tokenizerConfig = *std::move(tokenizer);
  for (const char *name : {"tokenizer.json", "tokenizer.model", "spiece.model",
                           "sentencepiece.bpe.model", "sentencepiece.model",
                           "vocab.json", "vocab.txt"})
    if (fs::path tokenizer = directory / name;
        model.tokenizerPath.empty() && fs::exists(tokenizer, failure))
      model.tokenizerPath = tokenizer.string();

  Expected<bool> weights = holdsWeights(directory);
  if (!weights)
    return weights.takeError();
  if (*weights) {
    Expected<std::unique_ptr<Checkpoint>> checkpoint =
        openSafetensors(directory.string());
    if (!checkpoint)
      return checkpoint.takeError();
    model.checkpoint = *std::move(checkpoint);
    const json *quantized = findMember(model.config, "quantization_config");
    const json *method =
        quantized ? findMember(*quantized, "quant_method") : nullptr;
    if (method && *method == "mxfp4") {
      checkpoint = joinMxfp4(std::move(model.checkpoint));
      if (!checkpoint)
        return checkpoint.takeError();
      model.checkpoint = *std::move(checkpoint);
    }
  }
  if (Status status = readSentenceModules(root, model); !status)
    return status.takeError();
  return model;
}

Expected<ModelDirectory> tenon::openGgufModel(const std::string &path) {
  Expected<std::unique_ptr<GgufCheckpoint>> opened = GgufCheckpoint::open(path);
  if (!opened)
    return opened.takeError();
  std::unique_ptr<GgufCheckpoint> checkpoint = *std::move(opened);
  Expected<json> config = configFromGguf(*checkpoint);
  if (!config)
    return config.takeError();
  ModelDirectory model;
  model.path = model.configPath = path;
  model.config = *std::move(config);
  model.derivedKeys = {"gguf", "attention_bias", "mlp_bias", "vocab_size",
                       "type_vocab_size"};
  model.gguf = checkpoint.get();
  if (checkpoint->value("tokenizer.ggml.tokens"))
    model.tokenizerPath = path;
  // A file with nothing but a vocabulary has no weights.
  if (checkpoint->tensors().empty())
    return errorInFile(path, "the file holds a vocabulary but no tensors");
  model.checkpoint = std::move(checkpoint);
  return model;
}

Expected<ModelDirectory> tenon::openModel(const std::string &path) {
  std::error_code failure;
  if (!fs::is_regular_file(path, failure))
    return openModelDirectory(path);
  if (fs::path(path).extension() == ".gguf")
    return openGgufModel(path);
  Expected<MappedFile> file = MappedFile::open(path);
  if (!file)
    return file.takeError();
  return file->text().starts_with("GGUF") ? openGgufModel(path)
                                          : openModelDirectory(path);
}

std::string ModelDirectory::name() const {
  std::error_code failure;
  fs::path whole = fs::absolute(path, failure).lexically_normal();
  if (!whole.has_filename())
    whole = whole.parent_path();
  return (gguf && whole.extension() == ".gguf" ? whole.stem()
                                               : whole.filename())
      .string();
}

std::vector<std::string> ModelDirectory::classNames() const {
  std::vector<std::string> names;
  if (const json *list = findMember(config, "architectures");
      list && list->is_array())
    for (const json &entry : *list)
      if (const std::string *name = asString(entry))
        names.push_back(*name);
  return names;
}

std::string ModelDirectory::modelType() const {
  const json *type = findMember(config, "model_type");
  const std::string *name = type ? asString(*type) : nullptr;
  return name ? *name : std::string();
}

std::vector<int32_t> ModelDirectory::tokenIds(std::string_view key) const {
  std::vector<int32_t> ids;
  auto add = [&](const json &value) {
    std::optional<int64_t> id = asInteger(value);
    if (id && *id >= 0 && *id <= INT32_MAX)
      ids.push_back(static_cast<int32_t>(*id));
  };
  const json *value =
      generationConfig ? findMember(*generationConfig, key) : nullptr;
  if (!value)
    value = findMember(config, key);
  if (!value)
    return ids;
  if (value->is_array()) {
    for (const json &entry : *value)
      add(entry);
  } else {
    add(*value);
  }
  return ids;
}
