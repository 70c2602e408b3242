//===- Adapters.cpp - LoRA's adapters: options, files, merging ------------===//

#include "Adapters.h"
#include "tenon/Checkpoint/Safetensors.h"
#include "tenon/Driver/Packing.h"
#include "tenon/Support/Json.h"
#include "tenon/Support/Strings.h"
#include "llvm/ADT/StringExtras.h"

#include <cmath>

using namespace tenon;

Expected<AdapterOptions> tenon::parseAdapterOptions(llvm::StringRef given) {
  llvm::StringRef text = given;
  auto fail = [&](const std::string &what) {
    return withNote(
        plainError(strCat("--train=", given.str(), ": ", what),
                   ExitCode::BadUsage),
        "--train trains all weights, "
        "--train=lora:rank=8,alpha=16,targets=wq|wv adapters beside "
        "these weights, --train=head:classes=3 a new head for labels");
  };
  if (!text.consume_front("lora"))
    return fail("'lora' and 'head' are what there is beside all weights");
  AdapterOptions options;
  bool hasAlpha = false;
  llvm::SmallVector<llvm::StringRef> parts;
  if (text.consume_front(":"))
    text.split(parts, ',');
  else if (!text.empty())
    return fail("expected ':' after lora");
  for (llvm::StringRef part : parts) {
    auto [key, value] = part.split('=');
    if (key == "rank") {
      if (value.getAsInteger(10, options.rank) || options.rank < 1 ||
          options.rank > 4096)
        return fail("rank is a number from 1 to 4096");
    } else if (key == "alpha") {
      hasAlpha = true;
      if (value.getAsDouble(options.alpha) || !(options.alpha > 0) ||
          !std::isfinite(options.alpha))
        return fail("alpha is a number above 0");
    } else if (key == "targets") {
      llvm::SmallVector<llvm::StringRef> names;
      value.split(names, '|', -1, /*KeepEmpty=*/false);
      for (llvm::StringRef name : names)
        options.targets.push_back(name.str());
    } else {
      return fail(strCat("unknown key ", quoteName(key.str())));
    }
  }
  if (options.targets.empty())
    return fail("targets says which weights have adapters");
  if (!hasAlpha)
    options.alpha = 2 * static_cast<double>(options.rank);
  return options;
}

Expected<AskedAdapters> tenon::parseAdapters(llvm::StringRef lines) {
  AskedAdapters asked;
  llvm::SmallVector<llvm::StringRef> texts;
  if (!lines.empty())
    lines.split(texts, '\n');
  for (llvm::StringRef text : texts) {
    auto [name, directory] = text.split('=');
    bool isName = !name.empty() && llvm::all_of(name, [](char c) {
      return llvm::isAlnum(c) || c == '_' || c == '-' || c == '.';
    });
    auto refuse = [&, text = text](const char *what) {
      return withNote(plainError(strCat("--adapter ", text.str(), ": ", what),
                                 ExitCode::BadUsage),
                      "--adapter DIRECTORY adds adapters to the weights, "
                      "--adapter NAME=DIRECTORY keeps them beside");
    };
    if (!text.contains('=') || !isName) {
      if (!asked.merged.empty())
        return refuse("one directory can be added to the weights");
      asked.merged = text.str();
      continue;
    }
    if (directory.empty())
      return refuse("there is no directory behind the name");
    for (const AskedAdapters::Named &other : asked.kept)
      if (other.name == name)
        return refuse("another has this name");
    asked.kept.push_back({name.str(), directory.str()});
  }
  return asked;
}

std::string tenon::adapterConfig(const AdapterOptions &options,
                                 const std::string &base,
                                 llvm::ArrayRef<std::string> modules,
                                 bool isTransposed) {
  nlohmann::ordered_json config = {
      {"base_model_name_or_path", base},
      {"bias", "none"},
      {"fan_in_fan_out", isTransposed},
      {"inference_mode", true},
      {"init_lora_weights", true},
      {"lora_alpha", options.alpha},
      {"lora_dropout", 0.0},
      {"modules_to_save", nullptr},
      {"peft_type", "LORA"},
      {"r", options.rank},
      {"target_modules", std::vector<std::string>(modules)},
      {"task_type", "CAUSAL_LM"},
      {"use_dora", false},
      {"use_rslora", false}};
  // PEFT's type of it is an integer.
  if (options.alpha == std::floor(options.alpha))
    config["lora_alpha"] = static_cast<int64_t>(options.alpha);
  return config.dump(2) + "\n";
}

