//===- Lexer.cpp - a template's text and the words in its tags ------------===//
//
// Follows jinja2/lexer.py (3.1): text up to the next tag, signs that take white
// space away, and words inside of tags. A closing brace inside of brackets
// belongs to an expression.
//
//===----------------------------------------------------------------------===//

#include "Lexer.h"
#include "Characters.h"

#include "tenon/Support/Utf8.h"

#include <algorithm>
#include <charconv>
#include <cmath>

using namespace tenon;
using namespace tenon::templates;

namespace {

bool isDigit(char c) { return c >= '0' && c <= '9'; }
bool isNameStart(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
         (static_cast<unsigned char>(c) & 0x80);
}

class Lexer {
public:
  explicit Lexer(std::string_view source) : source(source) {}
  std::vector<Token> run();

private:
  [[noreturn]] void fail(size_t offset, std::string message) const {
    throw SyntaxError{offset, std::move(message)};
  }
  bool starts(std::string_view word) const {
    return source.substr(at).starts_with(word);
  }
  void add(Token::Kind kind, size_t offset, std::string text = {}) {
    Token token;
    token.kind = kind;
    token.offset = offset;
    token.text = std::move(text);
    tokens.push_back(std::move(token));
  }
  void addText(std::string_view text, char sign, bool isVariable);
  void skipBlanks() { at += spacesAtStart(source.substr(at)); }
  bool lexRaw(size_t open, char sign);
  void lexComment(size_t open);
  void lexTag(bool isVariable);
  bool atTagEnd(bool isVariable);
  void lexWord();
  void lexNumber();
  void lexString();
  void closeBlock(bool trims);

  std::string_view source;
  size_t at = 0;
  bool atLineStart = true; // no text of this line was emitted before
  std::vector<Token> tokens;
  std::vector<char> brackets;
};

} // namespace

// Text before a tag. "-" takes all white space before the tag, lstrip_blocks
// what stands between the line's beginning and it.
void Lexer::addText(std::string_view text, char sign, bool isVariable) {
  if (sign == '-') {
    text.remove_suffix(spacesAtEnd(text));
  } else if (sign != '+' && !isVariable) {
    size_t line = text.rfind('\n') + 1; // 0 without one
    std::string_view last = text.substr(line);
    if ((line > 0 || atLineStart) && spacesAtStart(last) == last.size())
      text = text.substr(0, line);
  }
  if (!text.empty())
    add(Token::Kind::Text, at, std::string(text));
}

// trim_blocks: one line break after a tag goes.
void Lexer::closeBlock(bool trims) {
  size_t begin = at;
  if (trims)
    skipBlanks();
  else if (starts("\n"))
    ++at;
  atLineStart = at > begin && source[at - 1] == '\n';
}

// {% raw %} … {% endraw %}: text without tags.
bool Lexer::lexRaw(size_t open, char sign) {
  size_t back = at;
  at = open + 2 + (sign != 0);
  skipBlanks();
  bool isRaw = starts("raw");
  at += 3;
  if (isRaw)
    skipBlanks();
  bool trims = isRaw && starts("-%}");
  if (!isRaw || !(trims || starts("%}"))) {
    at = back;
    return false;
  }
  at += trims ? 3 : 2;
  if (trims)
    skipBlanks();
  size_t begin = at;
  for (size_t end = source.find("{%", at); end != source.npos;
       end = source.find("{%", end + 2)) {
    at = end + 2;
    char endSign = starts("-") ? '-' : starts("+") ? '+' : '\0';
    at += endSign != 0;
    skipBlanks();
    if (!starts("endraw"))
      continue;
    at += 6;
    skipBlanks();
    bool plus = starts("+%}"), minus = starts("-%}");
    if (!plus && !minus && !starts("%}"))
      continue;
    at += plus || minus ? 3 : 2;
    size_t after = at;
    at = begin;
    atLineStart = false;
    addText(source.substr(begin, end - begin), endSign, false);
    at = after;
    atLineStart = false;
    if (!plus)
      closeBlock(minus);
    return true;
  }
  fail(open, "'raw' is not ended by 'endraw'");
}

void Lexer::lexComment(size_t open) {
  size_t end = source.find("#}", open + 2);
  if (end == source.npos)
    fail(open, "the comment is not ended by '#}'");
  at = end + 2;
  char sign = end > open + 2 ? source[end - 1] : '\0';
  atLineStart = false;
  if (sign != '+')
    closeBlock(sign == '-');
}

bool Lexer::atTagEnd(bool isVariable) {
  if (!brackets.empty())
    return false;
  if (isVariable) {
    bool trims = starts("-}}");
    if (!trims && !starts("}}"))
      return false;
    add(Token::Kind::WriteEnd, at);
    at += trims ? 3 : 2;
    size_t begin = at;
    if (trims)
      skipBlanks();
    atLineStart = at > begin && source[at - 1] == '\n';
    return true;
  }
  bool minus = starts("-%}"), plus = starts("+%}");
  if (!minus && !plus && !starts("%}"))
    return false;
  add(Token::Kind::BlockEnd, at);
  at += minus || plus ? 3 : 2;
  atLineStart = false;
  if (!plus)
    closeBlock(minus);
  return true;
}

void Lexer::lexTag(bool isVariable) {
  size_t open = at - 2;
  brackets.clear();
  while (true) {
    skipBlanks();
    if (at >= source.size())
      fail(open, isVariable ? "'{{' is not ended by '}}'"
                            : "'{%' is not ended by '%}'");
    if (atTagEnd(isVariable))
      return;
    lexWord();
  }
}

