//===- DecoderTest.cpp - decoder steps that others don't show ------------===//

#include "TokenizerFiles.h"

using namespace tenon;
using namespace tenon::test;

// ▁ 259, a 260, b 261
static json fileWith(const json &decoder) {
  json file = sentencePieceFile({"▁", "a", "b"}, {{"▁", "a"}});
  file["decoder"] = decoder;
  return file;
}

TEST(Decoder, None) {
  EXPECT_EQ(*load(fileWith(nullptr))->decode(Ids{260, 261}), "a b");
}

TEST(Decoder, Metaspace) {
  json step = {{"type", "Metaspace"},
               {"replacement", "▁"},
               {"prepend_scheme", "always"}};
  auto tokenizer = load(fileWith(step));
  EXPECT_EQ(*tokenizer->decode(Ids{262, 262, 259, 261}), "a a b");
  step["prepend_scheme"] = "never";
  EXPECT_EQ(*load(fileWith(step))->decode(Ids{262, 262}), " a a");
}

TEST(Decoder, StripAtTheEnd) {
  json fuse = {{"type", "Fuse"}};
  json strip = {{"type", "Strip"}, {"content", "a"}, {"start", 0}, {"stop", 2}};
  auto tokenizer =
      load(fileWith({{"type", "Sequence"}, {"decoders", {fuse, strip}}}));
  EXPECT_EQ(*tokenizer->decode(Ids{260, 261, 260, 260, 260}), "aba");
  // Without Fuse each token is stripped.
  strip["stop"] = 1;
  EXPECT_EQ(*load(fileWith(strip))->decode(Ids{260, 261, 260}), "b");
}

TEST(Decoder, SkipsWhatIsNoToken) {
  auto tokenizer = load(fileWith({{"type", "Fuse"}}));
  EXPECT_EQ(*tokenizer->decode(Ids{-1, 260, 5000, INT32_MAX, INT32_MIN, 261}),
            "ab");
}
