//===- AddedTokens.h - tokens that are found before all else ----*- C++ -*-===//

#ifndef TENON_LIB_TOKENIZER_ADDEDTOKENS_H
#define TENON_LIB_TOKENIZER_ADDEDTOKENS_H

#include "tenon/Tokenizer/TokenizerModel.h"

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tenon {

/// Cuts a text at added tokens: at each place the longest one that begins
/// there, from left to right.
///
/// Aho and Corasick's automaton (1975) of the tokens read backwards runs over
/// the text from its end: at each place it knows the longest token that begins
/// there. So the time is linear in the text, whatever the tokens are.
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
  /// space along has it in its segment. `skipSpecial`: special tokens are text
  /// like any other; so they are where `marks`, if it isn't empty a byte for
  /// each of the text, is not 0.
  std::vector<Segment> split(std::string_view text, bool skipSpecial = false,
                             std::string_view marks = {}) const;

private:
  struct Entry {
    std::string text;
    AddedToken token;
  };
  struct Match {
    size_t at;
    int32_t entry;
  };
  struct Node {
    uint8_t byte = 0;
    int32_t firstChild = -1, sibling = -1;
    int32_t fail = 0;
    int32_t longest = -1;      // entry that is a suffix of the node's text
    int32_t longestPlain = -1; // … that isn't special
  };
  int32_t child(int32_t node, uint8_t byte) const;
  int32_t step(int32_t node, uint8_t byte) const;
  void insert(int32_t entry);
  std::vector<Match> matches(std::string_view text, bool skipSpecial,
                             std::string_view marks) const;

  std::vector<Entry> entries;
  std::vector<Node> nodes;           // the first is the root
  std::array<int32_t, 256> fromRoot; // the root's children; 0: none
};

} // namespace tenon

#endif // TENON_LIB_TOKENIZER_ADDEDTOKENS_H
