//===- Interrupt.cpp - signals and the state of the standard streams
//-------===//
#include "tenon/Runtime/Interrupt.h"

#include "tenon/Support/ProcessGuard.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstring>

#include <fcntl.h>
#include <sys/time.h>
#include <unistd.h>

using namespace tenon;
using namespace tenon::runtime;

namespace {

/// How long a step may go on. The end of the process comes on top: the kernel
/// takes some 40 ms per GB to give the pages of mapped weights back.
constexpr int kPatienceMicroseconds = 25 * 1000;
constexpr int kInterruptedCode = static_cast<int>(ExitCode::Interrupted);

std::atomic<bool> flag{false}, waits{false};
bool outputWasClosed = false;
char heldText[4096];
std::atomic<size_t> heldSize{0};
static_assert(std::atomic<size_t>::is_always_lock_free &&
              std::atomic<bool>::is_always_lock_free);

// The handlers use only async-signal-safe calls.

void onInterrupt(int) {
  int savedErrno = errno;
  if (flag.exchange(true))
    _exit(kInterruptedCode);
  if (waits.load())
    return;
  itimerval timer{};
  timer.it_value.tv_usec = kPatienceMicroseconds;
  setitimer(ITIMER_REAL, &timer, nullptr);
  errno = savedErrno;
}

void onPatienceEnd(int) {
  size_t size = heldSize.load();
  if (size && write(STDOUT_FILENO, heldText, size) < 0) {
    // Nobody is left to tell.
  }
  _exit(kInterruptedCode);
}

void handle(int signal, void (*handler)(int)) {
  struct sigaction action {};
  action.sa_handler = handler;
  // No SA_RESTART: a write that waits for a slow reader must return.
  sigaction(signal, &action, nullptr);
}

} // namespace

void tenon::runtime::prepareProcess() {
  for (int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (fcntl(stream, F_GETFD) != -1 || errno != EBADF)
      continue;
    // The lowest free number is this stream's, as those below are open.
    open("/dev/null", O_RDWR);
    if (stream == STDOUT_FILENO)
      outputWasClosed = true;
  }
  handle(SIGPIPE, SIG_IGN);
  // A write beyond `ulimit -f` then fails with EFBIG.
  handle(SIGXFSZ, SIG_IGN);
  guardMappings();
  // A shell that starts us in the background has SIGINT ignored: leave it so.
  struct sigaction before {};
  sigaction(SIGINT, nullptr, &before);
  if (before.sa_handler == SIG_IGN)
    return;
  handle(SIGALRM, onPatienceEnd);
  handle(SIGINT, onInterrupt);
}

bool tenon::runtime::standardOutputClosed() { return outputWasClosed; }

void tenon::runtime::waitForStep() { waits.store(true); }

bool tenon::runtime::interrupted() {
  return flag.load(std::memory_order_relaxed);
}

Error tenon::runtime::interruption() {
  return Error{std::string(), ExitCode::Interrupted};
}

void tenon::runtime::setHeldText(std::string_view text) {
  // Size 0 first: the handler must not see the new text with the old size.
  heldSize.store(0);
  size_t size = std::min(text.size(), sizeof heldText);
  std::memcpy(heldText, text.data(), size);
  heldSize.store(size);
}
