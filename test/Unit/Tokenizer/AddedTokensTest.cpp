//===- AddedTokensTest.cpp - tokens that are found before all else -------===//

#include "TokenizerFiles.h"

using namespace tenon;
using namespace tenon::test;

// Bytes only, without pre-tokenizer patterns, so that ids show what was cut.
static json fileWith(const json &added) {
  json file = byteLevelFile({});
  file["pre_tokenizer"]["use_regex"] = false;
  file["added_tokens"] = added;
  return file;
}

static json token(std::string_view content, int id, std::string_view option) {
  json result = addedToken(content, id, false);
  if (!option.empty())
    result[std::string(option)] = true;
  return result;
}

TEST(AddedTokens, LongestFirst) {
  auto tokenizer =
      load(fileWith({token("<a>", 300, ""), token("<a><b>", 301, ""),
                     token("<a><", 302, "")}));
  EXPECT_EQ(*tokenizer->encode("<a>"), (Ids{300}));
  EXPECT_EQ(*tokenizer->encode("<a><b>"), (Ids{301}));
  EXPECT_EQ(*tokenizer->encode("<a><a>"), (Ids{302, 'a', '>'}));
  EXPECT_EQ(*tokenizer->encode("x<a"), (Ids{'x', '<', 'a'}));
  EXPECT_EQ(*tokenizer->decode(Ids{300, 'x', 301}), "<a>x<a><b>");
}

TEST(AddedTokens, Strip) {
  auto tokenizer = load(
      fileWith({token("<l>", 300, "lstrip"), token("<r>", 301, "rstrip")}));
  EXPECT_EQ(*tokenizer->encode("a \n<l> b"), (Ids{'a', 300, ' ', 'b'}));
  EXPECT_EQ(*tokenizer->encode("a <r> \u00a0b"), (Ids{'a', ' ', 301, 'b'}));
  // What one took along is gone for the next.
  EXPECT_EQ(*tokenizer->encode("<r>  <l>"), (Ids{301, 300}));
}

TEST(AddedTokens, SingleWord) {
  auto tokenizer =
      load(fileWith(json::array({token("ab", 300, "single_word")})));
  EXPECT_EQ(*tokenizer->encode("ab"), (Ids{300}));
  EXPECT_EQ(*tokenizer->encode("-ab."), (Ids{'-', 300, '.'}));
  EXPECT_EQ(*tokenizer->encode("abc"), (Ids{'a', 'b', 'c'}));
  EXPECT_EQ(*tokenizer->encode("éab"), (Ids{0xc3, 0xa9, 'a', 'b'}));
  EXPECT_EQ(*tokenizer->encode("ab_"), (Ids{'a', 'b', '_'}));
}

TEST(AddedTokens, InNormalizedText) {
  json file = fileWith({token("YES", 300, "normalized"), token("No", 301, "")});
  file["normalizer"] = {{"type", "Lowercase"}};
  auto tokenizer = load(file);
  // Found in whatever case; the other one only as it is spelled.
  EXPECT_EQ(*tokenizer->encode("yEs"), (Ids{300}));
  EXPECT_EQ(*tokenizer->encode("No"), (Ids{301}));
  EXPECT_EQ(*tokenizer->encode("NO"), (Ids{'n', 'o'}));
}

TEST(AddedTokens, SpecialOnesAreSkipped) {
  auto tokenizer =
      load(fileWith({addedToken("<s>", 300, true), token("<t>", 301, "")}));
  EXPECT_TRUE(tokenizer->isSpecial(300));
  EXPECT_FALSE(tokenizer->isSpecial(301));
  EXPECT_EQ(*tokenizer->decode(Ids{300, 'a', 301}), "a<t>");
  EXPECT_EQ(*tokenizer->decode(Ids{300, 'a', 301}, false), "<s>a<t>");
}

TEST(AddedTokens, ManyWithCommonPrefixes) {
  json added = json::array();
  for (int i = 0; i < 1000; ++i)
    added.push_back(
        addedToken("<|reserved_" + std::to_string(i) + "|>", 300 + i));
  auto tokenizer = load(fileWith(added));
  EXPECT_EQ(*tokenizer->encode("<|reserved_7|><|reserved_77|><|reserved_777|>"),
            (Ids{307, 377, 1077}));
  EXPECT_EQ(tokenizer->encode(std::string(1 << 20, '<'))->size(), 1u << 20);
}

// What a stranger wrote is text, even where it spells a special token or the
// rest of one; a token that isn't special is found everywhere.
TEST(AddedTokens, MarkedText) {
  auto tokenizer = load(fileWith({addedToken("<s>", 300, true),
                                  addedToken("<a>", 301, false),
                                  addedToken("<s><a>", 302, true)}));
  auto encode = [&](const std::string &text, const std::string &marks) {
    return *tokenizer->encodeMarked(text, marks);
  };
  std::string none(6, '\0'), second = std::string(3, '\0') + "\1\1\1";
  EXPECT_EQ(encode("<s><s>", ""), (Ids{300, 300}));
  EXPECT_EQ(encode("<s><s>", none), (Ids{300, 300}));
  EXPECT_EQ(encode("<s><s>", second), (Ids{300, '<', 's', '>'}));
  EXPECT_EQ(encode("<s><s>", std::string(5, '\0') + "\1"),
            (Ids{300, '<', 's', '>'}));
  EXPECT_EQ(encode("<s><a>", none), (Ids{302}));
  EXPECT_EQ(encode("<a><a>", second), (Ids{301, 301}));
}
