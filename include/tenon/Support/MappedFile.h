//===- MappedFile.h - a file's bytes, mapped read-only -----------*- C++
//-*-===//

#ifndef TENON_SUPPORT_MAPPEDFILE_H
#define TENON_SUPPORT_MAPPEDFILE_H

#include "tenon/Support/Error.h"
#include "tenon/Support/ProcessGuard.h"

#include <cstddef>
#include <span>
#include <string>

namespace tenon {

/// A regular file mapped into memory, read-only. Pages are read when touched,
/// so opening costs nothing in the file's size. The bytes live as long as the
/// object (moving it keeps their address). A file that another program cuts
/// short meanwhile is what guardMappings() is for.
class MappedFile {
public:
  /// Errors: the file is missing, unreadable, a directory, a pipe or device.
  static Expected<MappedFile> open(std::string path);

  MappedFile() = default;
  MappedFile(MappedFile &&other) noexcept;
  MappedFile &operator=(MappedFile &&other) noexcept;
  ~MappedFile();

  std::span<const std::byte> bytes() const { return {data, length}; }
  std::string_view text() const {
    return {reinterpret_cast<const char *>(data), length};
  }
  const std::string &path() const { return filePath; }

  /// Tells the kernel that [offset, offset + size) won't be needed soon: whole
  /// pages inside it leave this process's memory and are read again when
  /// touched. Keeps the memory of a compile near one tensor (I6).
  void release(uint64_t offset, uint64_t size) const;

private:
  std::string filePath;
  const std::byte *data = nullptr;
  size_t length = 0;
  GuardedMapping guard;
};

} // namespace tenon

#endif // TENON_SUPPORT_MAPPEDFILE_H
