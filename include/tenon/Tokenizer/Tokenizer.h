//===- Tokenizer.h - text to tokens and back ---------------------*- C++
//-*-===//
//
// Byte-pair encoding (SentencePiece-style with byte fallback, and byte-level as
// GPT-2 introduced it) and WordPiece (BERT). Results are those of Hugging
// Face's tokenizers library for the same tokenizer.json.
//
// Text may hold any bytes. Byte-level and byte-fallback vocabularies carry
// invalid UTF-8 through unchanged; WordPiece sees U+FFFD in its place.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_TOKENIZER_TOKENIZER_H
#define TENON_TOKENIZER_TOKENIZER_H

#include "tenon/Support/Error.h"
#include "tenon/Tokenizer/TokenizerModel.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tenon {

struct GgufVocabulary;

/// What special tokens are that a text spells out.
enum class SpecialInText : uint8_t {
  Tokens, ///< themselves
  Text,   ///< text like any other: a stranger's text cannot hold them
};

/// Two texts that belong together.
struct EncodedPair {
  std::vector<int32_t> tokens;
  std::vector<int32_t> segments; ///< 0 or 1, of each token
  size_t secondBegin, secondEnd; ///< the second text's tokens
};

/// Immutable, so that threads may share it.
class Tokenizer {
public:
  ~Tokenizer();

  /// Reads a tokenizer.json. `filename` is for messages.
  static Expected<std::unique_ptr<Tokenizer>>
  fromTokenizerJson(std::string_view json, std::string_view filename);

  /// Reads the tokenizer of a Hugging Face directory: tokenizer.json, or a
  /// SentencePiece model, or vocab.json with merges.txt, or vocab.txt; together
  /// with tokenizer_config.json, which may say otherwise. Null: there is none.
  static Expected<std::unique_ptr<Tokenizer>>
  fromDirectory(const std::string &directory);

  /// From the metadata of a GGUF file. `filename` is for messages.
  static Expected<std::unique_ptr<Tokenizer>>
  fromGguf(const GgufVocabulary &vocabulary, std::string_view filename);

  /// From data that some reader made; verifies it.
  static Expected<std::unique_ptr<Tokenizer>> fromModel(TokenizerModel model,
                                                        std::string_view place);

  /// Reads what serialize() wrote. Every length is checked; the bytes are
  /// copied. Takes some 10 ms for 128,000 tokens.
  static Expected<std::unique_ptr<Tokenizer>>
  deserialize(std::span<const std::byte> bytes,
              std::string_view place = "tokenizer");
  std::string serialize() const;

  /// The tokens of a text. Added tokens that are spelled out in it are found.
  /// `addSpecial`: with what the model expects around a text (<s> …,
  /// [CLS] … [SEP]). An error when the tokenizer's steps make more of the text,
  /// or take longer on it, than any tokenizer in use (see WorkBudget.h).
  Expected<std::vector<int32_t>>
  encode(std::string_view text, bool addSpecial = true,
         SpecialInText special = SpecialInText::Tokens) const;
  /// The tokens of a text of which parts are a stranger's, nothing around them:
  /// where `marks`, a byte for each of the text (or empty), is not 0, special
  /// tokens are text like any other.
  Expected<std::vector<int32_t>> encodeMarked(std::string_view text,
                                              std::string_view marks) const;

  /// The tokens of two texts, with what the model expects around and between
  /// them. An error also when the tokenizer doesn't say what that is.
  Expected<EncodedPair> encodePair(std::string_view first,
                                   std::string_view second) const;

  /// The text of tokens; ids out of range have none. May hold invalid UTF-8
  /// when byte tokens don't add up. An error when it is far longer than texts
  /// of as many tokens are.
  Expected<std::string> decode(std::span<const int32_t> tokens,
                               bool skipSpecial = true) const;

  /// The bytes that one token adds to the text, for streaming (see Utf8Stream).
  /// `isFirst`: no text precedes it; then the blank that some tokenizers put
  /// before a text is dropped. Special tokens have their spelling here.
  /// Joined, the pieces are what decode() gives.
  std::string decodePiece(int32_t token, bool isFirst) const;

  /// One more than the greatest id.
  size_t vocabSize() const { return model.pieces.size(); }
  /// The token with exactly this text (see piece()).
  std::optional<int32_t> tokenId(std::string_view piece) const;
  /// The token's text in the vocabulary: "▁the", "##ing"; for byte-level
  /// vocabularies its bytes (" the"). Empty for ids out of range.
  std::string_view piece(int32_t token) const;
  bool isSpecial(int32_t token) const;

  /// [MASK] or <mask>.
  std::optional<int32_t> maskToken() const;
  /// What text without a token becomes.
  std::optional<int32_t> unknownToken() const;
  /// Tokens that encode() puts before and after a text.
  std::span<const int32_t> prefixTokens() const { return model.prefix; }
  std::span<const int32_t> suffixTokens() const { return model.suffix; }

  const TokenizerModel &data() const { return model; }

private:
  struct Machinery; // lookup tables and compiled patterns
  explicit Tokenizer(TokenizerModel model);

  Expected<std::vector<int32_t>> encode(std::string_view text, bool addSpecial,
                                        bool skipSpecial,
                                        std::string_view marks) const;

  TokenizerModel model;
  std::unique_ptr<Machinery> machinery;
};

} // namespace tenon

#endif // TENON_TOKENIZER_TOKENIZER_H
