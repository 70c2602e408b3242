//===- GgufConfig.cpp - GGUF's metadata in the words of config.json -------===//
//
// Keys: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md and
// llama.cpp's gguf-py/gguf/constants.py. "%" in a key stands for the
// architecture's name.
//
//===----------------------------------------------------------------------===//

#include "tenon/Checkpoint/Gguf.h"

#include "tenon/Checkpoint/NotHeld.h"
#include "tenon/Support/Strings.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <span>

using namespace tenon;
using nlohmann::json;

namespace {

enum class Kind { Integer, Number, Bool };

/// A key and the member of config.json it becomes.
struct Mapping {
  const char *gguf;
  const char *config;
  Kind kind;
  bool required;
};

/// A member that is true iff a tensor is there.
struct Fact {
  const char *tensor;
  const char *config;
};

/// How much of a head's components turn with the position.
/// Latent: of a few more that all heads share.
enum class Rotary { None, Whole, Part, Latent };

/// An architecture of GGUF and the model family of Hugging Face it is.
struct Architecture {
  const char *name;
  const char *className;
  bool permutesRows; ///< the converter moves rows of attn_q and attn_k
  Rotary rotary;
  const char *positions; ///< member for the rows of position_embd.weight
  std::span<const Mapping> mappings, more;
  std::span<const Fact> facts;
  const char *mixtureName = nullptr; ///< the class of files with experts
  const char *implied = "{}";        ///< what files don't say, in JSON
};

#include "GgufArchitectures.def"

class ConfigBuilder {
public:
  explicit ConfigBuilder(GgufCheckpoint &checkpoint) : checkpoint(checkpoint) {}

  Status build();
  json config = json::object();

private:
  std::string keyOf(std::string_view pattern) const {
    return pattern.starts_with('%')
               ? strCat(architecture->name, pattern.substr(1))
               : std::string(pattern);
  }
  const GgufValue *value(std::string_view pattern) const {
    return checkpoint.value(keyOf(pattern));
  }
  std::optional<int64_t> integer(std::string_view pattern) const {
    const GgufValue *found = value(pattern);
    return found ? found->asInteger() : std::nullopt;
  }
  Error fail(std::string_view pattern, std::string_view message) const {
    std::string key = keyOf(pattern);
    return checkpoint.errorAt(key, strCat("'", key, "' ", message));
  }

  Status findArchitecture();
  Status map(const Mapping &mapping);
  Status mapRotary();
  Status mapSteepness(json &scaling);
  Status mapLongRope();
  Status mapTokens();
  Status mapTensors();

  GgufCheckpoint &checkpoint;
  const Architecture *architecture = nullptr;
};

} // namespace

Status ConfigBuilder::findArchitecture() {
  constexpr std::string_view key = "general.architecture";
  const GgufValue *found = checkpoint.value(key);
  std::optional<std::string_view> name =
      found ? found->asString() : std::nullopt;
  if (!name)
    return fail(key,
                found ? strCat("is ", found->kindName(), "; expected a string")
                      : "is missing; it names the model family");
  for (const Architecture &candidate : kArchitectures)
    if (*name == candidate.name)
      architecture = &candidate;
  if (architecture)
    return Status::success();
  if (auto what = whatIsNotHeld(*name))
    return fail(key, strCat("is ", quoteName(*name), ", which is made of ",
                            *what, "; no description can express that"));
  std::string known;
  for (const Architecture &candidate : kArchitectures)
    known += strCat(known.empty() ? "" : ", ", candidate.name);
  return withNote(fail(key, strCat("is unknown: ", quoteName(*name))),
                  strCat("known architectures: ", known));
}

Status ConfigBuilder::map(const Mapping &mapping) {
  const GgufValue *found = value(mapping.gguf);
  if (!found)
    return mapping.required ? Status(fail(mapping.gguf, "is missing"))
                            : Status::success();
  json &out = config[mapping.config];
  const char *expected = "an integer";
  if (mapping.kind == Kind::Bool) {
    expected = "a bool";
    if (std::optional<bool> truth = found->asBool()) {
      out = *truth;
      return Status::success();
    }
  } else if (mapping.kind == Kind::Integer) {
    if (std::optional<int64_t> integer = found->asInteger()) {
      out = *integer;
      return Status::success();
    }
    // Some models give a number for each layer.
    if (std::optional<std::vector<int64_t>> each = found->asIntegers();
        each && !each->empty()) {
      if (std::count(each->begin(), each->end(), each->front()) !=
          static_cast<std::ptrdiff_t>(each->size()))
        return fail(mapping.gguf,
                    "differs from layer to layer, which is not supported");
      out = each->front();
      return Status::success();
    }
  } else {
    expected = "a number";
    if (std::optional<double> number = found->asNumber();
        number && std::isfinite(*number)) {
      out = *number;
      return Status::success();
    }
  }
  return fail(mapping.gguf,
              strCat("is ", found->kindName(), "; expected ", expected));
}

