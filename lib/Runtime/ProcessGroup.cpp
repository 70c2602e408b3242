//===- ProcessGroup.cpp - processes that learn together -------------------===//
#include "tenon/Runtime/ProcessGroup.h"

#include "Mpi.h"

#include "tenon/Support/CheckedMath.h"
#include "tenon/Support/EndProcess.h"
#include "tenon/Support/SpinWait.h"
#include "tenon/Support/Strings.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <new>
#include <thread>

#include <fcntl.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace tenon;
using namespace tenon::runtime;

/// Counts never go back: of a step they are those of the steps before and its
/// own. Each is on a cache line of its own, but for the sections', which change
/// seldom.
struct ProcessGroup::Control {
  alignas(64) std::atomic<int64_t> arrived{0}; ///< at barriers
  alignas(64) std::atomic<int64_t> rowsSaved{0};
  alignas(64) std::atomic<int64_t> rowsOpen{0};
  alignas(64) int64_t told[2] = {0, 0};
  alignas(64) std::atomic<int64_t> passed[TENON_TURN_SECTIONS];
};
static_assert(std::atomic<int64_t>::is_always_lock_free);

namespace {
ProcessGroup *installed = nullptr;
} // namespace

void ProcessGroup::install(ProcessGroup *group) { installed = group; }

extern "C" void tenon_await_turn(int64_t section) {
  if (installed)
    installed->awaitTurn(section);
}

extern "C" void tenon_pass_turn(int64_t section) {
  if (installed)
    installed->passTurn(section);
}

//===----------------------------------------------------------------------===//
// Beginning and end
//===----------------------------------------------------------------------===//

ProcessGroup::ProcessGroup() = default;

Expected<std::unique_ptr<ProcessGroup>> ProcessGroup::create(int size,
                                                             uint64_t numbers) {
  std::unique_ptr<ProcessGroup> group(new ProcessGroup());
  group->processes = size;
  group->first = getpid();
  if (Status status = group->prepare(numbers); !status)
    return status.takeError();
  return group;
}

Expected<std::unique_ptr<ProcessGroup>> ProcessGroup::joinMpi() {
  const char *size = std::getenv("OMPI_COMM_WORLD_SIZE");
  // Each would be a training of its own, and write the same files.
  const char *other = std::getenv("PMI_SIZE");
  if (!size && other && std::atoll(other) > 1)
    return plainError(strCat("this is one of ", other,
                             " processes that something else than Open MPI's "
                             "mpirun has started, which cannot learn together"),
                      ExitCode::BadUsage);
  if (!size || std::atoll(size) < 2)
    return std::unique_ptr<ProcessGroup>();
  auto mpi = Mpi::join();
  if (!mpi)
    return mpi.takeError();
  // A variable that was left over, or the mpirun of another installation.
  if ((*mpi)->size() != std::atoll(size))
    return plainError(strCat("OMPI_COMM_WORLD_SIZE says that mpirun has "
                             "started ",
                             size, " processes, and Open MPI's library finds ",
                             (*mpi)->size()),
                      ExitCode::BadUsage);
  std::unique_ptr<ProcessGroup> group(new ProcessGroup());
  group->mpi = std::move(*mpi);
  group->number = group->mpi->rank();
  group->processes = group->mpi->size();
  return group;
}

Status ProcessGroup::prepare(uint64_t numbers) {
  auto bytes = checkedMul(numbers, sizeof(double));
  auto all = bytes ? checkedAdd(*bytes, sizeof(Control)) : std::nullopt;
  auto region = allocate(all.value_or(UINT64_MAX), "what processes share");
  if (!region)
    return region.takeError();
  memory = std::move(*region);
  // Zeros are what its counts begin with; pages are touched as they are used.
  control = std::launder(reinterpret_cast<Control *>(memory.data()));
  shared = {reinterpret_cast<double *>(memory.data() + sizeof(Control)),
            static_cast<size_t>(numbers)};
  return {};
}

ProcessGroup::~ProcessGroup() {
  if (installed == this)
    installed = nullptr;
  // Those that are left wait for this one in vain.
  for (pid_t other : others)
    kill(other, SIGKILL);
  for (pid_t other : others)
    waitpid(other, nullptr, 0);
}

Expected<Region> ProcessGroup::allocate(uint64_t size, std::string_view what) {
  if (!mpi || size == 0)
    return Region::allocate(size, Region::Kind::Shared, what);
  // A file in memory of the first, which the others open by its number there.
  struct {
    int64_t process;
    int32_t file, error;
  } made{getpid(), -1, 0};
  if (isFirst()) {
    made.file = memfd_create("tenon", MFD_CLOEXEC);
    if (made.file < 0 || ftruncate(made.file, static_cast<off_t>(size)))
      made.error = errno;
  }
  mpi->broadcast(&made, sizeof made);
  int file = made.file;
  if (!isFirst() && !made.error) {
    std::string path = strCat("/proc/", made.process, "/fd/", made.file);
    file = open(path.c_str(), O_RDWR | O_CLOEXEC);
    if (file < 0)
      made.error = errno;
  }
  if (made.error)
    return outOfMemory(what, size, made.error);
  // The address comes first, aligned, and then what lies there.
  auto region = Region::allocate(size, Region::Kind::Sparse, what);
  if (region) {
    void *at = mmap(region->data(), size, PROT_READ | PROT_WRITE,
                    MAP_SHARED | MAP_FIXED, file, 0);
    if (at == MAP_FAILED)
      return outOfMemory(what, size, errno);
    madvise(at, size, MADV_HUGEPAGE);
  }
  mpi->barrier();
  close(file);
  return region;
}

