//===- Architecture.h - what instruction sets differ in ---------*- C++ -*-===//
#ifndef TENON_LIB_TARGET_ARCHITECTURE_H
#define TENON_LIB_TARGET_ARCHITECTURE_H

#include "tenon/Dialect/Tenon/IR/TenonDialect.h"
#include "llvm/MC/MCSubtargetInfo.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/TargetParser/Triple.h"

#include <memory>
#include <string>

namespace tenon {

/// Bytes of the caches.
struct CacheSizes {
  int64_t l1, l2, l3;
};

/// An architecture as far as a target's description asks for it. There is one
/// object for each.
class Architecture {
public:
  virtual ~Architecture() = default;

  /// Null if kernels are not made for the triple's architecture and system.
  static const Architecture *find(const llvm::Triple &triple);
  /// Of this machine; null as above.
  static const Architecture *host();

  /// LLVM's backend, initialized at the first call; null if LLVM lacks it.
  const llvm::Target *backend() const;
  std::unique_ptr<llvm::MCSubtargetInfo>
  makeSubtarget(llvm::StringRef cpu, llvm::StringRef features) const;

  /// As a sentence has it: "x86-64".
  virtual llvm::StringRef name() const = 0;
  virtual const llvm::Triple &triple() const = 0;
  /// LLVM's CPU without extensions: what a cross compilation takes where none
  /// is named, and "native" where LLVM doesn't know the host's.
  virtual llvm::StringRef plainCpu() const = 0;
  /// What LLVM may choose by itself when it is allowed to: features outside of
  /// the list either never come out of kernels or are switched off.
  virtual llvm::ArrayRef<llvm::StringLiteral> kernelFeatures() const = 0;
  /// Features that kernels gain nothing by: a program should not depend on
  /// them.
  virtual llvm::ArrayRef<llvm::StringLiteral> unusedFeatures() const = 0;
  /// Whether LLVM knows a 64-bit CPU by this name.
  virtual bool hasCpu(llvm::StringRef cpu) const = 0;
  /// What to say of a CPU that it doesn't know, and how to mend it.
  virtual std::string describeUnknownCpu(llvm::StringRef cpu) const = 0;
  virtual llvm::StringRef cpuNote() const = 0;
  virtual llvm::StringRef featureExamples() const = 0;
  /// What most CPUs have at least.
  virtual CacheSizes commonCaches() const = 0;
  virtual TargetAttr describe(mlir::MLIRContext *context, llvm::StringRef cpu,
                              llvm::StringRef features,
                              const llvm::MCSubtargetInfo &subtarget,
                              CacheSizes caches) const = 0;

protected:
  /// Those of kernelFeatures that there are, as an attribute has them.
  mlir::ArrayAttr extensionsOf(mlir::MLIRContext *context,
                               const llvm::MCSubtargetInfo &subtarget) const;

private:
  virtual void initialize() const = 0;
};

const Architecture &getX86();
const Architecture &getAArch64();

inline bool hasFeature(const llvm::MCSubtargetInfo &subtarget,
                       llvm::StringRef feature) {
  return subtarget.checkFeatures(("+" + feature).str());
}

/// A copy of one of LLVM's targets whose machines can list the code that they
/// emit; `CodeGenerator::emitListed` uses them, and nothing else may.
std::shared_ptr<const llvm::Target>
makeListingTarget(const llvm::Target &original);

} // namespace tenon

#endif // TENON_LIB_TARGET_ARCHITECTURE_H
