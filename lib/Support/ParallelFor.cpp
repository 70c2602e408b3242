//===- ParallelFor.cpp - a loop on several threads ------------------------===//

#include "tenon/Support/ParallelFor.h"

#include <algorithm>
#include <atomic>
#include <system_error>
#include <thread>
#include <vector>

#include <sched.h>

using namespace tenon;

unsigned tenon::countUsableCpus() {
  cpu_set_t mask;
  // Fails where there are more CPUs than the set has bits.
  if (sched_getaffinity(0, sizeof mask, &mask) != 0)
    return std::max(1u, std::thread::hardware_concurrency());
  return std::max(1, CPU_COUNT(&mask));
}

void tenon::parallelFor(int64_t n, unsigned threads,
                        const std::function<void(unsigned, int64_t)> &body) {
  std::atomic<int64_t> next{0};
  auto work = [&](unsigned thread) {
    for (int64_t i; (i = next.fetch_add(1, std::memory_order_relaxed)) < n;)
      body(thread, i);
  };
  std::vector<std::thread> helpers;
  unsigned useful = std::min<int64_t>(threads, n);
  helpers.reserve(useful);
  try {
    for (unsigned thread = 1; thread < useful; ++thread)
      helpers.emplace_back(work, thread);
  } catch (const std::system_error &) {
    // The system gives no more threads.
  }
  work(0);
  for (std::thread &helper : helpers)
    helper.join();
}
