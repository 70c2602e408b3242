//===- Metadata.cpp - what an executable knows about its model ------------===//
#include "tenon/Runtime/Metadata.h"

#include "tenon/Support/Json.h"
#include "tenon/Support/Strings.h"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <limits>
#include <span>

#include <nlohmann/json.hpp>

using namespace tenon;
using namespace tenon::runtime;
using nlohmann::json;

namespace {

std::string toHex(uint64_t value) {
  char text[17];
  std::snprintf(text, sizeof text, "%016llx",
                static_cast<unsigned long long>(value));
  return text;
}

/// Thrown and caught in this file only, beside the library's own exceptions.
struct BadValue {
  std::string message;
};

uint64_t fromHex(const json &value) {
  const auto &text = value.get_ref<const std::string &>();
  uint64_t number = 0;
  const char *begin = text.data(), *end = begin + text.size();
  auto [stop, error] = std::from_chars(begin, end, number, 16);
  if (error != std::errc() || stop != end)
    throw BadValue{"'" + text + "' is not a hash"};
  return number;
}

/// An integer in [low, high]; get<int64_t>() would wrap or truncate.
int64_t checked(const json &value, const std::string &key, int64_t low,
                int64_t high) {
  bool fits = value.is_number_integer() &&
              !(value.is_number_unsigned() &&
                value.get<uint64_t>() > static_cast<uint64_t>(high));
  if (!fits || value.get<int64_t>() < low || value.get<int64_t>() > high)
    throw BadValue{"'" + key + "' is " + value.dump() +
                   ", expected an integer of at least " + std::to_string(low)};
  return value.get<int64_t>();
}

int64_t integer(const json &object, const char *key, int64_t low,
                int64_t high = std::numeric_limits<int64_t>::max()) {
  return checked(object.at(key), key, low, high);
}

/// The items of a list; iterating over a number would give the number.
const json::array_t &list(const json &object, const char *key) {
  return object.at(key).get_ref<const json::array_t &>();
}

std::string string(const json &object, const char *key) {
  return object.at(key).get<std::string>();
}

std::vector<int32_t> tokens(const json &object, const char *key) {
  std::vector<int32_t> ids;
  for (const json &id : list(object, key))
    ids.push_back(static_cast<int32_t>(
        checked(id, key, 0, std::numeric_limits<int32_t>::max())));
  return ids;
}

template <class T>
void readOptional(const json &object, const char *key, std::optional<T> &to) {
  auto found = object.find(key);
  if (found != object.end() && !found->is_null())
    to = found->get<T>();
}

template <class T>
void writeOptional(json &object, const char *key,
                   const std::optional<T> &from) {
  if (from)
    object[key] = *from;
}

constexpr const char *kRows[] = {"tokens", "rows", "fixed"};

InputInfo parseInput(const json &from) {
  InputInfo input{string(from, "name"), string(from, "element"),
                  string(from, "dtype")};
  input.shape.clear();
  for (const json &extent : list(from, "shape"))
    input.shape.push_back(
        checked(extent, "shape", InputInfo::kTokens, 1 << 30));
  input.limit = integer(from, "limit", 0, 1 << 30);
  input.last = integer(from, "last", InputInfo::kAny, 1 << 30);
  return input;
}

EntryInfo parseEntry(const json &from) {
  EntryInfo entry;
  entry.name = string(from, "name");
  for (const json &input : list(from, "inputs"))
    entry.inputs.push_back(parseInput(input));
  const json &output = from.at("output");
  entry.outputCols = integer(output, "cols", 0, 1 << 30);
  std::string rows = string(output, "rows");
  auto found = std::find(std::begin(kRows), std::end(kRows), rows);
  if (found == std::end(kRows))
    throw BadValue{"'rows' is '" + rows + "', expected tokens, rows or fixed"};
  entry.outputRows = static_cast<EntryInfo::Rows>(found - std::begin(kRows));
  entry.fixedRows = integer(output, "count", 0, 1 << 30);
  entry.of = string(from, "of");
  entry.element = string(output, "element");
  for (const json &label : list(output, "labels"))
    entry.labels.push_back(label.get<std::string>());
  if (!entry.labels.empty() &&
      static_cast<int64_t>(entry.labels.size()) != entry.outputCols)
    throw BadValue{"'labels' are " + std::to_string(entry.labels.size()) +
                   " names of " + std::to_string(entry.outputCols) +
                   " columns"};
  entry.incremental = from.at("incremental").get<bool>();
  return entry;
}

/// A cache that lies in the `size` bytes of a sequence.
CacheInfo parseCache(const json &from, uint64_t size) {
  CacheInfo cache;
  cache.isSource = from.at("source").get<bool>();
  cache.isRing = from.at("ring").get<bool>();
  cache.layers = integer(from, "layers", 0, 1 << 30);
  cache.heads = integer(from, "heads", 1, 1 << 30);
  cache.headDim = integer(from, "head_dim", 1, 1 << 30);
  cache.capacity = integer(from, "capacity", 16, int64_t(1) << 40);
  cache.length = integer(from, "length", 0, cache.capacity);
  cache.offset = integer(from, "offset", 0);
  cache.size = integer(from, "size", 0);
  cache.keys = integer(from, "keys", 0);
  if (cache.layers && cache.keys > cache.size / cache.layers)
    throw BadValue{"the keys of a layer are more than all of it"};
  if (cache.offset > size || cache.size > size - cache.offset)
    throw BadValue{"a cache of " + std::to_string(cache.size) + " bytes at " +
                   std::to_string(cache.offset) + " passes the " +
                   std::to_string(size) + " of a sequence"};
  return cache;
}

void parseModel(const json &from, Metadata &meta) {
  auto &model = meta.model;
  model.family = string(from, "family");
  model.name = string(from, "name");
  std::string kind = string(from, "kind");
  if (kind != "decoder" && kind != "encoder")
    throw BadValue{"'kind' is '" + kind + "', expected decoder or encoder"};
  model.isDecoder = kind == "decoder";
  model.entry = string(from, "entry");
  model.problem = string(from, "problem");
  model.parameters = integer(from, "parameters", 0);
  // An encoder may take something else than tokens.
  model.vocabSize =
      integer(from, "vocab_size", model.isDecoder ? 1 : 0, 1 << 30);
  model.context = integer(from, "context", 1, int64_t(1) << 40);
  model.hiddenSize =
      integer(from, "hidden_size", model.isDecoder ? 1 : 0, 1 << 30);
  model.layers = integer(from, "layers", 0);
  model.bos = tokens(from, "bos");
  model.eos = tokens(from, "eos");
  const auto &types = from.at("weight_types").get_ref<const json::object_t &>();
  for (auto &[type, bytes] : types)
    model.weightTypes[type] =
        checked(bytes, type, 0, std::numeric_limits<int64_t>::max());
  model.activations = string(from, "activations");
  model.cutTo = integer(from, "cut_to", 0, int64_t(1) << 40);
  model.pooling = string(from, "pooling");
  model.normalized = from.at("normalized").get<bool>();
}

constexpr std::string_view kWorkRows[] = {"tokens", "outputs", "routed",
                                          "fixed"};
constexpr std::string_view kWorkKeys[] = {"none", "own", "context", "source"};

/// The place of a word among some.
template <typename Enum>
Enum choice(const json &from, const char *key,
            std::span<const std::string_view> words) {
  std::string word = string(from, key);
  auto found = std::ranges::find(words, word);
  if (found == words.end())
    throw BadValue{"'" + std::string(key) + "' is '" + word + "'"};
  return static_cast<Enum>(found - words.begin());
}

WorkInfo parseWork(const json &from) {
  WorkInfo work;
  work.rows = choice<WorkInfo::Rows>(from, "rows", kWorkRows);
  work.keys = choice<WorkInfo::Keys>(from, "keys", kWorkKeys);
  work.count = integer(from, "count", 0);
  work.weightBytes = integer(from, "weight_bytes", 0);
  work.rowOperations = integer(from, "row_operations", 0);
  work.causal = from.at("causal").get<bool>();
  work.window = integer(from, "window", 0);
  work.pairOperations = integer(from, "pair_operations", 0);
  work.keyBytes = integer(from, "key_bytes", 0);
  work.products = string(from, "products");
  return work;
}

VariantInfo parseVariant(const json &from) {
  VariantInfo variant{string(from, "cpu"), string(from, "features"), {}};
  for (const json &operation : list(from, "operations")) {
    variant.operations.push_back({integer(operation, "id", 0, 1 << 24),
                                  string(operation, "name"),
                                  string(operation, "kind"),
                                  string(operation, "location"),
                                  string(operation, "entry"),
                                  {}});
    for (const json &part : list(operation, "work"))
      variant.operations.back().work.push_back(parseWork(part));
  }
  return variant;
}

void parseLists(const json &root, Metadata &meta) {
  for (const json &from : list(root, "sections"))
    meta.sections.push_back({string(from, "name"),
                             static_cast<uint64_t>(integer(from, "offset", 0)),
                             static_cast<uint64_t>(integer(from, "size", 0)),
                             fromHex(from.at("xxh3"))});
  for (const json &from : list(root, "entries"))
    meta.entries.push_back(parseEntry(from));
  for (const json &from : list(root, "variants"))
    meta.variants.push_back(parseVariant(from));
  for (const json &from : list(root, "weights")) {
    WeightInfo weight{string(from, "name"),
                      static_cast<uint64_t>(integer(from, "offset", 0)),
                      static_cast<uint64_t>(integer(from, "size", 0)),
                      std::nullopt, string(from, "type")};
    if (auto found = from.find("xxh3"); found != from.end())
      weight.xxh3 = fromHex(*found);
    meta.weights.push_back(std::move(weight));
  }
}

Metadata parseRoot(const json &root) {
  Metadata meta;
  meta.tenonVersion = string(root, "tenon");
  parseModel(root.at("model"), meta);
  const json &memory = root.at("memory");
  meta.memory.arena = integer(memory, "arena", 0);
  meta.memory.cache = integer(memory, "cache", 0);
  meta.memory.cacheType = string(memory, "cache_type");
  meta.memory.maxChunk = integer(memory, "max_chunk", 1, 1 << 30);
  meta.memory.sequences = integer(memory, "sequences", 1, 1 << 16);
  if (meta.memory.cache % meta.memory.sequences)
    throw BadValue{"'cache' of " + std::to_string(meta.memory.cache) +
                   " bytes has no equal parts for " +
                   std::to_string(meta.memory.sequences) + " sequences"};
  for (const json &from : list(memory, "caches"))
    meta.memory.caches.push_back(
        parseCache(from, meta.memory.cache / meta.memory.sequences));
  parseLists(root, meta);
  const json &generation = root.at("generation");
  auto &to = meta.generation;
  readOptional(generation, "do_sample", to.doSample);
  readOptional(generation, "temperature", to.temperature);
  readOptional(generation, "top_k", to.topK);
  readOptional(generation, "top_p", to.topP);
  readOptional(generation, "min_p", to.minP);
  readOptional(generation, "repetition_penalty", to.repetitionPenalty);
  readOptional(generation, "num_beams", to.beams);
  readOptional(generation, "no_repeat_ngram_size", to.noRepeatNgram);
  readOptional(generation, "min_length", to.minLength);
  readOptional(generation, "max_length", to.maxLength);
  readOptional(generation, "length_penalty", to.lengthPenalty);
  readOptional(generation, "early_stopping", to.earlyStopping);
  readOptional(generation, "decoder_start", to.decoderStart);
  readOptional(generation, "decoder_start_is_last", to.decoderStartIsLast);
  readOptional(generation, "forced_bos", to.forcedBos);
  to.begin = tokens(generation, "begin");
  readOptional(generation, "undecided", to.undecided);
  to.forcedEos = tokens(generation, "forced_eos");
  to.suppressed = tokens(generation, "suppressed");
  to.suppressedFirst = tokens(generation, "suppressed_first");
  for (const json &word : list(generation, "bad_words"))
    to.badWords.push_back(tokens({{"word", word}}, "word"));
  return meta;
}

json entryToJson(const EntryInfo &entry) {
  json inputs = json::array();
  for (const InputInfo &input : entry.inputs)
    inputs.push_back({{"name", input.name},
                      {"element", input.element},
                      {"dtype", input.dtype},
                      {"shape", input.shape},
                      {"limit", input.limit},
                      {"last", input.last}});
  return {{"name", entry.name},
          {"of", entry.of},
          {"incremental", entry.incremental},
          {"inputs", inputs},
          {"output",
           {{"cols", entry.outputCols},
            {"rows", kRows[static_cast<int>(entry.outputRows)]},
            {"count", entry.fixedRows},
            {"element", entry.element},
            {"labels", entry.labels}}}};
}

json workToJson(const WorkInfo &work) {
  return {{"rows", kWorkRows[static_cast<size_t>(work.rows)]},
          {"keys", kWorkKeys[static_cast<size_t>(work.keys)]},
          {"count", work.count},
          {"weight_bytes", work.weightBytes},
          {"row_operations", work.rowOperations},
          {"causal", work.causal},
          {"window", work.window},
          {"pair_operations", work.pairOperations},
          {"key_bytes", work.keyBytes},
          {"products", work.products}};
}

json variantToJson(const VariantInfo &variant) {
  json operations = json::array();
  for (const OperationInfo &operation : variant.operations) {
    json work = json::array();
    for (const WorkInfo &part : operation.work)
      work.push_back(workToJson(part));
    operations.push_back({{"id", operation.id},
                          {"name", operation.name},
                          {"kind", operation.kind},
                          {"location", operation.location},
                          {"entry", operation.entry},
                          {"work", work}});
  }
  return {{"cpu", variant.cpu},
          {"features", variant.features},
          {"operations", operations}};
}

} // namespace

