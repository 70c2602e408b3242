//===- TokenizerDirectoryTest.cpp - several files, one tokenizer ---------===//

#include "../TestSupport.h"
#include "TokenizerFiles.h"

#include <cstring>

using namespace tenon;
using namespace tenon::test;

static std::unique_ptr<Tokenizer> open(const TemporaryDirectory &directory) {
  auto tokenizer = Tokenizer::fromDirectory(directory.path());
  if (!tokenizer) {
    ADD_FAILURE() << tokenizer.error().message;
    std::abort();
  }
  return *std::move(tokenizer);
}

TEST(TokenizerDirectory, None) {
  TemporaryDirectory directory;
  EXPECT_EQ(open(directory), nullptr);
}

TEST(TokenizerDirectory, BeginAndEnd) {
  TemporaryDirectory directory;
  json file = byteLevelFile({});
  file["added_tokens"].push_back(addedToken("<s>", 257));
  directory.write("tokenizer.json", file.dump());
  EXPECT_EQ(*open(directory)->encode("a"), (Ids{'a'}));
  json config = {{"add_bos_token", true},
                 {"bos_token", {{"content", "<s>"}}},
                 {"eos_token", "<|end|>"}};
  directory.write("tokenizer_config.json", config.dump());
  EXPECT_EQ(*open(directory)->encode("a"), (Ids{257, 'a'}));
  config["add_eos_token"] = true;
  directory.write("tokenizer_config.json", config.dump());
  EXPECT_EQ(*open(directory)->encode("a"), (Ids{257, 'a', 256}));
  config["bos_token"] = "<nowhere>";
  directory.write("tokenizer_config.json", config.dump());
  auto refused = Tokenizer::fromDirectory(directory.path());
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find(
                "tokenizer_config.json: error: the bos_token '<nowhere>' is "
                "not in the vocabulary"),
            std::string::npos)
      << refused.error().message;
}

TEST(TokenizerDirectory, CaseAndAddedTokens) {
  TemporaryDirectory directory;
  json file = wordPieceFile({"berlin", "Berlin"});
  directory.write("tokenizer.json", file.dump());
  EXPECT_EQ(*open(directory)->encode("Berlin", false), (Ids{5}));
  json config = {{"do_lower_case", false}};
  directory.write("tokenizer_config.json", config.dump());
  EXPECT_EQ(*open(directory)->encode("Berlin", false), (Ids{6}));
  config["added_tokens_decoder"] = {
      {"5", {{"content", "berlin"}, {"special", true}}}};
  directory.write("tokenizer_config.json", config.dump());
  EXPECT_TRUE(open(directory)->isSpecial(5));
}

TEST(TokenizerDirectory, Words) {
  TemporaryDirectory directory;
  directory.write("vocab.txt", "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nhe\n##y\n");
  EXPECT_EQ(*open(directory)->encode("Hey you"), (Ids{2, 5, 6, 1, 3}));
  auto pair = open(directory)->encodePair("he", "hey");
  ASSERT_TRUE(pair) << pair.error().message;
  EXPECT_EQ(pair->tokens, (Ids{2, 5, 3, 5, 6, 3}));
  directory.write("tokenizer_config.json", R"({"do_lower_case": false})");
  EXPECT_EQ(*open(directory)->encode("Hey he"), (Ids{2, 1, 5, 3}));
}

TEST(TokenizerDirectory, VocabularyAndMerges) {
  TemporaryDirectory directory;
  json vocab;
  std::vector<std::string> letters = byteAlphabet();
  for (int byte = 0; byte < 256; ++byte)
    vocab[letters[byte]] = byte;
  vocab["Ġa"] = 256;
  vocab["<|endoftext|>"] = 257;
  directory.write("vocab.json", vocab.dump());
  directory.write("merges.txt", "#version: 0.2\nĠ a\n");
  auto tokenizer = open(directory);
  EXPECT_EQ(*tokenizer->encode("b a<|endoftext|>"), (Ids{'b', 256, 257}));
  EXPECT_EQ(*tokenizer->decode(Ids{'b', 256}), "b a");
  directory.write("tokenizer_config.json",
                  R"({"tokenizer_class": "CLIPTokenizer"})");
  auto refused = Tokenizer::fromDirectory(directory.path());
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("'CLIPTokenizer' is not known"),
            std::string::npos);
}

//===----------------------------------------------------------------------===//
// SentencePiece
//===----------------------------------------------------------------------===//

static std::string varint(uint64_t value) {
  std::string out;
  for (; value >= 0x80; value >>= 7)
    out += static_cast<char>(value | 0x80);
  return out + static_cast<char>(value);
}

static std::string message(unsigned number, const std::string &bytes) {
  return varint(number << 3 | 2) + varint(bytes.size()) + bytes;
}

static std::string number(unsigned field, uint64_t value) {
  return varint(field << 3) + varint(value);
}

static std::string piece(const std::string &text, float score, int type = 1) {
  std::string bits(4, '\0');
  std::memcpy(bits.data(), &score, 4);
  return message(1, message(1, text) + varint(2 << 3 | 5) + bits +
                        number(3, type));
}

static std::string pieces(int modelType) {
  return piece("<unk>", 0, 2) + piece("<s>", 0, 3) + piece("</s>", 0, 3) +
         piece("▁", -2) + piece("a", -3) + piece("b", -3) + piece("▁a", -4) +
         piece("ab", -2.5) + message(2, number(3, modelType));
}

TEST(SentencePiece, UnigramAndBytePairs) {
  TemporaryDirectory directory;
  directory.write("tokenizer.model", pieces(1));
  EXPECT_EQ(*open(directory)->encode("ab  b "), (Ids{3, 7, 3, 5}));
  EXPECT_EQ(*open(directory)->encode("a x"), (Ids{6, 3, 0}));
  EXPECT_EQ(*open(directory)->decode(Ids{3, 7, 3, 5}), "ab b");
  directory.write("tokenizer.model", pieces(2));
  EXPECT_EQ(*open(directory)->encode("ab"), (Ids{3, 7}));
  directory.write("tokenizer_config.json",
                  R"({"tokenizer_class": "LlamaTokenizer"})");
  EXPECT_EQ(*open(directory)->encode("ab"), (Ids{1, 3, 7}));
  directory.write("tokenizer_config.json",
                  R"({"tokenizer_class": "T5Tokenizer", "extra_ids": 2})");
  EXPECT_EQ(*open(directory)->encode("ab<extra_id_0>"), (Ids{3, 7, 9, 2}));
}

TEST(SentencePiece, DamagedFiles) {
  TemporaryDirectory directory;
  std::string whole = pieces(1);
  for (size_t size = 0; size < whole.size(); ++size) {
    directory.write("tokenizer.model", whole.substr(0, size));
    (void)Tokenizer::fromDirectory(directory.path());
  }
  directory.write("tokenizer.model", pieces(4));
  auto refused = Tokenizer::fromDirectory(directory.path());
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("is of type 4"), std::string::npos);
}
