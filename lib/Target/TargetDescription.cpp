//===- TargetDescription.cpp - which CPU kernels are made for -------------===//

#include "tenon/Target/TargetDescription.h"
#include "Architecture.h"
#include "tenon/Support/Strings.h"
#include "tenon/Target/Tuning.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/TargetParser/Host.h"

#include <tuple>
#include <unistd.h>

using namespace llvm;
using namespace tenon;

namespace {

CacheSizes getHostCaches(CacheSizes sizes) {
  auto query = [](int name, int64_t &size) {
    if (long value = sysconf(name); value > 0)
      size = value;
  };
  query(_SC_LEVEL1_DCACHE_SIZE, sizes.l1);
  query(_SC_LEVEL2_CACHE_SIZE, sizes.l2);
  query(_SC_LEVEL3_CACHE_SIZE, sizes.l3);
  return sizes;
}

/// "+a,-b": how this machine's CPU differs from LLVM's idea of it.
std::string getHostDifferences(const Architecture &arch, StringRef cpu) {
  std::unique_ptr<MCSubtargetInfo> model = arch.makeSubtarget(cpu, "");
  StringMap<bool> host = sys::getHostCPUFeatures();
  std::string text;
  for (StringRef feature : arch.kernelFeatures()) {
    auto found = host.find(feature);
    // Of AArch64 LLVM asks the system for some only.
    if (found == host.end() && !arch.triple().isX86())
      continue;
    bool present = found != host.end() && found->second;
    if (present != hasFeature(*model, feature))
      text += (Twine(text.empty() ? "" : ",") + (present ? "+" : "-") + feature)
                  .str();
  }
  return text;
}

/// Checks "+a,-b" against LLVM's list of features; `a` alone means `+a`.
tenon::Expected<std::string> parseFeatureList(const Architecture &arch,
                                              StringRef list) {
  StringSet<> known;
  for (const SubtargetFeatureKV &feature :
       arch.makeSubtarget(arch.plainCpu(), "")->getAllProcessorFeatures())
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
      return plainError(
          strCat("unknown CPU feature ", quoteName(name.str()),
                 " in -mattr; LLVM's names are expected, such as ",
                 arch.featureExamples().str()),
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

/// The architecture of a triple; of this machine if it is empty.
tenon::Expected<const Architecture *> findArchitecture(StringRef triple) {
  const Architecture *arch =
      triple.empty() ? Architecture::host()
                     : Architecture::find(Triple(Triple::normalize(triple)));
  if (!arch)
    return plainError(
        triple.empty()
            ? "kernels are made for Linux on x86-64 and AArch64: --target says "
              "for which"
            : strCat("unknown target ", quoteName(triple.str()),
                     "; x86_64-linux-gnu or aarch64-linux-gnu is expected"),
        ExitCode::BadUsage);
  if (!arch->backend())
    return plainError(
        strCat("this LLVM cannot generate code for ", arch->name().str()));
  return arch;
}

} // namespace

tenon::Expected<TargetAttr>
tenon::describeTarget(mlir::MLIRContext *context,
                      const TargetOptions &options) {
  tenon::Expected<const Architecture *> found =
      findArchitecture(options.triple);
  if (!found)
    return found.takeError();
  const Architecture &arch = **found;

  bool native = options.cpu == "native";
  std::string cpu = options.cpu;
  std::string features;
  if (native && &arch != Architecture::host())
    return withNote(
        plainError(strCat("this machine's CPU is no ", arch.name().str(),
                          " CPU: 'native' ", "can't be compiled for"),
                   ExitCode::BadUsage),
        arch.cpuNote().str());
  if (native) {
    cpu = sys::getHostCPUName().str();
    if (!arch.hasCpu(cpu))
      cpu = arch.plainCpu(); // newer than LLVM, or hidden by a virtual machine
    features = getHostDifferences(arch, cpu);
  } else if (!arch.hasCpu(cpu)) {
    return withNote(
        plainError(arch.describeUnknownCpu(cpu), ExitCode::BadUsage),
        arch.cpuNote().str());
  }
  tenon::Expected<std::string> given =
      parseFeatureList(arch, options.attributes);
  if (!given)
    return given.takeError();
  append(features, *given);

  std::unique_ptr<MCSubtargetInfo> subtarget =
      arch.makeSubtarget(cpu, features);
  for (StringRef feature : arch.unusedFeatures())
    if (hasFeature(*subtarget, feature))
      append(features, ("-" + feature).str());
  subtarget = arch.makeSubtarget(cpu, features);
  CacheSizes caches = arch.commonCaches();
  return overrideTuning(arch.describe(context, cpu, features, *subtarget,
                                      native ? getHostCaches(caches) : caches),
                        options.tuning);
}

bool tenon::isHostTriple(StringRef triple) {
  return triple.empty() ||
         Architecture::find(Triple(Triple::normalize(triple))) ==
             Architecture::host();
}

StringRef tenon::getPlainCpu(StringRef triple) {
  const Architecture *arch =
      Architecture::find(Triple(Triple::normalize(triple)));
  return arch ? arch->plainCpu() : "native";
}

std::string tenon::getRequiredFeatures(TargetAttr target) {
  const Architecture &arch = *Architecture::find(Triple(target.getTriple()));
  std::unique_ptr<MCSubtargetInfo> subtarget =
      arch.makeSubtarget(target.getCpu(), target.getFeatures());
  std::string text;
  for (StringRef feature : arch.kernelFeatures())
    if (hasFeature(*subtarget, feature))
      append(text, feature);
  return text;
}

/// Higher is better. If every feature of one target is among another's, that
/// one is no worse in any part.
static auto getCapability(TargetAttr target) {
  return std::tuple(target.getVectorBits(),
                    int(target.hasByteDot()) + int(target.hasBf16Dot()) +
                        int(target.has("dotprod")) + int(target.has("i8mm")),
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
    tenon::Expected<TargetAttr> target =
        describeTarget(context, {name.str(), options.attributes, options.tuning,
                                 options.triple});
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
