//===- BytePairsTest.cpp - both kinds of byte-pair encoding --------------===//

#include "TestSupport.h"
#include "TokenizerFiles.h"

#include "tenon/Support/MappedFile.h"

using namespace tenon;
using namespace tenon::test;

//===----------------------------------------------------------------------===//
// Byte-level
//===----------------------------------------------------------------------===//

static json helloFile() {
  return byteLevelFile({{"h", "e"},
                        {"l", "l"},
                        {"he", "ll"},
                        {"hell", "o"},
                        {"Ġ", "hello"},
                        {"Ċ", "Ċ"}});
}

TEST(ByteLevel, ExpectedTokens) {
  auto tokenizer = load(helloFile());
  EXPECT_EQ(tokenizer->vocabSize(), 263u);
  EXPECT_EQ(*tokenizer->encode("hello"), (Ids{259}));
  EXPECT_EQ(*tokenizer->encode("hello hello"), (Ids{259, 260}));
  EXPECT_EQ(*tokenizer->encode("hellhe"), (Ids{258, 256}));
  EXPECT_EQ(*tokenizer->encode("é"), (Ids{0xc3, 0xa9}));
  EXPECT_EQ(*tokenizer->encode("\n\n"), (Ids{261}));
  EXPECT_EQ(*tokenizer->encode("hello<|end|>hello"), (Ids{259, 262, 259}));
  EXPECT_EQ(*tokenizer->encode(""), Ids{});
}

// Pieces are the bytes that tokens stand for, not their spelling.
TEST(ByteLevel, Pieces) {
  auto tokenizer = load(helloFile());
  EXPECT_EQ(tokenizer->piece(260), " hello");
  EXPECT_EQ(tokenizer->piece(0xff), "\xff");
  EXPECT_EQ(tokenizer->piece(262), "<|end|>");
  EXPECT_EQ(tokenizer->piece(-1), "");
  EXPECT_EQ(tokenizer->piece(263), "");
  EXPECT_EQ(tokenizer->tokenId(" hello"), 260);
  EXPECT_EQ(tokenizer->tokenId("<|end|>"), 262);
  EXPECT_EQ(tokenizer->tokenId("nothing"), std::nullopt);
  EXPECT_TRUE(tokenizer->isSpecial(262));
  EXPECT_FALSE(tokenizer->isSpecial(260));
  EXPECT_FALSE(tokenizer->isSpecial(-1));
}

TEST(ByteLevel, RoundTrips) {
  auto tokenizer = load(helloFile());
  for (const std::string &text : manyScripts())
    EXPECT_EQ(*tokenizer->decode(*tokenizer->encode(text)), text);
}

TEST(ByteLevel, Robustness19KeepsInvalidBytes) {
  auto tokenizer = load(helloFile());
  for (const std::string &text : invalidTexts())
    EXPECT_EQ(*tokenizer->decode(*tokenizer->encode(text)), text);
  std::string every;
  for (int byte = 0; byte < 256; ++byte)
    every += static_cast<char>(byte);
  EXPECT_EQ(*tokenizer->decode(*tokenizer->encode(every)), every);
}

TEST(ByteLevel, PrefixSpace) {
  json file = helloFile();
  file["pre_tokenizer"]["add_prefix_space"] = true;
  auto tokenizer = load(file);
  EXPECT_EQ(*tokenizer->encode("hello"), (Ids{260}));
  EXPECT_EQ(*tokenizer->encode(" hello"), (Ids{260}));
}

TEST(ByteLevel, IgnoreMerges) {
  // "hello" is a token that merging would not reach.
  json file = byteLevelFile({{"h", "e"}, {"l", "l"}});
  file["model"]["vocab"]["hello"] = 300;
  EXPECT_EQ(*load(file)->encode("hello"), (Ids{256, 257, 'o'}));
  file["model"]["ignore_merges"] = true;
  EXPECT_EQ(*load(file)->encode("hello"), (Ids{300}));
  EXPECT_EQ(*load(file)->encode("hell"), (Ids{256, 257}));
}

