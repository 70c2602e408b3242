//===- CheckedMalloc.cpp - malloc() that ends the process -----------------===//
//
// MLIR creates operations in memory of malloc() and does not ask whether there
// was any. With this one, which all of the process calls, tenonc ends with
// "error: not enough memory" instead of SIGSEGV. Sanitizers have their own.
//
//===----------------------------------------------------------------------===//

#include <cstddef>

#ifndef __has_feature
#define __has_feature(name) 0
#endif

#if defined(__GLIBC__) && !__has_feature(address_sanitizer) &&                 \
    !__has_feature(thread_sanitizer) && !__has_feature(memory_sanitizer)

#include "tenon/Support/ProcessGuard.h"

#include <atomic>

#include <dlfcn.h>

extern "C" void *__libc_malloc(size_t size);

extern "C" void *malloc(size_t size) {
  using Malloc = void *(size_t);
  static std::atomic<Malloc *> next{nullptr};
  static std::atomic<bool> isSearched{false};
  Malloc *real = next.load(std::memory_order_relaxed);
  if (!real) {
    // The search may allocate, and other threads may meanwhile.
    real = __libc_malloc;
    if (!isSearched.exchange(true)) {
      // A library that was loaded before, such as the tests', comes first.
      if (void *found = dlsym(RTLD_NEXT, "malloc"))
        real = reinterpret_cast<Malloc *>(found);
      next.store(real, std::memory_order_relaxed);
    }
  }
  void *memory = real(size);
  if (!memory)
    tenon::endOutOfMemory();
  return memory;
}

#endif
