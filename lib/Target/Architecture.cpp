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

mlir::ArrayAttr
Architecture::extensionsOf(mlir::MLIRContext *context,
                           const MCSubtargetInfo &subtarget) const {
  SmallVector<mlir::Attribute> extensions;
  for (StringRef feature : kernelFeatures())
    if (hasFeature(subtarget, feature))
      extensions.push_back(mlir::StringAttr::get(context, feature));
  return mlir::ArrayAttr::get(context, extensions);
}

std::unique_ptr<MCSubtargetInfo>
Architecture::makeSubtarget(StringRef cpu, StringRef features) const {
  return std::unique_ptr<MCSubtargetInfo>(
      backend()->createMCSubtargetInfo(triple(), cpu, features));
}