Status ProcessGroup::start() {
  if (mpi)
    return {};
  for (int next = 1; next < processes; ++next) {
    pid_t pid = fork();
    if (pid < 0)
      return plainError(strCat("cannot start process ", next + 1, " of ",
                               processes, ": ", std::strerror(errno)),
                        ExitCode::OutOfResource);
    if (pid) {
      others.push_back(pid);
      continue;
    }
    others.clear();
    number = next;
    // Whatever becomes of the first, nobody is left over.
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != first)
      _exit(static_cast<int>(ExitCode::BadInput));
    signal(SIGINT, SIG_IGN);
    break;
  }
  return {};
}

Status ProcessGroup::finish(Status status) {
  install(nullptr);
  if (mpi) {
    // Who fails ends all of them: mpirun sees to that.
    if (status)
      mpi->finish();
    return status;
  }
  if (!isFirst())
    _exit(status ? 0 : static_cast<int>(status.error().code));
  if (!status)
    return status;
  while (!others.empty()) {
    pid_t other = others.back();
    others.pop_back();
    while (waitpid(other, nullptr, 0) < 0 && errno == EINTR)
      ;
  }
  return status;
}

//===----------------------------------------------------------------------===//
// Waiting
//===----------------------------------------------------------------------===//

std::string ProcessGroup::findEnded() {
  if (mpi)
    return ""; // mpirun ends all when one ends.
  if (!isFirst())
    return getppid() == first ? "" : "the first of them has ended";
  for (pid_t &other : others) {
    int state = 0;
    if (waitpid(other, &state, WNOHANG) != other)
      continue;
    std::swap(other, others.back());
    others.pop_back();
    if (WIFSIGNALED(state))
      return strCat("one of them was ended by signal ", WTERMSIG(state), " (",
                    strsignal(WTERMSIG(state)), ")");
    if (WEXITSTATUS(state) == static_cast<int>(ExitCode::OutOfResource))
      endCode = ExitCode::OutOfResource;
    return strCat("one of them has ended with code ", WEXITSTATUS(state));
  }
  return "";
}

/// First the CPU rests, which is best for waits of microseconds; then others
/// may have it; then the process sleeps, and looks after the others.
template <typename Condition> void ProcessGroup::wait(Condition isMet) {
  constexpr int spins = 2000, yields = 50;
  for (int i = 0; i < spins; ++i) {
    if (isMet())
      return;
    restBetweenLooks();
  }
  for (int i = 0; i < yields; ++i) {
    if (isMet())
      return;
    sched_yield();
  }
  std::chrono::microseconds time(20), most(1000);
  while (!isMet()) {
    std::this_thread::sleep_for(time);
    time = std::min(2 * time, most);
    if (time < most)
      continue;
    // One that came here, and ended because all is done, is none to miss.
    std::string ended = findEnded();
    if (!ended.empty() && !isMet())
      endProcess(strCat("error: ", processes, " processes learn together, and ",
                        ended,
                        ": training stops here\nnote: what was saved "
                        "before is still there\n"),
                 endCode);
  }
}

void ProcessGroup::barrier() {
  int64_t before = control->arrived.fetch_add(1, std::memory_order_acq_rel);
  int64_t goal = (before / processes + 1) * processes;
  wait(
      [&] { return control->arrived.load(std::memory_order_acquire) >= goal; });
}

int64_t ProcessGroup::tell(int64_t value) {
  // Two places in turn: the next word may be told while one still reads this.
  int64_t &word = control->told[numTold++ % 2];
  if (isFirst())
    word = value;
  barrier();
  return word;
}

void ProcessGroup::awaitTurn(int64_t section) {
  wait([&] {
    return control->passed[section].load(std::memory_order_acquire) >= atHand &&
           control->rowsOpen.load(std::memory_order_acquire) >= rowsBefore;
  });
}

void ProcessGroup::passTurn(int64_t section) {
  awaitTurn(section);
  control->passed[section].store(atHand + 1, std::memory_order_release);
}

bool ProcessGroup::saveRows(int64_t all) {
  return control->rowsSaved.fetch_add(1, std::memory_order_acq_rel) + 1 == all;
}

void ProcessGroup::openRows(int64_t all) {
  control->rowsOpen.store(all, std::memory_order_release);
}