/// An error for what changes the weights and is not read.
static Status checkConfig(const nlohmann::json &config,
                          const std::string &path) {
  auto refuse = [&](const char *key, const std::string &what) -> Status {
    return errorInFile(path, strCat("\"", key, "\": ", what));
  };
  const nlohmann::json *type = findMember(config, "peft_type");
  if (!type || !asString(*type) || *asString(*type) != "LORA")
    return refuse("peft_type", "only LORA is read");
  if (const nlohmann::json *bias = findMember(config, "bias"))
    if (!asString(*bias) || *asString(*bias) != "none")
      return refuse("bias", "biases that learn with an adapter are not read");
  for (const char *key : {"use_dora", "alora_invocation_tokens", "lora_bias"})
    if (const nlohmann::json *value = findMember(config, key))
      if (*value != false)
        return refuse(key, "this kind of adapter is not read");
  for (const char *key :
       {"modules_to_save", "rank_pattern", "alpha_pattern", "layer_replication",
        "trainable_token_indices", "target_parameters"})
    if (const nlohmann::json *value = findMember(config, key))
      if (!value->empty())
        return refuse(key, "an adapter with it is not read");
  return Status::success();
}

Expected<AdapterDirectory>
AdapterDirectory::open(const std::string &directory) {
  AdapterDirectory adapters;
  adapters.path = directory;
  std::string configPath = directory + "/adapter_config.json";
  Expected<nlohmann::json> config = parseJsonFile(configPath);
  if (!config)
    return withNote(config.takeError(),
                    "--adapter takes a directory in PEFT's layout");
  if (Status status = checkConfig(*config, configPath); !status)
    return status.takeError();
  auto number = [&](const char *key) -> std::optional<double> {
    const nlohmann::json *value = findMember(*config, key);
    return value ? asNumber(*value) : std::nullopt;
  };
  std::optional<double> rank = number("r"), alpha = number("lora_alpha");
  if (!rank || !alpha || *rank < 1)
    return errorInFile(configPath, "\"r\" and \"lora_alpha\" are no numbers");
  const nlohmann::json *stable = findMember(*config, "use_rslora");
  adapters.scale =
      *alpha / (stable && *stable == true ? std::sqrt(*rank) : *rank);
  std::string filePath = directory + "/adapter_model.safetensors";
  Expected<std::unique_ptr<Checkpoint>> file = openSafetensors(filePath);
  if (!file)
    return file.takeError();
  adapters.file = std::move(*file);
  for (const TensorInfo &tensor : adapters.file->tensors()) {
    llvm::StringRef name = tensor.name;
    bool isDown = name.ends_with(".lora_A.weight");
    if ((!isDown && !name.ends_with(".lora_B.weight")) ||
        !name.consume_front("base_model.model.") || tensor.shape.size() != 2 ||
        (tensor.dtype != DType::F32 && tensor.dtype != DType::F16 &&
         tensor.dtype != DType::BF16))
      return errorInFile(filePath, strCat("tensor ", quoteName(tensor.name),
                                          " is no matrix of an adapter"));
    Pair &pair = adapters.pairs[name.drop_back(strlen(".lora_A.weight")).str()];
    (isDown ? pair.down : pair.up) = &tensor;
  }
  for (const auto &[module, pair] : adapters.pairs)
    if (!pair.down || !pair.up || pair.down->shape[0] != pair.up->shape[1])
      return errorInFile(filePath,
                         strCat("lora_A and lora_B of ", quoteName(module),
                                " do not belong together"));
  if (adapters.pairs.empty())
    return errorInFile(filePath, "there is no adapter in it");
  return std::move(adapters);
}

