//===- PieceIndex.h - from texts and pairs to ids ---------------*- C++ -*-===//

#ifndef TENON_LIB_TOKENIZER_PIECEINDEX_H
#define TENON_LIB_TOKENIZER_PIECEINDEX_H

#include "tenon/Tokenizer/TokenizerModel.h"

#include <cstdint>
#include <string_view>
#include <vector>

namespace tenon {

/// Finds a token by its text. An open hash table of ids; refers to the model.
class PieceIndex {
public:
  explicit PieceIndex(const TokenizerModel &model);

  /// -1 when no token has this text. Where several have, tokens of the
  /// vocabulary come before added ones, then smaller ids before greater ones.
  int32_t find(std::string_view piece) const;
  /// Bytes of the longest piece.
  size_t longest() const { return longestPiece; }

private:
  const TokenizerModel &model;
  std::vector<uint32_t> slots; // id + 1, or 0
  size_t mask = 0;
  size_t longestPiece = 0;
};

/// Finds the merge of two tokens. Of rules for the same pair the last counts.
class MergeIndex {
public:
  explicit MergeIndex(const std::vector<MergeRule> &merges);

  /// Null when the two don't merge.
  const MergeRule *find(uint32_t left, uint32_t right) const;

private:
  const std::vector<MergeRule> &merges;
  std::vector<uint32_t> slots; // index + 1, or 0
  size_t mask = 0;
};

} // namespace tenon

#endif // TENON_LIB_TOKENIZER_PIECEINDEX_H
