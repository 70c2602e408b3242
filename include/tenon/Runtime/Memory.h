//===- Memory.h - the mappings that a model runs in
//------------------------===//
//
// Weights are mapped read-only from the executable's own file, so that they
// load lazily and are shared between processes; arena and cache are anonymous.
// Every failure says how much was needed and exits with OutOfResource.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_RUNTIME_MEMORY_H
#define TENON_RUNTIME_MEMORY_H

#include "tenon/Support/Error.h"
#include "tenon/Support/ProcessGuard.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace tenon::runtime {

/// An owned mapping. Movable; unmapped at destruction. May be empty.
class Region {
public:
  enum class Kind {
    Scratch, ///< huge pages if the system has them
    Sparse,  ///< address space of which a part is used: not reserved
    Shared,  ///< as Scratch; processes that fork() makes have it, too
  };

  Region() = default;
  Region(Region &&other) noexcept;
  Region &operator=(Region &&other) noexcept;
  ~Region();

  /// Zeroed memory, aligned to 2 MiB when it is that large and to a page
  /// otherwise. `what` names it in the error.
  static Expected<Region> allocate(uint64_t size, Kind kind,
                                   std::string_view what);

  /// Maps [offset, offset + size) of an open file read-only. `offset` is a
  /// multiple of the page size.
  static Expected<Region> mapFile(int file, uint64_t offset, uint64_t size,
                                  std::string_view what);

  /// Has the kernel enter all pages of a mapped file, which costs a fraction of
  /// the page faults that it spares. In pieces, so that an interruption finds
  /// its moment; a failure is only slower.
  void populate() const;

  std::byte *data() { return bytes; }
  const std::byte *data() const { return bytes; }
  uint64_t size() const { return length; }
  std::span<const std::byte> span() const { return {bytes, length}; }

  /// Of a mapped file: what names it if it can't be read any more.
  GuardedMapping guard;

private:
  Region(std::byte *bytes, uint64_t length) : bytes(bytes), length(length) {}

  std::byte *bytes = nullptr;
  uint64_t length = 0;
};

/// Bytes that this process may still take without pushing another out: what the
/// kernel calls available, and at most its control group's limit. No value if
/// it doesn't say. `root` replaces / in tests.
std::optional<uint64_t> availableMemory(const std::string &root = "");

/// The error "… needs N MiB of memory (what)", code OutOfResource.
Error outOfMemory(std::string_view what, uint64_t size, int errorNumber);

} // namespace tenon::runtime

#endif // TENON_RUNTIME_MEMORY_H
