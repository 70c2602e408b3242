//===- Executor.h - runs kernels over ranges on pinned workers
//-------------===//
//
// The scheduling half of the runtime: generated code calls tenon_dispatch,
// which comes here. Workers are threads of the executor's own, each pinned to a
// CPU. For the length of a Session they look for jobs in a published
// description; a region of a library of tasks for each kernel would cost about
// 2 us, which is as long as the kernel in a small model.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_RUNTIME_EXECUTOR_H
#define TENON_RUNTIME_EXECUTOR_H

#include "tenon/Runtime/Abi.h"
#include "tenon/Runtime/Topology.h"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <memory>
#include <vector>

namespace tenon::runtime {

class ProcessGroup;

/// When an operation ran, seen from the main thread.
struct OperationEvent {
  int32_t op = 0;
  int64_t start = 0;       ///< nanoseconds of steady_clock
  int64_t nanoseconds = 0; ///< how long
};

/// What one operation of the model has cost so far.
struct OperationTime {
  uint64_t calls = 0;
  uint64_t nanoseconds = 0; ///< wall clock, seen from the main thread
};

class Executor {
public:
  /// `threads` counts the calling thread: 1 makes no worker. The others start
  /// with the first session; if the system gives fewer, these do the work. More
  /// threads than CPUs are allowed (and slow). `pin` binds worker i to a CPU of
  /// its own, and the main thread while a session lasts.
  explicit Executor(unsigned threads, const Topology &topology,
                    bool pin = true);
  ~Executor();
  Executor(const Executor &) = delete;
  Executor &operator=(const Executor &) = delete;

  unsigned threads() const { return numThreads; }

  /// Runs fn over [0, n); see tenon_dispatch. Outside a session, or nested in
  /// a kernel, all of it runs on the calling thread.
  void dispatch(int32_t op, TenonKernelFn fn, void *ctx, int64_t n,
                int64_t grain) {
    if (__builtin_expect(!times.empty(), 0))
      return dispatchTimed(op, fn, ctx, n, grain);
    run(fn, ctx, n, grain);
  }

  /// Runs prologue(ctx, 0, 1), then fn as above; see tenon_dispatch_after.
  void dispatchAfter(int32_t op, TenonKernelFn prologue, TenonKernelFn fn,
                     void *ctx, int64_t n, int64_t grain) {
    if (__builtin_expect(!times.empty(), 0))
      return dispatchAfterTimed(op, prologue, fn, ctx, n, grain);
    prologue(ctx, 0, 1);
    run(fn, ctx, n, grain);
  }

  /// Starts to time operations 0 … count-1 (ids outside are not timed).
  void enableProfile(size_t count) { times.assign(count ? count : 1, {}); }
  void clearProfile() { times.assign(times.size(), {}); }
  const std::vector<OperationTime> &profile() const { return times; }
  /// Keeps when each of the first `most` operations ran, beside a profile.
  void enableTrace(size_t most) {
    mostEvents = most;
    events.reserve(std::min<size_t>(most, 1 << 16));
  }
  const std::vector<OperationEvent> &trace() const { return events; }
  bool isTraceFull() const { return events.size() == mostEvents; }

  /// Makes this executor the one that tenon_dispatch uses; null: none, calls
  /// run inline.
  static void install(Executor *executor);
  /// From now on all processes of a group make the same dispatches, and each
  /// runs its share of the tasks of every one, on memory that they share; null:
  /// each runs its own dispatches alone. Tasks dispatch nothing meanwhile.
  static void divideAmong(ProcessGroup *group);

  /// While one lives, workers attend to this executor. Sessions don't nest.
  /// Neither start nor end waits for a worker: one that comes late or never
  /// only leaves its share to the others.
  class Session {
  public:
    explicit Session(Executor &executor);
    ~Session();
    Session(const Session &) = delete;
    Session &operator=(const Session &) = delete;

  private:
    Executor &executor;
  };

private:
  struct Team; ///< what the workers of one session share
  struct Pool; ///< the workers

  void run(TenonKernelFn fn, void *ctx, int64_t n, int64_t grain);
  void dispatchTimed(int32_t op, TenonKernelFn fn, void *ctx, int64_t n,
                     int64_t grain);
  void dispatchAfterTimed(int32_t op, TenonKernelFn prologue, TenonKernelFn fn,
                          void *ctx, int64_t n, int64_t grain);
  /// Adds a call of an operation that began at `start` to its time.
  void count(int32_t op, std::chrono::steady_clock::time_point start);

  unsigned numThreads;
  bool pinned;
  std::vector<int> cpus;    ///< cpus[i % size] is thread i's
  std::vector<int> allCpus; ///< the mask to go back to
  std::unique_ptr<Pool> pool;
  std::shared_ptr<Team> team; ///< null outside a session
  std::vector<OperationTime> times;
  std::vector<OperationEvent> events;
  size_t mostEvents = 0;
};

} // namespace tenon::runtime

#endif // TENON_RUNTIME_EXECUTOR_H
