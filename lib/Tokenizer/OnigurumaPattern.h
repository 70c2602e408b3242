//===- OnigurumaPattern.h - reading a pattern's characters ------*- C++ -*-===//
//
// What the parser and the reader of brackets share.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_LIB_TOKENIZER_ONIGURUMAPATTERN_H
#define TENON_LIB_TOKENIZER_ONIGURUMAPATTERN_H

#include "OnigurumaParser.h"

#include <optional>
#include <string>
#include <string_view>

namespace tenon::onig {

/// (?imxWDSP).
struct Options {
  bool ignoreCase = false, dotAll = false, extended = false;
  bool asciiWord = false, asciiDigit = false, asciiSpace = false,
       asciiPosix = false;
};

/// A pattern and where the reader is. The first failure counts; after it the
/// text is at its end.
class PatternText {
public:
  explicit PatternText(std::string_view text);

  bool atEnd() const { return at >= text.size(); }
  char32_t peek() const;
  char32_t next();
  bool sees(char c) const { return !atEnd() && text[at] == c; }
  bool take(char c) { return take(std::string_view(&c, 1)); }
  bool take(std::string_view what);
  /// What stands before `close`, which is taken too.
  std::string until(char32_t close);

  void fail(std::string_view what, size_t where);
  bool failed() const { return !message.empty(); }
  Error error() const;

  std::string_view text;
  size_t at = 0;
  Options options;

private:
  std::string message;
  size_t place = 0;
};

/// The set of [...]; `in` is behind the bracket at `start`.
CodePointSet parseClass(PatternText &in, size_t start);

/// \w, \p{…} and the like, when `c` after a backslash begins one.
std::optional<CodePointSet> classEscape(PatternText &in, char32_t c,
                                        size_t start, bool inBrackets);

/// The character of \n, \x{41} and the like, whose `c` has been read; any other
/// character stands for itself.
char32_t characterEscape(PatternText &in, char32_t c, size_t start);

/// \w outside of brackets has superscripts and fractions of Latin-1 too.
CodePointSet wordSet(const Options &options, bool inBrackets);

RegexNode lineBreak(size_t offset);       ///< \R
RegexNode graphemeCluster(size_t offset); ///< \X, after UAX 29

/// A set without regard to case that has "ß" has "ss" too.
RegexNode expandLongFoldings(RegexNode node);

} // namespace tenon::onig

#endif // TENON_LIB_TOKENIZER_ONIGURUMAPATTERN_H
