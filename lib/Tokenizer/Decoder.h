//===- Decoder.h - from tokens to text --------------------------*- C++ -*-===//

#ifndef TENON_LIB_TOKENIZER_DECODER_H
#define TENON_LIB_TOKENIZER_DECODER_H

#include "Regex.h"

#include "tenon/Tokenizer/TokenizerModel.h"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace tenon {

/// Applies a model's decoder steps.
class Decoder {
public:
  /// Compiles the steps' patterns; `model` must stay.
  static Expected<Decoder> create(const TokenizerModel &model);

  /// The text of tokens; nullopt when it is longer than `limit` bytes.
  std::optional<std::string> decode(std::span<const int32_t> tokens,
                                    size_t limit) const;

  /// The bytes that a token contributes to a text. `isFirst`: it is the first
  /// that does.
  std::string decodeToken(int32_t token, bool isFirst) const;

private:
  struct Piece {
    std::string text;
    bool isByte = false;
  };
  explicit Decoder(const TokenizerModel &model) : model(model) {}
  Piece pieceOf(int32_t token) const;
  void apply(size_t step, Piece &piece, bool isFirst, bool isLast) const;

  const TokenizerModel &model;
  std::vector<std::optional<Regex>> regexes; // of each step
};

} // namespace tenon

#endif // TENON_LIB_TOKENIZER_DECODER_H
