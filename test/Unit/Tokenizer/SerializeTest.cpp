//===- SerializeTest.cpp - tokenizers in compiled executables ------------===//

#include "TokenizerFiles.h"

#include <chrono>
#include <cstring>

using namespace tenon;
using namespace tenon::test;

static Expected<std::unique_ptr<Tokenizer>> read(std::string_view bytes) {
  return Tokenizer::deserialize(std::as_bytes(std::span(bytes)), "exe");
}

static std::vector<json> files() {
  json added = byteLevelFile({{"h", "e"}});
  added["added_tokens"].push_back(addedToken("<t>", 300, false));
  added["added_tokens"][1]["lstrip"] = true;
  added["normalizer"] = {{"type", "NFC"}};
  return {added, sentencePieceFile({"▁", "a", "b"}, {{"a", "b"}, {"▁", "ab"}}),
          wordPieceFile({"the", "##re", "視", "!"})};
}

TEST(Serialize, TheSameTokenizer) {
  for (const json &file : files()) {
    auto tokenizer = load(file);
    std::string bytes = tokenizer->serialize();
    auto copy = read(bytes);
    ASSERT_TRUE(copy) << copy.error().message;
    EXPECT_EQ((*copy)->serialize(), bytes);
    EXPECT_EQ((*copy)->vocabSize(), tokenizer->vocabSize());
    EXPECT_EQ((*copy)->maskToken(), tokenizer->maskToken());
    std::vector<std::string> texts = manyScripts();
    texts.insert(texts.end(), invalidTexts().begin(), invalidTexts().end());
    texts.push_back("the there!視 hehe <t> ab ab<s>[MASK]");
    for (const std::string &text : texts) {
      Ids tokens = *tokenizer->encode(text);
      EXPECT_EQ(*(*copy)->encode(text), tokens);
      EXPECT_EQ(*(*copy)->decode(tokens), *tokenizer->decode(tokens));
    }
  }
}

TEST(Serialize, Robustness23CutShort) {
  for (const json &file : files()) {
    std::string bytes = load(file)->serialize();
    for (size_t size = 0; size < bytes.size(); ++size) {
      auto copy = read(std::string_view(bytes).substr(0, size));
      ASSERT_FALSE(copy) << size;
      EXPECT_TRUE(copy.error().message.starts_with("exe:"))
          << copy.error().message;
      EXPECT_EQ(copy.error().code, ExitCode::CorruptPayload);
    }
    EXPECT_FALSE(read(bytes + '\0'));
  }
}

// A flipped bit is found or harmless; the executable's checksums find it
// anyway.
TEST(Serialize, Robustness23FlippedBits) {
  unsigned refused = 0;
  for (const json &file : files()) {
    std::string bytes = load(file)->serialize();
    for (size_t at = 0; at < bytes.size(); ++at) {
      for (unsigned char flip : {0x01, 0x80}) {
        std::string damaged = bytes;
        damaged[at] = static_cast<char>(damaged[at] ^ flip);
        auto copy = read(damaged);
        if (!copy) {
          ++refused;
          continue;
        }
        Ids tokens = *(*copy)->encode("hehe the ab 視\xff<s>[MASK]");
        *(*copy)->decode(tokens);
      }
    }
  }
  EXPECT_GT(refused, 100u);
}

TEST(Serialize, Robustness23HugeCounts) {
  std::string bytes = load(files()[1])->serialize();
  // Each 32-bit field in turn claims the most.
  for (size_t at = 8; at + 4 <= bytes.size(); ++at) {
    std::string damaged = bytes;
    std::memset(damaged.data() + at, 0xff, 4);
    if (auto copy = read(damaged))
      *(*copy)->encode("ab");
  }
}

TEST(Serialize, OtherData) {
  auto copy = read("not a tokenizer");
  ASSERT_FALSE(copy);
  EXPECT_EQ(copy.error().message,
            "exe:+0x4: error: expected a serialized tokenizer");
  std::string bytes = load(files()[0])->serialize();
  bytes[4] = 99;
  EXPECT_NE(read(bytes).error().message.find("version 99, expected version 2"),
            std::string::npos);
}

// An executable reads its tokenizer at each start.
TEST(Serialize, LargeVocabularyIsFast) {
  TokenizerModel model;
  model.byteLevel = true;
  for (int byte = 0; byte < 256; ++byte) {
    char c = static_cast<char>(byte);
    model.pieces.append({&c, 1});
  }
  // Words over an alphabet of 50 letters: every merge of a word and a letter.
  uint32_t rank = 0;
  for (uint32_t left = 0; model.pieces.size() < 128000; ++left)
    for (uint32_t right = 'A'; right < 'A' + 50; ++right) {
      std::string text(model.pieces[left]);
      text += static_cast<char>(right);
      uint32_t result = static_cast<uint32_t>(model.pieces.size());
      model.pieces.append(text);
      model.merges.push_back({left, right, result, rank++});
    }
  model.kinds.resize(model.pieces.size());
  auto tokenizer = Tokenizer::fromModel(std::move(model), "m");
  ASSERT_TRUE(tokenizer) << tokenizer.error().message;
  std::string bytes = (*tokenizer)->serialize();
  double best = 1e9;
  for (int i = 0; i < 5; ++i) {
    auto start = std::chrono::steady_clock::now();
    auto copy = read(bytes);
    std::chrono::duration<double> taken =
        std::chrono::steady_clock::now() - start;
    ASSERT_TRUE(copy) << copy.error().message;
    best = std::min(best, taken.count());
  }
  EXPECT_LT(best, 0.05);
}
