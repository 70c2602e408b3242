//===- Architecture.cpp - what instruction sets differ in -----------------===//

#include "Architecture.h"
#include "llvm/TargetParser/Host.h"

using namespace llvm;
using namespace tenon;

const Architecture *Architecture::find(const Triple &triple) {
  if (!triple.isOSLinux() || !triple.isGNUEnvironment())
    return nullptr;
  for (const Architecture *each : {&getX86(), &getAArch64()})
    if (each->triple().getArch() == triple.getArch())
      return each;
  return nullptr;
}

const Architecture *Architecture::host() {
  return find(Triple(sys::getProcessTriple()));
}

const Target *Architecture::backend() const {
  initialize();
  std::string error;
  return TargetRegistry::lookupTarget(triple(), error);
}

std::unique_ptr<MCSubtargetInfo>
Architecture::makeSubtarget(StringRef cpu, StringRef features) const {
  return std::unique_ptr<MCSubtargetInfo>(
      backend()->createMCSubtargetInfo(triple(), cpu, features));
}
