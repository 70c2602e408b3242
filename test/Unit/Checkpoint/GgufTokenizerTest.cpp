//===- GgufTokenizerTest.cpp - tokenizers from GGUF
//-------------------------===//
//
// Real vocabularies with texts and the tokens that llama.cpp finds in them
// (its models/ggml-vocab-*.gguf, .inp and .out), and vocabularies that are
// wrong. Robustness<n>: item n of what a bad tokenizer gets.
//
//===----------------------------------------------------------------------===//

#include "tenon/Checkpoint/GgufTokenizer.h"
#include "tenon/Tokenizer/Tokenizer.h"

#include "GgufText.h"
#include "TestSupport.h"

#include <gtest/gtest.h>

#include <cmath>
#include <sstream>

using namespace tenon;
using namespace tenon::test;

namespace {

Expected<std::unique_ptr<Tokenizer>> openTokenizer(const std::string &path) {
  Expected<std::unique_ptr<GgufCheckpoint>> file = GgufCheckpoint::open(path);
  if (!file)
    return file.takeError();
  Expected<GgufVocabulary> vocabulary = readGgufVocabulary(**file);
  if (!vocabulary)
    return vocabulary.takeError();
  return Tokenizer::fromGguf(*vocabulary, path);
}

std::string errorOf(const GgufText &text) {
  TemporaryDirectory directory;
  Expected<std::unique_ptr<Tokenizer>> tokenizer =
      openTokenizer(directory.write("v.gguf", text.str()));
  return tokenizer ? "no error" : tokenizer.error().message;
}

std::unique_ptr<Tokenizer> tokenizerOf(const GgufText &text) {
  TemporaryDirectory directory;
  Expected<std::unique_ptr<Tokenizer>> tokenizer =
      openTokenizer(directory.write("v.gguf", text.str()));
  if (tokenizer)
    return std::move(*tokenizer);
  ADD_FAILURE() << tokenizer.error().message;
  return nullptr;
}

void expectHas(const std::string &text, std::string_view part) {
  EXPECT_NE(text.find(part), std::string::npos) << text;
}

std::vector<std::string> cut(std::string_view text, std::string_view mark) {
  std::vector<std::string> parts;
  for (size_t end; (end = text.find(mark)) != text.npos;
       text.remove_prefix(end + mark.size()))
    parts.emplace_back(text.substr(0, end));
  parts.emplace_back(text);
  return parts;
}

/// The keys of a small SentencePiece vocabulary.
GgufText scored() {
  GgufText file;
  file.text("tokenizer.ggml.model", "llama")
      .strings("tokenizer.ggml.tokens", {"<unk>", "<s>", "</s>", "▁", "a", "b",
                                         "ab", "▁a", "<0x63>", "<user>"})
      .array<float>("tokenizer.ggml.scores", 6,
                    {0, 0, 0, -9, -8, -7, -1, -2, 0, 0})
      .array<int32_t>("tokenizer.ggml.token_type", 5,
                      {2, 3, 3, 1, 1, 1, 1, 1, 6, 4})
      .u32("tokenizer.ggml.bos_token_id", 1)
      .u32("tokenizer.ggml.eos_token_id", 2);
  return file;
}

GgufText merged(std::string_view pre = "gpt-2") {
  GgufText file;
  file.text("tokenizer.ggml.model", "gpt2")
      .text("tokenizer.ggml.pre", pre)
      .strings("tokenizer.ggml.tokens", {"a", "b", "Ġ", "ab", "Ġab"});
  return file;
}

} // namespace

class GgufVocabularies : public testing::TestWithParam<const char *> {};

TEST_P(GgufVocabularies, TokensOfLlamaCpp) {
  TENON_NEEDS_SHARED_DATA();
  std::string path =
      sharedDirectory() + "/tokenizers/ggml-vocab-" + GetParam() + ".gguf";
  if (!std::filesystem::exists(path))
    GTEST_SKIP() << path << " is absent";
  Expected<std::unique_ptr<Tokenizer>> opened = openTokenizer(path);
  ASSERT_TRUE(opened) << opened.error().message;
  // What executables hold is the same tokenizer.
  std::string serialized = (*opened)->serialize();
  Expected<std::unique_ptr<Tokenizer>> copy =
      Tokenizer::deserialize(std::as_bytes(std::span(serialized)));
  ASSERT_TRUE(copy) << copy.error().message;

  std::vector<std::string> texts =
      cut(readFile(path + ".inp"), "\n__ggml_vocab_test__\n");
  std::vector<std::string> lines = cut(readFile(path + ".out"), "\n");
  ASSERT_GT(texts.size(), 40u);
  ASSERT_GE(lines.size(), texts.size() - 1);
  size_t count = 0;
  for (size_t i = 0; i < texts.size() && i < lines.size(); ++i) {
    if (i + 1 == texts.size() && texts[i].empty())
      break; // after the last mark
    std::vector<int32_t> expected;
    std::istringstream line(lines[i]);
    for (int32_t id; line >> id;)
      expected.push_back(id);
    EXPECT_EQ(*(*opened)->encode(texts[i], false), expected)
        << i << ": " << texts[i];
    EXPECT_EQ(*(*copy)->encode(texts[i], false), expected) << i;
    ++count;
  }
  EXPECT_GT(count, 40u);
}

