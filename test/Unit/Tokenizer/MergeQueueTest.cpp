//===- MergeQueueTest.cpp - merging against its definition ---------------===//
//
// The definition of byte-pair encoding, by search over all pairs for each
// merge, beside the priority queue, on random vocabularies and texts.
//
//===----------------------------------------------------------------------===//

#include "TokenizerFiles.h"

#include <chrono>
#include <map>
#include <random>

using namespace tenon;
using namespace tenon::test;

static std::vector<std::string> mergeByDefinition(const std::string &text,
                                                  const Merges &merges) {
  std::map<std::pair<std::string, std::string>, size_t> ranks;
  for (size_t i = 0; i < merges.size(); ++i)
    ranks[merges[i]] = i;
  std::vector<std::string> symbols;
  for (char c : text)
    symbols.emplace_back(1, c);
  while (true) {
    size_t best = merges.size(), where = 0;
    for (size_t i = 0; i + 1 < symbols.size(); ++i)
      if (auto rank = ranks.find({symbols[i], symbols[i + 1]});
          rank != ranks.end() && rank->second < best)
        best = rank->second, where = i;
    if (best == merges.size())
      return symbols;
    symbols[where] += symbols[where + 1];
    symbols.erase(symbols.begin() + static_cast<ptrdiff_t>(where) + 1);
  }
}

TEST(MergeQueue, AgreesWithTheDefinition) {
  std::mt19937 random(7);
  auto below = [&](size_t limit) { return random() % limit; };
  for (unsigned round = 0; round < 30; ++round) {
    // Merges of tokens made so far, over an alphabet of three letters.
    std::vector<std::string> pieces = {"a", "b", "c"};
    Merges merges;
    std::map<std::string, bool> known;
    while (merges.size() < 25) {
      std::pair pair(pieces[below(pieces.size())],
                     pieces[below(pieces.size())]);
      if (std::find(merges.begin(), merges.end(), pair) != merges.end())
        continue;
      merges.push_back(pair);
      if (!known[pair.first + pair.second]) {
        known[pair.first + pair.second] = true;
        pieces.push_back(pair.first + pair.second);
      }
    }
    std::shuffle(merges.begin(), merges.end(), random);
    json file = byteLevelFile(merges);
    file["pre_tokenizer"]["use_regex"] = false;
    auto tokenizer = load(file);
    for (unsigned i = 0; i < 20; ++i) {
      std::string text;
      for (size_t n = below(60); n > 0; --n)
        text += static_cast<char>('a' + below(3));
      std::vector<std::string> tokens;
      Ids ids = *tokenizer->encode(text);
      for (int32_t token : ids)
        tokens.emplace_back(tokenizer->piece(token));
      ASSERT_EQ(tokens, mergeByDefinition(text, merges)) << text;
    }
  }
}

// A piece of a megabyte: quadratic time would take hours.
TEST(MergeQueue, LongPiece) {
  Merges merges = {{"a", "a"}};
  for (std::string piece = "aa"; piece.size() < 1024; piece += piece)
    merges.push_back({piece, piece});
  auto tokenizer = load(sentencePieceFile({"▁", "a"}, merges));
  std::string text(1 << 20, 'a');
  auto start = std::chrono::steady_clock::now();
  Ids tokens = *tokenizer->encode(text, false);
  std::chrono::duration<double> taken =
      std::chrono::steady_clock::now() - start;
  EXPECT_EQ(tokens.size(), 1 + (size_t(1) << 20) / 1024);
  EXPECT_EQ(*tokenizer->decode(tokens), text);
  EXPECT_LT(taken.count(), 20.0);
}
