//===- UnicodeTest.cpp - the tables of Unicode ---------------------------===//

#include "Tokenizer/Unicode.h"
#include "Tokenizer/UnicodeProperties.h"
#include "Tokenizer/UnicodeTables.h"

#include <gtest/gtest.h>

using namespace tenon;

TEST(Unicode, Categories) {
  EXPECT_EQ(categoryOf('a'), Category::Ll);
  EXPECT_EQ(categoryOf(0x4e00), Category::Lo);
  EXPECT_EQ(categoryOf(0x9fff), Category::Lo);
  EXPECT_EQ(categoryOf(0xd7a3), Category::Lo);
  EXPECT_EQ(categoryOf(0x0940), Category::Mc);
  EXPECT_EQ(categoryOf(0x1fae9), Category::So); // Unicode 16
  EXPECT_EQ(categoryOf(0x378), Category::Cn);
  EXPECT_EQ(categoryOf(0x10ffff), Category::Cn);
  EXPECT_EQ(categoryOf(0x110000), Category::Cn);
  EXPECT_EQ(combiningClassOf(0x0301), 230);
}

// Counts of the database's files.
TEST(Unicode, Sets) {
  auto count = [](const CodePointSet &set) {
    uint64_t members = 0;
    for (const CodePointSet::Range &range : set.parts())
      members += range.last - range.first + 1;
    return members;
  };
  EXPECT_EQ(count(whiteSpace()), 25u);
  EXPECT_EQ(count(hexadecimalDigits()), 22u);
  EXPECT_EQ(count(*unicodeProperty("Any")), 0x110000u);
  EXPECT_EQ(count(*unicodeProperty("Cs")), 2048u);
  EXPECT_EQ(count(*unicodeProperty("Co")), 137468u);
  EXPECT_EQ(count(*unicodeProperty("InBasicLatin")), 128u);
  CodePointSet digits = *unicodeProperty("Nd");
  EXPECT_EQ(digits | digits.complement(), CodePointSet::all());
  EXPECT_FALSE(unicodeProperty("Nope"));
  EXPECT_FALSE(unicodeProperty(""));
}

TEST(Unicode, SetsAsSets) {
  CodePointSet set(10, 20);
  set.add(30, 40);
  set.add(21, 29);
  EXPECT_EQ(set, CodePointSet(10, 40));
  EXPECT_EQ(set.complement().complement(), set);
  EXPECT_TRUE((set - CodePointSet(15, 15)).contains(14));
  EXPECT_FALSE((set - CodePointSet(15, 15)).contains(15));
  EXPECT_EQ((set & CodePointSet(0, 12)), CodePointSet(10, 12));
}

TEST(Unicode, Words) {
  for (char32_t c : {U'a', U'_', U'1', U'\u093f', U'\u0330', U'\u200d'})
    EXPECT_TRUE(isWordCharacter(c)) << uint32_t(c);
  for (char32_t c : {U' ', U'-', U'\u00b2', U'\u00bd'})
    EXPECT_FALSE(isWordCharacter(c)) << uint32_t(c);
}

TEST(Unicode, Marks) {
  EXPECT_TRUE(isNonspacingMark(0x0301));
  EXPECT_FALSE(isNonspacingMark(0x0940));
  EXPECT_TRUE(isMark(0x0940));
  EXPECT_TRUE(isControl(0xe000));
  EXPECT_FALSE(isControl(0x378)); // unassigned: it may be a new emoji
}

static std::string lower(char32_t c) {
  std::string out;
  appendLowercase(out, c);
  return out;
}

TEST(Unicode, LowerCase) {
  EXPECT_EQ(lower('A'), "a");
  EXPECT_EQ(lower(U'É'), "é");
  EXPECT_EQ(lower(U'İ'), "i\u0307");
  EXPECT_EQ(lower(U'ß'), "ß");
  EXPECT_EQ(lower(U'Σ'), "σ");
  EXPECT_EQ(lower(U'漢'), "漢");
}

// Rows of NormalizationTest.txt and of UAX 15's figures.
TEST(Unicode, Forms) {
  struct Row {
    std::string_view source, nfc, nfd, nfkc, nfkd;
  };
  for (const Row &row : {
           Row{"é", "é", "e\u0301", "é", "e\u0301"},
           Row{"\u212b", "\u00c5", "A\u030a", "\u00c5", "A\u030a"},
           Row{"ﬁ", "ﬁ", "ﬁ", "fi", "fi"},
           Row{"한", "한", "\u1112\u1161\u11ab", "한", "\u1112\u1161\u11ab"},
           Row{"a\u0315\u0300\u05ae\u0300b", "\u00e0\u05ae\u0300\u0315b",
               "a\u05ae\u0300\u0300\u0315b", "\u00e0\u05ae\u0300\u0315b",
               "a\u05ae\u0300\u0300\u0315b"},
           Row{"\u0958", "\u0915\u093c", "\u0915\u093c", "\u0915\u093c",
               "\u0915\u093c"},
           Row{"\u1e9b\u0323", "\u1e9b\u0323", "\u017f\u0323\u0307", "\u1e69",
               "s\u0323\u0307"},
           Row{"½", "½", "½", "1\u20442", "1\u20442"},
           Row{"", "", "", "", ""},
       }) {
    EXPECT_EQ(toUnicodeForm(row.source, UnicodeForm::NFC), row.nfc);
    EXPECT_EQ(toUnicodeForm(row.source, UnicodeForm::NFD), row.nfd);
    EXPECT_EQ(toUnicodeForm(row.source, UnicodeForm::NFKC), row.nfkc);
    EXPECT_EQ(toUnicodeForm(row.source, UnicodeForm::NFKD), row.nfkd);
  }
  EXPECT_EQ(toUnicodeForm("é\xff", UnicodeForm::NFD), "e\u0301\xff");
}
