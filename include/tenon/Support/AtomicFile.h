//===- AtomicFile.h - an output file that appears whole or not ---*- C++
//-*-===//

#ifndef TENON_SUPPORT_ATOMICFILE_H
#define TENON_SUPPORT_ATOMICFILE_H

#include "tenon/Support/Error.h"

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace tenon {

/// Writes a file beside its final place and renames it there on commit(), after
/// fsync. Until then, and when the object dies uncommitted or the process is
/// killed, whatever stood at `path` stays as it was. Where the file system can,
/// the file has no name before commit(), so that even `kill -9` leaves nothing
/// behind.
///
/// A full disk is reported as ExitCode::OutOfResource.
class AtomicFile {
public:
  /// `mode`: permissions, as for open(2); the umask applies. An existing
  /// symbolic link is followed; a directory or device is refused.
  static Expected<AtomicFile> create(std::string path, unsigned mode = 0644);

  AtomicFile(AtomicFile &&) noexcept;
  AtomicFile &operator=(AtomicFile &&) noexcept;
  ~AtomicFile();

  /// Appends. After a failure, every later call fails with the same error.
  Status write(std::span<const std::byte> bytes);
  Status write(std::string_view text) {
    return write(std::as_bytes(std::span(text)));
  }
  /// Appends zeros up to a multiple of `alignment` (a power of two).
  Status pad(uint64_t alignment);
  /// Overwrites bytes that were appended before.
  Status writeAt(uint64_t offset, std::span<const std::byte> bytes);
  /// Bytes appended so far.
  uint64_t offset() const;
  /// Makes the file visible at its path.
  Status commit();

private:
  struct State;
  explicit AtomicFile(std::unique_ptr<State> state);
  std::unique_ptr<State> state;
};

} // namespace tenon

#endif // TENON_SUPPORT_ATOMICFILE_H
