//===- GgufVocabulary.h - a tokenizer as GGUF describes it ------*- C++ -*-===//
//
// The tokenizer.ggml.* keys of a GGUF file, free of the file: a reader fills
// the struct, Tokenizer::fromGguf makes a tokenizer of it whose tokens are
// those of llama.cpp. Keys: https://github.com/ggml-org/ggml/blob/master/docs/
// gguf.md.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_TOKENIZER_GGUFVOCABULARY_H
#define TENON_TOKENIZER_GGUFVOCABULARY_H

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tenon {

/// The tokenizer models that are known: SentencePiece's byte pairs by score,
/// byte-level byte pairs by merges, WordPiece, SentencePiece's unigram model.
inline constexpr std::string_view kGgufScored = "llama";
inline constexpr std::string_view kGgufMerges = "gpt2";
inline constexpr std::string_view kGgufWordPiece = "bert";
inline constexpr std::string_view kGgufUnigram = "t5";

struct GgufVocabulary {
  std::string model; ///< one of the above
  /// The name of a byte-level pre-tokenizer: "llama-bpe", "qwen2", …
  std::string pre;

  std::vector<std::string_view> tokens;
  std::vector<float> scores;  ///< of each token, for kGgufScored
  std::vector<int64_t> types; ///< of each token: enum llama_token_type; or none
  std::vector<std::string_view> merges; ///< "a b", for kGgufMerges

  /// Bytes in the file where keys stand, by "tokens", "merges", ..., for
  /// messages; empty where the vocabulary isn't of a GGUF file.
  std::map<std::string, uint64_t, std::less<>> offsets;

  std::optional<int64_t> bos, eos, unknown, separator, cls, mask;
  /// Absent: as the model has it.
  std::optional<bool> addBos, addEos, addSpacePrefix;
  std::optional<bool> lowercase, stripAccents; ///< of kGgufWordPiece

  // SentencePiece's normalization.
  std::string charsMap; ///< precompiled_charsmap
  std::optional<bool> removeExtraBlanks;
  bool blankAtEnd = false;  ///< the blank that is added goes to the end
  bool escapeBlanks = true; ///< ' ' becomes "▁"
  /// The blank is added before the text only, not before each part that special
  /// tokens leave of it.
  bool blankOnce = false;
};

} // namespace tenon

#endif // TENON_TOKENIZER_GGUFVOCABULARY_H
