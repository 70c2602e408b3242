//===- VariantTest.cpp - the best kernels that the CPU can run ------------===//
#include "tenon/Runtime/Variant.h"

#include <fstream>
#include <sstream>

#include <gtest/gtest.h>

using namespace tenon;
using namespace tenon::runtime;

namespace {

const TenonVariant kVariants[] = {
    {"znver5", "+avx512f,+avx512bf16", 0, nullptr},
    {"haswell", "avx2,fma", 0, nullptr},
    {"x86-64", "", 0, nullptr},
};

TEST(Variant, FirstThatFits) {
  auto choose = [](CpuFeatures cpu) {
    auto variant = chooseVariant(kVariants, cpu);
    return variant ? std::string((*variant)->cpu) : "none";
  };
  EXPECT_EQ(choose(CpuFeatures({"avx2", "fma", "avx512f", "avx512bf16"})),
            "znver5");
  EXPECT_EQ(choose(CpuFeatures({"avx2", "fma", "avx512f"})), "haswell");
  EXPECT_EQ(choose(CpuFeatures({"avx2"})), "x86-64");
}

TEST(Variant, NoneNamesWhatIsMissing) {
  auto variant =
      chooseVariant(std::span(kVariants).first(2), CpuFeatures({"avx512f"}));
  ASSERT_FALSE(variant);
  EXPECT_EQ(variant.error().code, ExitCode::UnsupportedCPU);
  const std::string &text = variant.error().message;
  EXPECT_NE(text.find("znver5 need avx512bf16, which"), std::string::npos);
  EXPECT_NE(text.find("haswell need avx2, fma, which"), std::string::npos);
}

TEST(Variant, ByName) {
  CpuFeatures all({"avx2", "fma", "avx512f", "avx512bf16"});
  auto variant = chooseVariant(kVariants, all, "haswell");
  ASSERT_TRUE(variant);
  EXPECT_STREQ((*variant)->cpu, "haswell");
  auto unknown = chooseVariant(kVariants, all, "skylake");
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().code, ExitCode::BadUsage);
  EXPECT_NE(unknown.error().message.find("znver5, haswell"), std::string::npos);
}

TEST(Variant, UnknownFeatureIsAbsent) {
  EXPECT_EQ(CpuFeatures::host().missing("sse2, quantum ,,+sse"),
            std::vector<std::string>{"quantum"});
}

TEST(Variant, HostAgreesWithTheKernel) {
  std::ifstream file("/proc/cpuinfo");
  std::string line, flags;
  while (std::getline(file, line))
    if (line.starts_with("flags")) {
      flags = line + " ";
      break;
    }
  if (flags.empty())
    GTEST_SKIP() << "no flags in /proc/cpuinfo";
  CpuFeatures host = CpuFeatures::host();
  EXPECT_TRUE(host.has("sse2"));
  // Our name, Linux's name.
  const char *pairs[][2] = {
      {"avx2", "avx2"},         {"fma", "fma"},
      {"avx512f", "avx512f"},   {"avx512bf16", "avx512_bf16"},
      {"f16c", "f16c"},         {"avx512vnni", "avx512_vnni"},
      {"gfni", "gfni"},         {"sse4.2", "sse4_2"},
      {"bmi2", "bmi2"},         {"avxvnni", "avx_vnni"},
      {"amx-tile", "amx_tile"},
  };
  for (auto &[ours, linux] : pairs)
    EXPECT_EQ(host.has(ours),
              flags.find(" " + std::string(linux) + " ") != std::string::npos)
        << ours;
}

} // namespace
