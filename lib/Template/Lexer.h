//===- Lexer.h - a template's text and the words in its tags ----*- C++ -*-===//

#ifndef TENON_LIB_TEMPLATE_LEXER_H
#define TENON_LIB_TEMPLATE_LEXER_H

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tenon::templates {

/// What is wrong at a byte of the template; thrown inside of this library only.
struct SyntaxError {
  size_t offset;
  std::string message;
};

struct Token {
  enum class Kind {
    Text,       ///< outside of tags; `text` is ready to be written
    BlockBegin, ///< {%
    BlockEnd,
    WriteBegin, ///< {{
    WriteEnd,
    Name,
    Integer,
    Float,
    String, ///< `text` has no quotes and no escapes
    Operator,
    End,
  };
  Kind kind = Kind::End;
  std::string text;
  size_t offset = 0;
  int64_t integer = 0;
  double number = 0;
};

/// The tokens of a template, white space around tags removed as Jinja does with
/// trim_blocks and lstrip_blocks. Line breaks must be "\n" already. Throws
/// SyntaxError.
std::vector<Token> tokenize(std::string_view source);

} // namespace tenon::templates

#endif // TENON_LIB_TEMPLATE_LEXER_H
