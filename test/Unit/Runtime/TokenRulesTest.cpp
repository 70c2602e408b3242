//===- TokenRulesTest.cpp - what may follow -------------------------------===//

#include "tenon/Runtime/TokenRules.h"

#include <gtest/gtest.h>

#include <cmath>

using namespace tenon::runtime;

namespace {

using Tokens = std::vector<int32_t>;

/// The tokens of a vocabulary of 6 that may follow.
Tokens allowed(const TokenRules &rules, const Tokens &tokens,
               size_t promptLength = 1) {
  std::vector<float> scores(6, 1.0f);
  rules.apply(scores, tokens, promptLength);
  Tokens result;
  for (int32_t token = 0; token < 6; ++token)
    if (!std::isinf(scores[token]))
      result.push_back(token);
  return result;
}

TEST(TokenRulesTest, NoneForbidNothing) {
  TokenRules rules;
  rules.ends = {2};
  EXPECT_FALSE(rules.any());
  EXPECT_EQ(allowed(rules, {0}), (Tokens{0, 1, 2, 3, 4, 5}));
}

TEST(TokenRulesTest, ForcedFirstAndLast) {
  TokenRules rules;
  rules.forcedFirst = 4;
  rules.forcedLast = {2, 3};
  rules.maxLength = 4;
  EXPECT_TRUE(rules.any());
  EXPECT_EQ(allowed(rules, {0}), (Tokens{4}));
  EXPECT_EQ(allowed(rules, {0, 4}), (Tokens{0, 1, 2, 3, 4, 5}));
  EXPECT_EQ(allowed(rules, {0, 4, 1}), (Tokens{2, 3}));
  // Of a longer prompt there is no first.
  EXPECT_EQ(allowed(rules, {0, 1}, 2).size(), 6u);
}

TEST(TokenRulesTest, Suppressed) {
  TokenRules rules;
  rules.suppressed = {1, 17, -3};
  rules.suppressedFirst = {5};
  EXPECT_EQ(allowed(rules, {0}), (Tokens{0, 2, 3, 4}));
  EXPECT_EQ(allowed(rules, {0, 2}), (Tokens{0, 2, 3, 4, 5}));
  EXPECT_EQ(allowed(rules, {0, 2}, 2), (Tokens{0, 2, 3, 4}));
  // Behind a forced first token.
  rules.forcedFirst = 2;
  EXPECT_EQ(allowed(rules, {0, 2}), (Tokens{0, 2, 3, 4}));
}

TEST(TokenRulesTest, BadWords) {
  TokenRules rules;
  rules.badWords = {{1}, {2, 3, 4}, {}};
  EXPECT_EQ(allowed(rules, {0, 2, 3}), (Tokens{0, 2, 3, 5}));
  EXPECT_EQ(allowed(rules, {3}), (Tokens{0, 2, 3, 4, 5}));
}

TEST(TokenRulesTest, NoNgramTwice) {
  TokenRules rules;
  rules.noRepeatNgram = 3;
  EXPECT_EQ(allowed(rules, {1, 2, 3, 1, 2}), (Tokens{0, 1, 2, 4, 5}));
  EXPECT_EQ(allowed(rules, {1, 2}), (Tokens{0, 1, 2, 3, 4, 5}));
  rules.noRepeatNgram = 1;
  EXPECT_EQ(allowed(rules, {1, 2}), (Tokens{0, 3, 4, 5}));
}

TEST(TokenRulesTest, NoEndBeforeTheLeastLength) {
  TokenRules rules;
  rules.ends = {2};
  rules.minLength = 3;
  EXPECT_EQ(allowed(rules, {0, 1}), (Tokens{0, 1, 3, 4, 5}));
  EXPECT_EQ(allowed(rules, {0, 1, 1}).size(), 6u);
}

} // namespace
