//===- SentenceModules.cpp - sentence-embedding directories ---------------===//
//
// Format: https://sbert.net/docs/sentence_transformer/usage/custom_models.html.
// A model is a list of modules; each has a folder with its config.json.
//
//===----------------------------------------------------------------------===//

#include "SentenceModules.h"
#include "TensorOrder.h"

#include "tenon/Checkpoint/Safetensors.h"
#include "tenon/Support/Strings.h"

#include <algorithm>
#include <span>

using namespace tenon;
using nlohmann::json;
namespace fs = std::filesystem;

namespace {

struct Module {
  std::string type; ///< "Pooling", the last part of the class's name
  fs::path folder;
};

/// A model's tensors and those of a dense layer, by other names.
class JoinedCheckpoint : public Checkpoint {
public:
  JoinedCheckpoint(std::unique_ptr<Checkpoint> model,
                   std::unique_ptr<Checkpoint> dense, std::string_view layer)
      : model(std::move(model)), dense(std::move(dense)) {
    infos.assign(this->model->tensors().begin(), this->model->tensors().end());
    for (TensorInfo info : this->dense->tensors()) {
      constexpr std::string_view own = "linear.";
      std::string_view name = info.name;
      name.remove_prefix(name.starts_with(own) ? own.size() : 0);
      info.name = strCat("sentence.", layer, ".", name);
      infos.push_back(std::move(info));
    }
    sortByName(infos);
  }

private:
  std::unique_ptr<Checkpoint> model, dense;
};

/// sentence_transformers' names of poolings, in the order in which several of
/// them are joined.
constexpr std::pair<const char *, const char *> kPoolings[] = {
    {"pooling_mode_cls_token", "cls"},
    {"pooling_mode_max_tokens", "max"},
    {"pooling_mode_mean_tokens", "mean"},
    {"pooling_mode_mean_sqrt_len_tokens", "mean_sqrt_len"},
    {"pooling_mode_weightedmean_tokens", "weightedmean"},
    {"pooling_mode_lasttoken", "lasttoken"},
};

constexpr std::pair<const char *, const char *> kActivations[] = {
    {"Identity", "identity"}, {"Tanh", "tanh"},       {"GELU", "gelu"},
    {"ReLU", "relu"},         {"Sigmoid", "sigmoid"}, {"SiLU", "silu"},
};

std::string_view lastPart(std::string_view className) {
  return className.substr(className.rfind('.') + 1);
}

JsonOptions pythonJson() {
  JsonOptions options;
  options.nonFinite = true;
  return options;
}

Expected<json> readObject(const fs::path &path) {
  Expected<json> parsed = parseJsonFile(path.string(), pythonJson());
  if (parsed && !parsed->is_object())
    return errorInFile(path.string(),
                       strCat("expected an object, found ", kindName(*parsed)));
  return parsed;
}

/// Those of modules.json; none without that file.
Expected<std::vector<Module>> readModules(const fs::path &directory) {
  std::vector<Module> modules;
  fs::path path = directory / "modules.json";
  std::error_code failure;
  if (!fs::exists(path, failure))
    return modules;
  Expected<json> parsed = parseJsonFile(path.string(), pythonJson());
  if (!parsed)
    return parsed.takeError();
  if (!parsed->is_array() || parsed->empty())
    return errorInFile(path.string(), "expected a list of modules");
  for (const json &entry : *parsed) {
    const json *type = findMember(entry, "type");
    const json *folder = findMember(entry, "path");
    if (!type || !asString(*type) || !folder || !asString(*folder))
      return errorInFile(path.string(),
                         "a module has a 'type' and a 'path', both strings");
    fs::path relative = *asString(*folder);
    // Not a way out of the directory.
    if (relative.is_absolute() ||
        std::find(relative.begin(), relative.end(), "..") != relative.end())
      return errorInFile(path.string(), strCat("the module's path ",
                                               quoteName(*asString(*folder)),
                                               " leaves the directory"));
    modules.push_back({std::string(lastPart(*asString(*type))),
                       relative.empty() ? directory : directory / relative});
  }
  if (modules.front().type != "Transformer")
    return errorInFile(path.string(), strCat("the first module is ",
                                             quoteName(modules.front().type),
                                             "; a Transformer is expected"));
  return modules;
}

class SentenceReader {
public:
  SentenceReader(const fs::path &directory, ModelDirectory &model)
      : directory(directory), model(model) {}

