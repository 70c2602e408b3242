//===- SamplerTest.cpp - cutting and drawing ------------------------------===//
#include "tenon/Runtime/Sampler.h"

#include <cmath>
#include <limits>
#include <set>

#include <gtest/gtest.h>

using namespace tenon;
using namespace tenon::runtime;

namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInf = std::numeric_limits<float>::infinity();

SamplerOptions plain() {
  SamplerOptions options;
  options.temperature = 1;
  options.topK = 0;
  options.topP = 1;
  options.minP = 0;
  return options;
}

/// The tokens that come up in many draws.
std::set<int32_t> support(SamplerOptions options, std::vector<float> logits,
                          std::vector<int32_t> history = {}) {
  Sampler sampler(options);
  std::set<int32_t> seen;
  for (int i = 0; i < 4000; ++i)
    seen.insert(*sampler.sample(logits, history));
  return seen;
}

TEST(Argmax, LowestIndexAmongEquals) {
  EXPECT_EQ(argmax(std::vector<float>{1, 3, 3, 2}), 1);
  std::vector<float> many(1003, 0.f);
  many[1001] = many[500] = 4;
  EXPECT_EQ(argmax(many), 500);
  EXPECT_EQ(argmax(std::vector<float>{-2, -1}), 1);
}

TEST(Argmax, SkipsNan) {
  EXPECT_EQ(argmax(std::vector<float>{kNan, 1, kNan, 2, kNan}), 3);
  EXPECT_EQ(argmax(std::vector<float>{kNan, kNan}), -1);
  EXPECT_EQ(argmax(std::vector<float>{-kInf, kNan}), -1);
  EXPECT_EQ(argmax(std::vector<float>{1, kInf, kInf}), 1);
  EXPECT_EQ(argmax({}), -1);
}

TEST(LogSumExp, MatchesTheDefinition) {
  std::vector<float> values{1, 2, 3};
  EXPECT_NEAR(logSumExp(values),
              std::log(std::exp(1) + std::exp(2) + std::exp(3)), 1e-12);
  EXPECT_NEAR(logSumExp(std::vector<float>{1000, 1000}), 1000 + std::log(2),
              1e-9);
  EXPECT_NEAR(logSumExp(std::vector<float>{0, kNan, 0}), std::log(2), 1e-12);
  EXPECT_EQ(logSumExp(std::vector<float>{3, -kInf, -800}), 3);
  EXPECT_EQ(logSumExp(std::vector<float>{kInf, 1}), kInf);
  EXPECT_EQ(logSumExp({}), -kInf);
  // Differences of all sizes, in whole registers and behind them.
  for (size_t count : {1, 15, 16, 17, 1000}) {
    std::vector<float> many;
    double sum = 0;
    for (size_t i = 0; i < count; ++i) {
      many.push_back(-0.731f * static_cast<float>(i));
      sum += std::exp(static_cast<double>(many.back()));
    }
    EXPECT_NEAR(logSumExp(many), std::log(sum), 2e-15);
  }
}

TEST(Sampler, GreedyTakesTheLargest) {
  SamplerOptions options;
  options.temperature = 0;
  Sampler sampler(options);
  EXPECT_EQ(*sampler.sample(std::vector<float>{0, 5, 5}, {}), 1);
}

TEST(Sampler, RepeatPenalty) {
  SamplerOptions options;
  options.temperature = 0;
  options.repeatPenalty = 2;
  Sampler sampler(options);
  // 5 / 2 < 3; a token that occurs twice is punished once: 5 / 2 > 2.
  EXPECT_EQ(*sampler.sample(std::vector<float>{5, 3}, std::vector{0}), 1);
  EXPECT_EQ(*sampler.sample(std::vector<float>{5, 2}, std::vector{0, 0}), 0);
  // Negative logits are multiplied.
  EXPECT_EQ(*sampler.sample(std::vector<float>{-1, -1.5}, std::vector{0}), 1);
  // Ids outside of the row are ignored.
  EXPECT_EQ(*sampler.sample(std::vector<float>{5, 3}, std::vector{9, -1}), 0);
}

TEST(Sampler, RepeatPenaltyLooksBackSoFar) {
  SamplerOptions options;
  options.temperature = 0;
  options.repeatPenalty = 2;
  options.repeatLastN = 1;
  std::vector<float> logits{5, 3};
  EXPECT_EQ(*Sampler(options).sample(logits, std::vector{0, 1}), 0);
  options.repeatLastN = -1;
  EXPECT_EQ(*Sampler(options).sample(logits, std::vector{0, 5}), 1);
  options.repeatLastN = 0;
  EXPECT_EQ(*Sampler(options).sample(logits, std::vector{0}), 0);
}

