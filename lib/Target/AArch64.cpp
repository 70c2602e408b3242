//===- AArch64.cpp - 64-bit Arm CPUs --------------------------------------===//

#include "Architecture.h"
#include "tenon/Support/Strings.h"
#include "tenon/Target/Tuning.h"
#include "llvm/Support/TargetSelect.h"

#include <mutex>

using namespace llvm;
using namespace tenon;

namespace {

/// Others, such as AES and pointer authentication, never come out of kernels.
/// Runtime/Variant.cpp knows the kernel's name (HWCAP) of each.
constexpr StringLiteral kKernelFeatures[] = {
    "fp-armv8", "neon",      "rdm",     "fullfp16", "fp16fml", "dotprod",
    "i8mm",     "bf16",      "lse",     "rcpc",     "jsconv",  "complxnum",
    "flagm",    "rcpc-immo", "altnzcv", "fptoint",  "sha3"};

/// Scalable vectors, of which kernels make nothing yet: LLVM would use single
/// instructions of theirs, and a program would depend on them.
constexpr StringLiteral kUnused[] = {"sve", "sme"};

class AArch64Architecture : public Architecture {
public:
  StringRef name() const override { return "AArch64"; }
  const Triple &triple() const override {
    static const Triple triple("aarch64-unknown-linux-gnu");
    return triple;
  }
  StringRef plainCpu() const override { return "generic"; }
  ArrayRef<StringLiteral> kernelFeatures() const override {
    return kKernelFeatures;
  }
  ArrayRef<StringLiteral> unusedFeatures() const override { return kUnused; }

  bool hasCpu(StringRef cpu) const override {
    return makeSubtarget("generic", "")->isCPUStringValid(cpu);
  }
  std::string describeUnknownCpu(StringRef cpu) const override {
    return strCat("unknown AArch64 CPU ", quoteName(cpu.str()));
  }
  StringRef cpuNote() const override {
    return "-mcpu takes 'generic' (any ARMv8 CPU) or one of LLVM's names, such "
           "as 'cortex-a72', 'cortex-a76', 'neoverse-n1', 'neoverse-v2'";
  }
  StringRef featureExamples() const override { return "+dotprod or -i8mm"; }
  /// Of Cortex-A72 and later.
  CacheSizes commonCaches() const override {
    return {32 * 1024, 512 * 1024, 4 * 1024 * 1024};
  }

  TargetAttr describe(mlir::MLIRContext *context, StringRef cpu,
                      StringRef features, const MCSubtargetInfo &subtarget,
                      CacheSizes caches) const override {
    return TargetAttr::get(context, cpu, features, /*vector_bits=*/128,
                           /*registers=*/32, caches.l1, caches.l2, caches.l3,
                           getTuning(context, cpu, "aarch64"), triple().str(),
                           extensionsOf(context, subtarget));
  }

private:
  void initialize() const override {
    static std::once_flag once;
    std::call_once(once, [] {
      LLVMInitializeAArch64TargetInfo();
      LLVMInitializeAArch64Target();
      LLVMInitializeAArch64TargetMC();
      LLVMInitializeAArch64AsmPrinter();
    });
  }
};

} // namespace

const Architecture &tenon::getAArch64() {
  static const AArch64Architecture aarch64;
  return aarch64;
}
