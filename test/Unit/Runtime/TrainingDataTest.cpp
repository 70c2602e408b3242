//===- TrainingDataTest.cpp -----------------------------------------------===//
#include "tenon/Runtime/TrainingData.h"

#include "tenon/Runtime/Masking.h"
#include "tenon/Runtime/Optimizer.h"
#include "tenon/Runtime/Permutation.h"
#include "tenon/Runtime/SpanCorruption.h"

#include "../TestSupport.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <numeric>
#include <set>

using namespace tenon;
using namespace tenon::runtime;
using tenon::test::TemporaryDirectory;

TEST(PermutationTest, HasEachNumberOnce) {
  for (uint64_t size : {1, 2, 3, 4, 5, 16, 17, 100, 1000, 4097}) {
    Permutation order(size, 7);
    std::set<uint64_t> found;
    for (uint64_t i = 0; i < size; ++i) {
      ASSERT_LT(order(i), size);
      found.insert(order(i));
    }
    EXPECT_EQ(found.size(), size);
  }
}

TEST(PermutationTest, IsChosenByTheKey) {
  Permutation one(1000, 1), same(1000, 1), other(1000, 2);
  int moved = 0, fixed = 0;
  for (uint64_t i = 0; i < 1000; ++i) {
    EXPECT_EQ(one(i), same(i));
    moved += one(i) != other(i);
    fixed += one(i) == i;
  }
  EXPECT_GT(moved, 950);
  EXPECT_LT(fixed, 20);
}

TEST(PermutationTest, ReachesFarPlacesAtOnce) {
  const uint64_t size = uint64_t(1) << 62;
  Permutation order(size, 3);
  EXPECT_LT(order(size - 1), size);
  EXPECT_NE(order(size - 1), order(size - 2));
}

static std::vector<int32_t> list(std::span<const int32_t> values) {
  return {values.begin(), values.end()};
}

TEST(TrainingDataTest, EachTokenIsTheTargetOfTheOneBefore) {
  TrainingData data;
  data.add(std::vector<int32_t>{5, 6, 7});
  TrainingSequence sequence = data.sequence(0);
  EXPECT_EQ(list(sequence.targets), (std::vector<int32_t>{6, 7}));
  EXPECT_EQ(sequence.asked, 2);
}

TEST(TrainingDataTest, TokensThatAreNotLearnedAreNoTargets) {
  TrainingData data;
  data.add(std::vector<int32_t>{5, 6, 7});
  data.add(std::vector<int32_t>{1, 2, 3, 4}, {false, false, true, true});
  data.add(std::vector<int32_t>{8, 9});
  data.add(std::vector<int32_t>{1, 2}, {true, false}); // has no target
  ASSERT_EQ(data.count(), 3u);
  EXPECT_EQ(list(data.sequence(0).targets), (std::vector<int32_t>{6, 7}));
  EXPECT_EQ(list(data.sequence(1).targets), (std::vector<int32_t>{-1, 3, 4}));
  EXPECT_EQ(list(data.sequence(2).targets), (std::vector<int32_t>{9}));
  EXPECT_EQ(data.sequence(1).asked, 2);
}

TEST(TrainingDataTest, HashTellsDataApart) {
  TrainingData one, cut, masked;
  one.add(std::vector<int32_t>{1, 2, 3, 4});
  cut.add(std::vector<int32_t>{1, 2});
  cut.add(std::vector<int32_t>{3, 4});
  masked.add(std::vector<int32_t>{1, 2, 3, 4}, {false, false, true, true});
  EXPECT_NE(one.hash(), cut.hash());
  EXPECT_NE(one.hash(), masked.hash());
}

TEST(TrainingDataTest, ReadsTheHeaderOfLlmC) {
  TemporaryDirectory directory;
  std::string bytes(1024, '\0');
  const int32_t header[3] = {20240520, 1, 3};
  std::memcpy(bytes.data(), header, sizeof header);
  bytes += std::string("\x07\0\x08\0\x2c\x01", 6);
  std::string path = directory.write("data.bin", bytes);
  auto data = TrainingData::readTokens(path, 301, 8);
  ASSERT_TRUE(data);
  EXPECT_EQ(list(data->sequence(0).tokens), (std::vector<int32_t>{7, 8, 300}));
}