Status ConfigBuilder::mapRotary() {
  int64_t heads = config["num_attention_heads"].get<int64_t>();
  int64_t width = config["hidden_size"].get<int64_t>();
  const json *own = findMember(config, "head_dim");
  // Nonsense is left for the description's own checks.
  int64_t headDim = own ? own->get<int64_t>() : heads > 0 ? width / heads : 0;
  for (const char *key :
       {"%.rope.dimension_count", "%.attention.value_length"}) {
    std::optional<int64_t> length = integer(key);
    if (!length || *length == headDim || architecture->rotary == Rotary::Latent)
      continue;
    if (architecture->rotary == Rotary::Part && *length > 0 &&
        *length < headDim && std::string_view(key).ends_with("count"))
      config["partial_rotary_factor"] =
          static_cast<double>(*length) / static_cast<double>(headDim);
    else
      return fail(key, strCat("is ", *length, ", but heads have ", headDim,
                              " components, which is not supported"));
  }
  const GgufValue *type = value("%.rope.scaling.type");
  std::string scaling;
  if (type)
    scaling = type->asString().value_or("?");
  // The key of old files, for linear scaling only.
  const char *factorKey = "%.rope.scaling.factor";
  if (!type && value("%.rope.scale_linear")) {
    scaling = "linear";
    factorKey = "%.rope.scale_linear";
  }
  if (checkpoint.find("rope_factors_short.weight"))
    return mapLongRope();
  if (scaling.empty() || scaling == "none") {
    config.erase("rope_scaling"); // what is implied of one
    return Status::success();
  }
  if (scaling != "linear" && scaling != "yarn")
    return fail("%.rope.scaling.type",
                strCat("is ", quoteName(scaling),
                       ", which is not supported; 'linear' and 'yarn' are, and "
                       "factors in rope_freqs.weight"));
  const GgufValue *found = value(factorKey);
  std::optional<double> factor = found ? found->asNumber() : std::nullopt;
  if (!factor || !(*factor > 0) || !std::isfinite(*factor))
    return fail(factorKey, "is missing or no positive number");
  json &made = config["rope_scaling"];
  made.update(json{{"rope_type", scaling}, {"factor", *factor}});
  if (std::optional<int64_t> original =
          integer("%.rope.scaling.original_context_length"))
    made["original_max_position_embeddings"] = *original;
  for (auto [key, member] :
       {std::pair("%.rope.scaling.yarn_beta_fast", "beta_fast"),
        std::pair("%.rope.scaling.yarn_beta_slow", "beta_slow")})
    if (Status status = map({key, member, Kind::Number, false}); !status)
      return status;
    else if (auto at = config.find(member); at != config.end()) {
      made[member] = *at;
      config.erase(at);
    }
  return architecture->rotary == Rotary::Latent ? mapSteepness(made)
                                                : Status::success();
}

// How much longer contexts steepen the scores of latent attention: a tenth of
// mscale_all_dim, to which all such models have mscale equal.
Status ConfigBuilder::mapSteepness(json &scaling) {
  constexpr const char *key = "%.rope.scaling.yarn_log_multiplier";
  const GgufValue *found = value(key);
  if (!found)
    return Status::success();
  std::optional<double> number = found->asNumber();
  if (!number || !(*number > 0) || !std::isfinite(*number))
    return fail(key, "is no positive number");
  scaling["mscale"] = scaling["mscale_all_dim"] = 10 * *number;
  return Status::success();
}

// "longrope": what the frequencies are divided by, as tensors.
Status ConfigBuilder::mapLongRope() {
  json own = {{"rope_type", "longrope"}};
  for (auto [name, member] :
       {std::pair("rope_factors_short.weight", "short_factor"),
        std::pair("rope_factors_long.weight", "long_factor")}) {
    const TensorInfo *info = checkpoint.find(name);
    if (!info || info->dtype != DType::F32 || info->shape.size() != 1)
      return checkpoint.errorAt(
          "general.architecture",
          strCat("tensor ", quoteName(name), " is missing or no list of f32"));
    std::span<const std::byte> bytes = checkpoint.bytes(*info);
    std::vector<float> factors(info->shape[0]);
    std::memcpy(factors.data(), bytes.data(), factors.size() * sizeof(float));
    own[member] = factors;
  }
  config["rope_scaling"] = own;
  for (auto [key, member] :
       {std::pair("%.rope.scaling.original_context_length",
                  "original_max_position_embeddings"),
        std::pair("%.rope.scaling.attn_factor", "attention_factor")}) {
    if (Status status = map({key, member, std::string_view(key).ends_with("length")
                                              ? Kind::Integer
                                              : Kind::Number,
                             false});
        !status)
      return status;
    if (auto at = config.find(member); at != config.end()) {
      config["rope_scaling"][member] = *at;
      config.erase(at);
    }
  }
  return Status::success();
}

