//===- TextStreamTest.cpp - a text in any pieces --------------------------===//

#include "tenon/Runtime/TextOutput.h"
#include "tenon/Support/Utf8.h"

#include <random>

#include <gtest/gtest.h>

using namespace tenon::runtime;

namespace {

/// What a stream writes to standard output.
std::string written(const std::vector<std::string> &pieces,
                    const std::vector<std::string> &stops, bool cut = false) {
  testing::internal::CaptureStdout();
  TextStream stream(stops);
  for (const std::string &piece : pieces)
    EXPECT_TRUE(stream.push(piece));
  EXPECT_TRUE(stream.finish(cut));
  return testing::internal::GetCapturedStdout();
}

TEST(StopMatcher, PiecesDoNotMatter) {
  // Few letters, so that stops begin, fail and overlap all the time.
  std::mt19937 random(5);
  auto word = [&](size_t most) {
    std::string text(random() % most + 1, 'a');
    for (char &c : text)
      c = "ab"[random() % 2];
    return text;
  };
  for (int round = 0; round < 3000; ++round) {
    std::vector<std::string> stops;
    for (size_t i = random() % 3 + 1; i > 0; --i)
      stops.push_back(word(5));
    std::string text = word(24);
    // The definition: the stop that ends first, the longest of those.
    size_t first = std::string::npos;
    for (size_t end = 1; end <= text.size() && first == std::string::npos;
         ++end)
      for (const std::string &stop : stops)
        if (text.substr(0, end).ends_with(stop))
          first = std::min(first, end - stop.size());
    StopMatcher matcher(stops);
    std::string shown;
    for (size_t at = 0; at < text.size();) {
      size_t count = std::min<size_t>(random() % 4, text.size() - at);
      shown += matcher.push(std::string_view(text).substr(at, count));
      at += count;
      // Nothing that a stop takes away was shown.
      ASSERT_TRUE(text.substr(0, first).starts_with(shown)) << text;
    }
    shown += matcher.flush();
    ASSERT_EQ(shown, text.substr(0, first)) << text;
    ASSERT_EQ(matcher.stopped(), first != std::string::npos) << text;
  }
}

TEST(TextStream, BytesBecomeWholeCodePoints) {
  std::string text = "aé€😀";
  std::vector<std::string> bytes;
  for (char c : text)
    bytes.emplace_back(1, c);
  EXPECT_EQ(written(bytes, {}), text);
  // After every byte, only whole code points are out.
  for (size_t n = 0; n <= bytes.size(); ++n) {
    testing::internal::CaptureStdout();
    TextStream stream({});
    for (size_t i = 0; i < n; ++i)
      ASSERT_TRUE(stream.push(bytes[i]));
    std::string out = testing::internal::GetCapturedStdout();
    EXPECT_TRUE(text.starts_with(out));
    EXPECT_EQ(tenon::replaceInvalidUtf8(out), out);
  }
}

TEST(TextStream, TheLastCodePoint) {
  EXPECT_EQ(written({"x\xe2\x82"}, {}), "x\xef\xbf\xbd");
  // An interrupted token isn't wrong.
  EXPECT_EQ(written({"x\xe2\x82"}, {}, /*cut=*/true), "x");
  EXPECT_EQ(written({"x\xffy"}, {}), "x\xef\xbf\xbdy");
  EXPECT_EQ(written({}, {}), "");
}

TEST(TextStream, StopsAcrossCodePoints) {
  EXPECT_EQ(written({"a\xe2\x82", "\xac!", "b"}, {"€!"}), "a");
  // A stop that is not complete is text.
  EXPECT_EQ(written({"a€"}, {"€!"}), "a€");
  EXPECT_EQ(written({"a€"}, {"€!"}, /*cut=*/true), "a€");
  // The replaced last bytes may complete a stop.
  EXPECT_EQ(written({"ab\xe2"}, {"b\xef\xbf\xbd"}), "a");
}

} // namespace
