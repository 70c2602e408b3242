//===- TargetDescriptionTest.cpp - CPU names to target attributes ---------===//

#include "tenon/Target/TargetDescription.h"
#include <gtest/gtest.h>

using namespace tenon;

namespace {

class TargetDescription : public testing::Test {
protected:
  TargetAttr describe(std::string cpu, std::string attributes = "",
                      std::string triple = "") {
    Expected<TargetAttr> target =
        describeTarget(&context, {std::move(cpu), std::move(attributes),
                                  /*tuning=*/"", std::move(triple)});
    if (!target) {
      ADD_FAILURE() << target.error().message;
      return {};
    }
    return *target;
  }
  Error fail(std::string cpu, std::string attributes = "",
             std::string triple = "") {
    Expected<TargetAttr> target =
        describeTarget(&context, {std::move(cpu), std::move(attributes),
                                  /*tuning=*/"", std::move(triple)});
    if (target)
      return Error{"no error", ExitCode::Success};
    return target.takeError();
  }
  void SetUp() override { context.loadDialect<TenonDialect>(); }
  mlir::MLIRContext context;
};

/// Whether a comma separated list holds the feature.
bool requires_(TargetAttr target, llvm::StringRef feature) {
  std::string list = getRequiredFeatures(target);
  llvm::SmallVector<llvm::StringRef> items;
  llvm::StringRef(list).split(items, ',');
  return llvm::is_contained(items, feature);
}

TEST_F(TargetDescription, Levels) {
  TargetAttr v2 = describe("x86-64-v2");
  EXPECT_EQ(v2.getVectorBits(), 128);
  EXPECT_EQ(v2.getRegisters(), 16);
  EXPECT_FALSE(v2.hasFma());
  EXPECT_TRUE(requires_(v2, "sse4.2"));
  EXPECT_FALSE(requires_(v2, "avx"));

  TargetAttr v3 = describe("x86-64-v3");
  EXPECT_EQ(v3.getVectorBits(), 256);
  EXPECT_TRUE(v3.hasFma());
  EXPECT_FALSE(v3.has("avx512f"));
  EXPECT_TRUE(requires_(v3, "f16c"));

  TargetAttr v4 = describe("x86-64-v4");
  EXPECT_EQ(v4.getVectorBits(), 512);
  EXPECT_EQ(v4.getRegisters(), 32);
  EXPECT_TRUE(v4.has("avx512f"));
  EXPECT_FALSE(v4.hasBf16Dot());
}

TEST_F(TargetDescription, NamedCPUs) {
  EXPECT_TRUE(describe("znver4").hasBf16Dot());
  EXPECT_TRUE(describe("sapphirerapids").hasBf16Dot());
  EXPECT_FALSE(describe("skylake-avx512").hasBf16Dot());
  EXPECT_EQ(describe("nehalem").getVectorBits(), 128);
  EXPECT_GT(describe("haswell").getL2(), 0);
}

TEST_F(TargetDescription, CarriesTheTuningOfTheCpu) {
  EXPECT_EQ(describe("znver4").getTuning().getName(), "zen4");
  EXPECT_EQ(describe("x86-64-v2").getTuning().getName(), "generic");
  EXPECT_EQ(describe("znver3", "-avx2").getTuning().getPrefetchDistance(),
            1024);
}

TEST_F(TargetDescription, UnusedExtensionsAreSwitchedOff) {
  EXPECT_TRUE(describe("bdver4").getFeatures().contains("-xop"));
}

constexpr const char *kAArch64 = "aarch64-linux-gnu";

TEST_F(TargetDescription, AArch64) {
  TargetAttr plain = describe("generic", "", kAArch64);
  EXPECT_TRUE(plain.isAArch64() && !plain.isX86());
  EXPECT_EQ(plain.getVectorBits(), 128);
  EXPECT_EQ(plain.getRegisters(), 32);
  EXPECT_TRUE(plain.hasFma());
  EXPECT_TRUE(plain.has("neon") && !plain.has("dotprod"));
  EXPECT_EQ(plain.getTuning().getName(), "aarch64");
  EXPECT_EQ(getRequiredFeatures(plain), "fp-armv8,neon");

  TargetAttr n1 = describe("neoverse-n1", "", kAArch64);
  EXPECT_TRUE(n1.has("dotprod") && n1.has("fullfp16") && !n1.has("i8mm"));
  EXPECT_EQ(n1.getTuning().getName(), "neoverse-n1");
  EXPECT_FALSE(describe("neoverse-n1", "-dotprod", kAArch64).has("dotprod"));

  // Nothing of scalable vectors, which would be needed then.
  TargetAttr v2 = describe("neoverse-v2", "", kAArch64);
  EXPECT_TRUE(v2.has("i8mm") && v2.has("bf16"));
  EXPECT_TRUE(v2.getFeatures().contains("-sve"));
  EXPECT_EQ(getRequiredFeatures(v2).find("sve"), std::string::npos);
}

TEST_F(TargetDescription, AArch64ComesBestFirst) {
  Expected<std::vector<TargetAttr>> targets = describeTargets(
      &context, {"cortex-a72,neoverse-v2,neoverse-n1", "", "", kAArch64});
  ASSERT_TRUE(bool(targets));
  std::vector<std::string> cpus;
  for (TargetAttr target : *targets)
    cpus.push_back(target.getCpu().str());
  EXPECT_EQ(cpus, (std::vector<std::string>{"neoverse-v2", "neoverse-n1",
                                            "cortex-a72"}));
}

/// A row whose extension has no such name would never be taken.
TEST_F(TargetDescription, TablesNameExtensionsOfSomeCpu) {
  TargetAttr x86 = describe("sapphirerapids");
#define INSTRUCTION(OPERATION, LANES, EXTENSIONS, ...)                         \
  EXPECT_TRUE(x86.hasAll(EXTENSIONS)) << EXTENSIONS;
#include "../../../lib/Conversion/MicroToX86/Instructions.def"
#undef INSTRUCTION
  TargetAttr arm = describe("neoverse-v2", "", kAArch64);
#define INSTRUCTION(OPERATION, LANES, EXTENSIONS, ...)                         \
  EXPECT_TRUE(arm.hasAll(EXTENSIONS)) << EXTENSIONS;
#include "../../../lib/Conversion/MicroToArm/Instructions.def"
#undef INSTRUCTION
}

TEST_F(TargetDescription, Extensions) {
  TargetAttr alderlake = describe("alderlake");
  EXPECT_TRUE(alderlake.hasAll("avx2,avxvnni") && alderlake.hasByteDot());
  EXPECT_FALSE(alderlake.hasAll("avx2,avx512vl") || alderlake.hasBf16Dot());
  EXPECT_TRUE(alderlake.hasAll(""));
  EXPECT_TRUE(describe("cascadelake").hasByteDot());
  // Half as wide, the instruction is there nonetheless.
  EXPECT_TRUE(describe("cascadelake", "-avx512dq").hasByteDot());
  EXPECT_FALSE(describe("skylake-avx512").hasByteDot());
  EXPECT_FALSE(describe("cascadelake", "-avx512vnni").hasByteDot());
}

TEST_F(TargetDescription, Attributes) {
  TargetAttr target = describe("x86-64-v4", "+avx512bf16");
  EXPECT_TRUE(target.hasBf16Dot());
  EXPECT_TRUE(requires_(target, "avx512bf16"));
  EXPECT_EQ(describe("znver4", "-avx512f").getVectorBits(), 256);
  EXPECT_FALSE(describe("haswell", "-fma").hasFma());
}

TEST_F(TargetDescription, Native) {
  TargetAttr target = describe("native");
  EXPECT_NE(target.getCpu(), "native");
  EXPECT_GE(target.getL1(), 8 * 1024);
  EXPECT_GE(target.getL2(), target.getL1());
}

TEST_F(TargetDescription, Errors) {
  Error unknown = fail("znver99");
  EXPECT_EQ(unknown.code, ExitCode::BadUsage);
  EXPECT_NE(unknown.message.find("unknown CPU 'znver99'"), std::string::npos);
  EXPECT_NE(unknown.message.find("x86-64-v3"), std::string::npos);

  Error narrow = fail("pentium3");
  EXPECT_EQ(narrow.code, ExitCode::BadUsage);
  EXPECT_NE(narrow.message.find("no 64-bit mode"), std::string::npos);

  Error triple = fail("generic", "", "riscv64-linux-gnu");
  EXPECT_EQ(triple.code, ExitCode::BadUsage);
  EXPECT_NE(triple.message.find("unknown target 'riscv64-linux-gnu'"),
            std::string::npos);
  EXPECT_EQ(fail("generic", "", "aarch64-apple-darwin").code,
            ExitCode::BadUsage);

  Error other = fail("znver4", "", kAArch64);
  EXPECT_EQ(other.code, ExitCode::BadUsage);
  EXPECT_NE(other.message.find("unknown AArch64 CPU 'znver4'"),
            std::string::npos);
  EXPECT_NE(other.message.find("neoverse-n1"), std::string::npos);
#if defined(__x86_64__)
  EXPECT_NE(fail("native", "", kAArch64).message.find("no AArch64 CPU"),
            std::string::npos);
#endif

  Error feature = fail("haswell", "+avx1024");
  EXPECT_EQ(feature.code, ExitCode::BadUsage);
  EXPECT_NE(feature.message.find("'avx1024'"), std::string::npos);
}

TEST_F(TargetDescription, ListsComeBestFirst) {
  Expected<std::vector<TargetAttr>> targets = describeTargets(
      &context,
      {"x86-64-v2, alderlake,sapphirerapids,x86-64-v3,skylake-avx512", ""});
  ASSERT_TRUE(bool(targets));
  std::vector<std::string> cpus;
  for (TargetAttr target : *targets)
    cpus.push_back(target.getCpu().str());
  EXPECT_EQ(cpus,
            (std::vector<std::string>{"sapphirerapids", "skylake-avx512",
                                      "alderlake", "x86-64-v3", "x86-64-v2"}));
}

TEST_F(TargetDescription, BadLists) {
  auto failList = [&](std::string list) {
    Expected<std::vector<TargetAttr>> targets =
        describeTargets(&context, {std::move(list), ""});
    EXPECT_FALSE(bool(targets));
    EXPECT_EQ(targets.error().code, ExitCode::BadUsage);
    return targets.error().message;
  };
  EXPECT_NE(failList("haswell,znver4,haswell").find("'haswell' is named twice"),
            std::string::npos);
  EXPECT_NE(failList("haswell,,znver4").find("empty name"), std::string::npos);
  EXPECT_NE(failList("haswell,native,i9").find("'i9'"), std::string::npos);
}

} // namespace
