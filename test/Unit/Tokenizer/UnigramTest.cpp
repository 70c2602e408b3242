//===- UnigramTest.cpp - the likeliest cut, and its normalization --------===//
//
// Ids and texts: Hugging Face's tokenizers 0.23.2 on the same files.
//
//===----------------------------------------------------------------------===//

#include "Tokenizer/CharsMap.h"
#include "TokenizerFiles.h"

#include <cmath>
#include <limits>
#include <random>

using namespace tenon;
using namespace tenon::test;

using Vocabulary = std::vector<std::pair<std::string, double>>;

static json unigramFile(const Vocabulary &vocab, bool byteFallback = false) {
  return {{"model",
           {{"type", "Unigram"},
            {"unk_id", 0},
            {"byte_fallback", byteFallback},
            {"vocab", vocab}}}};
}

TEST(Unigram, TheSumCounts) {
  auto tokenizer = load(unigramFile({{"<unk>", 0.0},
                                     {"a", -1.0},
                                     {"b", -1.0},
                                     {"ab", -2.5},
                                     {"abc", -4.0},
                                     {"c", -3.0}}));
  EXPECT_EQ(*tokenizer->encode("ab"), (Ids{1, 2}));
  EXPECT_EQ(*tokenizer->encode("abc"), (Ids{4}));
  EXPECT_EQ(*tokenizer->encode(""), Ids{});
  // A token's own spelling is found in text.
  EXPECT_EQ(*tokenizer->encode("<unk>"), (Ids{0}));
}

TEST(Unigram, UnknownCodePoints) {
  Vocabulary vocab = {{"<unk>", 0.0}, {"a", -1.0}};
  auto tokenizer = load(unigramFile(vocab));
  EXPECT_EQ(*tokenizer->encode("aéèa"), (Ids{1, 0, 1}));
  for (int byte = 0; byte < 256; ++byte) {
    char name[8];
    std::snprintf(name, sizeof name, "<0x%02X>", byte);
    vocab.emplace_back(name, -5.0);
  }
  EXPECT_EQ(*load(unigramFile(vocab, true))->encode("aé"),
            (Ids{1, 2 + 0xc3, 2 + 0xa9}));
}

TEST(Unigram, BadFiles) {
  json file = unigramFile({{"a", -1.0}});
  file["model"]["unk_id"] = 7;
  EXPECT_NE(refusal(file).find("\"unk_id\" is 7"), std::string::npos);
  file["model"]["vocab"] = json::array({json::array({"a", "x"})});
  EXPECT_NE(refusal(file).find("no pair"), std::string::npos);
  file["model"]["vocab"] = json::object();
  EXPECT_NE(refusal(file).find("an array \"vocab\""), std::string::npos);
}

// Viterbi's best sum equals that of all ways to cut, tried one by one.
TEST(Unigram, AgainstAllCuts) {
  std::mt19937 random(5);
  for (int round = 0; round < 50; ++round) {
    Vocabulary vocab = {{"<unk>", 0.0}, {"a", -3.5}, {"b", -3.25}};
    std::vector<std::string> pieces = {"", "a", "b"};
    std::vector<double> scores = {0, -3.5, -3.25};
    while (pieces.size() < 12) {
      std::string piece;
      for (size_t n = random() % 4 + 2; n > 0; --n)
        piece += static_cast<char>('a' + random() % 2);
      if (std::find(pieces.begin(), pieces.end(), piece) != pieces.end())
        continue;
      pieces.push_back(piece);
      scores.push_back(-1.0 - double(random() % 4096) / 512);
      vocab.emplace_back(piece, scores.back());
    }
    auto tokenizer = load(unigramFile(vocab));
    std::string text;
    for (int i = 0; i < 12; ++i)
      text += static_cast<char>('a' + random() % 2);
    std::vector<double> best(text.size() + 1, -INFINITY);
    best[0] = 0;
    for (size_t end = 1; end <= text.size(); ++end)
      for (size_t i = 1; i < pieces.size(); ++i)
        if (pieces[i].size() <= end &&
            text.compare(end - pieces[i].size(), pieces[i].size(), pieces[i]) ==
                0)
          best[end] =
              std::max(best[end], best[end - pieces[i].size()] + scores[i]);
    double sum = 0;
    std::string joined;
    Ids tokens = *tokenizer->encode(text);
    for (int32_t token : tokens) {
      sum += scores[token];
      joined += pieces[token];
    }
    EXPECT_EQ(joined, text);
    EXPECT_DOUBLE_EQ(sum, best.back());
  }
}

