//===- ExecutorTest.cpp - ranges are covered once, whoever comes ----------===//
#include "tenon/Runtime/Executor.h"

#include <atomic>
#include <chrono>
#include <deque>
#include <filesystem>
#include <fstream>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <sched.h>
#include <unistd.h>

using namespace tenon::runtime;

namespace {

struct Coverage {
  explicit Coverage(int64_t n, int64_t grain = 1) : grain(grain), hits(n) {}
  int64_t grain;
  std::atomic<bool> isAligned{true};
  std::vector<std::atomic<int>> hits;
  std::atomic<int> calls{0};

  static void kernel(void *ctx, int64_t begin, int64_t end) {
    auto *self = static_cast<Coverage *>(ctx);
    self->calls++;
    int64_t n = self->hits.size();
    if (begin % self->grain || (end % self->grain && end != n))
      self->isAligned = false;
    for (int64_t i = begin; i < end; ++i)
      self->hits[i]++;
  }
  bool eachOnce() const {
    for (auto &hit : hits)
      if (hit != 1)
        return false;
    return true;
  }
};

class ExecutorTest : public testing::TestWithParam<unsigned> {};

TEST_P(ExecutorTest, CoversEveryIndexOnce) {
  Executor executor(GetParam(), Topology::current());
  Executor::Session session(executor);
  for (int64_t n : {1, 2, 7, 64, 1000})
    for (int64_t grain : {1, 3, 64, 5000}) {
      Coverage coverage(n, grain);
      executor.dispatch(0, Coverage::kernel, &coverage, n, grain);
      EXPECT_TRUE(coverage.isAligned) << n << " by " << grain;
      EXPECT_TRUE(coverage.eachOnce()) << n << " by " << grain;
      // A range of one chunk, and one thread, are plain calls.
      if (n <= grain || GetParam() == 1)
        EXPECT_EQ(coverage.calls, 1);
      else
        EXPECT_LE(coverage.calls, (n + grain - 1) / grain);
      // Long chunks first: of 1000, so many that the last are single ones.
      if (n == 1000 && grain == 1 && GetParam() > 1)
        EXPECT_LT(coverage.calls, 50 * int(GetParam()));
    }
}

TEST_P(ExecutorTest, ManySmallJobsInARow) {
  Executor executor(GetParam(), Topology::current());
  Executor::Session session(executor);
  std::atomic<int64_t> sum{0};
  auto add = [](void *ctx, int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i)
      static_cast<std::atomic<int64_t> *>(ctx)->fetch_add(i);
  };
  for (int i = 0; i < 20000; ++i)
    executor.dispatch(0, add, &sum, 4, 1);
  EXPECT_EQ(sum, 20000 * 6);
}

TEST_P(ExecutorTest, SleepingWorkersWakeUp) {
  Executor executor(GetParam(), Topology::current());
  for (int round = 0; round < 3; ++round) {
    Executor::Session session(executor);
    for (int i = 0; i < 5; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(3));
      Coverage coverage(100);
      executor.dispatch(0, Coverage::kernel, &coverage, 100, 1);
      EXPECT_TRUE(coverage.eachOnce());
    }
  }
}

// Workers are still on their way to a session when it ends, and go to the next.
TEST_P(ExecutorTest, SessionsWithoutWork) {
  Executor executor(GetParam(), Topology::current());
  for (int round = 0; round < 500; ++round)
    Executor::Session session(executor);
  Executor::Session session(executor);
  Coverage coverage(100);
  executor.dispatch(0, Coverage::kernel, &coverage, 100, 1);
  EXPECT_TRUE(coverage.eachOnce());
}

TEST_P(ExecutorTest, WorksWithoutASession) {
  Executor executor(GetParam(), Topology::current());
  Coverage coverage(10);
  executor.dispatch(0, Coverage::kernel, &coverage, 10, 1);
  EXPECT_TRUE(coverage.eachOnce());
  EXPECT_EQ(coverage.calls, 1);
}

