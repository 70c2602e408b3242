//===- Utf8Test.cpp - UTF-8, valid or not --------------------------------===//

#include "tenon/Support/Utf8.h"

#include <gtest/gtest.h>

using namespace tenon;

static const std::string fffd = "\xef\xbf\xbd";

TEST(Utf8, EveryCodePointRoundTrips) {
  for (char32_t c = 0; c <= 0x10ffff; ++c) {
    if (c >= 0xd800 && c <= 0xdfff)
      continue;
    std::string text;
    appendUtf8(text, c);
    Utf8Step step = decodeUtf8(text, 0);
    ASSERT_EQ(step.kind, Utf8Step::Valid);
    ASSERT_EQ(step.codePoint, c);
    ASSERT_EQ(step.length, text.size());
  }
  std::string text;
  appendUtf8(text, 0xd800);
  appendUtf8(text, 0x110000);
  EXPECT_EQ(text, fffd + fffd);
}

TEST(Utf8, InvalidForms) {
  EXPECT_TRUE(isValidUtf8("a\xc3\xa9\xf0\x9f\x98\x80"));
  EXPECT_FALSE(isValidUtf8("\xc0\x80"));         // overlong
  EXPECT_FALSE(isValidUtf8("\xe0\x9f\xbf"));     // overlong
  EXPECT_FALSE(isValidUtf8("\xed\xa0\x80"));     // surrogate
  EXPECT_FALSE(isValidUtf8("\xf4\x90\x80\x80")); // above U+10FFFF
  EXPECT_FALSE(isValidUtf8("\x80"));
  EXPECT_FALSE(isValidUtf8("\xe2\x82"));
}

// The table in section 3.9 of the Unicode Standard (U+FFFD substitution of
// maximal subparts).
TEST(Utf8, MaximalSubparts) {
  EXPECT_EQ(replaceInvalidUtf8("\xc0\xaf\xe0\x80\xbf\xf0\x81\x82\x41"),
            fffd + fffd + fffd + fffd + fffd + fffd + fffd + fffd + "A");
  EXPECT_EQ(replaceInvalidUtf8("\xe1\x80\xe2\xf0\x91\x92\xf1\xbf\x41"),
            fffd + fffd + fffd + fffd + "A");
}

TEST(Utf8, StreamCutsAtCodePoints) {
  std::string text = "é€😀z\xff\xe2\x82";
  std::string whole = replaceInvalidUtf8(text);
  EXPECT_EQ(whole, "é€😀z" + fffd + fffd);
  for (size_t size : {1, 2, 3, 5}) {
    Utf8Stream stream;
    std::string out;
    for (size_t at = 0; at < text.size(); at += size) {
      std::string part = stream.push(std::string_view(text).substr(at, size));
      EXPECT_TRUE(isValidUtf8(part));
      out += part;
    }
    out += stream.flush();
    EXPECT_EQ(out, whole) << size;
    EXPECT_EQ(stream.flush(), "");
  }
}

TEST(Utf8, StreamHoldsBackOnlyWhatIsIncomplete) {
  Utf8Stream stream;
  EXPECT_EQ(stream.push("a\xf0\x9f\x98"), "a");
  EXPECT_EQ(stream.push("\x80"), "😀");
  EXPECT_EQ(stream.push("\xf0\x9f"), "");
  EXPECT_EQ(stream.push("b"), fffd + "b");
}
