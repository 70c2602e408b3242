//===- Executor.cpp - runs kernels over ranges on pinned workers ----------===//
#include "tenon/Runtime/Executor.h"

#include "tenon/Support/ProcessGuard.h"
#include "tenon/Support/Strings.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <thread>

#include <sched.h>
#include <tbb/global_control.h>
#include <tbb/task_arena.h>
#include <tbb/task_scheduler_observer.h>

#if defined(__x86_64__)
#include <emmintrin.h>
#endif

using namespace tenon::runtime;

/// Lets a CPU rest between two looks at a word that another will change.
static void rest() {
#if defined(__x86_64__)
  _mm_pause();
#elif defined(__aarch64__)
  // YIELD takes no time where a core runs one thread; ISB about as long as
  // x86's PAUSE.
  __asm__ volatile("isb" ::: "memory");
#endif
}

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
        rest();
      else
        std::this_thread::yield();
  }

  void stop() {
    stopped.store(true);
    change((gate.load(std::memory_order_relaxed) & kNumber) + kJob);
  }

  /// The loop of one worker, in one TBB task, until stop().
  void serve() {
    uint32_t seen = 0;
    while (!stopped.load(std::memory_order_relaxed)) {
      uint32_t word = gate.load(std::memory_order_acquire);
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
      rest();
    }
    gate.wait(word, std::memory_order_acquire);
  }
};

/// TBB's side: an arena with a slot per worker, and the observer that pins the
/// thread of slot i to CPU i.
struct Executor::Pool {
  struct Pinner : tbb::task_scheduler_observer {
    Pinner(tbb::task_arena &arena, const std::vector<int> &cpus)
        : tbb::task_scheduler_observer(arena), cpus(cpus) {
      observe(true);
    }
    ~Pinner() override { observe(false); }
    void on_scheduler_entry(bool isWorker) override {
      int slot = tbb::this_task_arena::current_thread_index();
      if (isWorker && slot > 0)
        pinThisThread(cpus[slot % cpus.size()]);
    }
    std::vector<int> cpus;
  };

  Pool(unsigned threads, bool pin, const std::vector<int> &cpus)
      : limit(tbb::global_control::max_allowed_parallelism, threads),
        arena(static_cast<int>(threads), /*reserved_for_masters=*/1) {
    arena.initialize();
    if (pin)
      pinner = std::make_unique<Pinner>(arena, cpus);
  }

  tbb::global_control limit;
  tbb::task_arena arena;
  std::unique_ptr<Pinner> pinner;
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
  // TBB throws when the system gives it no thread. The job is then done by
  // those that are there.
  try {
    if (!executor.pool) {
      requireMemory();
      executor.pool = std::make_unique<Pool>(executor.numThreads,
                                             executor.pinned, executor.cpus);
    }
    for (unsigned i = 1; i < executor.numThreads; ++i)
      executor.pool->arena.enqueue([team = executor.team] { team->serve(); });
  } catch (const std::exception &) {
  }
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
} // namespace

void Executor::install(Executor *executor) { installed = executor; }

extern "C" void tenon_dispatch(int32_t op, TenonKernelFn fn, void *ctx,
                               int64_t n, int64_t grain) {
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
  if (installed)
    return installed->dispatchAfter(op, prologue, fn, ctx, n, grain);
  prologue(ctx, 0, 1);
  if (n > 0)
    fn(ctx, 0, n);
}
