//===- TargetClones.h - loops for several CPUs ------------------*- C++ -*-===//

#ifndef TENON_SUPPORT_TARGETCLONES_H
#define TENON_SUPPORT_TARGETCLONES_H

/// On a function: compiled once for each level of the x86-64 psABI, chosen at
/// load time. Its loops should be free of branches, for the vectorizer.
#if defined(__x86_64__) && defined(__clang__)
#define TENON_CLONES                                                           \
  __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define TENON_CLONES
#endif

#endif // TENON_SUPPORT_TARGETCLONES_H
