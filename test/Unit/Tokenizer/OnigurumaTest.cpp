//===- OnigurumaTest.cpp - the dialect of tokenizer.json's patterns ------===//
//
// Expected matches: Oniguruma 6.9.10 through Hugging Face's tokenizers 0.23.2,
// which replaced them by a bar. test/Tokenizer/Inputs/differential.py asks it
// anew, with other patterns.
//
//===----------------------------------------------------------------------===//

#include "Tokenizer/Regex.h"

#include <gtest/gtest.h>

using namespace tenon;

static std::string replaced(std::string_view pattern, std::string_view text) {
  Expected<Regex> regex = Regex::compile(pattern);
  if (!regex)
    return regex.error().message;
  WorkBudget budget(text.size());
  std::string out;
  size_t done = 0;
  for (TextSpan span : regex->findAll(text, budget)) {
    out.append(text.substr(done, span.begin - done)).append("|");
    done = span.end;
  }
  return out + std::string(text.substr(done));
}

TEST(Oniguruma, Intersections) {
  EXPECT_EQ(replaced("[a-z&&[^aeiou]]+", "abc"), "a|");
  EXPECT_EQ(replaced("[a-z&&[^aeiou]&&[b-d]]", "abcde"), "a|||e");
  EXPECT_EQ(replaced("[^a&&b]+", "abc"), "|");
  EXPECT_EQ(replaced("[a&&]", "a&"), "a&");
  EXPECT_EQ(replaced("[\\p{Lu}&&[^\\p{Han}]]+", "AB漢"), "|漢");
}

TEST(Oniguruma, Brackets) {
  EXPECT_EQ(replaced("[a[bc]d]+", "abcde"), "|e");
  EXPECT_EQ(replaced("[]a]+", "]a"), "|");
  EXPECT_EQ(replaced("[^]a]", "b]"), "|]");
  EXPECT_EQ(replaced("[a-c-e]", "-d"), "|d");
  EXPECT_EQ(replaced("[\\w-]", "a-"), "||");
  EXPECT_EQ(replaced("[[a]-z]", "-b"), "|b");
  EXPECT_EQ(replaced("[+--]", "+,-."), "|||.");
  EXPECT_EQ(replaced("[[:alpha:][:digit:]]+", "a1"), "|");
  EXPECT_EQ(replaced("[[:punct:]]+", "$+«"), "|");
  EXPECT_EQ(replaced("\\p{Punct}+", "$+«"), "$+|");
}

TEST(Oniguruma, Repetitions) {
  EXPECT_EQ(replaced("a{1,2}+", "aaaaa"), "|");
  EXPECT_EQ(replaced("a{,2}", "aaa"), "||");
  EXPECT_EQ(replaced("a{2}?", "aaa"), "|a|");
  EXPECT_EQ(replaced("a{3,1}", "aaaa"), "||");
  EXPECT_EQ(replaced("a{,}", "a{,}"), "|");
  EXPECT_EQ(replaced("a**", "aaa"), "|");
  EXPECT_EQ(replaced("a?+a", "a"), "a");
}

TEST(Oniguruma, Properties) {
  EXPECT_EQ(replaced("\\p{Letter}+", "ab1"), "|1");
  EXPECT_EQ(replaced("\\p{ l_u }", "A"), "|");
  EXPECT_EQ(replaced("\\P{^L}", "1a"), "1|");
  EXPECT_EQ(replaced("\\p{In_Basic_Latin}+", "xé"), "|é");
  EXPECT_EQ(replaced("\\p{Hani}", "漢"), "|");
  EXPECT_EQ(replaced("\\p{S}", "\U0001fae9a"), "|a"); // of Unicode 16
  EXPECT_EQ(replaced("\\pL", "pL"), "|");
  EXPECT_NE(replaced("\\p{Script=Han}", "a").find("no property"),
            std::string::npos);
}

TEST(Oniguruma, WordsAndBlanks) {
  EXPECT_EQ(replaced("\\w+", "x² कि"), "| |");
  EXPECT_EQ(replaced("[\\w]+", "x²"), "|²");
  EXPECT_EQ(replaced("\\s", "a\u180e\u0085\u00a0b"), "a\u180e||b");
  EXPECT_EQ(replaced("\\h+", "0afg"), "|g");
  EXPECT_EQ(replaced("(?W)\\w+", "éa"), "é|");
}

TEST(Oniguruma, WithoutCase) {
  EXPECT_EQ(replaced("(?i)ss", "ßSsẞſs"), "||||");
  EXPECT_EQ(replaced("(?i)[ß]", "ssSS"), "||");
  EXPECT_EQ(replaced("(?i)k", "Kk\u212a"), "|||");
  EXPECT_EQ(replaced("a(?i)b|c", "aC"), "|");
  EXPECT_EQ(replaced("(?i)\\p{Lu}", "aA"), "a|");
  EXPECT_EQ(replaced("(?i:'s|'t|'re)", "it's We'RE"), "it| We|");
}

TEST(Oniguruma, LinesAndPlaces) {
  EXPECT_EQ(replaced("^a", "a\na\n"), "|\n|\n");
  EXPECT_EQ(replaced("a$", "a\na"), "|\n|");
  EXPECT_EQ(replaced("a\\Z", "a\n"), "|\n");
  EXPECT_EQ(replaced("\\R", "a\r\nb"), "a|b");
  EXPECT_EQ(replaced("\\X", "e\u0301x"), "||");
  EXPECT_EQ(replaced("(?m:.)", "\n"), "|");
  EXPECT_EQ(replaced("x\\Ka", "xaxa"), "x|x|");
}

TEST(Oniguruma, LookBehind) {
  EXPECT_EQ(replaced("(?<=a+)b", "aab"), "aa|");
  EXPECT_EQ(replaced("(?<=a(?:b|cd))x", "abxacdx"), "ab|acd|");
  EXPECT_EQ(replaced("(?<=\\d)(?=(?:\\d{3})+$)", "1234567"), "1|234|567");
  EXPECT_NE(replaced("(?<=ba+)x", "a").find("no greatest length"),
            std::string::npos);
}

TEST(Oniguruma, References) {
  EXPECT_EQ(replaced("(a)\\1", "aa"), "|");
  EXPECT_EQ(replaced("(?i)(a)\\1", "aA"), "|");
  EXPECT_EQ(replaced("(?<n>a)\\k<n>", "aa"), "|");
  EXPECT_EQ(replaced("(a|b\\g<1>c)", "bbacc"), "|");
}

// The place is said.
TEST(Oniguruma, Refusals) {
  for (std::string_view pattern :
       {"[a-\\d]",   "[\\w-a]", "^*a",       "(?=a)*", "{1}",   "*a",
        "[[a]",      "\\8",     "\\1",       "(?a)",   "[z-a]", "a{100001}",
        "(?~ab)",    "\\G",     "(?(1)a|b)", "(a",     "a)",    "\\",
        "[[:foo:]]", "\\u41",   "\\b{2}?"}) {
    std::string message = replaced(pattern, "a");
    EXPECT_TRUE(message.starts_with("error: bad regular expression"))
        << pattern << ": " << message;
    EXPECT_NE(message.find(", at byte "), std::string::npos) << message;
  }
}