TEST(WordLevel, WholePieces) {
  json file = {{"pre_tokenizer", {{"type", "Whitespace"}}},
               {"model",
                {{"type", "WordLevel"},
                 {"unk_token", "<unk>"},
                 {"vocab", {{"<unk>", 0}, {"hello", 1}, {"!", 2}}}}}};
  EXPECT_EQ(*load(file)->encode("hello there!"), (Ids{1, 0, 2}));
}

TEST(BytePairs, Affixes) {
  json file = {
      {"pre_tokenizer", {{"type", "WhitespaceSplit"}}},
      {"decoder", {{"type", "BPEDecoder"}, {"suffix", "</w>"}}},
      {"model",
       {{"type", "BPE"},
        {"end_of_word_suffix", "</w>"},
        {"vocab",
         {{"a", 0}, {"b", 1}, {"b</w>", 2}, {"ab</w>", 3}, {"a</w>", 4}}},
        {"merges", json::array({json::array({"a", "b</w>"})})}}}};
  auto tokenizer = load(file);
  EXPECT_EQ(*tokenizer->encode("ab ba a"), (Ids{3, 1, 4, 4}));
  EXPECT_EQ(*tokenizer->decode(Ids{3, 1, 4, 4}), "ab ba a");
}

//===----------------------------------------------------------------------===//
// Compiled rules
//===----------------------------------------------------------------------===//

// A trie of one-byte rules: 'A' becomes "a", '\t' becomes " ".
static std::string smallRules() {
  std::vector<uint32_t> units(512, 0);
  auto offset = [](uint32_t value) { return value << 10; };
  units[0] = offset(256); // children of the root: 256 ^ byte
  uint32_t leaf = 1;      // of 'A', then of '\t'
  for (auto [byte, at] : {std::pair('A', 0u), std::pair('\t', 2u)}) {
    uint32_t node = 256 ^ static_cast<uint8_t>(byte);
    units[node] = offset(node ^ leaf) | (1 << 8) | static_cast<uint8_t>(byte);
    units[leaf++] = (1u << 31) | at;
  }
  std::string rules;
  auto append = [&](uint32_t value) {
    rules.append(reinterpret_cast<const char *>(&value), 4);
  };
  append(static_cast<uint32_t>(units.size() * 4));
  for (uint32_t unit : units)
    append(unit);
  return rules + std::string("a\0 \0", 4);
}

TEST(CharsMap, Replaces) {
  std::string rules = smallRules();
  ASSERT_TRUE(CharsMap::isWellFormed(rules));
  for (bool graphemes : {false, true}) {
    Expected<CharsMap> map = CharsMap::create(rules, graphemes);
    ASSERT_TRUE(map) << map.error().message;
    WorkBudget budget(100);
    EXPECT_EQ(map->apply("bAé\tA", budget), "baé a");
  }
}

TEST(CharsMap, DamagedRules) {
  EXPECT_TRUE(CharsMap::isWellFormed(""));
  EXPECT_FALSE(CharsMap::isWellFormed("abc"));
  EXPECT_FALSE(CharsMap::isWellFormed(std::string("\xff\xff\xff\x7f", 4)));
  // Whatever the units say, nothing outside is read.
  std::mt19937 random(3);
  for (int round = 0; round < 200; ++round) {
    std::string rules = smallRules();
    for (int i = 0; i < 200; ++i)
      rules[4 + random() % (rules.size() - 4)] = static_cast<char>(random());
    Expected<CharsMap> map = CharsMap::create(rules, false);
    WorkBudget budget(100);
    map->apply("AAbAé\tA\xff", budget);
  }
}
