//===- SamplerReferenceTest.cpp - draws against exact probabilities -------===//
//
// The chain of cuts computed once more, in the most direct code: every token's
// probability is known, so how often it is drawn has known bounds.
//
//===----------------------------------------------------------------------===//

#include "tenon/Runtime/Sampler.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include <gtest/gtest.h>

using namespace tenon;
using namespace tenon::runtime;

namespace {

/// The probability of each token that may be drawn, by the definitions: repeat
/// penalty, top-k, top-p, min-p, then temperature.
std::map<int32_t, double> probabilities(const SamplerOptions &options,
                                        std::vector<float> logits,
                                        const std::vector<int32_t> &history) {
  std::vector<float> original = logits;
  for (size_t i = 0; i < history.size(); ++i) {
    bool near = options.repeatLastN < 0 ||
                history.size() - i <= static_cast<size_t>(options.repeatLastN);
    float penalty = static_cast<float>(options.repeatPenalty);
    float logit = original[history[i]];
    if (near)
      logits[history[i]] = logit > 0 ? logit / penalty : logit * penalty;
  }
  std::vector<int32_t> order(logits.size());
  for (size_t i = 0; i < order.size(); ++i)
    order[i] = static_cast<int32_t>(i);
  std::sort(order.begin(), order.end(), [&](int32_t a, int32_t b) {
    return std::pair(-logits[a], a) < std::pair(-logits[b], b);
  });
  if (options.topK && static_cast<size_t>(options.topK) < order.size())
    order.resize(options.topK);

  auto softmax = [&](double temperature) {
    std::vector<double> p;
    double sum = 0;
    for (int32_t token : order)
      sum += p.emplace_back(
          std::exp((logits[token] - logits[order[0]]) / temperature));
    for (double &value : p)
      value /= sum;
    return p;
  };
  // The fewest whose probabilities reach p.
  std::vector<double> p = softmax(1);
  double reached = 0;
  size_t keep = 0;
  while (keep < order.size() && reached < options.topP)
    reached += p[keep++];
  if (options.topP < 1)
    order.resize(keep);
  p = softmax(1);
  keep = 0;
  while (keep < order.size() && p[keep] >= options.minP * p[0])
    ++keep;
  order.resize(keep);

  std::map<int32_t, double> result;
  p = softmax(options.temperature);
  for (size_t i = 0; i < order.size(); ++i)
    result[order[i]] = p[i];
  return result;
}

SamplerOptions make(double temperature, int64_t topK, double topP, double minP,
                    double penalty = 1, int64_t lastN = 64) {
  SamplerOptions options;
  options.temperature = temperature;
  options.topK = topK;
  options.topP = topP;
  options.minP = minP;
  options.repeatPenalty = penalty;
  options.repeatLastN = lastN;
  options.seed = 42;
  return options;
}

class SamplerReference : public testing::TestWithParam<SamplerOptions> {};

TEST_P(SamplerReference, DrawsAsOftenAsTheDefinitionSays) {
  const std::vector<float> logits{1.5f, -0.5f, 2.0f, 0.25f, 2.0f, -3.0f,
                                  0.0f, 1.0f,  0.9f, -1.0f, 1.9f, 0.5f};
  const std::vector<int32_t> history{3, 2, 10, 5, 2, 7};
  std::map<int32_t, double> expected =
      probabilities(GetParam(), logits, history);
  Sampler sampler(GetParam());
  constexpr int draws = 20000;
  std::map<int32_t, int> seen;
  for (int i = 0; i < draws; ++i) {
    Expected<int32_t> token = sampler.sample(logits, history);
    ASSERT_TRUE(token);
    ++seen[*token];
  }
  for (auto [token, count] : seen)
    EXPECT_TRUE(expected.contains(token))
        << "token " << token << " was cut off, and drawn " << count << " times";
  for (auto [token, p] : expected)
    // Five standard deviations, and one draw where there are next to none.
    EXPECT_NEAR(seen[token], p * draws, 5 * std::sqrt(p * (1 - p) * draws) + 1)
        << "token " << token;
}

INSTANTIATE_TEST_SUITE_P(
    Chains, SamplerReference,
    testing::Values(
        make(1, 0, 1, 0), make(0.5, 0, 1, 0), make(2, 0, 1, 0),
        // Equal logits at the border of top-k: the lower id stays.
        make(1, 1, 1, 0), make(1, 3, 1, 0), make(1, 12, 1, 0),
        make(1, 100, 1, 0), make(1, 0, 0.3, 0), make(1, 0, 0.9, 0),
        make(1, 0, 1, 0.2), make(1, 0, 1, 1),
        // Cuts are made before the temperature, each on what the last left.
        make(5, 8, 0.8, 0.3), make(0.3, 6, 0.7, 0.5), make(0.8, 40, 0.95, 0.05),
        make(1, 0, 1, 0, 1.5), make(1, 0, 1, 0, 1.5, 2),
        make(1, 0, 1, 0, 1.5, -1), make(1, 0, 1, 0, 0.5, 0),
        make(0.8, 5, 0.9, 0.1, 2, 3)));

TEST(SamplerReproducible, TheChainGivesTheSameTextForASeed) {
  std::vector<float> logits(1000);
  for (size_t i = 0; i < logits.size(); ++i)
    logits[i] = static_cast<float>((i * 7919) % 1000) / 100;
  auto text = [&](uint64_t seed) {
    SamplerOptions options = make(0.8, 40, 0.95, 0.05, 1.1);
    options.seed = seed;
    Sampler sampler(options);
    std::vector<int32_t> history;
    for (int i = 0; i < 200; ++i)
      history.push_back(*sampler.sample(logits, history));
    return history;
  };
  EXPECT_EQ(text(1), text(1));
  EXPECT_NE(text(1), text(2));
  // What the logits hold elsewhere, and where they lie, changes nothing.
  std::vector<float> before = logits;
  text(3);
  EXPECT_EQ(before, logits);
}

/// The token that a full sort leads to.
int32_t drawBySorting(const SamplerOptions &options,
                      const std::vector<float> &logits, Random &random) {
  std::map<int32_t, double> allowed = probabilities(options, logits, {});
  std::vector<int32_t> order;
  for (auto &[token, p] : allowed)
    order.push_back(token);
  std::sort(order.begin(), order.end(), [&](int32_t a, int32_t b) {
    return std::pair(-logits[a], a) < std::pair(-logits[b], b);
  });
  double mark = random.uniform();
  for (int32_t token : order)
    if ((mark -= allowed[token]) < 0)
      return token;
  return order.back();
}

TEST(SamplerOrder, AsWithAFullSort) {
  Random values(11);
  for (size_t size : {1, 2, 63, 64, 65, 1000, 5003}) {
    for (bool hasTies : {false, true}) {
      std::vector<float> logits(size);
      for (float &logit : logits)
        logit = hasTies ? float(values.below(12)) * 0.5f
                        : float(values.uniform() * 16 - 8);
      for (const SamplerOptions &options :
           {make(1, 0, 1, 0), make(3, 0, 1, 0), make(0.8, 40, 0.95, 0.05),
            make(1, 0, 0.9, 0), make(1, 0, 0.9, 0.01), make(1, 0, 1, 0.1),
            make(2, 7, 1, 0), make(1, 600, 0.99, 0), make(1, 1, 0.5, 0.5)}) {
        Sampler sampler(options);
        Random random(options.seed);
        for (int i = 0; i < 20; ++i) {
          Expected<int32_t> token = sampler.sample(logits, {});
          ASSERT_TRUE(token);
          ASSERT_EQ(*token, drawBySorting(options, logits, random))
              << size << " logits, top-k " << options.topK << ", top-p "
              << options.topP << ", min-p " << options.minP;
        }
      }
    }
  }
}

TEST(SamplerOrder, LogitsThatAreNoNumbers) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
  std::vector<float> logits(300, -kInfinity);
  logits[7] = kNaN;
  logits[250] = 1;
  logits[260] = 0.5f;
  for (const SamplerOptions &options :
       {make(1, 0, 1, 0), make(1, 2, 0.9, 0), make(1, 100, 1, 0.1),
        make(1, 0, 0.9, 0.1)}) {
    Sampler sampler(options);
    for (int i = 0; i < 50; ++i) {
      Expected<int32_t> token = sampler.sample(logits, {});
      ASSERT_TRUE(token);
      EXPECT_TRUE(*token == 250 || *token == 260) << *token;
    }
  }
  logits[260] = kInfinity;
  for (const SamplerOptions &options :
       {make(1, 0, 1, 0), make(1, 2, 0.9, 0), make(1, 0, 0.9, 0.1)}) {
    Sampler sampler(options);
    EXPECT_EQ(*sampler.sample(logits, {}), 260);
  }
}

} // namespace