INSTANTIATE_TEST_SUITE_P(Shared, GgufVocabularies,
                         testing::Values("llama-spm", "gpt-2", "bert-bge",
                                         "falcon", "deepseek-llm"));

TEST(GgufTokenizer, Scores) {
  std::unique_ptr<Tokenizer> tokenizer = tokenizerOf(scored());
  ASSERT_NE(tokenizer, nullptr);
  // "▁ab": "ab" has the highest score, though "▁a" comes first.
  EXPECT_EQ(*tokenizer->encode("ab"), (std::vector<int32_t>{1, 3, 6}));
  EXPECT_EQ(*tokenizer->encode("aa", false), (std::vector<int32_t>{7, 4}));
  EXPECT_EQ(*tokenizer->encode("c", false), (std::vector<int32_t>{3, 8}));
  EXPECT_EQ(*tokenizer->encode("d", false), (std::vector<int32_t>{3, 0}));
  EXPECT_EQ(*tokenizer->encode("a<user>b", false),
            (std::vector<int32_t>{7, 9, 3, 5}));
  EXPECT_EQ(*tokenizer->decode(std::vector<int32_t>{1, 3, 6, 7}), "ab a");
  EXPECT_TRUE(tokenizer->isSpecial(1));
  EXPECT_FALSE(tokenizer->isSpecial(9));
  std::unique_ptr<Tokenizer> plain = tokenizerOf(
      scored()
          .value("tokenizer.ggml.add_bos_token", 7, raw<uint8_t>(0))
          .value("tokenizer.ggml.add_eos_token", 7, raw<uint8_t>(1))
          .value("tokenizer.ggml.add_space_prefix", 7, raw<uint8_t>(0)));
  ASSERT_NE(plain, nullptr);
  EXPECT_EQ(*plain->encode("ab"), (std::vector<int32_t>{6, 2}));
}

TEST(GgufTokenizer, Merges) {
  std::unique_ptr<Tokenizer> tokenizer =
      tokenizerOf(merged().strings("tokenizer.ggml.merges", {"a b", "Ġ ab"}));
  ASSERT_NE(tokenizer, nullptr);
  EXPECT_EQ(*tokenizer->encode("ab ab"), (std::vector<int32_t>{3, 4}));
  EXPECT_EQ(*tokenizer->decode(std::vector<int32_t>{4, 0}), " aba");
}

TEST(GgufTokenizer, Robustness16Vocabulary) {
  expectHas(errorOf(GgufText().u32("k", 1)),
            "'tokenizer.ggml.model' is missing");
  expectHas(errorOf(GgufText().text("tokenizer.ggml.model", "llama")),
            "'tokenizer.ggml.tokens' is missing");
  expectHas(errorOf(GgufText().u32("tokenizer.ggml.model", 1)),
            "is a u32; expected a string");
  expectHas(
      errorOf(merged("who-knows").strings("tokenizer.ggml.merges", {"a b"})),
      "isn't known: 'who-knows'");
  expectHas(errorOf(merged().strings("tokenizer.ggml.merges", {"a c"})),
            "the token 'c' is not in the vocabulary");
  expectHas(errorOf(merged().strings("tokenizer.ggml.merges", {"b a"})),
            "the token 'ba' is not in the vocabulary");
  expectHas(errorOf(merged().strings("tokenizer.ggml.merges", {"ab"})),
            "expected two tokens");
  expectHas(errorOf(merged().strings("tokenizer.ggml.merges", {"a "})),
            "expected two tokens");
  expectHas(errorOf(GgufText()
                        .text("tokenizer.ggml.model", "rwkv")
                        .strings("tokenizer.ggml.tokens", {"a"})),
            "is 'rwkv', which is not supported");
  auto llama = [](std::vector<float> scores, std::vector<int32_t> types) {
    return GgufText()
        .text("tokenizer.ggml.model", "llama")
        .strings("tokenizer.ggml.tokens", {"a", "<0x-1>"})
        .array("tokenizer.ggml.scores", 6, scores)
        .array("tokenizer.ggml.token_type", 5, types);
  };
  expectHas(errorOf(llama({1}, {1, 1})), "1 entries for 2 tokens");
  expectHas(errorOf(llama({1, 2}, {1})), "1 entries for 2 tokens");
  expectHas(errorOf(llama({1, 2}, {1, 9})), "the unknown type 9 at 1");
  expectHas(errorOf(llama({1, 2}, {1, 6})), "byte token '<0x-1>'");
  expectHas(errorOf(llama({1, NAN}, {1, 1})), "NaN");
  for (const char *key : {"bos_token_id", "eos_token_id", "unknown_token_id"})
    expectHas(
        errorOf(
            llama({1, 2}, {1, 1}).u32(std::string("tokenizer.ggml.") + key, 2)),
        "is 2, but the vocabulary has 2 tokens");
}
