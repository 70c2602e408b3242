//===- X86.h - LLVM's x86-64 target -----------------------------*- C++ -*-===//
#ifndef TENON_LIB_TARGET_X86_H
#define TENON_LIB_TARGET_X86_H

#include "llvm/MC/TargetRegistry.h"
#include "llvm/TargetParser/Triple.h"

namespace tenon {

/// The triple that objects are made for.
const llvm::Triple &getX86Triple();

/// Initializes LLVM's target at the first call; null if LLVM lacks it.
const llvm::Target *getX86Target();

} // namespace tenon

#endif // TENON_LIB_TARGET_X86_H
