//===- Variant.h - which of the compiled kernels this CPU can run *- C++
//-*-===//
//
// An executable may hold several sets of kernels. The choice is made at start,
// from what the CPU says (x86-64: cpuid, CpuX86.cpp) or the operating system
// (AArch64: HWCAP, CpuAArch64.cpp), before any code that needs more than the
// architecture's least.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_RUNTIME_VARIANT_H
#define TENON_RUNTIME_VARIANT_H

#include "tenon/Runtime/Abi.h"
#include "tenon/Support/Error.h"

#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tenon::runtime {

/// The CPU features that can be used: those that the CPU has and whose
/// registers the operating system saves. Names are LLVM's.
class CpuFeatures {
public:
  CpuFeatures() = default;
  explicit CpuFeatures(std::set<std::string, std::less<>> names)
      : names(std::move(names)) {}

  static CpuFeatures host();

  bool has(std::string_view name) const { return names.contains(name); }
  const std::set<std::string, std::less<>> &all() const { return names; }

  /// Of a comma separated list, those that are absent. A name that the runtime
  /// doesn't know is absent.
  std::vector<std::string> missing(std::string_view list) const;

private:
  std::set<std::string, std::less<>> names;
};

/// What to compile a model with for older CPUs of this architecture.
extern const std::string_view kOlderCpus;

/// The first variant whose features are all there. UnsupportedCPU if none is:
/// the message names, for every variant, what is missing. `only`, unless empty,
/// restricts the choice to variants compiled for that CPU name.
Expected<const TenonVariant *>
chooseVariant(std::span<const TenonVariant> variants, const CpuFeatures &cpu,
              std::string_view only = {});

} // namespace tenon::runtime

#endif // TENON_RUNTIME_VARIANT_H
