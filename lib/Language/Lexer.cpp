//===- Lexer.cpp - tokens of a description --------------------------------===//

#include "Lexer.h"

#include <algorithm>
#include <array>
#include <cstdio>

using namespace tenon::lang;

// <cctype> depends on the locale.
static bool isDigit(char c) { return c >= '0' && c <= '9'; }
static bool isWordStart(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}
static bool isWord(char c) { return isWordStart(c) || isDigit(c); }

std::span<const std::string_view> tenon::lang::reservedWords() {
  static constexpr std::array<std::string_view, 21> kWords = {
      "and", "def",      "else",    "false", "for",     "from",  "frozen",
      "if",  "in",       "include", "layer", "let",     "model", "not",
      "of",  "optional", "or",      "param", "require", "true",  "weight",
  };
  return kWords;
}

bool tenon::lang::isReservedWord(std::string_view word) {
  return std::ranges::find(reservedWords(), word) != reservedWords().end();
}

void Lexer::seek(size_t offset) {
  at = offset;
  const SourceFile::File &file = source.fileAt(static_cast<uint32_t>(offset));
  text = source.text().substr(0, file.range.end);
}

Token Lexer::token(Token::Kind kind, size_t begin, size_t end) {
  at = end;
  Token result{kind,
               {static_cast<uint32_t>(begin), static_cast<uint32_t>(end)},
               text.substr(begin, end - begin),
               startsLine};
  startsLine = false;
  return result;
}

Token Lexer::error(size_t begin, size_t end, std::string message) {
  Token result = token(Token::Kind::Error, begin, end);
  diagnostics.error(source, result.range, std::move(message));
  return result;
}

Token Lexer::next() {
  for (; at < text.size(); ++at) {
    char c = text[at];
    if (c == '\n') {
      startsLine = true;
    } else if (c == '/' && text.substr(at).starts_with("//")) {
      size_t end = std::min(text.find('\n', at), text.size());
      size_t last = end;
      while (last > at && (text[last - 1] == '\r' || text[last - 1] == ' ' ||
                           text[last - 1] == '\t'))
        --last;
      comments.push_back(
          {{static_cast<uint32_t>(at), static_cast<uint32_t>(last)},
           startsLine});
      at = end - 1;
    } else if (c != ' ' && c != '\t' && c != '\r') {
      break;
    }
  }
  if (at >= text.size())
    return token(Token::Kind::End, text.size(), text.size());

  char c = text[at];
  if (isWordStart(c))
    return lexWord(at);
  if (isDigit(c))
    return lexNumber(at);
  if (c == '"')
    return lexString(at);
  if (text.substr(at).starts_with("..."))
    return token(Token::Kind::Punctuation, at, at + 3);
  for (std::string_view two : {"->", "<=", ">=", "==", "!="})
    if (text.substr(at).starts_with(two))
      return token(Token::Kind::Punctuation, at, at + 2);
  if (std::string_view("{}()[],:=|<>+-*/%.").find(c) != std::string_view::npos)
    return token(Token::Kind::Punctuation, at, at + 1);

  if (c == '\0')
    return error(at, at + 1, "a NUL byte; a description is plain text");
  char shown[8];
  auto byte = static_cast<unsigned char>(c);
  if (byte > 0x20 && byte < 0x7F)
    std::snprintf(shown, sizeof shown, "'%c'", c);
  else
    std::snprintf(shown, sizeof shown, "0x%02X", byte);
  return error(at, at + 1, std::string("unexpected character ") + shown);
}

Token Lexer::lexWord(size_t begin) {
  size_t end = begin;
  while (end < text.size() && isWord(text[end]))
    ++end;
  return token(Token::Kind::Word, begin, end);
}

Token Lexer::lexNumber(size_t begin) {
  size_t end = begin;
  bool isFloat = false;
  auto digits = [&] {
    while (end < text.size() && isDigit(text[end]))
      ++end;
  };
  digits();
  if (end + 1 < text.size() && text[end] == '.' && isDigit(text[end + 1])) {
    isFloat = true;
    ++end;
    digits();
  }
  if (end < text.size() && (text[end] == 'e' || text[end] == 'E')) {
    size_t exponent = end + 1;
    if (exponent < text.size() &&
        (text[exponent] == '+' || text[exponent] == '-'))
      ++exponent;
    if (exponent < text.size() && isDigit(text[exponent])) {
      isFloat = true;
      end = exponent;
      digits();
    }
  }
  if (end < text.size() && isWord(text[end]))
    return error(begin, end + 1, "malformed number");
  return token(isFloat ? Token::Kind::Float : Token::Kind::Integer, begin, end);
}

Token Lexer::lexString(size_t begin) {
  for (size_t end = begin + 1; end < text.size(); ++end) {
    char c = text[end];
    if (c == '"')
      return token(Token::Kind::String, begin, end + 1);
    if (c == '\n')
      break;
    if (static_cast<unsigned char>(c) < 0x20 && c != '\t')
      return error(end, end + 1, "a control character in a string");
    if (c == '\\') {
      char escaped = end + 1 < text.size() ? text[end + 1] : '\0';
      if (escaped != '"' && escaped != '\\')
        return error(end, end + 1,
                     "unknown escape; a string knows \\\" and \\\\");
      ++end;
    }
  }
  return error(begin, begin + 1, "the string is not closed on its line");
}
