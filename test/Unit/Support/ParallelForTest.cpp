//===- ParallelForTest.cpp - a loop on several threads --------------------===//

#include "tenon/Support/ParallelFor.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

#include <sched.h>

using namespace tenon;

TEST(ParallelForTest, CallsOnceForEach) {
  for (unsigned threads : {1u, 2u, 7u})
    for (int64_t n : {0, 1, 2, 5, 1000}) {
      std::vector<std::atomic<int>> calls(n), busy(threads);
      parallelFor(n, threads, [&](unsigned thread, int64_t i) {
        ASSERT_LT(thread, threads);
        // No two threads have one number.
        EXPECT_EQ(busy[thread]++, 0);
        calls[i]++;
        busy[thread]--;
      });
      for (auto &count : calls)
        EXPECT_EQ(count, 1);
    }
}

TEST(ParallelForTest, ThreadsWorkAtTheSameTime) {
  std::atomic<int> present{0};
  parallelFor(2, 2, [&](unsigned, int64_t) {
    present++;
    auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (present < 2 && std::chrono::steady_clock::now() < limit)
      std::this_thread::yield();
  });
  EXPECT_EQ(present, 2);
}

TEST(ParallelForTest, CountsTheCpusOfTheMask) {
  cpu_set_t before, one;
  ASSERT_EQ(sched_getaffinity(0, sizeof before, &before), 0);
  EXPECT_EQ(countUsableCpus(), unsigned(CPU_COUNT(&before)));
  int first = 0;
  while (!CPU_ISSET(first, &before))
    ++first;
  CPU_ZERO(&one);
  CPU_SET(first, &one);
  ASSERT_EQ(sched_setaffinity(0, sizeof one, &one), 0);
  EXPECT_EQ(countUsableCpus(), 1u);
  sched_setaffinity(0, sizeof before, &before);
}
