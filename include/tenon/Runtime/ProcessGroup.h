//===- ProcessGroup.h - processes that learn together -----------*- C++ -*-===//
//
// The sequences of a step are shared out among processes, which add their
// gradients to one memory. Sums have the order of the sequences: a section of
// the gradients (a weight, or a layer of one) counts the sequences that have
// passed it, and each awaits its turn there (tenon_await_turn). A process is
// then about one operation behind that with the sequence before, and the bits
// are those of one process. The optimizer's step is shared out by its tasks.
//
// All that they share lies in memory that they map; nothing is sent. A process
// that waits looks for others that have ended, and ends with a sentence then.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_RUNTIME_PROCESSGROUP_H
#define TENON_RUNTIME_PROCESSGROUP_H

#include "tenon/Runtime/Abi.h"
#include "tenon/Runtime/Memory.h"
#include "tenon/Support/Error.h"

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

namespace tenon::runtime {

class Mpi;

class ProcessGroup {
public:
  /// A group of `size` processes, 2 or more, of which this is the first and
  /// start() makes the others. `numbers`: how many its numbers() are at most.
  /// Errors: OutOfResource.
  static Expected<std::unique_ptr<ProcessGroup>> create(int size,
                                                        uint64_t numbers);
  /// The group of the processes that mpirun has started, of which this is one;
  /// null if it has started none, or this alone. Errors: of Open MPI's library,
  /// and processes on several machines.
  static Expected<std::unique_ptr<ProcessGroup>> joinMpi();
  /// Makes what all count in and numbers(), `numbers` at most; before anything
  /// else. create() has done it. Errors: OutOfResource.
  Status prepare(uint64_t numbers);
  ~ProcessGroup();
  ProcessGroup(const ProcessGroup &) = delete;
  ProcessGroup &operator=(const ProcessGroup &) = delete;

  /// Counted from 0.
  int rank() const { return number; }
  int size() const { return processes; }
  /// The one that writes files, and to standard error.
  bool isFirst() const { return number == 0; }

  /// Zeroed memory that all processes share: before start(). Errors as for
  /// Region::allocate.
  Expected<Region> allocate(uint64_t size, std::string_view what);
  /// Makes the other processes, which go on here; none of this process' threads
  /// may run. They leave Ctrl-C to the first, and end when that does. Errors:
  /// OutOfResource.
  Status start();
  /// The end of all: others leave with the code of `status` and don't come
  /// back; the first waits for them, or ends those that wait for it if it
  /// failed, and returns its status.
  Status finish(Status status);

  /// Waits until all are here; what they wrote before is then seen by all.
  void barrier();
  /// What the first says, in all.
  int64_t tell(int64_t value);
  /// f64 that all may write.
  std::span<double> numbers() { return shared; }

  /// From now on this process computes the gradient of a sequence, by the
  /// number of those before it since the group began. It awaits the rows of
  /// tables of the `rows` first ones, too.
  void beginSequence(int64_t sequence, int64_t rows) {
    atHand = sequence;
    rowsBefore = rows;
  }
  void awaitTurn(int64_t section);
  void passTurn(int64_t section);
  /// Notes that the rows of the sequence at hand are saved, and returns whether
  /// now those of the `all` first ones are.
  bool saveRows(int64_t all);
  /// The rows of the `all` first sequences are in the gradients.
  void openRows(int64_t all);

  /// Runs its share of the tasks [0, n) of a kernel that all processes call;
  /// returns when all have done theirs. `run`: how a share is run.
  template <typename Run> void divide(int64_t n, int64_t grain, Run run) {
    int64_t chunks = (n + grain - 1) / grain;
    int64_t share = (chunks + processes - 1) / processes * grain;
    int64_t begin = number * share, end = begin + share;
    if (begin < n)
      run(begin, end < n ? end : n);
    barrier();
  }

  /// Makes this the group whose turns generated code takes; null: none.
  static void install(ProcessGroup *group);

private:
  struct Control; ///< what they count in shared memory
  ProcessGroup();
  template <typename Condition> void wait(Condition isMet);
  /// How another process has ended; empty if none has.
  std::string findEnded();

  std::unique_ptr<Mpi> mpi; ///< null: start() makes the processes
  Region memory;
  Control *control = nullptr;
  std::span<double> shared;
  int number = 0, processes = 1;
  pid_t first = 0;           ///< the process that started this one
  std::vector<pid_t> others; ///< of the first
  /// What it ends with if one of them was ended by something else.
  ExitCode endCode = ExitCode::BadInput;
  int64_t atHand = 0, rowsBefore = 0, numTold = 0;
};

} // namespace tenon::runtime

#endif // TENON_RUNTIME_PROCESSGROUP_H
