//===- OnigurumaParser.h - a tokenizer's regular expressions ----*- C++ -*-===//
//
// The regular expressions in tokenizer.json are Oniguruma's, in the syntax that
// it calls by its own name (doc/RE and doc/SYNTAX.md of Oniguruma 6.9.10). Here
// they become a tree whose characters are sets of code points, so that neither
// dialects nor versions of Unicode differ in what follows.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_LIB_TOKENIZER_ONIGURUMAPARSER_H
#define TENON_LIB_TOKENIZER_ONIGURUMAPARSER_H

#include "CodePointSet.h"

#include "tenon/Support/Error.h"

#include <cstdint>
#include <string_view>
#include <vector>

namespace tenon {

struct RegexNode {
  enum class Kind : uint8_t {
    Sequence,  ///< the children, one after the other; none: empty
    Choice,    ///< the first child that leads to a match
    Set,       ///< one code point of `set`
    Repeat,    ///< the child, `min` to `max` times
    Group,     ///< the child, remembered as `number`
    Atomic,    ///< the child, without going back into it
    Look,      ///< whether the child matches here: see `ahead`, `negative`
    LineStart, ///< ^
    LineEnd,   ///< $
    TextStart, ///< \A
    TextEnd,   ///< \z
    FinalLine, ///< \Z: the text's end, or before a line break there
    Word,      ///< \b; `negative`: \B; what words are of is `set`
    Back,      ///< what the group `number` matched; see `ignoreCase`
    Call,      ///< the group `number` once more; 0: the whole pattern
    Keep,      ///< \K: the match begins here
  };
  enum class Greed : uint8_t { Greedy, Lazy, Possessive };
  static constexpr uint32_t unbounded = UINT32_MAX;

  Kind kind = Kind::Sequence;
  std::vector<RegexNode> children;
  CodePointSet set;
  uint32_t min = 0, max = 0;
  Greed greed = Greed::Greedy;
  bool ahead = true, negative = false;
  bool ignoreCase = false;
  bool hasOptions = false; ///< a Sequence that is a group "(?i:…)"
  uint32_t number = 0;
  size_t offset = 0;    ///< in the pattern, for messages
  char32_t literal = 0; ///< of a Set that a single character stands for
};

struct ParsedRegex {
  RegexNode root;
  bool hasReferences = false; ///< groups are compared with the text
};

/// What Oniguruma refuses is refused; so is what is known and not supported,
/// with the byte of the pattern where it is.
Expected<ParsedRegex> parseOniguruma(std::string_view pattern);

} // namespace tenon

#endif // TENON_LIB_TOKENIZER_ONIGURUMAPARSER_H
