//===- MachineLimitsTest.cpp - limits are kept by CPU and threads ---------===//

#include "tenon/Runtime/MachineLimits.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>
#include <unistd.h>

using namespace tenon;
using namespace tenon::runtime;

namespace {

class MachineLimitsTest : public ::testing::Test {
protected:
  void SetUp() override {
    directory = std::filesystem::temp_directory_path() /
                ("limits" + std::to_string(getpid()));
    setenv("XDG_CACHE_HOME", directory.c_str(), 1);
  }
  void TearDown() override { std::filesystem::remove_all(directory); }

  std::filesystem::path directory;
};

TEST_F(MachineLimitsTest, TellsCpusApart) {
  std::string one = "processor\t: 0\nvendor_id\t: AuthenticAMD\n"
                    "cpu family\t: 25\nmodel\t\t: 1\nmodel name\t: AMD EPYC\n"
                    "stepping\t: 1\ncpu MHz\t\t: 2445.4\n\nprocessor\t: 1\n";
  EXPECT_EQ(identifyCpu(one), "AuthenticAMD 25 1 1 AMD EPYC");
  EXPECT_EQ(identifyCpu(""), "");
  EXPECT_EQ(identifyCpu("model\t\t:\n:\nmodel : 3"), "3");
}

TEST_F(MachineLimitsTest, KeepsThemByThreads) {
  EXPECT_FALSE(readMachineLimits(1));
  ASSERT_TRUE(writeMachineLimits(1, {{"fma", 1e11}, {"read", 2e10}}));
  ASSERT_TRUE(writeMachineLimits(2, {{"fma", 2e11}}));
  ASSERT_TRUE(writeMachineLimits(2, {{"fma", 3e11}}));
  EXPECT_EQ(readMachineLimits(1),
            (MachineLimits{{"fma", 1e11}, {"read", 2e10}}));
  EXPECT_EQ(readMachineLimits(2), (MachineLimits{{"fma", 3e11}}));
  EXPECT_FALSE(readMachineLimits(3));
}

TEST_F(MachineLimitsTest, DamagedFilesAreForgotten) {
  std::filesystem::create_directories(directory / "tenon");
  for (const char *text : {"", "{", "[]", "{\"x\": 1}", "null"}) {
    std::ofstream(machineLimitsPath()) << text;
    EXPECT_FALSE(readMachineLimits(1)) << text;
    ASSERT_TRUE(writeMachineLimits(1, {{"fma", 1.0}})) << text;
    EXPECT_TRUE(readMachineLimits(1)) << text;
  }
}

TEST_F(MachineLimitsTest, WithoutAHome) {
  unsetenv("XDG_CACHE_HOME");
  const char *home = std::getenv("HOME");
  std::string kept = home ? home : "";
  unsetenv("HOME");
  EXPECT_EQ(machineLimitsPath(), "");
  EXPECT_FALSE(readMachineLimits(1));
  EXPECT_FALSE(writeMachineLimits(1, {}));
  setenv("HOME", "/home/x", 1);
  EXPECT_EQ(machineLimitsPath(), "/home/x/.cache/tenon/limits.json");
  if (home)
    setenv("HOME", kept.c_str(), 1);
  else
    unsetenv("HOME");
}

} // namespace
