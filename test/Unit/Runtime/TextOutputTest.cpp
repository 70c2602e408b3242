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

TEST(OrderedOutput, TextsWaitForThoseBefore) {
  testing::internal::CaptureStdout();
  OrderedOutput output;
  size_t a = output.open(), b = output.open(), c = output.open();
  EXPECT_TRUE(output.isShown(a));
  EXPECT_TRUE(output.write(b, "b1 "));
  EXPECT_TRUE(output.write(a, "a1 "));
  EXPECT_TRUE(output.write(c, "c1 "));
  EXPECT_TRUE(output.close(c));
  EXPECT_TRUE(output.write(a, "a2 "));
  EXPECT_TRUE(output.close(a));
  EXPECT_TRUE(output.isShown(b));
  EXPECT_TRUE(output.write(b, "b2 "));
  EXPECT_TRUE(output.close(b));
  size_t d = output.open();
  EXPECT_TRUE(output.isShown(d));
  EXPECT_TRUE(output.write(d, "d"));
  EXPECT_TRUE(output.close(d));
  EXPECT_EQ(testing::internal::GetCapturedStdout(), "a1 a2 b1 b2 c1 d");
}

} // namespace