void Lexer::lexNumber() {
  size_t begin = at;
  auto digits = [&] {
    while (
        at < source.size() &&
        (isDigit(source[at]) || (source[at] == '_' && at + 1 < source.size() &&
                                 isDigit(source[at + 1]))))
      ++at;
  };
  auto digitAt = [&](size_t i) {
    return i < source.size() && isDigit(source[i]);
  };
  digits();
  bool isFloat = false;
  if (at < source.size() && source[at] == '.' && digitAt(at + 1)) {
    isFloat = true;
    ++at;
    digits();
  }
  if (at < source.size() && (source[at] == 'e' || source[at] == 'E')) {
    size_t exponent = at + 1;
    if (exponent < source.size() &&
        (source[exponent] == '+' || source[exponent] == '-'))
      ++exponent;
    if (digitAt(exponent)) {
      isFloat = true;
      at = exponent;
      digits();
    }
  }
  std::string text(source.substr(begin, at - begin));
  std::erase(text, '_');
  add(isFloat ? Token::Kind::Float : Token::Kind::Integer, begin, text);
  const char *end = text.data() + text.size();
  bool ok = isFloat
                ? std::from_chars(text.data(), end, tokens.back().number).ec ==
                      std::errc()
                : std::from_chars(text.data(), end, tokens.back().integer).ec ==
                      std::errc();
  if (!ok)
    fail(begin, "the number is out of range");
}

// As Python's "unicode-escape" reads it: what it doesn't know stays.
void Lexer::lexString() {
  size_t begin = at;
  char quote = source[at++];
  std::string text;
  auto hex = [&](size_t count) {
    uint32_t value = 0;
    std::string_view digits = source.substr(at, count);
    auto [end, error] = std::from_chars(
        digits.data(), digits.data() + digits.size(), value, 16);
    if (error != std::errc() || end != digits.data() + count)
      fail(at - 2, "an escape with too few hexadecimal digits");
    at += count;
    appendUtf8(text, value);
  };
  while (at < source.size() && source[at] != quote) {
    char c = source[at++];
    if (c != '\\' || at >= source.size()) {
      text += c;
      continue;
    }
    char escape = source[at++];
    constexpr std::string_view names = "abfnrtv", values = "\a\b\f\n\r\t\v";
    if (size_t i = names.find(escape); i != names.npos) {
      text += values[i];
    } else if (escape == '\\' || escape == '\'' || escape == '"') {
      text += escape;
    } else if (escape == '\n') {
      continue;
    } else if (escape == 'x') {
      hex(2);
    } else if (escape == 'u') {
      hex(4);
    } else if (escape == 'U') {
      hex(8);
    } else if (escape == 'N') {
      fail(at - 2, "characters by name (\\N) are not supported");
    } else if (escape >= '0' && escape <= '7') {
      uint32_t value = escape - '0';
      for (int i = 0; i < 2 && at < source.size() && source[at] >= '0' &&
                      source[at] <= '7';
           ++i)
        value = value * 8 + (source[at++] - '0');
      appendUtf8(text, value);
    } else {
      text += '\\';
      text += escape;
    }
  }
  if (at >= source.size())
    fail(begin, "the string is not ended");
  ++at;
  add(Token::Kind::String, begin, std::move(text));
}

void Lexer::lexWord() {
  char c = source[at];
  if (isDigit(c))
    return lexNumber();
  if (c == '"' || c == '\'')
    return lexString();
  if (isNameStart(c)) {
    size_t begin = at;
    while (at < source.size() &&
           (isNameStart(source[at]) || isDigit(source[at])))
      ++at;
    return add(Token::Kind::Name, begin,
               std::string(source.substr(begin, at - begin)));
  }
  for (std::string_view word : {"//", "**", "==", "!=", ">=", "<="})
    if (starts(word)) {
      add(Token::Kind::Operator, at, std::string(word));
      at += 2;
      return;
    }
  constexpr std::string_view single = "+-/*%~[](){}><=.:|,;";
  if (single.find(c) == single.npos)
    fail(at, c < ' ' ? "a control character"
                     : std::string("unexpected '") + c + "'");
  if (c == '(' || c == '[' || c == '{')
    brackets.push_back(c == '(' ? ')' : c == '[' ? ']' : '}');
  if (c == ')' || c == ']' || c == '}') {
    if (brackets.empty() || brackets.back() != c)
      fail(at, std::string("unexpected '") + c + "'");
    brackets.pop_back();
  }
  add(Token::Kind::Operator, at++, std::string(1, c));
}

std::vector<Token> Lexer::run() {
  while (at < source.size()) {
    size_t open = at;
    while ((open = source.find('{', open)) != source.npos &&
           (open + 1 >= source.size() ||
            std::string_view("%{#").find(source[open + 1]) ==
                std::string_view::npos))
      ++open;
    if (open == source.npos) {
      add(Token::Kind::Text, at, std::string(source.substr(at)));
      at = source.size();
      break;
    }
    char kind = source[open + 1];
    char sign = open + 2 < source.size() ? source[open + 2] : '\0';
    if (sign != '-' && sign != '+')
      sign = '\0';
    addText(source.substr(at, open - at), sign, kind == '{');
    at = open + 2;
    if (kind == '#') {
      lexComment(open);
      continue;
    }
    if (kind == '%' && lexRaw(open, sign))
      continue;
    at = open + 2 + (sign != 0);
    add(kind == '{' ? Token::Kind::WriteBegin : Token::Kind::BlockBegin, open);
    lexTag(kind == '{');
  }
  add(Token::Kind::End, source.size());
  return std::move(tokens);
}

std::vector<Token> tenon::templates::tokenize(std::string_view source) {
  return Lexer(source).run();
}
