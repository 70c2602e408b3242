//===- Executor.cpp - runs kernels over ranges on pinned workers ----------===//
#include "tenon/Runtime/Executor.h"

#include "tenon/Runtime/ProcessGroup.h"
#include "tenon/Support/SpinWait.h"
#include "tenon/Support/Strings.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

#include <sched.h>

using namespace tenon::runtime;

/// The job that workers look at. One word, `gate`, holds who may touch the
/// rest: bit 0 says that a job is open, bits 1–11 count the workers inside it,
/// the bits above number the jobs. A worker enters by adding itself while the
/// gate is open; the main thread closes it and waits for those inside only, so
/// nothing ever waits for a worker that has not come. The job's fields are
/// read after entering, hence a worker that held an old gate word for long and
/// finds the number wrapped to the same value enters the job that is open now.
struct Executor::Team {
  static constexpr uint32_t kOpen = 1;
  static constexpr uint32_t kWorker = 1 << 1;
  static constexpr uint32_t kJob = 1 << 12;
  static constexpr uint32_t kInside = kJob - kWorker;
  static constexpr uint32_t kNumber = ~(kJob - 1);

  alignas(64) std::atomic<uint32_t> gate{0};
  std::atomic<bool> stopped{false};
  alignas(64) std::atomic<int64_t> next{0};
  alignas(64) TenonKernelFn fn = nullptr;
  void *ctx = nullptr;
  int64_t n = 0;
  int64_t grain = 1;
  const int64_t workers;

  explicit Team(int64_t workers) : workers(workers) {}

  /// Looks about 40 us long for a job before it sleeps: longer than the serial
  /// parts of a decode step, shorter than a user notices on a laptop's fan.
  static constexpr int kSpins = 1500;

  /// Takes chunks, long ones first and single ones in the end (guided
  /// self-scheduling, Polychronopoulos and Kuck 1987): weights of neighbouring
  /// tasks are neighbours in memory, and a CPU's prefetchers start anew with
  /// each chunk; but all workers should end together.
  void work() {
    for (;;) {
      int64_t begin = next.load(std::memory_order_relaxed), step;
      do {
        if (begin >= n)
          return;
        int64_t share = (n - begin) / grain / (kChunksPerWorker * workers);
        step = grain * std::max<int64_t>(share, 1);
      } while (!next.compare_exchange_weak(begin, begin + step,
                                           std::memory_order_relaxed));
      fn(ctx, begin, std::min(begin + step, n));
    }
  }
  static constexpr int64_t kChunksPerWorker = 4;

  bool busy() const {
    return gate.load(std::memory_order_relaxed) & (kOpen | kInside);
  }

  void publishAndWork(TenonKernelFn f, void *c, int64_t count, int64_t step) {
    fn = f;
    ctx = c;
    n = count;
    grain = step;
    next.store(0, std::memory_order_relaxed);
    uint32_t number = gate.load(std::memory_order_relaxed) & kNumber;
    change((number + kJob) | kOpen);
    work();
    gate.fetch_and(~kOpen, std::memory_order_acq_rel);
    // Those inside run on a CPU and finish soon, unless another process took
    // it from them: then let them have this one.
    for (int spins = 0; gate.load(std::memory_order_acquire) & kInside;)
      if (++spins < kSpins)
        restBetweenLooks();
      else
        std::this_thread::yield();
  }

  void stop() {
    stopped.store(true);
    change((gate.load(std::memory_order_relaxed) & kNumber) + kJob);
  }

