//===- CpuX86.cpp - the features of this x86-64 CPU -----------------------===//
//
// cpuid is read directly rather than through __builtin_cpu_supports: the table
// of the C library's compiler runtime may be older than the kernels' features.
//
//===----------------------------------------------------------------------===//
#if defined(__x86_64__)

#include "tenon/Runtime/Variant.h"

#include <cpuid.h>

using namespace tenon::runtime;

namespace {

/// Register state that the operating system must save (XCR0) for a feature.
enum class State : uint8_t { None, Ymm, Zmm, Amx };
enum class Register : uint8_t { Eax, Ebx, Ecx, Edx };

struct Feature {
  const char *name;
  uint32_t leaf;
  uint32_t subleaf;
  Register reg;
  uint8_t bit;
  State state;
};

using enum Register;

// Intel 64 and IA-32 Architectures Software Developer's Manual, volume 2,
// CPUID; AMD64 Architecture Programmer's Manual, volume 3, appendix E.
constexpr Feature kFeatures[] = {
    {"cmov", 1, 0, Edx, 15, State::None},
    {"mmx", 1, 0, Edx, 23, State::None},
    {"fxsr", 1, 0, Edx, 24, State::None},
    {"sse", 1, 0, Edx, 25, State::None},
    {"sse2", 1, 0, Edx, 26, State::None},
    {"cx8", 1, 0, Edx, 8, State::None},
    {"sse3", 1, 0, Ecx, 0, State::None},
    {"pclmul", 1, 0, Ecx, 1, State::None},
    {"ssse3", 1, 0, Ecx, 9, State::None},
    {"fma", 1, 0, Ecx, 12, State::Ymm},
    {"cx16", 1, 0, Ecx, 13, State::None},
    {"sse4.1", 1, 0, Ecx, 19, State::None},
    {"sse4.2", 1, 0, Ecx, 20, State::None},
    {"movbe", 1, 0, Ecx, 22, State::None},
    {"popcnt", 1, 0, Ecx, 23, State::None},
    {"aes", 1, 0, Ecx, 25, State::None},
    {"xsave", 1, 0, Ecx, 26, State::None},
    {"avx", 1, 0, Ecx, 28, State::Ymm},
    {"f16c", 1, 0, Ecx, 29, State::Ymm},
    {"fsgsbase", 7, 0, Ebx, 0, State::None},
    {"bmi", 7, 0, Ebx, 3, State::None},
    {"avx2", 7, 0, Ebx, 5, State::Ymm},
    {"bmi2", 7, 0, Ebx, 8, State::None},
    {"avx512f", 7, 0, Ebx, 16, State::Zmm},
    {"avx512dq", 7, 0, Ebx, 17, State::Zmm},
    {"avx512ifma", 7, 0, Ebx, 21, State::Zmm},
    {"avx512cd", 7, 0, Ebx, 28, State::Zmm},
    {"avx512bw", 7, 0, Ebx, 30, State::Zmm},
    {"avx512vl", 7, 0, Ebx, 31, State::Zmm},
    {"avx512vbmi", 7, 0, Ecx, 1, State::Zmm},
    {"avx512vbmi2", 7, 0, Ecx, 6, State::Zmm},
    {"gfni", 7, 0, Ecx, 8, State::None},
    {"vaes", 7, 0, Ecx, 9, State::Ymm},
    {"vpclmulqdq", 7, 0, Ecx, 10, State::Ymm},
    {"avx512vnni", 7, 0, Ecx, 11, State::Zmm},
    {"avx512bitalg", 7, 0, Ecx, 12, State::Zmm},
    {"avx512vpopcntdq", 7, 0, Ecx, 14, State::Zmm},
    {"avx512vp2intersect", 7, 0, Edx, 8, State::Zmm},
    {"amx-bf16", 7, 0, Edx, 22, State::Amx},
    {"avx512fp16", 7, 0, Edx, 23, State::Zmm},
    {"amx-tile", 7, 0, Edx, 24, State::Amx},
    {"amx-int8", 7, 0, Edx, 25, State::Amx},
    {"avxvnni", 7, 1, Eax, 4, State::Ymm},
    {"avx512bf16", 7, 1, Eax, 5, State::Zmm},
    {"amx-fp16", 7, 1, Eax, 21, State::Amx},
    {"avxifma", 7, 1, Eax, 23, State::Ymm},
    {"avxvnniint8", 7, 1, Edx, 4, State::Ymm},
    {"avxneconvert", 7, 1, Edx, 5, State::Ymm},
    {"avxvnniint16", 7, 1, Edx, 10, State::Ymm},
    {"sahf", 0x80000001, 0, Ecx, 0, State::None},
    {"lzcnt", 0x80000001, 0, Ecx, 5, State::None},
    {"sse4a", 0x80000001, 0, Ecx, 6, State::None},
    {"prfchw", 0x80000001, 0, Ecx, 8, State::None},
};

/// The states that XCR0 enables, or none without OSXSAVE.
bool stateEnabled(State state, uint32_t xcr0) {
  constexpr uint32_t ymm = 0x6, zmm = 0xe6, amx = 0x60000;
  switch (state) {
  case State::None:
    return true;
  case State::Ymm:
    return (xcr0 & ymm) == ymm;
  case State::Zmm:
    return (xcr0 & zmm) == zmm;
  case State::Amx:
    return (xcr0 & amx) == amx;
  }
  return false;
}

uint32_t readXcr0() {
  unsigned eax, ebx, ecx, edx;
  constexpr unsigned osxsave = 1u << 27;
  if (!__get_cpuid(1, &eax, &ebx, &ecx, &edx) || !(ecx & osxsave))
    return 0;
  // xgetbv without -mxsave.
  __asm__ volatile("xgetbv" : "=a"(eax), "=d"(edx) : "c"(0));
  return eax;
}

} // namespace

const std::string_view tenon::runtime::kOlderCpus =
    "-mcpu=x86-64-v3 or -mcpu=x86-64-v2";

CpuFeatures CpuFeatures::host() {
  uint32_t xcr0 = readXcr0();
  std::set<std::string, std::less<>> names{"64bit", "x86-64"};
  for (const Feature &feature : kFeatures) {
    unsigned regs[4];
    if (!__get_cpuid_count(feature.leaf, feature.subleaf, &regs[0], &regs[1],
                           &regs[2], &regs[3]))
      continue;
    if ((regs[static_cast<int>(feature.reg)] >> feature.bit & 1) &&
        stateEnabled(feature.state, xcr0))
      names.insert(feature.name);
  }
  return CpuFeatures(std::move(names));
}

#endif // __x86_64__