  Status read();

private:
  Status readPooling(const fs::path &folder);
  Status readDense(const fs::path &folder);
  Status readLimits(const fs::path &folder);
  Status readPrompts();

  const fs::path &directory;
  ModelDirectory &model;
  json sentence = json::object();
};

} // namespace

Status SentenceReader::readPooling(const fs::path &folder) {
  fs::path path = folder / "config.json";
  Expected<json> config = readObject(path);
  if (!config)
    return config.takeError();
  std::string modes;
  auto add = [&](std::string_view mode) {
    modes += (modes.empty() ? "" : "+") + std::string(mode);
  };
  for (const auto &[key, value] : config->get_ref<json::object_t &>()) {
    bool isMode = key.starts_with("pooling_mode");
    bool isKnown = key == "pooling_mode" || key == "word_embedding_dimension" ||
                   key == "embedding_dimension" || key == "include_prompt";
    for (auto [name, mode] : kPoolings)
      isKnown |= key == name;
    if (!isKnown && (isMode ? value != false : !value.is_null()))
      return errorInFile(path.string(), strCat("unknown key ", quoteName(key)));
  }
  for (auto [key, mode] : kPoolings)
    if (const json *value = findMember(*config, key); value && *value == true)
      add(mode);
  if (const json *mode = findMember(*config, "pooling_mode")) {
    // The form of newer versions: a name, or a list of names.
    json list = mode->is_array() ? *mode : json::array({*mode});
    modes.clear();
    for (const json &name : list) {
      const std::string *text = asString(name);
      bool isKnown = text && std::any_of(std::begin(kPoolings),
                                         std::end(kPoolings), [&](auto known) {
                                           return *text == known.second;
                                         });
      if (!isKnown)
        return errorInFile(path.string(),
                           strCat("unknown 'pooling_mode' ", name.dump()));
      add(*text);
    }
  }
  if (modes.empty())
    return errorInFile(path.string(), "no pooling mode is true");
  sentence["pooling"] = modes;
  return Status::success();
}

Status SentenceReader::readDense(const fs::path &folder) {
  fs::path path = folder / "config.json";
  Expected<json> config = readObject(path);
  if (!config)
    return config.takeError();
  const json *width = findMember(*config, "out_features");
  std::optional<int64_t> out = width ? asInteger(*width) : std::nullopt;
  if (!out || *out < 1)
    return errorInFile(path.string(), "'out_features' is no positive number");
  const json *function = findMember(*config, "activation_function");
  std::string_view name =
      function && asString(*function) ? lastPart(*asString(*function)) : "Tanh";
  std::string layer = sentence.contains("dense") ? "dense_2" : "dense";
  std::string activation = layer + "_activation";
  sentence[layer] = *out;
  for (auto [known, ours] : kActivations)
    if (name == known)
      sentence[activation] = ours;
  if (!sentence.contains(activation))
    return errorInFile(path.string(), strCat("unknown 'activation_function' ",
                                             quoteName(name)));
  std::error_code failure;
  if (!model.checkpoint)
    return Status::success();
  if (!fs::exists(folder / "model.safetensors", failure))
    return errorInFile(folder.string(), "model.safetensors is missing");
  Expected<std::unique_ptr<Checkpoint>> dense =
      openSafetensors(folder.string());
  if (!dense)
    return dense.takeError();
  model.checkpoint = std::make_unique<JoinedCheckpoint>(
      std::move(model.checkpoint), *std::move(dense), layer);
  return Status::success();
}