  /// The loop of one worker, until stop().
  void serve() {
    uint32_t seen = 0;
    for (;;) {
      // First the gate: who has seen its last word sees that it is the last,
      // and doesn't wait for another.
      uint32_t word = gate.load(std::memory_order_acquire);
      if (stopped.load(std::memory_order_relaxed))
        return;
      if (!(word & kOpen) || (word & kNumber) == seen) {
        awaitChange(word);
        continue;
      }
      if (!gate.compare_exchange_weak(word, word + kWorker,
                                      std::memory_order_acq_rel))
        continue;
      seen = word & kNumber;
      work();
      gate.fetch_sub(kWorker, std::memory_order_release);
    }
  }

private:
  /// The store must be seen before the sleepers are counted (Dekker), which
  /// the standard library's notify does after a sequentially consistent store.
  void change(uint32_t word) {
    gate.store(word, std::memory_order_seq_cst);
    gate.notify_all();
  }

  void awaitChange(uint32_t word) {
    for (int spins = 0; spins < kSpins; ++spins) {
      if (gate.load(std::memory_order_relaxed) != word)
        return;
      restBetweenLooks();
    }
    gate.wait(word, std::memory_order_acquire);
  }
};

/// The workers: threads that attend to one team after the other and sleep in
/// between. No library of tasks: oneTBB's loads others when it first allocates,
/// and the C library crashes if there is no memory then.
struct Executor::Pool {
  /// Starts `workers` threads, or as many of them as the system gives. The one
  /// numbered i, from 1, keeps to CPU i of `cpus`; to none where there are
  /// none.
  Pool(unsigned workers, const std::vector<int> &cpus) {
    threads.reserve(workers);
    try {
      for (unsigned i = 1; i <= workers; ++i)
        threads.emplace_back(
            [this, cpu = cpus.empty() ? -1 : cpus[i % cpus.size()]] {
              if (cpu >= 0)
                pinThisThread(cpu);
              attend();
            });
    } catch (const std::system_error &) {
      // The jobs are then done by those that are there.
    }
  }

  ~Pool() {
    {
      std::lock_guard lock(mutex);
      ended = true;
    }
    changed.notify_all();
    for (std::thread &thread : threads)
      thread.join();
  }

  /// Has the workers attend to a team, as soon as each is done with the last.
  void assign(std::shared_ptr<Team> next) {
    {
      std::lock_guard lock(mutex);
      team = std::move(next);
      ++number;
    }
    changed.notify_all();
  }

private:
  void attend() {
    for (uint64_t seen = 0;;) {
      std::shared_ptr<Team> current;
      {
        std::unique_lock lock(mutex);
        changed.wait(lock, [&] { return ended || number != seen; });
        if (ended)
          return;
        seen = number;
        current = team;
      }
      // Returns at once if the session is over by now.
      current->serve();
    }
  }

  std::mutex mutex;
  std::condition_variable changed;
  std::shared_ptr<Team> team; ///< of the last session
  uint64_t number = 0;        ///< of the last session
  bool ended = false;
  std::vector<std::thread> threads;
};

Executor::Executor(unsigned threads, const Topology &topology, bool pin)
    // The gate counts up to 1023 workers.
    : numThreads(std::clamp(threads, 1u, 1000u)), pinned(pin && numThreads > 1),
      cpus(topology.cpus), allCpus(topology.cpus) {
  // Begin at the CPU we are on: two processes that use half the machine each
  // then have a chance not to choose the same half.
  auto here = std::find(cpus.begin(), cpus.end(), sched_getcpu());
  if (here != cpus.end())
    std::rotate(cpus.begin(), here, cpus.end());
}

Executor::~Executor() = default;

Executor::Session::Session(Executor &executor) : executor(executor) {
  if (executor.numThreads == 1)
    return;
  executor.team = std::make_shared<Team>(executor.numThreads);
  if (!executor.pool)
    executor.pool = std::make_unique<Pool>(
        executor.numThreads - 1,
        executor.pinned ? executor.cpus : std::vector<int>());
  executor.pool->assign(executor.team);
  // Only now: threads inherit the mask of the one that starts them, and a
  // worker that starts on our CPU waits for it, before it can go to its own.
  if (executor.pinned)
    pinThisThread(executor.cpus[0]);
}