TEST(ByteLevel, MergesAsStrings) {
  json file = byteLevelFile({{"h", "e"}});
  file["model"]["merges"] = json::array({"h e"});
  EXPECT_EQ(*load(file)->encode("he"), (Ids{256}));
}

// A vocabulary without some bytes: they have no token, as in Hugging Face's
// library.
TEST(ByteLevel, MissingByte) {
  json file = byteLevelFile({{"h", "e"}});
  file["model"]["vocab"].erase("z");
  EXPECT_EQ(*load(file)->encode("hezhe"), (Ids{256, 256}));
}

//===----------------------------------------------------------------------===//
// SentencePiece-style
//===----------------------------------------------------------------------===//

static json spFile() {
  return sentencePieceFile({"▁", "a", "b", "c", "é"},
                           {{"a", "b"}, {"▁", "ab"}, {"b", "c"}, {"▁", "▁"}});
}

TEST(SentencePiece, ExpectedTokens) {
  auto tokenizer = load(spFile());
  // ▁ 259, a 260, b 261, c 262, é 263, ab 264, ▁ab 265, bc 266, ▁▁ 267
  EXPECT_EQ(*tokenizer->encode("ab"), (Ids{1, 265}));
  EXPECT_EQ(*tokenizer->encode("ab", /*addSpecial=*/false), (Ids{265}));
  EXPECT_EQ(*tokenizer->encode("abc"), (Ids{1, 265, 262}));
  EXPECT_EQ(*tokenizer->encode("bc ab"), (Ids{1, 259, 266, 265}));
  EXPECT_EQ(*tokenizer->encode("  ab"), (Ids{1, 267, 265}));
  EXPECT_EQ(*tokenizer->encode("é"), (Ids{1, 259, 263}));
  EXPECT_EQ(*tokenizer->encode("€"),
            (Ids{1, 259, 3 + 0xe2, 3 + 0x82, 3 + 0xac}));
  EXPECT_EQ(*tokenizer->encode("\n"), (Ids{1, 259, 3 + 0x0a}));
}

TEST(SentencePiece, Robustness19EmptyPrompt) {
  EXPECT_EQ(*load(spFile())->encode(""), (Ids{1}));
  EXPECT_EQ(*load(spFile())->encode("", false), Ids{});
}

TEST(SentencePiece, SpecialTokensInText) {
  auto tokenizer = load(spFile());
  EXPECT_EQ(*tokenizer->encode("ab</s>ab"), (Ids{1, 265, 2, 265}));
  EXPECT_EQ(*tokenizer->decode(Ids{1, 265, 2, 265}), "ab ab");
  EXPECT_EQ(*tokenizer->decode(Ids{1, 265, 2}, /*skipSpecial=*/false),
            "<s> ab</s>");
}

TEST(SentencePiece, RoundTrips) {
  auto tokenizer = load(spFile());
  for (const std::string &text : manyScripts())
    EXPECT_EQ(*tokenizer->decode(*tokenizer->encode(text)), text);
}

TEST(SentencePiece, Robustness19KeepsInvalidBytes) {
  auto tokenizer = load(spFile());
  for (const std::string &text : invalidTexts())
    EXPECT_EQ(*tokenizer->decode(*tokenizer->encode(text)), text);
}

TEST(SentencePiece, UnknownWithoutByteFallback) {
  json file = spFile();
  file["model"]["byte_fallback"] = false;
  EXPECT_EQ(*load(file)->encode("x€b"), (Ids{1, 259, 0, 261}));
  file["model"]["fuse_unk"] = false;
  EXPECT_EQ(*load(file)->encode("x€b"), (Ids{1, 259, 0, 0, 261}));
  file["model"].erase("unk_token");
  EXPECT_EQ(*load(file)->encode("x€b"), (Ids{1, 259, 261}));
}

