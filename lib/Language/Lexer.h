//===- Lexer.h - tokens of a description ------------------------*- C++ -*-===//
//
// Tokens are made on demand, so that a large file needs no token list.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_LIB_LANGUAGE_LEXER_H
#define TENON_LIB_LANGUAGE_LEXER_H

#include "tenon/Language/AST.h"
#include "tenon/Language/Diagnostic.h"
#include "tenon/Language/Parser.h"

namespace tenon::lang {

struct Token {
  enum class Kind {
    End,   ///< of the text
    Error, ///< reported already
    Word,  ///< a name or a keyword
    Integer,
    Float,
    String,
    Punctuation,
  };
  Kind kind = Kind::End;
  SourceRange range;
  std::string_view text;
  /// The first token of its line: some tokens don't continue an expression
  /// from the line before.
  bool startsLine = false;

  bool is(std::string_view spelling) const {
    return (kind == Kind::Word || kind == Kind::Punctuation) &&
           text == spelling;
  }
};

/// Reserved words can't be names.
bool isReservedWord(std::string_view word);

class Lexer {
public:
  Lexer(const SourceFile &source, Diagnostics &diagnostics,
        std::vector<Comment> &comments, size_t offset = 0)
      : source(source), diagnostics(diagnostics), comments(comments) {
    seek(offset);
  }

  Token next();
  /// The offset in the text of what `next` reads, and the way to another: the
  /// expressions in braces in a string are tokens as well, and so are files
  /// that are included. Each file's tokens end with it.
  size_t position() const { return at; }
  void seek(size_t offset);

private:
  Token error(size_t begin, size_t end, std::string message);
  Token lexWord(size_t begin);
  Token lexNumber(size_t begin);
  Token lexString(size_t begin);
  Token token(Token::Kind kind, size_t begin, size_t end);

  const SourceFile &source;
  Diagnostics &diagnostics;
  std::vector<Comment> &comments;
  std::string_view text; ///< of all files up to the end of that at hand
  size_t at = 0;
  bool startsLine = true;
};

} // namespace tenon::lang

#endif // TENON_LIB_LANGUAGE_LEXER_H