// Beside the Transformer, under the name of its class or of the oldest one.
Status SentenceReader::readLimits(const fs::path &folder) {
  std::error_code failure;
  fs::path path = folder / "sentence_bert_config.json";
  if (!fs::exists(path, failure))
    return Status::success();
  Expected<json> config = readObject(path);
  if (!config)
    return config.takeError();
  for (const auto &[key, value] : config->get_ref<json::object_t &>()) {
    if (value.is_null() || value == false)
      continue;
    std::optional<int64_t> number = asInteger(value);
    if (key == "max_seq_length" && number && *number > 0) {
      model.maxSequenceLength = *number;
      continue;
    }
    // An uncased tokenizer does so anyway.
    const json *lower =
        model.tokenizerConfig
            ? findMember(*model.tokenizerConfig, "do_lower_case")
            : nullptr;
    if (key == "do_lower_case" && lower && *lower == true)
      continue;
    return errorInFile(path.string(),
                       strCat(quoteName(key), " is ", value.dump(),
                              ", which is not supported"));
  }
  return Status::success();
}

// A prompt that goes before every text would change all vectors.
Status SentenceReader::readPrompts() {
  std::error_code failure;
  fs::path path = directory / "config_sentence_transformers.json";
  if (!fs::exists(path, failure))
    return Status::success();
  Expected<json> config = readObject(path);
  if (!config)
    return config.takeError();
  const json *name = findMember(*config, "default_prompt_name");
  const json *prompts = findMember(*config, "prompts");
  const std::string *key = name ? asString(*name) : nullptr;
  const json *prompt = key && prompts ? findMember(*prompts, *key) : nullptr;
  if (!prompt || *prompt == "")
    return Status::success();
  return withNote(
      errorInFile(path.string(),
                  strCat("the prompt ", prompt->dump(),
                         " goes before every text ('default_prompt_name'), "
                         "which is not supported")),
      "without 'default_prompt_name' the texts are taken as they are");
}

Status SentenceReader::read() {
  Expected<std::vector<Module>> modules = readModules(directory);
  if (!modules)
    return modules.takeError();
  if (modules->empty())
    return Status::success();
  auto fail = [&](const std::string &what) {
    return withNote(
        errorInFile((directory / "modules.json").string(), what),
        "Transformer, Pooling, at most two Dense, and Normalize at the end are "
        "supported");
  };
  sentence["normalize"] = false;
  for (const Module &module : std::span(*modules).subspan(1)) {
    Status status = Status::success();
    if (sentence["normalize"] == true)
      return fail(
          strCat("module ", quoteName(module.type), " comes after Normalize"));
    if (module.type == "Pooling" && !sentence.contains("pooling"))
      status = readPooling(module.folder);
    else if (module.type == "Dense" && sentence.contains("pooling") &&
             !sentence.contains("dense_2"))
      status = readDense(module.folder);
    else if (module.type == "Normalize" && sentence.contains("pooling"))
      sentence["normalize"] = true;
    else
      return fail(
          strCat("module ", quoteName(module.type), " is not supported here"));
    if (!status)
      return status;
  }
  if (!sentence.contains("pooling"))
    return fail("no Pooling makes one vector of a text's");
  if (Status status = readLimits(modules->front().folder); !status)
    return status;
  if (Status status = readPrompts(); !status)
    return status;
  model.config["sentence"] = std::move(sentence);
  return Status::success();
}

Expected<fs::path> tenon::transformerFolder(const fs::path &directory) {
  Expected<std::vector<Module>> modules = readModules(directory);
  if (!modules)
    return modules.takeError();
  return modules->empty() ? directory : modules->front().folder;
}

Status tenon::readSentenceModules(const fs::path &directory,
                                  ModelDirectory &model) {
  return SentenceReader(directory, model).read();
}
