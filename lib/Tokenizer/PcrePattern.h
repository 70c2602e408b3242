//===- PcrePattern.h - a parsed expression for PCRE2 ------------*- C++ -*-===//
//
// PCRE2 sees neither the dialect nor Unicode: code points that no set of the
// pattern tells apart become one byte, texts are spelled in those bytes, and
// the sets are classes of bytes. Only patterns that compare a text with itself
// (\1), or that know more than 255 kinds of code points, are matched in UTF-8,
// with their sets spelled out.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_LIB_TOKENIZER_PCREPATTERN_H
#define TENON_LIB_TOKENIZER_PCREPATTERN_H

#include "OnigurumaParser.h"

#include <string>
#include <vector>

namespace tenon {

/// The bytes that code points become.
class RegexAlphabet {
public:
  /// Of sets that are all different; false if they need more than 255 letters.
  bool build(const std::vector<CodePointSet> &sets);
  uint8_t operator[](char32_t c) const {
    return letters[pages[c >> 8] * 256 + (c & 0xff)];
  }
  /// The letters of a set, as ranges of bytes.
  const std::vector<CodePointSet::Range> &lettersOf(size_t set) const {
    return setLetters[set];
  }

private:
  std::vector<uint16_t> pages;
  std::vector<uint8_t> letters;
  std::vector<std::vector<CodePointSet::Range>> setLetters;
};

struct PcrePattern {
  std::string text;
  bool isUtf8 = false;
  RegexAlphabet alphabet; ///< unless isUtf8
};

/// `pattern` is for messages. What PCRE2 can't do is an error.
Expected<PcrePattern> toPcre(const ParsedRegex &parsed,
                             std::string_view pattern);

} // namespace tenon

#endif // TENON_LIB_TOKENIZER_PCREPATTERN_H
