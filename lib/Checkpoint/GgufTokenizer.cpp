//===- GgufTokenizer.cpp - the vocabulary in a GGUF file ------------------===//

#include "tenon/Checkpoint/GgufTokenizer.h"

#include "tenon/Support/Strings.h"

using namespace tenon;

namespace {

/// Reads keys into fields; the first that is of another kind stays as error.
class KeyReader {
public:
  KeyReader(const GgufCheckpoint &checkpoint,
            std::map<std::string, uint64_t, std::less<>> &offsets)
      : checkpoint(checkpoint), offsets(offsets) {}

  /// `get` gives nullopt for values of another kind than `expected`.
  template <class Field, class Get>
  void read(std::string_view key, Field &field, const char *expected, Get get) {
    std::string full = strCat("tokenizer.ggml.", key);
    const GgufValue *value = checkpoint.value(full);
    if (!value || !status)
      return;
    offsets.emplace(key, value->offset);
    if (auto read = get(*value))
      field = *std::move(read);
    else
      status =
          checkpoint.errorAt(full, strCat("'", full, "' is ", value->kindName(),
                                          "; expected ", expected));
  }
  void text(std::string_view key, std::string &field) {
    read(key, field, "a string",
         [](const GgufValue &value) { return value.asString(); });
  }
  void id(std::string_view key, std::optional<int64_t> &field) {
    read(key, field, "an integer",
         [](const GgufValue &value) { return value.asInteger(); });
  }
  void flag(std::string_view key, std::optional<bool> &field) {
    read(key, field, "a bool",
         [](const GgufValue &value) { return value.asBool(); });
  }
  void texts(std::string_view key, std::vector<std::string_view> &field) {
    read(key, field, "an array of strings",
         [](const GgufValue &value) { return value.asStrings(); });
  }

  Status status;

private:
  const GgufCheckpoint &checkpoint;
  std::map<std::string, uint64_t, std::less<>> &offsets;
};

} // namespace

Expected<GgufVocabulary>
tenon::readGgufVocabulary(const GgufCheckpoint &checkpoint) {
  GgufVocabulary vocabulary;
  KeyReader reader(checkpoint, vocabulary.offsets);
  reader.text("model", vocabulary.model);
  reader.text("pre", vocabulary.pre);
  reader.texts("tokens", vocabulary.tokens);
  reader.texts("merges", vocabulary.merges);
  // Whole numbers are written as i32 by some converters.
  reader.read("scores", vocabulary.scores, "an array of numbers",
              [](const GgufValue &value) -> std::optional<std::vector<float>> {
                if (auto floats = value.asFloats())
                  return std::vector<float>(floats->begin(), floats->end());
                if (auto integers = value.asIntegers())
                  return std::vector<float>(integers->begin(), integers->end());
                return std::nullopt;
              });
  reader.read("token_type", vocabulary.types, "an array of integers",
              [](const GgufValue &value) { return value.asIntegers(); });
  reader.id("bos_token_id", vocabulary.bos);
  reader.id("eos_token_id", vocabulary.eos);
  reader.id("unknown_token_id", vocabulary.unknown);
  reader.id("seperator_token_id", vocabulary.separator); // GGUF's spelling
  reader.id("cls_token_id", vocabulary.cls);
  reader.id("mask_token_id", vocabulary.mask);
  reader.flag("add_bos_token", vocabulary.addBos);
  reader.flag("add_eos_token", vocabulary.addEos);
  reader.flag("add_space_prefix", vocabulary.addSpacePrefix);
  reader.flag("remove_extra_whitespaces", vocabulary.removeExtraBlanks);
  reader.flag("normalizer.lowercase", vocabulary.lowercase);
  reader.flag("normalizer.strip_accents", vocabulary.stripAccents);
  reader.read("precompiled_charsmap", vocabulary.charsMap, "an array of bytes",
              [](const GgufValue &value) -> std::optional<std::string> {
                auto bytes = value.asIntegers();
                if (!bytes)
                  return std::nullopt;
                std::string text;
                for (int64_t byte : *bytes)
                  text += static_cast<char>(byte);
                return text;
              });
  if (!reader.status)
    return reader.status.takeError();
  if (vocabulary.model.empty() || vocabulary.tokens.empty())
    return checkpoint.errorAt(
        "tokenizer.ggml.model",
        strCat("'tokenizer.ggml.",
               vocabulary.model.empty() ? "model" : "tokens",
               "' is missing or empty"));
  return vocabulary;
}