TEST_P(ExecutorTest, NestedDispatchRunsInline) {
  Executor executor(GetParam(), Topology::current());
  Executor::install(&executor);
  Executor::Session session(executor);
  auto outer = [](void *ctx, int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i)
      tenon_dispatch(1, Coverage::kernel,
                     &(*static_cast<std::deque<Coverage> *>(ctx))[i], 10, 1);
  };
  std::deque<Coverage> inner;
  for (int i = 0; i < 8; ++i)
    inner.emplace_back(10);
  tenon_dispatch(0, outer, &inner, 8, 1);
  Executor::install(nullptr);
  for (Coverage &coverage : inner)
    EXPECT_TRUE(coverage.eachOnce());
}

// Eight threads on however few CPUs: the main thread can't count on any.
INSTANTIATE_TEST_SUITE_P(Threads, ExecutorTest, testing::Values(1, 2, 4, 8));

TEST(Executor, WorkersTakePart) {
  Executor executor(2, Topology::current());
  Executor::Session session(executor);
  struct Meeting {
    std::atomic<int> present{0};
  } meeting;
  // Each chunk waits for the other, so one thread alone would time out.
  auto meet = [](void *ctx, int64_t, int64_t) {
    auto &present = static_cast<Meeting *>(ctx)->present;
    present++;
    auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (present < 2 && std::chrono::steady_clock::now() < limit)
      std::this_thread::yield();
  };
  executor.dispatch(0, meet, &meeting, 2, 1);
  EXPECT_EQ(meeting.present, 2);
}

// With a real-time priority the caller leaves its CPU to nobody of the same
// priority: a worker that starts there, as threads inherit a mask, never comes.
TEST(Executor, WorkersStartBesideACallerThatNeverRests) {
  Topology topology = Topology::current();
  if (topology.cpus.size() < 2)
    GTEST_SKIP() << "one CPU";
  bool allowed = false, met = false;
  std::thread([&] {
    sched_param priority{};
    priority.sched_priority = 1;
    allowed = sched_setscheduler(0, SCHED_FIFO, &priority) == 0;
    if (!allowed)
      return;
    Executor executor(2, topology);
    Executor::Session session(executor);
    std::atomic<int> present{0};
    auto meet = [](void *ctx, int64_t, int64_t) {
      auto &present = *static_cast<std::atomic<int> *>(ctx);
      present++;
      auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(3);
      while (present < 2)
        if (std::chrono::steady_clock::now() > limit)
          present = 100; // Alone: the other chunk comes after this one.
    };
    executor.dispatch(0, meet, &present, 2, 1);
    met = present == 2;
    priority.sched_priority = 0;
    sched_setscheduler(0, SCHED_OTHER, &priority);
  }).join();
  if (!allowed)
    GTEST_SKIP() << "no real-time priority for this user";
  EXPECT_TRUE(met);
}

TEST_P(ExecutorTest, PrologueComesFirstAndOnce) {
  Executor executor(GetParam(), Topology::current());
  Executor::install(&executor);
  executor.enableProfile(3);
  {
    Executor::Session session(executor);
    struct Work {
      std::atomic<int> prologues{0}, tasks{0}, early{0};
    } work;
    auto prologue = [](void *ctx, int64_t begin, int64_t end) {
      static_cast<Work *>(ctx)->prologues += int(end - begin);
    };
    auto task = [](void *ctx, int64_t begin, int64_t end) {
      auto &work = *static_cast<Work *>(ctx);
      work.early += work.prologues != 1;
      work.tasks += int(end - begin);
    };
    tenon_dispatch_after(2, prologue, task, &work, 100, 3);
    EXPECT_EQ(work.prologues, 1);
    EXPECT_EQ(work.tasks, 100);
    EXPECT_EQ(work.early, 0);
    work.prologues = 0;
    executor.dispatchAfter(2, prologue, task, &work, 0, 1);
    EXPECT_EQ(work.prologues, 1);
    EXPECT_EQ(work.tasks, 100);
  }
  Executor::install(nullptr);
  // Its time is that of the operation before.
  EXPECT_EQ(executor.profile()[0].calls, 0u);
  EXPECT_EQ(executor.profile()[1].calls, 2u);
  EXPECT_EQ(executor.profile()[2].calls, 2u);
}

