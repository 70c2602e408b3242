//===- CpuAArch64.cpp - the features of this 64-bit Arm CPU ---------------===//
//
// The kernel says what CPU and operating system let a program use.
//
//===----------------------------------------------------------------------===//
#if defined(__aarch64__)

#include "tenon/Runtime/Variant.h"

#include <sys/auxv.h>

using namespace tenon::runtime;

namespace {

struct Feature {
  const char *name;
  uint64_t hwcap, hwcap2; ///< all of these bits
};

// Linux, Documentation/arch/arm64/elf_hwcaps.rst, by LLVM's names of what
// Target/AArch64.cpp lets kernels use.
constexpr Feature kFeatures[] = {
    {"fp-armv8", HWCAP_FP, 0},
    {"neon", HWCAP_ASIMD, 0},
    {"rdm", HWCAP_ASIMDRDM, 0},
    {"fullfp16", HWCAP_FPHP | HWCAP_ASIMDHP, 0},
    {"fp16fml", HWCAP_ASIMDFHM, 0},
    {"dotprod", HWCAP_ASIMDDP, 0},
    {"i8mm", 0, HWCAP2_I8MM},
    {"bf16", 0, HWCAP2_BF16},
    {"lse", HWCAP_ATOMICS, 0},
    {"rcpc", HWCAP_LRCPC, 0},
    {"rcpc-immo", HWCAP_ILRCPC, 0},
    {"jsconv", HWCAP_JSCVT, 0},
    {"complxnum", HWCAP_FCMA, 0},
    {"flagm", HWCAP_FLAGM, 0},
    {"altnzcv", 0, HWCAP2_FLAGM2},
    {"fptoint", 0, HWCAP2_FRINT},
    {"sha3", HWCAP_SHA3 | HWCAP_SHA512, 0},
};

} // namespace

const std::string_view tenon::runtime::kOlderCpus =
    "-mcpu=cortex-a72 or -mcpu=generic";

CpuFeatures CpuFeatures::host() {
  uint64_t hwcap = getauxval(AT_HWCAP), hwcap2 = getauxval(AT_HWCAP2);
  std::set<std::string, std::less<>> names;
  for (const Feature &feature : kFeatures)
    if ((hwcap & feature.hwcap) == feature.hwcap &&
        (hwcap2 & feature.hwcap2) == feature.hwcap2)
      names.insert(feature.name);
  return CpuFeatures(std::move(names));
}

#endif // __aarch64__
