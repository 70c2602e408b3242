//===- OnigurumaDifferentialTest.cpp - against Oniguruma itself ----------===//
//
// Generated patterns and texts, matched here and by Debian's libonig, whose
// Unicode is older: the texts keep to what it knows.
//
//===----------------------------------------------------------------------===//

#include "Tokenizer/Regex.h"

#include <gtest/gtest.h>

// The C library's <regex.h>, which GoogleTest includes, has these names too.
#define ONIG_ESCAPE_REGEX_T_COLLISION
#define re_registers OnigurumaRegisters
#include <oniguruma.h>
#undef re_registers

#include <optional>
#include <random>
#include <string>
#include <vector>

using namespace tenon;

namespace {

class Generator {
public:
  explicit Generator(uint32_t seed) : random(seed) {}

  std::string pattern(unsigned depth = 0) {
    std::string out = sequence(depth);
    for (size_t n = below(5) > 2 ? below(3) : 0; n > 0; --n)
      out += "|" + sequence(depth);
    return out;
  }

  std::string text() {
    static const std::vector<std::string> letters = {
        "a",  "b", "c", "A",  "B",  "s",  "S", "ß",      "k", "é",      "漢",
        "い", "1", "٣", " ",  "_",  "-",  "'", ".",      ",", "!",      "$",
        "+",  "&", "]", "\n", "\r", "\t", "ि", "\u0301", "ﬁ", "\u00a0", "²"};
    std::string out;
    for (size_t n = below(14) + 1; n > 0; --n)
      out += letters[below(letters.size())];
    return out;
  }

private:
  size_t below(size_t n) { return random() % n; }
  std::string oneOf(std::initializer_list<const char *> list) {
    return list.begin()[below(list.size())];
  }

  std::string literal() {
    return oneOf({"a", "b",  "c",   "A",   "s",     "ß",       "k",
                  "é", "漢", "1",   " ",   "_",     "'",       ",",
                  "!", "&",  "\\.", "\\n", "\\x41", "\\u00e9", "\\]"});
  }
  std::string property() {
    return (below(3) ? "\\p{" : "\\P{") +
           oneOf({"L", "Lu", "M", "N", "Nd", "P", "S", "Letter", "Punct", "Han",
                  "Latin", "Alphabetic", "^L", "White_Space", "alpha"}) +
           "}";
  }
  std::string escape() {
    return oneOf({"\\w", "\\W", "\\d", "\\D", "\\s", "\\S", "\\h", "\\H"});
  }
  std::string brackets(unsigned depth) {
    std::string out = below(3) ? "[" : "[^";
    for (size_t n = below(4) + 1; n > 0; --n)
      switch (below(depth < 2 ? 8 : 6)) {
      case 0:
        out += oneOf({"a-c", "A-Z", "0-9", "é-ß"});
        break;
      case 1:
        out += escape();
        break;
      case 2:
        out += property();
        break;
      case 3:
        out += oneOf({"[:alpha:]", "[:^digit:]", "[:space:]", "[:upper:]"});
        break;
      case 6:
        out += brackets(depth + 1);
        break;
      case 7:
        out += "&&";
        break;
      default:
        out += oneOf({"a", "b", "s", "1", "漢", "_", "!", "\\n", "\\]", "."});
      }
    return out + "]";
  }
  std::string atom(unsigned depth) {
    switch (below(depth < 3 ? 10 : 6)) {
    case 0:
      return brackets(0);
    case 1:
      return escape();
    case 2:
      return property();
    case 3:
      return oneOf({".", "^", "$", "\\b", "\\B", "\\A", "\\z", "\\Z", "\\R"});
    case 6:
    case 7:
    case 8:
      return oneOf({"(", "(?:", "(?i:", "(?>", "(?=", "(?!", "(?m:"}) +
             pattern(depth + 1) + ")";
    case 9:
      return oneOf({"(?<=", "(?<!"}) + literal() +
             oneOf({"", "|ab", "?", "{1,2}"}) + ")";
    default:
      return literal();
    }
  }
  std::string sequence(unsigned depth) {
    std::string out;
    for (size_t n = below(3) + 1; n > 0; --n)
      out += atom(depth) +
             oneOf({"",    "",     "",     "",       "",       "",    "*",
                    "+",   "?",    "*?",   "+?",     "??",     "*+",  "++",
                    "{2}", "{,2}", "{2,}", "{1,2}?", "{1,2}+", "{2}?"});
    return out;
  }

  std::mt19937 random;
};

/// All matches as an iterator of Rust's onig crate gives them; nullopt when the
/// pattern is refused.
std::optional<std::vector<TextSpan>> matches(const std::string &pattern,
                                             const std::string &text) {
  auto bytes = [](const std::string &string) {
    return reinterpret_cast<const OnigUChar *>(string.data());
  };
  OnigRegex regex = nullptr;
  OnigErrorInfo info;
  if (onig_new(&regex, bytes(pattern), bytes(pattern) + pattern.size(),
               ONIG_OPTION_NONE, ONIG_ENCODING_UTF8, OnigDefaultSyntax,
               &info) != ONIG_NORMAL)
    return std::nullopt;
  std::vector<TextSpan> found;
  OnigRegion *region = onig_region_new();
  const OnigUChar *begin = bytes(text), *end = begin + text.size();
  for (size_t at = 0; at <= text.size();) {
    if (onig_search(regex, begin, end, begin + at, end, region,
                    ONIG_OPTION_NONE) < 0)
      break;
    TextSpan span{static_cast<size_t>(region->beg[0]),
                  static_cast<size_t>(region->end[0])};
    bool empty = span.begin == span.end;
    if (!(empty && !found.empty() && found.back().end == span.begin))
      found.push_back(span);
    at = span.end;
    if (empty)
      do
        ++at;
      while (at < text.size() &&
             (static_cast<uint8_t>(text[at]) & 0xc0) == 0x80);
  }
  onig_region_free(region, 1);
  onig_free(regex);
  return found;
}

} // namespace

TEST(OnigurumaDifferential, GeneratedPatterns) {
  OnigEncoding encoding = ONIG_ENCODING_UTF8;
  onig_initialize(&encoding, 1);
  unsigned compared = 0, refused = 0;
  for (uint32_t seed = 0; seed < 3000; ++seed) {
    Generator generator(seed);
    std::string pattern = generator.pattern();
    std::string text = generator.text();
    auto expected = matches(pattern, text);
    Expected<Regex> regex = Regex::compile(pattern);
    if (!expected) {
      EXPECT_FALSE(regex) << pattern;
      ++refused;
      continue;
    }
    ASSERT_TRUE(regex) << regex.error().message;
    WorkBudget budget(text.size());
    EXPECT_EQ(regex->findAll(text, budget), *expected)
        << "pattern " << pattern << "\ntext " << text;
    ++compared;
  }
  EXPECT_GT(compared, 1000u);
  EXPECT_GT(refused, 50u);
}
