//===- BeamSearchTest.cpp - the likeliest texts ---------------------------===//

#include "tenon/Runtime/BeamSearch.h"
#include "tenon/Runtime/Sampler.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

using namespace tenon::runtime;

namespace {

constexpr int32_t kVocabulary = 4, kEnd = 3;
using Tokens = std::vector<int32_t>;

/// Log-probabilities that depend on all tokens before.
std::vector<float> rowAfter(const Tokens &tokens) {
  uint64_t seed = 1;
  for (int32_t token : tokens)
    seed = seed * 1000003 + token;
  Random random(seed);
  std::vector<float> logits(kVocabulary), row;
  for (float &logit : logits)
    logit = static_cast<float>(3 * random.uniform());
  toLogProbabilities(logits, row);
  return row;
}

std::vector<BeamSearch::Beam> search(BeamOptions options, Tokens prompt,
                                     size_t *steps = nullptr) {
  BeamSearch search(std::move(options), std::move(prompt));
  bool goesOn = true;
  while (goesOn) {
    std::vector<std::vector<float>> rows;
    for (const BeamSearch::Beam &beam : search.running())
      rows.push_back(rowAfter(beam.tokens));
    goesOn = search.advance(rows);
    if (steps)
      ++*steps;
  }
  return search.results();
}

/// All texts that end, or are as long as they may be, with their scores.
void enumerate(const Tokens &tokens, float score, const BeamOptions &options,
               std::vector<BeamSearch::Beam> &out) {
  std::vector<float> row = rowAfter(tokens);
  for (int32_t token = 0; token < kVocabulary; ++token) {
    Tokens next = tokens;
    next.push_back(token);
    float sum = row[token] + score;
    if (token != kEnd && next.size() < options.maxLength) {
      enumerate(next, sum, options, out);
      continue;
    }
    out.push_back({next,
                   sum / static_cast<float>(std::pow(
                             static_cast<double>(next.size() - 1),
                             options.lengthPenalty)),
                   0});
  }
}

BeamOptions options(size_t beams, double penalty, BeamOptions::Stop stop) {
  BeamOptions result;
  result.beams = beams;
  result.lengthPenalty = penalty;
  result.stop = stop;
  result.maxLength = 5;
  result.ends = {kEnd};
  return result;
}

TEST(BeamSearchTest, EnoughBeamsFindTheBestOfAll) {
  for (double penalty : {0.0, 0.7, 1.0, 2.0})
    for (int32_t first = 0; first < 20; ++first) {
      // As many beams as there are texts: nothing is left out.
      BeamOptions all = options(300, penalty, BeamOptions::Stop::Never);
      std::vector<BeamSearch::Beam> found = search(all, {first}), wanted;
      enumerate({first}, 0, all, wanted);
      std::ranges::stable_sort(wanted, std::greater<>(),
                               &BeamSearch::Beam::score);
      ASSERT_FALSE(found.empty());
      EXPECT_EQ(found[0].tokens, wanted[0].tokens) << penalty;
      EXPECT_FLOAT_EQ(found[0].score, wanted[0].score);
    }
}

TEST(BeamSearchTest, OneBeamIsGreedyUnlessATextEnds) {
  BeamOptions one = options(1, 1, BeamOptions::Stop::Full);
  one.ends.clear();
  Tokens greedy = {7};
  while (greedy.size() < one.maxLength)
    greedy.push_back(static_cast<int32_t>(argmax(rowAfter(greedy))));
  std::vector<BeamSearch::Beam> found = search(one, {7});
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].tokens, greedy);
}

TEST(BeamSearchTest, WhatIsForbiddenNeverFollows) {
  BeamOptions two = options(2, 1, BeamOptions::Stop::Likely);
  BeamSearch search(two, {0});
  float never = -std::numeric_limits<float>::infinity();
  EXPECT_TRUE(search.advance({{{never, 0, never, never}}}));
  ASSERT_EQ(search.running().size(), 1u);
  EXPECT_EQ(search.running()[0].tokens, (Tokens{0, 1}));
}

// The end is the second best of two beams: it is a result, and both beams go
// on with others. Worse ends are none.
TEST(BeamSearchTest, EndsAmongTheBestAreResults) {
  BeamOptions two = options(2, 1, BeamOptions::Stop::Likely);
  BeamSearch search(two, {0});
  EXPECT_TRUE(search.advance({{{-1, -3, -4, -2}}}));
  ASSERT_EQ(search.results().size(), 1u);
  EXPECT_EQ(search.results()[0].tokens, (Tokens{0, kEnd}));
  EXPECT_EQ(search.results()[0].score, -2);
  ASSERT_EQ(search.running().size(), 2u);
  EXPECT_EQ(search.running()[0].tokens, (Tokens{0, 0}));
  EXPECT_EQ(search.running()[1].tokens, (Tokens{0, 1}));

  BeamSearch other(two, {0});
  EXPECT_TRUE(other.advance({{{-1, -2, -4, -3}}}));
  EXPECT_TRUE(other.results().empty());
}

TEST(BeamSearchTest, StopsAsTold) {
  size_t likely = 0, full = 0, never = 0;
  for (int32_t first = 0; first < 50; ++first) {
    search(options(3, 1, BeamOptions::Stop::Likely), {first}, &likely);
    search(options(3, 1, BeamOptions::Stop::Full), {first}, &full);
    search(options(3, 1, BeamOptions::Stop::Never), {first}, &never);
  }
  EXPECT_LE(full, likely);
  EXPECT_LE(likely, never);
  EXPECT_LT(full, never);
}

TEST(BeamSearchTest, LogProbabilities) {
  std::vector<float> row;
  toLogProbabilities(std::vector<float>{1, 1, std::nanf(""), 1}, row);
  EXPECT_FLOAT_EQ(row[0], -std::log(3.0f));
  EXPECT_EQ(row[2], -std::numeric_limits<float>::infinity());
}

} // namespace