TEST(Sampler, TopK) {
  SamplerOptions options = plain();
  options.topK = 2;
  EXPECT_EQ(support(options, {1, 2, 3, 2, 0}), (std::set<int32_t>{1, 2}));
}

TEST(Sampler, TopP) {
  SamplerOptions options = plain();
  // Probabilities 0.5, 0.3, 0.2.
  std::vector<float> logits{std::log(0.2f), std::log(0.5f), std::log(0.3f)};
  options.topP = 0.45;
  EXPECT_EQ(support(options, logits), (std::set<int32_t>{1}));
  options.topP = 0.7;
  EXPECT_EQ(support(options, logits), (std::set<int32_t>{1, 2}));
  options.topP = 0.9;
  EXPECT_EQ(support(options, logits), (std::set<int32_t>{0, 1, 2}));
}

TEST(Sampler, MinP) {
  SamplerOptions options = plain();
  std::vector<float> logits{std::log(0.2f), std::log(0.5f), std::log(0.3f)};
  options.minP = 0.5;
  EXPECT_EQ(support(options, logits), (std::set<int32_t>{1, 2}));
  options.minP = 1;
  EXPECT_EQ(support(options, logits), (std::set<int32_t>{1}));
}

TEST(Sampler, FrequenciesFollowTheTemperature) {
  for (double temperature : {0.5, 1.0, 2.0}) {
    SamplerOptions options = plain();
    options.temperature = temperature;
    Sampler sampler(options);
    std::vector<float> logits{0, 1};
    int ones = 0;
    constexpr int draws = 20000;
    for (int i = 0; i < draws; ++i)
      ones += *sampler.sample(logits, {});
    double expected = 1 / (1 + std::exp(-1 / temperature));
    // Five standard deviations.
    EXPECT_NEAR(double(ones) / draws, expected,
                5 * std::sqrt(expected * (1 - expected) / draws));
  }
}

TEST(Sampler, SeedDecides) {
  SamplerOptions options = plain();
  std::vector<float> logits(100, 0.f);
  auto draw = [&](uint64_t seed) {
    options.seed = seed;
    Sampler sampler(options);
    std::vector<int32_t> tokens;
    for (int i = 0; i < 20; ++i)
      tokens.push_back(*sampler.sample(logits, {}));
    return tokens;
  };
  EXPECT_EQ(draw(7), draw(7));
  EXPECT_NE(draw(7), draw(8));
}

TEST(Sampler, NanAndInfinity) {
  SamplerOptions options = plain();
  EXPECT_EQ(support(options, {kNan, 1, -kInf, kNan}), (std::set<int32_t>{1}));
  EXPECT_EQ(support(options, {1, kInf, 2}), (std::set<int32_t>{1}));
  Sampler sampler(options);
  EXPECT_FALSE(sampler.sample(std::vector<float>{kNan, kNan}, {}));
  EXPECT_FALSE(sampler.sample({}, {}));
}

TEST(Sampler, BadOptionsAreExplained) {
  auto wrong = [](auto change) {
    SamplerOptions options;
    change(options);
    return options.check();
  };
  EXPECT_EQ(SamplerOptions().check(), "");
  EXPECT_EQ(wrong([](auto &o) { o.topP = 1.5; }),
            "top-p is 1.5, must be above 0, 1 at most");
  EXPECT_NE(wrong([](auto &o) { o.temperature = -1; }), "");
  EXPECT_NE(wrong([](auto &o) { o.temperature = kNan; }), "");
  EXPECT_NE(wrong([](auto &o) { o.topK = -1; }), "");
  EXPECT_NE(wrong([](auto &o) { o.topP = 0; }), "");
  EXPECT_NE(wrong([](auto &o) { o.minP = 2; }), "");
  EXPECT_NE(wrong([](auto &o) { o.repeatPenalty = 0; }), "");
  EXPECT_NE(wrong([](auto &o) { o.repeatLastN = -2; }), "");
}

TEST(Random, KnownSequence) {
  // xoshiro256** from the state that splitmix64 makes of seed 0; the first
  // outputs of the reference implementation.
  Random random(0);
  EXPECT_EQ(random.next(), 11091344671253066420u);
  EXPECT_EQ(random.next(), 13793997310169335082u);
  for (int i = 0; i < 1000; ++i) {
    double u = random.uniform();
    ASSERT_TRUE(u >= 0 && u < 1);
    ASSERT_LT(random.below(10), 10u);
  }
}

} // namespace