const SectionInfo *Metadata::section(std::string_view name) const {
  for (const SectionInfo &section : sections)
    if (section.name == name)
      return &section;
  return nullptr;
}

const EntryInfo *Metadata::entry(std::string_view name) const {
  for (const EntryInfo &entry : entries)
    if (entry.name == name)
      return &entry;
  return nullptr;
}

const EntryInfo *Metadata::entryOf(std::string_view def) const {
  for (const EntryInfo &entry : entries)
    if (entry.of == def && entry.name != "decode" && entry.name != "encode" &&
        entry.name != "decode_batch")
      return &entry;
  return nullptr;
}

Status InputInfo::checkLast(std::span<const int32_t> ids) const {
  if (last == kAny || ids.empty() || ids.back() == last)
    return {};
  return plainError(strCat("the text ends in token ", ids.back(),
                           "; what the model says is said of its end token, ",
                           last, ", which must be there"));
}

std::string Metadata::serialize() const {
  json root;
  root["tenon"] = tenonVersion;
  root["model"] = {{"family", model.family},
                   {"name", model.name},
                   {"kind", model.isDecoder ? "decoder" : "encoder"},
                   {"entry", model.entry},
                   {"problem", model.problem},
                   {"parameters", model.parameters},
                   {"vocab_size", model.vocabSize},
                   {"context", model.context},
                   {"hidden_size", model.hiddenSize},
                   {"layers", model.layers},
                   {"bos", model.bos},
                   {"eos", model.eos},
                   {"weight_types", model.weightTypes},
                   {"activations", model.activations},
                   {"cut_to", model.cutTo},
                   {"pooling", model.pooling},
                   {"normalized", model.normalized}};
  root["memory"] = {{"arena", memory.arena},
                    {"cache", memory.cache},
                    {"cache_type", memory.cacheType},
                    {"max_chunk", memory.maxChunk},
                    {"sequences", memory.sequences}};
  root["memory"]["caches"] = json::array();
  for (const CacheInfo &cache : memory.caches)
    root["memory"]["caches"].push_back({{"source", cache.isSource},
                                        {"ring", cache.isRing},
                                        {"layers", cache.layers},
                                        {"heads", cache.heads},
                                        {"head_dim", cache.headDim},
                                        {"capacity", cache.capacity},
                                        {"length", cache.length},
                                        {"offset", cache.offset},
                                        {"size", cache.size},
                                        {"keys", cache.keys}});
  for (const char *list : {"sections", "entries", "variants", "weights"})
    root[list] = json::array();
  for (const SectionInfo &section : sections)
    root["sections"].push_back({{"name", section.name},
                                {"offset", section.offset},
                                {"size", section.size},
                                {"xxh3", toHex(section.xxh3)}});
  for (const EntryInfo &entry : entries)
    root["entries"].push_back(entryToJson(entry));
  for (const VariantInfo &variant : variants)
    root["variants"].push_back(variantToJson(variant));
  for (const WeightInfo &weight : weights) {
    json to = {{"name", weight.name},
               {"offset", weight.offset},
               {"size", weight.size},
               {"type", weight.type}};
    if (weight.xxh3)
      to["xxh3"] = toHex(*weight.xxh3);
    root["weights"].push_back(std::move(to));
  }
  json defaults = json::object();
  writeOptional(defaults, "do_sample", generation.doSample);
  writeOptional(defaults, "temperature", generation.temperature);
  writeOptional(defaults, "top_k", generation.topK);
  writeOptional(defaults, "top_p", generation.topP);
  writeOptional(defaults, "min_p", generation.minP);
  writeOptional(defaults, "repetition_penalty", generation.repetitionPenalty);
  writeOptional(defaults, "num_beams", generation.beams);
  writeOptional(defaults, "no_repeat_ngram_size", generation.noRepeatNgram);
  writeOptional(defaults, "min_length", generation.minLength);
  writeOptional(defaults, "max_length", generation.maxLength);
  writeOptional(defaults, "length_penalty", generation.lengthPenalty);
  writeOptional(defaults, "early_stopping", generation.earlyStopping);
  writeOptional(defaults, "decoder_start", generation.decoderStart);
  writeOptional(defaults, "decoder_start_is_last",
                generation.decoderStartIsLast);
  writeOptional(defaults, "forced_bos", generation.forcedBos);
  defaults["begin"] = generation.begin;
  writeOptional(defaults, "undecided", generation.undecided);
  defaults["forced_eos"] = generation.forcedEos;
  defaults["suppressed"] = generation.suppressed;
  defaults["suppressed_first"] = generation.suppressedFirst;
  defaults["bad_words"] = generation.badWords;
  root["generation"] = std::move(defaults);
  // Names come from model files and need not be UTF-8.
  return root.dump(-1, ' ', false, json::error_handler_t::replace);
}

Expected<Metadata> Metadata::parse(std::string_view text,
                                   const std::string &filename) {
  auto corrupt = [&](const std::string &what) {
    return errorInFile(filename, "section 'metadata': " + what,
                       ExitCode::CorruptPayload);
  };
  auto root = parseJson(text, filename);
  if (!root && root.error().code == ExitCode::OutOfResource)
    return root.takeError();
  if (!root)
    return corrupt(root.error().message);
  try {
    return parseRoot(*root);
  } catch (const BadValue &bad) {
    return corrupt(bad.message);
  } catch (const json::exception &exception) {
    return corrupt(exception.what());
  }
}
