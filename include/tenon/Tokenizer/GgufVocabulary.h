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
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tenon {

/// The tokenizer models that are known: SentencePiece's byte pairs by score,
/// byte-level byte pairs by merges, WordPiece.
inline constexpr std::string_view kGgufScored = "llama";
inline constexpr std::string_view kGgufMerges = "gpt2";
inline constexpr std::string_view kGgufWordPiece = "bert";

struct GgufVocabulary {
  std::string model; ///< one of the above
  /// The name of a byte-level pre-tokenizer: "llama-bpe", "qwen2", …
  std::string pre;

  std::vector<std::string_view> tokens;
  std::vector<float> scores;  ///< of each token, for kGgufScored
  std::vector<int64_t> types; ///< of each token: enum llama_token_type; or none
  std::vector<std::string_view> merges; ///< "a b", for kGgufMerges

  std::optional<int64_t> bos, eos, unknown, separator, cls, mask;
  /// Absent: as the model has it.
  std::optional<bool> addBos, addEos, addSpacePrefix;
};

} // namespace tenon

#endif // TENON_TOKENIZER_GGUFVOCABULARY_H
