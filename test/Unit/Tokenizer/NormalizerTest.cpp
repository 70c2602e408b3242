//===- NormalizerTest.cpp - rewriting text -------------------------------===//

#include "Tokenizer/Normalizer.h"

#include <gtest/gtest.h>

using namespace tenon;
using Kind = NormalizerStep::Kind;

static std::string run(std::vector<NormalizerStep> steps,
                       std::string_view text) {
  Expected<Normalizer> normalizer = Normalizer::create(steps);
  if (!normalizer)
    return normalizer.error().message;
  WorkBudget budget(text.size());
  return normalizer->normalize(std::string(text), budget);
}

static std::string run(Kind kind, std::string_view text) {
  return run({{kind, {}, {}}}, text);
}

TEST(Normalizer, PrependAndAppend) {
  EXPECT_EQ(run({{Kind::Prepend, {}, "▁"}}, "a"), "▁a");
  EXPECT_EQ(run({{Kind::Prepend, {}, "▁"}}, ""), "");
  EXPECT_EQ(run({{Kind::Append, {}, "!"}}, "a"), "a!");
}

TEST(Normalizer, Replace) {
  EXPECT_EQ(run({{Kind::Replace, " ", "▁"}}, " a  b "), "▁a▁▁b▁");
  EXPECT_EQ(run({{Kind::Replace, "aa", "b"}}, "aaaaa"), "bba");
  EXPECT_EQ(run({{Kind::ReplaceRegex, " {2,}", " "}}, "a   b c  "), "a b c ");
  EXPECT_EQ(run({{Kind::ReplaceRegex, "(", ""}}, "a").substr(0, 6), "error:");
}

TEST(Normalizer, Lowercase) {
  // By code point: a final sigma is no case of its own.
  EXPECT_EQ(run(Kind::Lowercase, "ÀÉ ΑΣ Ж"), "àé ασ ж");
  EXPECT_EQ(run(Kind::Lowercase, "İ"), "i\u0307");
  EXPECT_EQ(run(Kind::Lowercase, "A\xff"
                                 "B"),
            "a\xff"
            "b");
}

TEST(Normalizer, UnicodeForms) {
  std::string composed = "\u00e9", decomposed = "e\u0301";
  EXPECT_EQ(run(Kind::NFC, decomposed), composed);
  EXPECT_EQ(run(Kind::NFD, composed), decomposed);
  EXPECT_EQ(run(Kind::NFD, "각"), "\u1100\u1161\u11a8");
  EXPECT_EQ(run(Kind::NFKC, "ﬁ①"), "fi1");
  EXPECT_EQ(run(Kind::NFKD, "ﬁ\u00e9"), "fi" + decomposed);
  // Invalid bytes stay where they are.
  EXPECT_EQ(run(Kind::NFC, "\xff" + decomposed + "\xe2\x82" + decomposed),
            "\xff" + composed + "\xe2\x82" + composed);
  EXPECT_EQ(run(Kind::NFC, std::string("a\0b", 3)), std::string("a\0b", 3));
}

TEST(Normalizer, StripAccents) {
  EXPECT_EQ(run({{Kind::NFD, {}, {}}, {Kind::StripAccents, {}, {}}}, "éñ각"),
            "en\u1100\u1161\u11a8");
}

TEST(Normalizer, StripWhiteSpace) {
  std::string text = " \t\u3000a b\u2003\n";
  EXPECT_EQ(run(Kind::StripLeft, text), "a b\u2003\n");
  EXPECT_EQ(run(Kind::StripRight, text), " \t\u3000a b");
  EXPECT_EQ(run(Kind::StripRight, "\u3000 "), "");
  EXPECT_EQ(run(Kind::StripRight, "a\xe3\x80"), "a\xe3\x80");
}

TEST(Normalizer, CleanText) {
  EXPECT_EQ(run(Kind::CleanText, std::string("a\0\x01\u200b\ufffd\tb", 11)),
            "a b");
  EXPECT_EQ(run(Kind::CleanText, "a\u00a0b\r\nc"), "a b  c");
}

TEST(Normalizer, ChineseCharacters) {
  EXPECT_EQ(run(Kind::SpaceChineseChars, "a視野か"), "a 視  野 か");
}
