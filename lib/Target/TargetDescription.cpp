//===- TargetDescription.cpp - which CPU kernels are made for -------------===//

#include "tenon/Target/TargetDescription.h"
#include "X86.h"
#include "tenon/Support/Strings.h"
#include "tenon/Target/Tuning.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/MC/MCSubtargetInfo.h"
#include "llvm/TargetParser/Host.h"
#include "llvm/TargetParser/X86TargetParser.h"

#include <tuple>
#include <unistd.h>

using namespace llvm;
using namespace tenon;

namespace {

/// What LLVM may choose by itself when it is allowed to. Features outside of
/// the list either never come out of these kernels (AES, CET, ...) or are
/// switched off by kUnused.
constexpr StringLiteral kKernelFeatures[] = {
    "sse3",        "ssse3",        "sse4.1",       "sse4.2",
    "popcnt",      "movbe",        "avx",          "avx2",
    "fma",         "f16c",         "bmi",          "bmi2",
    "lzcnt",       "avx512f",      "avx512cd",     "avx512bw",
    "avx512dq",    "avx512vl",     "avx512ifma",   "avx512vbmi",
    "avx512vbmi2", "avx512vnni",   "avx512bitalg", "avx512vpopcntdq",
    "avx512bf16",  "avx512fp16",   "gfni",         "avxvnni",
    "avxvnniint8", "avxvnniint16", "avxneconvert", "avxifma"};

/// Instructions of few CPUs that LLVM would use where it can, and that are
/// worth nothing to kernels: a binary should not depend on them.
constexpr StringLiteral kUnused[] = {"xop", "fma4",      "tbm", "egpr",
                                     "ndd", "ccmp",      "nf",  "cf",
                                     "zu",  "push2pop2", "ppx"};

struct CacheSizes {
  // What most x86 cores of the last ten years have at least.
  int64_t l1 = 32 * 1024, l2 = 512 * 1024, l3 = 16 * 1024 * 1024;
};

CacheSizes getHostCaches() {
  CacheSizes sizes;
  auto query = [](int name, int64_t &size) {
    if (long value = sysconf(name); value > 0)
      size = value;
  };
  query(_SC_LEVEL1_DCACHE_SIZE, sizes.l1);
  query(_SC_LEVEL2_CACHE_SIZE, sizes.l2);
  query(_SC_LEVEL3_CACHE_SIZE, sizes.l3);
  return sizes;
}

std::unique_ptr<MCSubtargetInfo> makeSubtarget(StringRef cpu,
                                               StringRef features) {
  return std::unique_ptr<MCSubtargetInfo>(
      getX86Target()->createMCSubtargetInfo(getX86Triple(), cpu, features));
}

bool has(const MCSubtargetInfo &subtarget, StringRef feature) {
  return subtarget.checkFeatures(("+" + feature).str());
}

/// "+a,-b": how this machine's CPU differs from LLVM's idea of it.
std::string getHostDifferences(StringRef cpu) {
  std::unique_ptr<MCSubtargetInfo> model = makeSubtarget(cpu, "");
  StringMap<bool> host = sys::getHostCPUFeatures();
  std::string text;
  for (StringRef feature : kKernelFeatures) {
    auto found = host.find(feature);
    bool present = found != host.end() && found->second;
    if (present != has(*model, feature))
      text += (Twine(text.empty() ? "" : ",") + (present ? "+" : "-") + feature)
                  .str();
  }
  return text;
}

/// Checks "+a,-b" against LLVM's list of features; `a` alone means `+a`.
tenon::Expected<std::string> parseFeatureList(StringRef list) {
  StringSet<> known;
  for (const SubtargetFeatureKV &feature :
       makeSubtarget("x86-64", "")->getAllProcessorFeatures())
    known.insert(feature.Key);
  SmallVector<StringRef> items;
  list.split(items, ',', -1, /*KeepEmpty=*/false);
  std::string text;
  for (StringRef item : items) {
    StringRef name = item.trim();
    bool enable = !name.consume_front("-");
    if (enable)
      name.consume_front("+");
    if (!known.contains(name))
      return plainError(strCat("unknown CPU feature ", quoteName(name.str()),
                               " in -mattr; LLVM's names are expected, such as "
                               "+avx512bf16 or -avx512f"),
                        ExitCode::BadUsage);
    text +=
        (Twine(text.empty() ? "" : ",") + (enable ? "+" : "-") + name).str();
  }
  return text;
}

void append(std::string &list, StringRef more) {
  if (!list.empty() && !more.empty())
    list += ',';
  list += more;
}

} // namespace

