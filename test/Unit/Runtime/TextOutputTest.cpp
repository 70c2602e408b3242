//===- TextOutputTest.cpp - stop strings ----------------------------------===//
#include "tenon/Runtime/TextOutput.h"

#include <gtest/gtest.h>

using namespace tenon::runtime;

namespace {

TEST(StopMatcher, WithoutStopsAllPasses) {
  StopMatcher matcher({});
  EXPECT_EQ(matcher.push("abc"), "abc");
  EXPECT_EQ(matcher.flush(), "");
  EXPECT_FALSE(matcher.stopped());
}

TEST(StopMatcher, CutsAtTheStop) {
  StopMatcher matcher({"END"});
  EXPECT_EQ(matcher.push("one END two"), "one ");
  EXPECT_TRUE(matcher.stopped());
  EXPECT_EQ(matcher.push("three"), "");
  EXPECT_EQ(matcher.flush(), "");
}

TEST(StopMatcher, HoldsBackAPossibleBeginning) {
  StopMatcher matcher({"END"});
  EXPECT_EQ(matcher.push("xE"), "x");
  EXPECT_EQ(matcher.held(), "E");
  EXPECT_EQ(matcher.push("N"), "");
  EXPECT_EQ(matcher.push("T"), "ENT");
  EXPECT_EQ(matcher.push("EN"), "");
  EXPECT_EQ(matcher.push("D"), "");
  EXPECT_TRUE(matcher.stopped());
}

TEST(StopMatcher, OverlappingBeginnings) {
  StopMatcher matcher({"aab"});
  EXPECT_EQ(matcher.push("aaa"), "a");
  EXPECT_EQ(matcher.push("b"), "");
  EXPECT_TRUE(matcher.stopped());
}

TEST(StopMatcher, EarliestOfSeveral) {
  StopMatcher matcher({"two", "one", ""});
  EXPECT_EQ(matcher.push("x one two"), "x ");
  EXPECT_TRUE(matcher.stopped());
}

TEST(StopMatcher, FlushGivesTheRest) {
  StopMatcher matcher({"\n\n"});
  EXPECT_EQ(matcher.push("end\n"), "end");
  EXPECT_EQ(matcher.flush(), "\n");
}

} // namespace