// What only the tensors tell, and what is to be known of them.
Status ConfigBuilder::mapTensors() {
  auto rows = [&](const char *tensor, const char *key) {
    if (const TensorInfo *info = checkpoint.find(tensor);
        info && info->shape.size() == 2)
      config[key] = info->shape[0];
  };
  if (const GgufValue *tokens = checkpoint.value("tokenizer.ggml.tokens"))
    config["vocab_size"] = tokens->count;
  rows("token_embd.weight", "vocab_size");
  rows("token_types.weight", "type_vocab_size");
  if (architecture->positions)
    rows("position_embd.weight", architecture->positions);
  config["tie_word_embeddings"] = checkpoint.find("output.weight") == nullptr;
  // Converters transpose OpenAI's [in, out] matrices, order rows of Q/K/V, and
  // add the 1 of norms around 1: descriptions ask for it where they need to.
  config["gguf"] = true;
  for (const Fact &fact : architecture->facts)
    config[fact.config] = checkpoint.find(fact.tensor) != nullptr;
  checkpoint.restoreRows(".ffn_gate_inp_shexp.weight");
  if (architecture->rotary == Rotary::Latent)
    checkpoint.joinKeysAndValues();
  if (!architecture->permutesRows)
    return Status::success();
  auto count = [&](const char *key, int64_t otherwise) {
    const json *found = findMember(config, key);
    return found ? found->get<int64_t>() : otherwise;
  };
  int64_t heads = count("num_attention_heads", 0);
  int64_t groups = count("num_key_value_heads", heads);
  checkpoint.setRowOrders([&](std::string_view tensor, int64_t height) {
    std::string_view kind = tensor.substr(0, tensor.rfind('.'));
    int64_t parts = kind.ends_with(".attn_q")   ? heads
                    : kind.ends_with(".attn_k") ? groups
                                                : 0;
    bool fits = tensor.starts_with("blk.") && parts > 0 &&
                height % parts == 0 && height / parts % 2 == 0;
    return fits ? height / parts : 0;
  });
  return Status::success();
}

Status ConfigBuilder::mapTokens() {
  auto add = [&](const char *gguf, const char *key) -> Status {
    const GgufValue *found = checkpoint.value(gguf);
    if (!found)
      return Status::success();
    std::optional<int64_t> id = found->asInteger();
    if (!id || *id < 0 || *id > INT32_MAX)
      return checkpoint.errorAt(gguf, strCat("'", gguf, "' is no token's id"));
    json &ids = config[key];
    if (std::find(ids.begin(), ids.end(), *id) == ids.end())
      ids.push_back(*id);
    return Status::success();
  };
  for (auto [gguf, key] :
       {std::pair("tokenizer.ggml.bos_token_id", "bos_token_id"),
        std::pair("tokenizer.ggml.eos_token_id", "eos_token_id"),
        // Ends of a turn and of a message of chat models.
        std::pair("tokenizer.ggml.eot_token_id", "eos_token_id"),
        std::pair("tokenizer.ggml.eom_token_id", "eos_token_id")})
    if (Status status = add(gguf, key); !status)
      return status;
  return Status::success();
}

Status ConfigBuilder::build() {
  if (Status status = findArchitecture(); !status)
    return status;
  const char *name = architecture->className;
  if (int64_t experts = integer("%.expert_count").value_or(0); experts > 0) {
    name = architecture->mixtureName;
    if (!name)
      return fail("%.expert_count",
                  strCat("is ", experts, "; mixtures of experts of ",
                         quoteName(architecture->name), " are not supported"));
  } else if (!name) {
    return fail("%.expert_count", "is missing or no positive number");
  }
  config = json::parse(architecture->implied);
  config["architectures"] = json::array({name});
  config["model_type"] = architecture->name;
  for (std::span<const Mapping> part :
       {architecture->mappings, architecture->more})
    for (const Mapping &mapping : part)
      if (Status status = map(mapping); !status)
        return status;
  if (architecture->rotary != Rotary::None)
    if (Status status = mapRotary(); !status)
      return status;
  if (const GgufValue *pooling = value("%.pooling_type")) {
    // llama.cpp's enumeration.
    constexpr const char *kPoolings[] = {nullptr, "mean", "cls", "lasttoken",
                                         "rank"};
    std::optional<int64_t> type = pooling->asInteger();
    if (!type || *type < 0 ||
        *type >= static_cast<int64_t>(std::size(kPoolings)))
      return fail("%.pooling_type", "is no known kind of pooling");
    if (kPoolings[*type])
      config["sentence"] = {{"pooling", kPoolings[*type]}};
  }
  if (const GgufValue *causal = value("%.attention.causal")) {
    std::optional<bool> flag = causal->asBool();
    if (!flag)
      return fail("%.attention.causal",
                  strCat("is ", causal->kindName(), "; expected a bool"));
    config["is_causal"] = *flag;
  }
  if (Status status = mapTensors(); !status)
    return status;
  return mapTokens();
}

Expected<json> tenon::configFromGguf(GgufCheckpoint &checkpoint) {
  ConfigBuilder builder(checkpoint);
  if (Status status = builder.build(); !status)
    return status.takeError();
  return std::move(builder.config);
}
