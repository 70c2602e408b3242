//===- FuzzPrompt.cpp - a stranger's prompt ------------------------------===//
//
// The input is a prompt, of any bytes. Tokenizers of each algorithm encode it;
// ids are within the vocabulary, byte-level tokenizers decode to the same text
// where it is UTF-8, and what streams out of the runtime is UTF-8 whatever the
// pieces.
//
//===----------------------------------------------------------------------===//

#include "tenon/Runtime/TextOutput.h"
#include "tenon/Support/Json.h"
#include "tenon/Support/Utf8.h"
#include "tenon/Tokenizer/Tokenizer.h"

#include <cstdlib>

using namespace tenon;

static std::unique_ptr<Tokenizer> make(const char *json) {
  auto tokenizer = Tokenizer::fromTokenizerJson(json, "tokenizer.json");
  if (!tokenizer)
    std::abort();
  return *std::move(tokenizer);
}

// Byte pairs of all 256 bytes, with a few merges and a special token.
static std::unique_ptr<Tokenizer> makeByteLevel() {
  nlohmann::json vocabulary = nlohmann::json::object();
  int id = 0;
  for (int byte = 0, other = 256; byte < 256; ++byte) {
    bool shown = (byte >= 33 && byte <= 126) || (byte >= 161 && byte != 173);
    std::string letter;
    appendUtf8(letter, static_cast<char32_t>(shown ? byte : other++));
    vocabulary[letter] = id++;
  }
  for (const char *word : {"th", "the", "\xc4\xa0t"})
    vocabulary[word] = id++;
  nlohmann::json file = {
      {"added_tokens",
       {{{"id", id},
         {"content", "<|end|>"},
         {"special", true},
         {"single_word", false},
         {"lstrip", false},
         {"rstrip", false},
         {"normalized", false}}}},
      {"pre_tokenizer",
       {{"type", "ByteLevel"},
        {"add_prefix_space", false},
        {"use_regex", true}}},
      {"decoder", {{"type", "ByteLevel"}}},
      {"model",
       {{"type", "BPE"},
        {"vocab", vocabulary},
        {"merges", nlohmann::json::array({"t h", "th e", "\xc4\xa0 t"})}}}};
  return make(file.dump().c_str());
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  std::string_view text(reinterpret_cast<const char *>(data), size);
  static const std::unique_ptr<Tokenizer> tokenizers[] = {
      makeByteLevel(),
      make(R"({"normalizer": {"type": "BertNormalizer", "clean_text": true,
        "handle_chinese_chars": true, "strip_accents": null, "lowercase": true},
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": true},
        "model": {"type": "WordPiece", "unk_token": "[UNK]",
          "continuing_subword_prefix": "##", "max_input_chars_per_word": 100,
          "vocab": {"[UNK]": 0, "the": 1, "##t": 2, "a": 3, ".": 4}}})"),
      make(R"({"normalizer": {"type": "NFKC"},
        "pre_tokenizer": {"type": "Metaspace", "replacement": "\u2581",
          "prepend_scheme": "always", "split": true},
        "decoder": {"type": "Metaspace", "replacement": "\u2581",
          "prepend_scheme": "always", "split": true},
        "model": {"type": "Unigram", "unk_id": 0, "byte_fallback": false,
          "vocab": [["<unk>", 0], ["\u2581", -2], ["t", -3], ["he", -2.5],
            ["\u2581the", -1], ["a", -4]]}})")};
  for (const std::unique_ptr<Tokenizer> &tokenizer : tokenizers) {
    auto tokens = tokenizer->encode(text, true, SpecialInText::Text);
    if (!tokens)
      continue;
    auto decoded = tokenizer->decode(*tokens, /*skipSpecial=*/false);
    if (&tokenizer == &tokenizers[0] && isValidUtf8(text) &&
        (!decoded || *decoded != text))
      std::abort();
    (void)tokenizer->encode(text);
  }
  // Bytes in pieces of changing length, as tokens bring them.
  Utf8Stream whole, pieces;
  std::string expected = whole.push(text) + whole.flush(), found;
  runtime::StopMatcher stop({"stop", "\xc3"});
  for (size_t at = 0, step = 1; at < text.size();
       at += step, step = step % 5 + 1) {
    std::string part = pieces.push(text.substr(at, step));
    if (!isValidUtf8(part))
      std::abort();
    (void)stop.push(part);
    found += part;
  }
  found += pieces.flush();
  if (found != expected || !isValidUtf8(found))
    std::abort();
  (void)stop.flush();
  (void)parseJson(text, "prompts.jsonl");
  return 0;
}
