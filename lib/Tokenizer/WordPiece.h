//===- WordPiece.h - BERT's algorithm ---------------------------*- C++ -*-===//

#ifndef TENON_LIB_TOKENIZER_WORDPIECE_H
#define TENON_LIB_TOKENIZER_WORDPIECE_H

#include "PieceIndex.h"
#include "WorkBudget.h"

#include <cstdint>
#include <string_view>
#include <vector>

namespace tenon {

/// WordPiece (BERT's tokenization.py): the longest token that starts the word,
/// then the longest "##" token that continues it, and so on; a word that cannot
/// be covered, or is too long, is one unknown token.
class WordPiece {
public:
  WordPiece(const TokenizerModel &model, const PieceIndex &index)
      : model(model), index(index) {}

  /// Appends the tokens of one word of valid UTF-8.
  void encode(std::string_view word, std::vector<int32_t> &tokens,
              WorkBudget &budget) const;

private:
  const TokenizerModel &model;
  const PieceIndex &index;
};

} // namespace tenon

#endif // TENON_LIB_TOKENIZER_WORDPIECE_H
