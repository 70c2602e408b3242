//===- X86.cpp - x86-64 CPUs ----------------------------------------------===//

#include "Architecture.h"
#include "tenon/Support/Strings.h"
#include "tenon/Target/Tuning.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/TargetParser/X86TargetParser.h"

#include <mutex>

using namespace llvm;
using namespace tenon;

namespace {

/// Others than these, such as AES and CET, never come out of kernels.
constexpr StringLiteral kKernelFeatures[] = {
    "sse3",        "ssse3",        "sse4.1",       "sse4.2",
    "popcnt",      "movbe",        "avx",          "avx2",
    "fma",         "f16c",         "bmi",          "bmi2",
    "lzcnt",       "avx512f",      "avx512cd",     "avx512bw",
    "avx512dq",    "avx512vl",     "avx512ifma",   "avx512vbmi",
    "avx512vbmi2", "avx512vnni",   "avx512bitalg", "avx512vpopcntdq",
    "avx512bf16",  "avx512fp16",   "gfni",         "avxvnni",
    "avxvnniint8", "avxvnniint16", "avxneconvert", "avxifma"};

/// Instructions of few CPUs that LLVM would use where it can.
constexpr StringLiteral kUnused[] = {"xop", "fma4",      "tbm", "egpr",
                                     "ndd", "ccmp",      "nf",  "cf",
                                     "zu",  "push2pop2", "ppx"};

class X86Architecture : public Architecture {
public:
  StringRef name() const override { return "x86-64"; }
  const Triple &triple() const override {
    static const Triple triple("x86_64-unknown-linux-gnu");
    return triple;
  }
  StringRef plainCpu() const override { return "x86-64"; }
  ArrayRef<StringLiteral> kernelFeatures() const override {
    return kKernelFeatures;
  }
  ArrayRef<StringLiteral> unusedFeatures() const override { return kUnused; }

  bool hasCpu(StringRef cpu) const override {
    return X86::parseArchX86(cpu, /*Only64Bit=*/true) != X86::CK_None;
  }
  std::string describeUnknownCpu(StringRef cpu) const override {
    bool narrow = X86::parseArchX86(cpu) != X86::CK_None;
    return narrow ? strCat("CPU ", quoteName(cpu.str()), " has no 64-bit mode")
                  : strCat("unknown CPU ", quoteName(cpu.str()));
  }
  StringRef cpuNote() const override {
    return "-mcpu takes 'native', 'x86-64-v2', 'x86-64-v3', 'x86-64-v4' or one "
           "of LLVM's names, such as 'haswell', 'skylake-avx512', "
           "'sapphirerapids', 'znver4'";
  }
  StringRef featureExamples() const override {
    return "+avx512bf16 or -avx512f";
  }
  /// Of the last ten years.
  CacheSizes commonCaches() const override {
    return {32 * 1024, 512 * 1024, 16 * 1024 * 1024};
  }

  TargetAttr describe(mlir::MLIRContext *context, StringRef cpu,
                      StringRef features, const MCSubtargetInfo &subtarget,
                      CacheSizes caches) const override {
    auto has = [&](StringRef feature) {
      return hasFeature(subtarget, feature);
    };
    bool avx512 =
        has("avx512f") && has("avx512bw") && has("avx512dq") && has("avx512vl");
    bool avx2 = has("avx2");
    return TargetAttr::get(context, cpu, features,
                           /*vector_bits=*/
                           avx512 ? 512
                           : avx2 ? 256
                                  : 128,
                           /*registers=*/avx512 ? 32 : 16, caches.l1, caches.l2,
                           caches.l3, getTuning(context, cpu), triple().str(),
                           extensionsOf(context, subtarget));
  }

private:
  void initialize() const override {
    static std::once_flag once;
    std::call_once(once, [] {
      LLVMInitializeX86TargetInfo();
      LLVMInitializeX86Target();
      LLVMInitializeX86TargetMC();
      LLVMInitializeX86AsmPrinter();
    });
  }
};

} // namespace

const Architecture &tenon::getX86() {
  static const X86Architecture x86;
  return x86;
}