TEST(Executor, WorkersStayInTheAffinityMask) {
  Topology topology = Topology::current();
  Executor executor(2, topology);
  std::vector<std::atomic<int>> cpus(2);
  {
    Executor::Session session(executor);
    auto look = [](void *ctx, int64_t begin, int64_t) {
      (*static_cast<std::vector<std::atomic<int>> *>(ctx))[begin] =
          sched_getcpu();
    };
    executor.dispatch(0, look, &cpus, 2, 1);
  }
  for (auto &cpu : cpus)
    EXPECT_NE(std::find(topology.cpus.begin(), topology.cpus.end(), cpu),
              topology.cpus.end());
  // The main thread has its mask back after the session.
  EXPECT_EQ(Topology::current().cpus, topology.cpus);
}

TEST(Executor, ProfileCountsCallsAndTime) {
  Executor executor(1, Topology::current());
  executor.enableProfile(3);
  auto nap = [](void *, int64_t, int64_t) {
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  };
  executor.dispatch(1, nap, nullptr, 1, 1);
  executor.dispatch(1, nap, nullptr, 1, 1);
  executor.dispatch(7, nap, nullptr, 1, 1); // unknown id: run, not counted
  executor.dispatch(-1, nap, nullptr, 1, 1);
  ASSERT_EQ(executor.profile().size(), 3u);
  EXPECT_EQ(executor.profile()[0].calls, 0u);
  EXPECT_EQ(executor.profile()[1].calls, 2u);
  EXPECT_GE(executor.profile()[1].nanoseconds, 4'000'000u);
  executor.clearProfile();
  EXPECT_EQ(executor.profile()[1].calls, 0u);
}

TEST(Executor, NothingToDo) {
  Executor executor(2, Topology::current());
  Executor::Session session(executor);
  auto never = [](void *, int64_t, int64_t) { FAIL(); };
  executor.dispatch(0, never, nullptr, 0, 1);
  executor.dispatch(0, never, nullptr, -3, 1);
}

TEST(Executor, DispatchWithoutExecutor) {
  Executor::install(nullptr);
  Coverage coverage(5);
  tenon_dispatch(0, Coverage::kernel, &coverage, 5, 1);
  EXPECT_TRUE(coverage.eachOnce());
}

/// A made-up /sys/devices/system/cpu.
class TopologyTest : public testing::Test {
protected:
  void SetUp() override {
    root = testing::TempDir() + "/topology" + std::to_string(getpid());
    std::filesystem::create_directories(root);
  }
  void TearDown() override { std::filesystem::remove_all(root); }
  void addCpu(int cpu, int package, int core) {
    std::string dir = root + "/cpu" + std::to_string(cpu) + "/topology";
    std::filesystem::create_directories(dir);
    std::ofstream(dir + "/core_id") << core << "\n";
    std::ofstream(dir + "/physical_package_id") << package << "\n";
  }
  std::string root;
};

TEST_F(TopologyTest, OneThreadPerCoreFirst) {
  // Siblings side by side, as AMD numbers them, in two packages.
  addCpu(0, 0, 0), addCpu(1, 0, 0), addCpu(2, 0, 1), addCpu(3, 0, 1);
  addCpu(4, 1, 0), addCpu(5, 1, 0);
  Topology topology = Topology::ofCpus({0, 1, 2, 3, 4, 5}, root);
  EXPECT_EQ(topology.cpus, (std::vector<int>{0, 2, 4, 1, 3, 5}));
  EXPECT_EQ(topology.physicalCores, 3u);
}

TEST_F(TopologyTest, MaskDecides) {
  addCpu(0, 0, 0), addCpu(1, 0, 0), addCpu(2, 0, 1), addCpu(3, 0, 1);
  Topology topology = Topology::ofCpus({2, 3}, root);
  EXPECT_EQ(topology.cpus, (std::vector<int>{2, 3}));
  EXPECT_EQ(topology.physicalCores, 1u);
}

TEST_F(TopologyTest, WithoutFilesEveryCpuIsACore) {
  Topology topology = Topology::ofCpus({1, 5, 6}, root);
  EXPECT_EQ(topology.cpus, (std::vector<int>{1, 5, 6}));
  EXPECT_EQ(topology.physicalCores, 3u);
}

} // namespace
