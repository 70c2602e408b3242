//===- GenerationConfig.cpp - how a checkpoint wants to be sampled --------===//

#include "GenerationConfig.h"

#include "tenon/Language/Bind.h"
#include "tenon/Support/Json.h"
#include "tenon/Support/Strings.h"

#include <algorithm>
#include <cmath>

using namespace tenon;
using nlohmann::json;

namespace {

class Reader {
public:
  explicit Reader(const ModelDirectory &directory)
      : directory(directory), source(sourceOf(directory)) {}

  /// `key` as a number that `isGood`, which `expected` describes. What is
  /// wrong becomes the error, unless there is one already.
  std::optional<double> number(const char *key, bool (*isGood)(double),
                               const char *expected);
  std::optional<int64_t> integer(const char *key, int64_t least);
  std::optional<bool> flag(const char *key);

  /// What a decoder says after its start token, as Transformers' generation of
  /// speech makes it.
  void begin(runtime::GenerationDefaults &defaults);

  std::vector<Error> errors;

private:
  std::vector<std::optional<int64_t>> forcedIds();
  void fail(const char *key, const json &value, std::string_view expected);
  const json *find(const char *key) const {
    return findMember(source.json, key);
  }
  static lang::Configuration sourceOf(const ModelDirectory &directory) {
    if (!directory.generationConfig)
      return {directory.config, directory.configPath, directory.configText};
    return {*directory.generationConfig, directory.generationConfigPath,
            directory.generationConfigText};
  }
  const ModelDirectory &directory;
  /// generation_config.json, or what old files say beside the model's numbers.
  const lang::Configuration source;
};

void Reader::fail(const char *key, const json &value,
                  std::string_view expected) {
  std::string found =
      value.is_number() ? value.dump() : std::string(kindName(value));
  if (const std::string *text = asString(value))
    found = quoteName(*text);
  errors.push_back(
      withNote(errorInFile(lang::placeOf(source, key),
                           strCat(quoteName(key), " is ", found, ", ", expected,
                                  " is expected")),
               "--lenient compiles the model without it"));
}

std::optional<double> Reader::number(const char *key, bool (*isGood)(double),
                                     const char *expected) {
  const json *value = find(key);
  if (!value)
    return std::nullopt;
  std::optional<double> found = asNumber(*value);
  if (found && std::isfinite(*found) && isGood(*found))
    return found;
  fail(key, *value, expected);
  return std::nullopt;
}

std::optional<int64_t> Reader::integer(const char *key, int64_t least) {
  const json *value = find(key);
  if (!value)
    return std::nullopt;
  std::optional<int64_t> found = asInteger(*value);
  if (found && *found >= least && *found <= INT32_MAX)
    return found;
  fail(key, *value, strCat("an integer of at least ", least));
  return std::nullopt;
}

std::optional<bool> Reader::flag(const char *key) {
  const json *value = find(key);
  if (!value)
    return std::nullopt;
  std::optional<bool> found = asBool(*value);
  if (!found)
    fail(key, *value, "true or false");
  return found;
}

/// The tokens of `forced_decoder_ids`, [[1, id], [2, id], …]; one without an id
/// is to be found out.
std::vector<std::optional<int64_t>> Reader::forcedIds() {
  constexpr const char *key = "forced_decoder_ids";
  std::vector<std::optional<int64_t>> ids;
  const json *list = find(key);
  if (!list)
    list = findMember(directory.config, key);
  if (!list)
    return ids;
  for (const json &pair : *list) {
    bool isPair = pair.is_array() && pair.size() == 2;
    std::optional<int64_t> at = isPair ? asInteger(pair[0]) : std::nullopt;
    std::optional<int64_t> id = isPair ? asInteger(pair[1]) : std::nullopt;
    bool isId = id && *id >= 0 && *id <= INT32_MAX;
    if (at != static_cast<int64_t>(ids.size()) + 1 ||
        (!isId && !pair[1].is_null())) {
      fail(key, *list, "pairs of places from 1 on and tokens are expected");
      return {};
    }
    ids.push_back(id);
  }
  return ids;
}

void Reader::begin(runtime::GenerationDefaults &defaults) {
  for (const char *key : {"language", "task"})
    if (find(key)) {
      defaults.undecided = strCat("generation_config.json chooses a ", key,
                                  ", whose token is not looked up");
      return;
    }
  if (const json *value = find("return_timestamps");
      value && value->is_boolean() && value->get<bool>())
    fail("return_timestamps", *value, "false: times are not told, and it");
  std::vector<std::optional<int64_t>> ids = forcedIds();
  bool knowsFirst = !ids.empty() && ids.front();
  if (!knowsFirst && find("lang_to_id")) {
    defaults.undecided = "the language is to be told from the source, which "
                         "is not done";
    return;
  }
  for (const std::optional<int64_t> &id : ids)
    if (id)
      defaults.begin.push_back(static_cast<int32_t>(*id));
  std::optional<int64_t> noTimes = integer("no_timestamps_token_id", 0);
  if (noTimes && (defaults.begin.empty() || defaults.begin.back() != *noTimes))
    defaults.begin.push_back(static_cast<int32_t>(*noTimes));
}

} // namespace

