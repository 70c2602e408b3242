//===- TuningTest.cpp - the table of tuning entries -----------------------===//

#include "tenon/Target/Tuning.h"
#include "tenon/Target/TargetDescription.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/TargetParser/AArch64TargetParser.h"
#include "llvm/TargetParser/X86TargetParser.h"
#include <gtest/gtest.h>

using namespace tenon;

namespace {

// A number says where it comes from: "measured on a CPU: what", or that it was
// not measured.
TEST(Tuning, EachNumberHasASource) {
  for (const TuningEntry &entry : getTuningTable()) {
    EXPECT_FALSE(entry.numbers.empty()) << entry.name;
    llvm::StringSet<> fields;
    for (const TuningEntry::Number &number : entry.numbers) {
      EXPECT_TRUE(number.source.starts_with("measured on ") ||
                  number.source.starts_with("not measured"))
          << entry.name << " " << number.field << ": " << number.source;
      EXPECT_TRUE(fields.insert(number.field).second)
          << entry.name << " has " << number.field << " twice";
    }
  }
}

TEST(Tuning, EachCpuIsOfOneEntryAndKnownToLLVM) {
  llvm::StringSet<> names, cpus;
  for (const TuningEntry &entry : getTuningTable()) {
    EXPECT_TRUE(names.insert(entry.name).second) << entry.name;
    llvm::SmallVector<llvm::StringRef> list;
    llvm::StringRef(entry.cpus).split(list, ' ', -1, false);
    for (llvm::StringRef cpu : list) {
      EXPECT_TRUE(cpus.insert(cpu).second) << cpu.str();
      EXPECT_TRUE(llvm::X86::parseArchX86(cpu, /*Only64Bit=*/true) !=
                      llvm::X86::CK_None ||
                  cpu == "generic" || llvm::AArch64::parseCpu(cpu))
          << cpu.str();
    }
  }
}

// What an attribute has that says nothing is what the table says.
TEST(Tuning, GenericNumbersAreTheDefaults) {
  mlir::MLIRContext context;
  context.loadDialect<TenonDialect>();
  const TuningEntry &generic = getTuningTable().front();
  EXPECT_EQ(generic.name, "generic");
  EXPECT_EQ(getTuning(&context, "x86-64"),
            Tuning().toAttr(&context, "generic"));
  Tuning tuning;
  for (const TuningEntry::Number &number : generic.numbers)
    EXPECT_EQ(tuning.*number.member, number.value) << number.field;
}

TEST(Tuning, OfACpu) {
  mlir::MLIRContext context;
  context.loadDialect<TenonDialect>();
  EXPECT_EQ(getTuning(&context, "znver5").getName(), "zen5");
  EXPECT_EQ(getTuning(&context, "znver5").getPrefetchDistance(), 3072);
  EXPECT_EQ(getTuning(&context, "znver4").getPrefetchDistance(), 0);
  EXPECT_EQ(getTuning(&context, "znver3").getPrefetchDistance(), 1024);
  EXPECT_EQ(getTuning(&context, "x86-64-v3").getPrefetchDistance(), 1024);
  EXPECT_EQ(getTuning(&context, "x86-64-v2").getPrefetchDistance(), 0);
  // Of no entry.
  EXPECT_EQ(getTuning(&context, "btver2").getName(), "generic");
  EXPECT_EQ(getTuning(&context, "cortex-a57", "aarch64").getName(), "aarch64");
  EXPECT_EQ(getTuning(&context, "neoverse-n1", "aarch64").getName(),
            "neoverse-n1");
}

TEST(Tuning, NumbersCanBeOverridden) {
  mlir::MLIRContext context;
  context.loadDialect<TenonDialect>();
  auto describe = [&](std::string tuning) {
    return describeTarget(&context, {"znver3", "", std::move(tuning)});
  };
  Expected<TargetAttr> target =
      describe("prefetch_distance=4096,attention_prefetch=0");
  ASSERT_TRUE(target);
  EXPECT_EQ(target->getTuning().getName(), "zen3");
  EXPECT_EQ(target->getTuning().getPrefetchDistance(), 4096);
  EXPECT_EQ(target->getTuning().getAttentionPrefetch(), 0);
  EXPECT_EQ(target->getTuning().getShortPanels(), 2);
  for (std::string wrong :
       {"prefetch", "prefetch_distance", "prefetch_distance=", "short_panels=x",
        "short_panels=0", "prefetch_distance=1,", "prefetchDistance=1"}) {
    Expected<TargetAttr> none = describe(wrong);
    ASSERT_FALSE(none) << wrong;
    EXPECT_EQ(none.error().code, ExitCode::BadUsage) << wrong;
  }
}

} // namespace
