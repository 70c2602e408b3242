//===- SpinWait.h - waits of microseconds -----------------------*- C++ -*-===//

#ifndef TENON_SUPPORT_SPINWAIT_H
#define TENON_SUPPORT_SPINWAIT_H

#if defined(__x86_64__)
#include <emmintrin.h>
#endif

namespace tenon {

/// Lets a CPU rest between two looks at a word that another will change.
inline void restBetweenLooks() {
#if defined(__x86_64__)
  _mm_pause();
#elif defined(__aarch64__)
  // YIELD takes no time where a core runs one thread; ISB about as long as
  // x86's PAUSE.
  __asm__ volatile("isb" ::: "memory");
#endif
}

} // namespace tenon

#endif // TENON_SUPPORT_SPINWAIT_H