/// A file may name its tensors without what the model's class puts in front.
std::map<std::string, AdapterDirectory::Pair>::iterator
AdapterDirectory::find(llvm::StringRef tensor) {
  llvm::StringRef module = tensor.rsplit('.').first;
  if (!tensor.ends_with(".weight"))
    return pairs.end();
  return std::find_if(pairs.begin(), pairs.end(), [&](const auto &entry) {
    llvm::StringRef name = entry.first;
    return name.consume_back(module) && (name.empty() || name.ends_with("."));
  });
}

bool AdapterDirectory::changes(llvm::StringRef tensor) const {
  auto *self = const_cast<AdapterDirectory *>(this);
  return self->find(tensor) != self->pairs.end();
}

std::vector<float> AdapterDirectory::read(const TensorInfo &tensor) const {
  std::vector<float> values(tensor.numElements());
  convertElements(tensor.dtype, file->bytes(tensor).data(), DType::F32,
                  reinterpret_cast<std::byte *>(values.data()), values.size());
  return values;
}

Status AdapterDirectory::add(llvm::StringRef tensor,
                             llvm::ArrayRef<int64_t> shape, bool transposed,
                             llvm::MutableArrayRef<float> matrix) {
  auto found = find(tensor);
  Pair &pair = found->second;
  int64_t rank = pair.down->shape[0], inputs = pair.down->shape[1],
          outputs = pair.up->shape[0];
  if (shape.size() != 2 || shape[transposed ? 0 : 1] != inputs ||
      shape[transposed ? 1 : 0] != outputs)
    return errorInFile(path, strCat("the adapter of ", quoteName(found->first),
                                    ", ", inputs, " to ", outputs,
                                    ", does not fit the model's tensor ",
                                    quoteName(tensor.str())));
  pair.isUsed = true;
  std::vector<float> down = read(*pair.down), up = read(*pair.up);
  std::vector<double> row(inputs);
  for (int64_t o = 0; o < outputs; ++o) {
    std::fill(row.begin(), row.end(), 0.0);
    for (int64_t r = 0; r < rank; ++r)
      for (int64_t i = 0; i < inputs; ++i)
        row[i] += double(up[o * rank + r]) * down[r * inputs + i];
    for (int64_t i = 0; i < inputs; ++i) {
      float &value = matrix[transposed ? i * outputs + o : o * inputs + i];
      value = static_cast<float>(value + scale * row[i]);
    }
  }
  return Status::success();
}

int64_t AdapterDirectory::rank() const {
  int64_t most = 0;
  for (const auto &[module, pair] : pairs)
    most = std::max(most, pair.down->shape[0]);
  return most;
}

Expected<std::vector<float>>
AdapterDirectory::place(llvm::StringRef tensor, llvm::ArrayRef<int64_t> shape) {
  std::vector<float> values(shape[0] * shape[1]);
  llvm::StringRef module = tensor;
  module.consume_front("base_model.model.");
  bool isDown = module.consume_back(".lora_A.weight");
  if (!isDown)
    module.consume_back(".lora_B.weight");
  auto found = find((module + ".weight").str());
  if (found == pairs.end())
    return values;
  Pair &pair = found->second;
  const TensorInfo &info = isDown ? *pair.down : *pair.up;
  int64_t rows = info.shape[0], columns = info.shape[1];
  if (isDown ? columns != shape[1] || rows > shape[0]
             : rows != shape[0] || columns > shape[1])
    return errorInFile(
        path, strCat("the adapter of ", quoteName(found->first), ", ",
                     pair.down->shape[1], " to ", pair.up->shape[0],
                     ", does not fit the model's matrix, ",
                     isDown ? "of " : "to ", isDown ? shape[1] : shape[0]));
  pair.isUsed = true;
  std::vector<float> own = read(info);
  for (int64_t row = 0; row < rows; ++row)
    for (int64_t column = 0; column < columns; ++column)
      values[row * shape[1] + column] = static_cast<float>(
          (isDown ? 1.0 : scale) * own[row * columns + column]);
  return values;
}

Status AdapterDirectory::checkAllUsed() const {
  for (const auto &[module, pair] : pairs)
    if (!pair.isUsed)
      return withNote(errorInFile(path, strCat("the model has no weight ",
                                               quoteName(module + ".weight"),
                                               " for this adapter to change")),
                      "it was trained beside another model");
  return Status::success();
}