TEST(TrainingDataTest, LabelsAreOfTheTokensThemselves) {
  TrainingData data;
  data.addLabelled(std::vector<int32_t>{5, 6, 7},
                   std::vector<int32_t>{2, -1, 0});
  data.addLabelled(std::vector<int32_t>{8, 9}, std::vector<int32_t>{4});
  data.addLabelled(std::vector<int32_t>{8}, std::vector<int32_t>{-1});
  ASSERT_EQ(data.count(), 2u);
  TrainingSequence tokens = data.sequence(0), text = data.sequence(1);
  EXPECT_EQ(tokens.fed, 3);
  EXPECT_EQ(list(tokens.targets), (std::vector<int32_t>{2, -1, 0}));
  EXPECT_EQ(tokens.asked, 2);
  EXPECT_EQ(text.fed, 2);
  EXPECT_EQ(text.targets[0], 4);
  EXPECT_EQ(text.asked, 1);
}

TEST(TrainingDataTest, ASequenceHasTheSourceItFollows) {
  TrainingData data;
  data.addAfter(std::vector<int32_t>{1, 2, 3}, std::vector<int32_t>{0, 4});
  data.addAfter(std::vector<int32_t>{9}, std::vector<int32_t>{0, 5, 6});
  EXPECT_EQ(list(data.sequence(0).source), (std::vector<int32_t>{1, 2, 3}));
  EXPECT_EQ(list(data.sequence(1).source), std::vector<int32_t>{9});
  EXPECT_EQ(list(data.sequence(1).targets), (std::vector<int32_t>{5, 6}));
  EXPECT_EQ(data.sequence(1).fed, 2);
}

TEST(TrainingDataTest, WhatHasNoTargetHasNoSource) {
  TrainingData data;
  data.addAfter(std::vector<int32_t>{7, 8}, std::vector<int32_t>{0});
  data.addAfter(std::vector<int32_t>{9}, {});
  data.addAfter(std::vector<int32_t>{1, 2}, std::vector<int32_t>{0, 4});
  ASSERT_EQ(data.count(), 1u);
  EXPECT_EQ(list(data.sequence(0).source), (std::vector<int32_t>{1, 2}));
  EXPECT_EQ(list(data.sequence(0).targets), std::vector<int32_t>{4});
}

static Masking::Options maskingOptions() {
  Masking::Options options;
  options.mask = 3;
  options.vocabulary = 1000;
  options.spared.assign(5, true);
  return options;
}

TEST(MaskingTest, HidesAsBertDoes) {
  Masking masking(maskingOptions());
  TrainingData data;
  std::vector<int32_t> tokens(4000, 500);
  tokens.front() = 1; // a special token
  data.add(tokens);
  TrainingSequence masked = masking.apply(data.sequence(0), 7);
  EXPECT_EQ(masked.fed, 4000);
  EXPECT_EQ(masked.targets[0], -1);
  int64_t hidden = 0, kept = 0, chosen = 0;
  for (size_t i = 0; i < tokens.size(); ++i) {
    if (masked.targets[i] < 0) {
      EXPECT_EQ(masked.tokens[i], tokens[i]);
      continue;
    }
    ++chosen;
    EXPECT_EQ(masked.targets[i], 500);
    hidden += masked.tokens[i] == 3;
    kept += masked.tokens[i] == 500;
  }
  EXPECT_EQ(masked.asked, chosen);
  EXPECT_NEAR(chosen, 600, 100);
  EXPECT_NEAR(static_cast<double>(hidden) / chosen, 0.8, 0.07);
  EXPECT_NEAR(static_cast<double>(kept) / chosen, 0.1, 0.05);
}

TEST(MaskingTest, DependsOnSeedAndPlaceAlone) {
  TrainingData data;
  data.add(std::vector<int32_t>(50, 500));
  Masking one(maskingOptions()), same(maskingOptions());
  Masking::Options options = maskingOptions();
  options.seed = 2;
  Masking other(options);
  same.apply(data.sequence(0), 1);
  std::vector<int32_t> first = list(one.apply(data.sequence(0), 9).targets);
  EXPECT_EQ(first, list(same.apply(data.sequence(0), 9).targets));
  EXPECT_NE(first, list(other.apply(data.sequence(0), 9).targets));
  EXPECT_NE(first, list(one.apply(data.sequence(0), 10).targets));
}

TEST(MaskingTest, HidesOneAtLeastIfItMay) {
  Masking masking(maskingOptions());
  TrainingData data;
  data.add(std::vector<int32_t>{1, 500, 2});
  data.add(std::vector<int32_t>{1, 2});
  for (uint64_t place = 0; place < 20; ++place) {
    EXPECT_EQ(masking.apply(data.sequence(0), place).targets[1], 500);
    EXPECT_EQ(masking.apply(data.sequence(1), place).asked, 0);
  }
}