Executor::Session::~Session() {
  if (!executor.team)
    return;
  executor.team->stop();
  executor.team.reset();
  if (executor.pinned)
    unpinThisThread(executor.allCpus);
}

void Executor::run(TenonKernelFn fn, void *ctx, int64_t n, int64_t grain) {
  if (n <= 0)
    return;
  if (!team || n <= grain || team->busy())
    return fn(ctx, 0, n);
  team->publishAndWork(fn, ctx, n, std::max<int64_t>(grain, 1));
}

void Executor::dispatchTimed(int32_t op, TenonKernelFn fn, void *ctx, int64_t n,
                             int64_t grain) {
  auto start = std::chrono::steady_clock::now();
  run(fn, ctx, n, grain);
  count(op, start);
}

void Executor::dispatchAfterTimed(int32_t op, TenonKernelFn prologue,
                                  TenonKernelFn fn, void *ctx, int64_t n,
                                  int64_t grain) {
  auto start = std::chrono::steady_clock::now();
  prologue(ctx, 0, 1);
  count(op - 1, start);
  dispatchTimed(op, fn, ctx, n, grain);
}

void Executor::count(int32_t op, std::chrono::steady_clock::time_point start) {
  auto elapsed = std::chrono::steady_clock::now() - start;
  if (op < 0 || static_cast<size_t>(op) >= times.size())
    return;
  auto inNanoseconds = [](auto duration) -> int64_t {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(duration)
        .count();
  };
  int64_t nanoseconds = inNanoseconds(elapsed);
  times[op].calls += 1;
  times[op].nanoseconds += nanoseconds;
  if (events.size() < mostEvents)
    events.push_back(
        {op, inNanoseconds(start.time_since_epoch()), nanoseconds});
}

namespace {
Executor *installed = nullptr;
ProcessGroup *dividing = nullptr;

/// A kernel whose tasks begin at another one.
struct Share {
  TenonKernelFn fn;
  void *ctx;
  int64_t first;

  static void run(void *ctx, int64_t begin, int64_t end) {
    auto *share = static_cast<Share *>(ctx);
    share->fn(share->ctx, share->first + begin, share->first + end);
  }
};

void dispatchShare(int32_t op, TenonKernelFn fn, void *ctx, int64_t n,
                   int64_t grain) {
  grain = std::max<int64_t>(grain, 1);
  dividing->divide(n, grain, [&](int64_t begin, int64_t end) {
    Share share{fn, ctx, begin};
    if (installed)
      installed->dispatch(op, Share::run, &share, end - begin, grain);
    else
      fn(ctx, begin, end);
  });
}
} // namespace

void Executor::install(Executor *executor) { installed = executor; }

void Executor::divideAmong(ProcessGroup *group) { dividing = group; }

extern "C" void tenon_dispatch(int32_t op, TenonKernelFn fn, void *ctx,
                               int64_t n, int64_t grain) {
  if (dividing)
    return dispatchShare(op, fn, ctx, n, grain);
  if (!installed) {
    if (n > 0)
      fn(ctx, 0, n);
    return;
  }
  installed->dispatch(op, fn, ctx, n, grain);
}

extern "C" void tenon_out_of_bounds(const char *text) {
  std::fprintf(stderr, "%s\n", tenon::printable(text).c_str());
  std::abort();
}

extern "C" void tenon_dispatch_after(int32_t op, TenonKernelFn prologue,
                                     TenonKernelFn fn, void *ctx, int64_t n,
                                     int64_t grain) {
  if (dividing) {
    // What one task changes in place, one process does.
    dispatchShare(op - 1, prologue, ctx, 1, 1);
    return dispatchShare(op, fn, ctx, n, grain);
  }
  if (installed)
    return installed->dispatchAfter(op, prologue, fn, ctx, n, grain);
  prologue(ctx, 0, 1);
  if (n > 0)
    fn(ctx, 0, n);
}
