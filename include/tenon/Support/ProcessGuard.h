//===- ProcessGuard.h - a sentence instead of a signal ----------*- C++ -*-===//
//
// Two faults strike where no result can be returned: memory runs out inside of
// code that cannot throw, and a page of a mapped file cannot be read any more
// (the file was cut short by another program, or its disk fails), which the
// kernel answers with SIGBUS. With the guards of this file such a process ends
// with one message and its documented code. They allocate nothing when they
// strike.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_SUPPORT_PROCESSGUARD_H
#define TENON_SUPPORT_PROCESSGUARD_H

#include "tenon/Support/Error.h"

#include <cstddef>
#include <string_view>

namespace tenon {

/// From now on an allocation by `new` that fails, and an exception that nobody
/// catches, end the process with a sentence on standard error: "error: not
/// enough memory" and ExitCode::OutOfResource for those of memory and threads,
/// ExitCode::BadInput for others. main()'s program calls it before the
/// initializers of its libraries (TENON_GUARD_MEMORY_FROM_THE_START).
void guardMemory();

/// What to do before the guards end the process, such as removing temporary
/// files; null: nothing. It must be safe in a signal handler.
void setGuardCleanup(void (*cleanup)());

/// What the process was asked for is done, its output in place: memory that
/// runs out from now on, where things are given back, is no failure, and the
/// process ends with ExitCode::Success and no sentence.
void guardSuccess();

/// Ends the process as a failed allocation does.
[[noreturn]] void endOutOfMemory();

/// From now on SIGBUS inside of a mapping known to GuardedMapping ends the
/// process with "FILE:+0xOFFSET: error: ..." and the mapping's code.
void guardMappings();

namespace detail {
struct MappingEntry;
}

/// Makes a mapping known to guardMappings() while the object lives.
class GuardedMapping {
public:
  GuardedMapping() = default;
  /// Of `size` bytes of `file`, from `offset` on.
  GuardedMapping(const void *begin, size_t size, std::string_view file,
                 uint64_t offset, ExitCode code);
  GuardedMapping(GuardedMapping &&other) noexcept;
  GuardedMapping &operator=(GuardedMapping &&other) noexcept;
  ~GuardedMapping();

private:
  detail::MappingEntry *entry = nullptr;
};

} // namespace tenon

/// In the file of main(): guardMemory() runs before every initializer, those of
/// shared libraries included.
#define TENON_GUARD_MEMORY_FROM_THE_START                                      \
  __attribute__((section(".preinit_array"),                                    \
                 used)) static void (*const tenonGuardMemory)() =              \
      ::tenon::guardMemory;

#endif // TENON_SUPPORT_PROCESSGUARD_H