static SpanCorruption::Options spanOptions() {
  SpanCorruption::Options options;
  for (int32_t id = 99; id > 89; --id)
    options.sentinels.push_back(id);
  options.end = 1;
  options.longest = 64;
  return options;
}

/// What stands where a sentinel does, of source and target together.
static std::vector<int32_t> filled(const TrainingSequence &sequence) {
  std::vector<int32_t> text;
  for (int32_t token : sequence.source) {
    if (token < 90) {
      text.push_back(token);
      continue;
    }
    auto at = std::ranges::find(sequence.tokens, token);
    while (++at != sequence.tokens.end() && *at < 90 && *at != 1)
      text.push_back(*at);
  }
  return text;
}

TEST(SpanCorruptionTest, HidesSpansThatTheTargetHas) {
  SpanCorruption spans(spanOptions());
  TrainingData data;
  std::vector<int32_t> tokens(40);
  std::iota(tokens.begin(), tokens.end(), 10);
  tokens.push_back(1);
  data.add(tokens);
  for (uint64_t place = 0; place < 20; ++place) {
    TrainingSequence sequence = spans.apply(data.sequence(0), place);
    // 15 % of 40 tokens, in two spans; start, sentinels and end beside them.
    EXPECT_EQ(sequence.tokens.size(), 6u + 2 + 2);
    EXPECT_EQ(sequence.source.size(), 34u + 2 + 1);
    EXPECT_EQ(sequence.asked, 9);
    EXPECT_EQ(sequence.fed, 9);
    EXPECT_EQ(sequence.tokens[0], 0);
    EXPECT_EQ(sequence.tokens[1], 99);
    EXPECT_EQ(list(sequence.targets), list(sequence.tokens.subspan(1)));
    EXPECT_EQ(sequence.targets.back(), 1);
    EXPECT_EQ(filled(sequence), tokens);
  }
}

TEST(SpanCorruptionTest, DependsOnSeedAndPlaceAlone) {
  TrainingData data;
  data.add(std::vector<int32_t>(40, 50));
  SpanCorruption one(spanOptions()), same(spanOptions());
  same.apply(data.sequence(0), 1);
  std::vector<int32_t> first = list(one.apply(data.sequence(0), 9).source);
  EXPECT_EQ(first, list(same.apply(data.sequence(0), 9).source));
  EXPECT_NE(first, list(one.apply(data.sequence(0), 10).source));
}

TEST(SpanCorruptionTest, KeepsWithinWhatThereIs) {
  SpanCorruption::Options options = spanOptions();
  options.share = 0.9;
  options.meanLength = 1;
  options.sentinels.resize(3);
  options.longest = 8;
  SpanCorruption spans(options);
  TrainingData data;
  data.add(std::vector<int32_t>(30, 50));
  data.add(std::vector<int32_t>{50, 51});
  data.add(std::vector<int32_t>{50, 1});
  TrainingSequence sequence = spans.apply(data.sequence(0), 3);
  EXPECT_EQ(sequence.fed, 8);
  EXPECT_EQ(std::ranges::count_if(sequence.source,
                                  [](int32_t token) { return token > 89; }),
            3);
  EXPECT_EQ(list(spans.apply(data.sequence(1), 3).tokens),
            (std::vector<int32_t>{0, 99, 51, 1}));
  EXPECT_EQ(spans.apply(data.sequence(2), 3).asked, 0);
}

TEST(OptimizerTest, HasItsKindsNumbers) {
  Optimizer sgd = Optimizer::of(*Optimizer::parse("sgd"));
  sgd.nesterov = true;
  StepNumbers step = sgd.numbers(5, 4, 0.5);
  EXPECT_STREQ(step.entry, "update_momentum");
  EXPECT_EQ(step.numbers, (std::array<float, 10>{0.25f, 1, 1, 0, 0.81f, 1.9f,
                                                 0.9f, 1, 0.5f, 0}));
  StepNumbers lion =
      Optimizer::of(*Optimizer::parse("lion")).numbers(5, 4, 0.5);
  EXPECT_EQ(lion.numbers[2], 0.95f);
  EXPECT_EQ(lion.numbers[9], 1);
  StepNumbers muon =
      Optimizer::of(*Optimizer::parse("muon")).numbers(1, 4, 0.5);
  EXPECT_STREQ(muon.entry, "update_muon");
  EXPECT_FLOAT_EQ(muon.numbers[7], 5.0f);
  EXPECT_EQ(muon.muon[5], 0.5f);
  EXPECT_FALSE(Optimizer::parse("adam"));
}
