//===- BytePairs.h - byte-pair encoding -------------------------*- C++ -*-===//

#ifndef TENON_LIB_TOKENIZER_BYTEPAIRS_H
#define TENON_LIB_TOKENIZER_BYTEPAIRS_H

#include "PieceIndex.h"

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

namespace tenon {

/// Byte-pair encoding (Sennrich et al. 2016): of all adjacent pairs that have a
/// merge rule the one of the smallest rank, leftmost first, becomes one token,
/// until no pair has a rule. A priority queue makes it O(n log n), so a text
/// that is one piece (SentencePiece's way) is no problem.
class BytePairs {
public:
  BytePairs(const TokenizerModel &model, const PieceIndex &index);

  /// Memory that calls may share, one after the other.
  struct Scratch {
    struct Symbol {
      int32_t id; // -1: merged into its left neighbour
      int32_t previous, next;
    };
    struct Candidate {
      uint32_t rank;
      int32_t left, right; // positions
      int32_t leftId, rightId, result;
    };
    std::vector<Symbol> symbols;
    std::vector<Candidate> queue;
  };

  /// Appends the tokens of one piece.
  void encode(std::string_view piece, std::vector<int32_t> &tokens,
              Scratch &scratch) const;

private:
  void addSymbols(std::string_view piece, Scratch &scratch) const;
  void consider(int32_t left, int32_t right, Scratch &scratch) const;

  const TokenizerModel &model;
  const PieceIndex &index;
  MergeIndex merges;
  // The token of a single byte (byte-level) or of an ASCII character, and the
  // Byte token of each byte; -1: none.
  std::array<int32_t, 256> single;
  std::array<int32_t, 256> byteToken;
};

} // namespace tenon

#endif // TENON_LIB_TOKENIZER_BYTEPAIRS_H
