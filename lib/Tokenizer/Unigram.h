//===- Unigram.h - the likeliest cut of a text ------------------*- C++ -*-===//

#ifndef TENON_LIB_TOKENIZER_UNIGRAM_H
#define TENON_LIB_TOKENIZER_UNIGRAM_H

#include "WorkBudget.h"

#include "tenon/Tokenizer/TokenizerModel.h"

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

namespace tenon {

/// SentencePiece's unigram model (Kudo 2018): of all ways to cut a text into
/// pieces the one whose scores have the greatest sum, by Viterbi's algorithm
/// over the pieces that begin at each place. A code point that is no piece
/// costs 10 more than the least likely piece.
class Unigram {
public:
  explicit Unigram(const TokenizerModel &model);

  /// Appends the tokens of one piece of a text.
  void encode(std::string_view text, std::vector<int32_t> &tokens,
              WorkBudget &budget) const;

private:
  struct Node {
    uint8_t byte = 0;
    int32_t firstChild = -1, sibling = -1;
    int32_t token = -1;
  };
  struct Best {
    double score = 0;
    int32_t token = -1;          // the last one on the way here; -1: unknown
    uint32_t start = UINT32_MAX; // of it; UINT32_MAX: no way leads here
  };
  void insert(std::string_view piece, int32_t token);
  int32_t child(int32_t node, uint8_t byte) const;
  void appendUnknown(std::string_view text, std::vector<int32_t> &tokens) const;

  const TokenizerModel &model;
  std::vector<Node> nodes;
  std::array<int32_t, 256> fromRoot;
  std::array<int32_t, 256> byteToken;
  double unknownScore = 0;
};

} // namespace tenon

#endif // TENON_LIB_TOKENIZER_UNIGRAM_H
