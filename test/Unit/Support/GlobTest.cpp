//===- GlobTest.cpp - names with wildcards --------------------------------===//

#include "tenon/Support/Glob.h"

#include <gtest/gtest.h>

#include <string>

using namespace tenon;

TEST(Glob, StarsStandForAnything) {
  EXPECT_TRUE(matchesGlob("a.b", "a.b"));
  EXPECT_FALSE(matchesGlob("a.b", "a.bc"));
  EXPECT_FALSE(matchesGlob("a.b", "a"));
  EXPECT_TRUE(matchesGlob("*.inv_freq", "l.0.inv_freq"));
  EXPECT_FALSE(matchesGlob("*.inv_freq", "l.0.inv_freq2"));
  EXPECT_TRUE(matchesGlob("*", ""));
  EXPECT_TRUE(matchesGlob("", ""));
  EXPECT_FALSE(matchesGlob("", "a"));
  EXPECT_TRUE(matchesGlob("a*b*c", "a-b-b-c"));
  EXPECT_FALSE(matchesGlob("a*b*c", "a-c-b"));
  EXPECT_TRUE(matchesGlob("**a", "xxa"));
}

// A pattern that makes a naive matcher take exponential time.
TEST(Glob, IsQuick) {
  std::string pattern, text(20000, 'a');
  for (int i = 0; i < 200; ++i)
    pattern += "a*";
  EXPECT_FALSE(matchesGlob(pattern + "b", text));
}
