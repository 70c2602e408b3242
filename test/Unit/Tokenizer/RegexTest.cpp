//===- RegexTest.cpp - regular expressions in bounded time ---------------===//

#include "Tokenizer/Regex.h"

#include <gtest/gtest.h>

#include <chrono>
#include <ctime>

using namespace tenon;

static std::vector<TextSpan> findAll(std::string_view pattern,
                                     std::string_view text) {
  Expected<Regex> regex = Regex::compile(pattern);
  EXPECT_TRUE(regex) << regex.error().message;
  WorkBudget budget(text.size());
  return regex->findAll(text, budget);
}
using Spans = std::vector<TextSpan>;

TEST(Regex, Matches) {
  EXPECT_EQ(findAll("b+", "abbcb"), (Spans{{1, 3}, {4, 5}}));
  EXPECT_EQ(findAll("x", "abc"), Spans{});
  EXPECT_EQ(findAll("\\p{L}+", "é視 a"), (Spans{{0, 5}, {6, 7}}));
  EXPECT_EQ(findAll("^a$", "a\na"), (Spans{{0, 1}, {2, 3}}));
  EXPECT_EQ(findAll("(?<=a)b", "abb"), (Spans{{1, 2}}));
}

TEST(Regex, EmptyMatches) {
  EXPECT_EQ(findAll("", "aé"), (Spans{{0, 0}, {1, 1}, {3, 3}}));
  EXPECT_EQ(findAll("b*", "abb"), (Spans{{0, 0}, {1, 3}}));
  EXPECT_EQ(findAll("$", ""), (Spans{{0, 0}}));
}

TEST(Regex, LookAroundAcrossWindows) {
  // The end of a window isn't the end of the text.
  std::string text(255, ' ');
  text += " x";
  EXPECT_EQ(findAll("\\s+(?!\\S)|\\s+", text), (Spans{{0, 255}, {255, 256}}));
  std::string line(300, 'a');
  EXPECT_EQ(findAll("a+$", line), (Spans{{0, 300}}));
  EXPECT_EQ(findAll("a\\z", line), (Spans{{299, 300}}));
  EXPECT_EQ(findAll("\\bb", std::string(256, 'a') + "b"), Spans{});
  EXPECT_EQ(findAll("(?<=a)b", std::string(256, 'a') + "b"),
            (Spans{{256, 257}}));
  // No match for long, then one.
  EXPECT_EQ(findAll("b", std::string(10000, 'a') + "b"),
            (Spans{{10000, 10001}}));
}

TEST(Regex, InvalidUtf8) {
  EXPECT_EQ(findAll("\\p{L}+", "a\xff"
                               "b"),
            (Spans{{0, 1}, {2, 3}}));
  EXPECT_EQ(findAll("[^\\p{L}]+", "a\xe2\x82"
                                  "b"),
            (Spans{{1, 3}}));
}

TEST(Regex, Escape) {
  std::string text = "a.b*(c)[d]\\ \n é#";
  text += '\0';
  EXPECT_EQ(findAll(Regex::escape(text), "x" + text),
            (Spans{{1, 1 + text.size()}}));
}

TEST(Regex, BadPatterns) {
  for (std::string_view pattern : {"(", "[z-a]", "a**b(", "\\p{Nope}", "\\C"})
    EXPECT_FALSE(Regex::compile(pattern)) << pattern;
  Expected<Regex> regex = Regex::compile("ab(c");
  ASSERT_FALSE(regex);
  EXPECT_NE(regex.error().message.find("this group has no end, at byte 2"),
            std::string::npos)
      << regex.error().message;
  EXPECT_FALSE(Regex::compile(std::string(100000, 'a')));
  EXPECT_FALSE(Regex::compile("((((a{1,999}){1,999}){1,999}){1,999})"));
  EXPECT_FALSE(
      Regex::compile(std::string(10000, '(') + std::string(10000, ')')));
}

// Patterns whose plain matching would take until the end of days on a megabyte.
TEST(Regex, Robustness17BoundedTime) {
  std::string capital(1 << 20, 'A'), small(1 << 20, 'a');
  std::string blanks(1 << 20, ' ');
  struct Case {
    std::string_view pattern;
    std::string text;
  };
  for (const Case &test : {
           Case{"(a+)+$", capital},
           Case{"(a+)+$", small},
           Case{"(a+)+$", small + "b"},
           Case{"(a|a)*b", small},
           Case{"(a+)+$|a", small + "b"},
           Case{"a*b", small},
           Case{"a*b|a", small},
           Case{"\\s*x|.", blanks},
           Case{"(.*)*(.*)*(.*)*x", small},
           Case{"(?=(a+))a*b\\1", small},
       }) {
    Expected<Regex> regex = Regex::compile(test.pattern);
    ASSERT_TRUE(regex) << regex.error().message;
    auto start = std::chrono::steady_clock::now();
    WorkBudget budget(test.text.size());
    regex->findAll(test.text, budget);
    std::chrono::duration<double> taken =
        std::chrono::steady_clock::now() - start;
    EXPECT_LT(taken.count(), 20.0) << test.pattern;
  }
}

// Tables of all code points are filled a run at a time: compiling costs less
// than only to look at each of them.
TEST(Regex, CompilesQuickly) {
  constexpr int kTimes = 200;
  std::clock_t start = std::clock();
  for (int i = 0; i < kTimes; ++i)
    ASSERT_TRUE(Regex::compile("\\p{L}+|[^x\\x{10000}-\\x{10fffe}]"));
  std::clock_t compiling = std::clock() - start;
  start = std::clock();
  for (int i = 0; i < kTimes; ++i)
    for (volatile char32_t c = 0; c <= 0x10ffff;)
      c = c + 1;
  EXPECT_LT(compiling, std::clock() - start);
  // Borders within a page, at its ends and at the last code point.
  EXPECT_EQ(findAll("[\\x{ff}-\\x{100}]", "\xc3\xbe\xc3\xbf\xc4\x80\xc4\x81"),
            (Spans{{2, 4}, {4, 6}}));
  EXPECT_EQ(findAll("[\\x{100}-\\x{1ff}\\x{10ffff}]",
                    "\xc3\xbf\xc4\x80\xc7\xbf\xc8\x80\xf4\x8f\xbf\xbf"),
            (Spans{{2, 4}, {4, 6}, {8, 12}}));
}
