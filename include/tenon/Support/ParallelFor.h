//===- ParallelFor.h - a loop on several threads ----------------*- C++ -*-===//
#ifndef TENON_SUPPORT_PARALLELFOR_H
#define TENON_SUPPORT_PARALLELFOR_H

#include <cstdint>
#include <functional>

namespace tenon {

/// CPUs that this process may run on; 1 at least.
unsigned countUsableCpus();

/// Calls `body(thread, i)` once for each i of [0, n), on at most `threads`
/// threads, the calling one among them. `thread`, below `threads`, is the
/// number of the thread that calls: what belongs to a number is used by one at
/// a time. Threads start for each loop, which takes some 20 us, so `body`
/// should take longer in all. If the system gives fewer, these do the work.
/// `body` must not throw.
void parallelFor(int64_t n, unsigned threads,
                 const std::function<void(unsigned thread, int64_t i)> &body);

} // namespace tenon

#endif // TENON_SUPPORT_PARALLELFOR_H