/// Tokens are integers, or lists of them: others would be left out in silence,
/// and a model that has lost its end goes on. Whether an integer is a token of
/// the model is for what uses it to say; -1 often stands for none.
static void checkTokenIds(const ModelDirectory &directory,
                          std::vector<Error> &errors) {
  for (const char *key :
       {"bos_token_id", "eos_token_id", "decoder_start_token_id",
        "forced_bos_token_id", "forced_eos_token_id", "suppress_tokens",
        "begin_suppress_tokens"}) {
    const auto &generation = directory.generationConfig;
    const json *value = generation ? findMember(*generation, key) : nullptr;
    bool isGeneration = value != nullptr;
    if (!value)
      value = findMember(directory.config, key);
    auto isId = [](const json &id) { return asInteger(id).has_value(); };
    if (!value ||
        (value->is_array() ? std::all_of(value->begin(), value->end(), isId)
                           : isId(*value)))
      continue;
    std::string place =
        isGeneration
            ? lang::placeOf({*generation, directory.generationConfigPath,
                             directory.generationConfigText},
                            key)
            : lang::placeOf({directory.config, directory.configPath,
                             directory.configText},
                            key);
    std::string found = value->is_array()    ? "an array of other things, too"
                        : value->is_number() ? value->dump()
                                             : std::string(kindName(*value));
    errors.push_back(
        withNote(errorInFile(place, strCat(quoteName(key), " is ", found,
                                           ", a token or an array of them, "
                                           "which are integers, is expected")),
                 "--lenient compiles the model without what is no integer"));
  }
}

Expected<runtime::GenerationDefaults>
tenon::readGenerationConfig(const ModelDirectory &directory,
                            const std::function<void(const Error &)> &warn) {
  runtime::GenerationDefaults defaults;
  std::vector<Error> ofTokens;
  checkTokenIds(directory, ofTokens);
  for (const Error &error : ofTokens) {
    if (!warn)
      return error;
    warn(error);
  }
  Reader reader(directory);
  auto above0 = [](double x) { return x > 0; };
  defaults.doSample = reader.flag("do_sample");
  defaults.temperature = reader.number(
      "temperature", [](double x) { return x >= 0; }, "a number from 0 on");
  defaults.topK = reader.integer("top_k", 0);
  defaults.topP = reader.number(
      "top_p", [](double x) { return x > 0 && x <= 1; },
      "a number above 0, of at most 1");
  defaults.minP = reader.number(
      "min_p", [](double x) { return x >= 0 && x <= 1; },
      "a number from 0 to 1");
  defaults.repetitionPenalty =
      reader.number("repetition_penalty", above0, "a number above 0");
  defaults.lengthPenalty = reader.number(
      "length_penalty", [](double) { return true; }, "a number");
  defaults.beams = reader.integer("num_beams", 1);
  defaults.noRepeatNgram = reader.integer("no_repeat_ngram_size", 0);
  defaults.minLength = reader.integer("min_length", 0);
  defaults.maxLength = reader.integer("max_length", 0);
  defaults.earlyStopping = reader.flag("early_stopping");
  if (directory.generationConfig)
    reader.begin(defaults);
  for (const Error &error : reader.errors) {
    if (!warn)
      return error;
    warn(error);
  }
  return defaults;
}