tenon::Expected<TargetAttr>
tenon::describeTarget(mlir::MLIRContext *context,
                      const TargetOptions &options) {
  if (!getX86Target())
    return plainError("this LLVM cannot generate code for x86-64");

  bool native = options.cpu == "native";
  std::string cpu = options.cpu;
  std::string features;
  if (native) {
    cpu = sys::getHostCPUName().str();
    if (X86::parseArchX86(cpu, /*Only64Bit=*/true) == X86::CK_None)
      cpu = "x86-64"; // newer than LLVM, or hidden by a virtual machine
    features = getHostDifferences(cpu);
  } else if (X86::parseArchX86(cpu, /*Only64Bit=*/true) == X86::CK_None) {
    bool narrow = X86::parseArchX86(cpu) != X86::CK_None;
    tenon::Error error = plainError(
        narrow ? strCat("CPU ", quoteName(cpu), " has no 64-bit mode")
               : strCat("unknown CPU ", quoteName(cpu)),
        ExitCode::BadUsage);
    return withNote(std::move(error),
                    "-mcpu takes 'native', 'x86-64-v2', 'x86-64-v3', "
                    "'x86-64-v4' or one of LLVM's names, such as 'haswell', "
                    "'skylake-avx512', 'sapphirerapids', 'znver4'");
  }
  tenon::Expected<std::string> given = parseFeatureList(options.attributes);
  if (!given)
    return given.takeError();
  append(features, *given);

  std::unique_ptr<MCSubtargetInfo> subtarget = makeSubtarget(cpu, features);
  for (StringRef feature : kUnused)
    if (has(*subtarget, feature))
      append(features, ("-" + feature).str());

  bool avx512 = has(*subtarget, "avx512f") && has(*subtarget, "avx512bw") &&
                has(*subtarget, "avx512dq") && has(*subtarget, "avx512vl");
  bool avx2 = has(*subtarget, "avx2");
  // vpdpbusd: as part of AVX-512, with VL also on 256 bits, or alone on those.
  bool vnni = avx512 ? has(*subtarget, "avx512vnni")
                     : avx2 && has(*subtarget, "avxvnni");
  CacheSizes caches = native ? getHostCaches() : CacheSizes();
  auto target =
      TargetAttr::get(context, cpu, features, /*vector_bits=*/
                      avx512 ? 512
                      : avx2 ? 256
                             : 128,
                      /*registers=*/avx512 ? 32 : 16,
                      /*fma=*/has(*subtarget, "fma"), avx512,
                      /*bf16_dot=*/avx512 && has(*subtarget, "avx512bf16"),
                      caches.l1, caches.l2, caches.l3, vnni,
                      has(*subtarget, "ssse3"), getTuning(context, cpu));
  return overrideTuning(target, options.tuning);
}

std::string tenon::getRequiredFeatures(TargetAttr target) {
  std::unique_ptr<MCSubtargetInfo> subtarget =
      makeSubtarget(target.getCpu(), target.getFeatures());
  std::string text;
  for (StringRef feature : kKernelFeatures)
    if (has(*subtarget, feature))
      append(text, feature);
  return text;
}

/// Higher is better. If every feature of one target is among another's, that
/// one is no worse in any part.
static auto getCapability(TargetAttr target) {
  return std::tuple(target.getVectorBits(),
                    int(target.getVnni()) + int(target.getBf16Dot()),
                    StringRef(getRequiredFeatures(target)).count(','));
}

tenon::Expected<std::vector<TargetAttr>>
tenon::describeTargets(mlir::MLIRContext *context,
                       const TargetOptions &options) {
  SmallVector<StringRef> names;
  StringRef(options.cpu).split(names, ',');
  std::vector<TargetAttr> targets, sorted;
  for (auto [i, name] : enumerate(names)) {
    name = name.trim();
    if (name.empty())
      return plainError(strCat("an empty name in -mcpu=", options.cpu),
                        ExitCode::BadUsage);
    tenon::Expected<TargetAttr> target = describeTarget(
        context, {name.str(), options.attributes, options.tuning});
    if (!target)
      return target.takeError();
    for (size_t other = 0; other < i; ++other) {
      if (targets[other].getCpu() != target->getCpu() ||
          targets[other].getFeatures() != target->getFeatures())
        continue;
      std::string before = names[other].trim().str();
      return plainError(
          before == name
              ? strCat("CPU ", quoteName(before), " is named twice in -mcpu")
              : strCat(quoteName(before), " and ", quoteName(name.str()),
                       " in -mcpu are the same CPU here"),
          ExitCode::BadUsage);
    }
    targets.push_back(*target);
    auto isBetter = [](TargetAttr a, TargetAttr b) {
      return getCapability(a) > getCapability(b);
    };
    sorted.insert(upper_bound(sorted, *target, isBetter), *target);
  }
  return sorted;
}
