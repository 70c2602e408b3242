//===- ProcessGuard.cpp - a sentence instead of a signal -----------------===//

#include "tenon/Support/ProcessGuard.h"

#include "tenon/Support/EndProcess.h"
#include "tenon/Support/Strings.h"

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <mutex>
#include <new>
#include <string>
#include <system_error>
#include <utility>

#include <signal.h>
#include <unistd.h>

using namespace tenon;

//===----------------------------------------------------------------------===//
// The end
//===----------------------------------------------------------------------===//

static std::atomic<void (*)()> cleanupHook{nullptr};

void tenon::setGuardCleanup(void (*cleanup)()) { cleanupHook = cleanup; }

// Of several threads that end the process the first does; the others wait for
// it. A second time in the same thread is a fault of the cleanup.
static void enterEnd(ExitCode code) {
  static std::atomic<pid_t> first{0};
  pid_t none = 0, self = gettid();
  if (first.compare_exchange_strong(none, self))
    return;
  if (none == self)
    _exit(static_cast<int>(code));
  for (;;)
    pause();
}

// Everything below runs without allocating, and in signal handlers.
static void say(std::string_view text) {
  while (!text.empty()) {
    ssize_t done = write(STDERR_FILENO, text.data(), text.size());
    if (done <= 0)
      return;
    text.remove_prefix(static_cast<size_t>(done));
  }
}

[[noreturn]] static void end(ExitCode code) {
  if (void (*cleanup)() = cleanupHook.exchange(nullptr))
    cleanup();
  _exit(static_cast<int>(code));
}

static std::atomic<bool> isDone{false};

void tenon::guardSuccess() { isDone = true; }

void tenon::endOutOfMemory() {
  if (isDone) {
    enterEnd(ExitCode::Success);
    end(ExitCode::Success);
  }
  enterEnd(ExitCode::OutOfResource);
  say("error: not enough memory\n");
  end(ExitCode::OutOfResource);
}

void tenon::endProcess(std::string_view text, ExitCode code) {
  enterEnd(code);
  say(text);
  end(code);
}

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

// What reaches std::terminate: an exception out of a function that must not
// throw, mostly bad_alloc of code that isn't ours.
[[noreturn]] static void endTerminated() {
  if (!std::current_exception()) {
    enterEnd(ExitCode::BadInput);
    say("error: internal error: std::terminate\n");
    end(ExitCode::BadInput);
  }
  try {
    throw;
  } catch (const std::bad_alloc &) {
    endOutOfMemory();
  } catch (const std::system_error &error) {
    int number = error.code().value();
    if (number == ENOMEM || number == EAGAIN)
      endOutOfMemory();
    enterEnd(ExitCode::BadInput);
    say("error: internal error: ");
    say(printable(error.what()));
  } catch (const std::exception &error) {
    enterEnd(ExitCode::BadInput);
    say("error: internal error: ");
    say(printable(error.what()));
  } catch (...) {
    enterEnd(ExitCode::BadInput);
    say("error: internal error: an unknown exception");
  }
  say("\n");
  end(ExitCode::BadInput);
}

void tenon::guardMemory() {
  std::set_new_handler(endOutOfMemory);
  std::set_terminate(endTerminated);
}

//===----------------------------------------------------------------------===//
// Mappings
//===----------------------------------------------------------------------===//

/// A mapping that the handler knows. Entries are used again, but never freed:
/// the handler may look at any of them at any time.
struct tenon::detail::MappingEntry {
  std::atomic<uintptr_t> begin{0};
  std::atomic<size_t> size{0}; ///< 0: the entry is free
  std::string file;            ///< fit for a terminal
  uint64_t offset = 0;         ///< of the mapping in the file
  ExitCode code = ExitCode::BadInput;
  MappingEntry *next = nullptr;
};

static std::atomic<detail::MappingEntry *> entries{nullptr};

static std::mutex &entriesMutex() {
  static std::mutex mutex;
  return mutex;
}

GuardedMapping::GuardedMapping(const void *begin, size_t size,
                               std::string_view file, uint64_t offset,
                               ExitCode code) {
  std::string shown = printable(file);
  std::lock_guard lock(entriesMutex());
  entry = entries;
  while (entry && entry->size)
    entry = entry->next;
  if (!entry) {
    entry = new detail::MappingEntry;
    entry->next = entries;
    entries = entry;
  }
  entry->file = std::move(shown);
  entry->offset = offset;
  entry->code = code;
  entry->begin = reinterpret_cast<uintptr_t>(begin);
  entry->size = size;
}

GuardedMapping::GuardedMapping(GuardedMapping &&other) noexcept
    : entry(std::exchange(other.entry, nullptr)) {}

GuardedMapping &GuardedMapping::operator=(GuardedMapping &&other) noexcept {
  std::swap(entry, other.entry);
  return *this;
}

GuardedMapping::~GuardedMapping() {
  if (entry)
    entry->size = 0;
}

static void onUnreadablePage(int signal, siginfo_t *info, void *) {
  uintptr_t address = reinterpret_cast<uintptr_t>(info->si_addr);
  for (detail::MappingEntry *entry = entries; entry; entry = entry->next) {
    uintptr_t begin = entry->begin;
    // The last page of a file is mapped to its end.
    size_t size = (entry->size + 4095) & ~size_t(4095);
    if (address < begin || address - begin >= size)
      continue;
    char digits[16];
    size_t count = 0;
    for (uint64_t rest = address - begin + entry->offset; rest || !count;
         rest >>= 4)
      digits[sizeof digits - ++count] = "0123456789abcdef"[rest & 15];
    enterEnd(entry->code);
    say(entry->file);
    say(":+0x");
    say({digits + sizeof digits - count, count});
    say(": error: can't be read any more: the file was cut short by another "
        "program while it was open, or its disk fails\n");
    end(entry->code);
  }
  // Not ours: the instruction is tried again and ends the process.
  struct sigaction standard {};
  standard.sa_handler = SIG_DFL;
  sigaction(signal, &standard, nullptr);
}

void tenon::guardMappings() {
  struct sigaction action {};
  action.sa_sigaction = onUnreadablePage;
  action.sa_flags = SA_SIGINFO;
  sigaction(SIGBUS, &action, nullptr);
}
