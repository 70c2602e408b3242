//===- CharsMap.h - SentencePiece's compiled normalization ------*- C++ -*-===//
//
// precompiled_charsmap: a length, a double-array trie (Darts-clone; Aoe 1989)
// of what is replaced, and the replacements, each ended by a NUL. A trie's
// value is where its replacement begins.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_LIB_TOKENIZER_CHARSMAP_H
#define TENON_LIB_TOKENIZER_CHARSMAP_H

#include "Regex.h"
#include "WorkBudget.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace tenon {

class CharsMap {
public:
  /// Whether the lengths fit; what is inside is checked on the way.
  static bool isWellFormed(std::string_view rules);

  /// `rules` must stay.
  static Expected<CharsMap> create(std::string_view rules, bool graphemes);

  std::string apply(std::string_view text, WorkBudget &budget) const;

private:
  struct Match {
    size_t length;
    std::string_view replacement;
  };
  uint32_t unit(uint64_t at) const;
  size_t units() const { return trie.size() / 4; }
  /// The longest rule that begins the text, or the shortest.
  std::optional<Match> find(std::string_view text, bool longest) const;
  std::string byLongest(std::string_view text, WorkBudget &budget) const;
  std::string byGraphemes(std::string_view text, WorkBudget &budget) const;

  std::string_view trie, replacements;
  std::optional<Regex> grapheme; // \X
};

} // namespace tenon

#endif // TENON_LIB_TOKENIZER_CHARSMAP_H
