//===- AddedTokens.h - tokens that are found before all else ----*- C++ -*-===//

#ifndef TENON_LIB_TOKENIZER_ADDEDTOKENS_H
#define TENON_LIB_TOKENIZER_ADDEDTOKENS_H

#include "tenon/Tokenizer/TokenizerModel.h"

#include <bitset>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tenon {

/// Cuts a text at added tokens: at each place the longest one that begins
/// there, from left to right.
class AddedTokenFinder {
public:
  /// `text` is what to look for (the token's content, normalized or not).
  void add(std::string text, const AddedToken &token);
  /// Call after the last add().
  void finish();

  struct Segment {
    std::string_view text;
    int32_t id; ///< -1: ordinary text
  };
  /// The segments, none of them empty, in order. A token that takes white
  /// space along has it in its segment.
  std::vector<Segment> split(std::string_view text) const;

private:
  struct Entry {
    std::string text;
    AddedToken token;
  };
  const Entry *longestAt(std::string_view text, size_t at) const;

  std::vector<Entry> entries;  // sorted by text
  std::bitset<256> firstBytes; // with which an entry begins
};

} // namespace tenon

#endif // TENON_LIB_TOKENIZER_ADDEDTOKENS_H
