//===- TargetDescription.h - which CPU kernels are made for -----*- C++ -*-===//
//
// From a CPU's name on the command line to the #tenon.target attribute, the
// only way in which passes see the machine.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_TARGET_TARGETDESCRIPTION_H
#define TENON_TARGET_TARGETDESCRIPTION_H

#include "tenon/Dialect/Tenon/IR/TenonDialect.h"
#include "tenon/Support/Error.h"

#include <string>
#include <vector>

namespace tenon {

struct TargetOptions {
  /// "native", one of LLVM's names of 64-bit CPUs, or a psABI level
  /// "x86-64-v2" ... "x86-64-v4".
  std::string cpu = "native";
  /// Features to add or take away, as in LLVM: "+avx512bf16,-gfni".
  std::string attributes;
  /// Numbers over those of the CPU's tuning entry: "prefetch_distance=2048"
  /// (overrideTuning).
  std::string tuning;
  /// "x86_64-linux-gnu" or "aarch64-linux-gnu"; empty: this machine's.
  std::string triple;
};

/// Whether code for the triple runs on this machine's architecture.
bool isHostTriple(llvm::StringRef triple);

/// The CPU to compile for on another architecture where none is named: one
/// without extensions.
llvm::StringRef getPlainCpu(llvm::StringRef triple);

/// Describes the CPU: LLVM's subtarget tables give the instructions; cache
/// sizes are this machine's for "native" and common ones otherwise.
///
/// In the attribute, `features` lists what differs from LLVM's default for the
/// CPU (a virtual machine hides some instructions of its host's CPU, and -mattr
/// changes them). `vector_bits` is 512, 256 (AVX2) or 128; `registers` 32 with
/// AVX-512 (F, BW, DQ and VL) and 16 otherwise; of AArch64 they are 128 and 32,
/// and scalable vectors are not used. `extensions` says which instructions
/// there are.
///
/// Errors (BadUsage): an unknown triple, CPU or feature, a CPU without 64-bit
/// mode, "native" for another architecture than this machine's, those of
/// overrideTuning.
Expected<TargetAttr> describeTarget(mlir::MLIRContext *context,
                                    const TargetOptions &options);

/// Describes the CPUs of a list, "native,x86-64-v3,x86-64-v2", for an
/// executable that chooses among their kernels at start: from the most to the
/// least capable, by width of vectors, products of bytes and of bf16, and
/// number of features, so that a CPU which can run several takes the best.
/// Attributes are applied to each.
///
/// Errors (BadUsage): those of describeTarget; an empty name; a CPU named
/// twice, or by two names.
Expected<std::vector<TargetAttr>> describeTargets(mlir::MLIRContext *context,
                                                  const TargetOptions &options);

/// The CPU features that code for this target may use, in LLVM's names, comma
/// separated: what the runtime checks before it calls a kernel.
std::string getRequiredFeatures(TargetAttr target);

} // namespace tenon

#endif // TENON_TARGET_TARGETDESCRIPTION_H