// One byte without a token: the character is unknown as a whole.
TEST(SentencePiece, IncompleteByteTokens) {
  json file = spFile();
  file["model"]["vocab"].erase("<0x82>");
  EXPECT_EQ(*load(file)->encode("€b"), (Ids{1, 259, 0, 261}));
}

TEST(SentencePiece, MetaspaceInsteadOfNormalizer) {
  json file = spFile();
  file["normalizer"] = nullptr;
  file["pre_tokenizer"] = {{"type", "Metaspace"},
                           {"replacement", "▁"},
                           {"prepend_scheme", "first"},
                           {"split", false}};
  auto tokenizer = load(file);
  EXPECT_EQ(*tokenizer->encode("ab ab"), (Ids{1, 265, 265}));
  // Not after a special token.
  EXPECT_EQ(*tokenizer->encode("</s>ab"), (Ids{1, 2, 264}));
  EXPECT_EQ(*tokenizer->encode("   ab"), (Ids{1, 267, 265}));
  file["pre_tokenizer"]["prepend_scheme"] = "always";
  EXPECT_EQ(*load(file)->encode("</s>ab"), (Ids{1, 2, 265}));
  file["pre_tokenizer"]["prepend_scheme"] = "never";
  EXPECT_EQ(*load(file)->encode("ab"), (Ids{1, 264}));
  file["pre_tokenizer"].erase("prepend_scheme");
  file["pre_tokenizer"]["add_prefix_space"] = false;
  EXPECT_EQ(*load(file)->encode("ab"), (Ids{1, 264}));
  // With cuts before each mark, ▁▁ cannot form.
  file["pre_tokenizer"]["split"] = true;
  EXPECT_EQ(*load(file)->encode("   ab"), (Ids{1, 259, 259, 265}));
}

TEST(SentencePiece, Streaming) {
  auto tokenizer = load(spFile());
  EXPECT_EQ(tokenizer->decodePiece(265, /*isFirst=*/true), "ab");
  EXPECT_EQ(tokenizer->decodePiece(265, /*isFirst=*/false), " ab");
  EXPECT_EQ(tokenizer->decodePiece(3 + 0xe2, false), "\xe2");
  EXPECT_EQ(tokenizer->decodePiece(-5, false), "");
  EXPECT_EQ(tokenizer->decodePiece(100000, false), "");
  for (const std::string &text : manyScripts()) {
    std::string joined;
    bool isFirst = true;
    Ids tokens = *tokenizer->encode(text, false);
    for (int32_t token : tokens) {
      joined += tokenizer->decodePiece(token, isFirst);
      isFirst = false;
    }
    EXPECT_EQ(joined, text);
  }
}

TEST(SentencePiece, Stories260K) {
  TENON_NEEDS_SHARED_DATA();
  std::string model = sharedDirectory() + "/models/stories260K";
  Expected<MappedFile> file = MappedFile::open(model + "/hf/tokenizer.json");
  ASSERT_TRUE(file) << file.error().message;
  auto loaded = Tokenizer::fromTokenizerJson(file->text(), file->path());
  ASSERT_TRUE(loaded) << loaded.error().message;
  Tokenizer &tokenizer = **loaded;
  EXPECT_EQ(tokenizer.vocabSize(), 512u);
  EXPECT_EQ(*tokenizer.encode("Once upon a time, there was a little girl named "
                              "Lily."),
            (Ids{1, 403, 407, 261, 378, 432, 383, 286, 261, 376, 298, 315, 421,
                 395, 317, 426}));
  std::string story = readFile(model + "/expected_greedy200.txt");
  Ids tokens = *tokenizer.encode(story);
  EXPECT_EQ(*tokenizer.decode(tokens), story);
  for (const std::string &text : manyScripts())
    EXPECT_EQ(*tokenizer.decode(*tokenizer.encode(text)), text);
  for (const std::string &text : invalidTexts())
    EXPECT_EQ(*tokenizer.decode(*tokenizer.encode(text)), text);
}
