//===- MappedFile.cpp - a file's bytes, mapped read-only -----------------===//

#include "tenon/Support/MappedFile.h"

#include "tenon/Support/Strings.h"

#include <cerrno>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

using namespace tenon;

Expected<MappedFile> MappedFile::open(std::string path) {
  // O_NONBLOCK: opening a pipe that nobody writes must not wait.
  int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0)
    return systemError(path, "open", errno);

  struct stat info;
  Status status;
  void *address = nullptr;
  if (fstat(fd, &info) != 0) {
    status = systemError(path, "stat", errno);
  } else if (!S_ISREG(info.st_mode)) {
    status = errorInFile(
        path, strCat("expected a regular file, found ",
                     S_ISDIR(info.st_mode) ? "a directory" : "a special file"));
  } else if (info.st_size > 0) {
    address = mmap(nullptr, static_cast<size_t>(info.st_size), PROT_READ,
                   MAP_PRIVATE, fd, 0);
    if (address == MAP_FAILED)
      status = systemError(path, "map", errno);
  }
  ::close(fd);
  if (!status)
    return status.takeError();

  MappedFile file;
  file.filePath = std::move(path);
  file.data = static_cast<const std::byte *>(address);
  file.length = static_cast<size_t>(info.st_size);
  if (address)
    file.guard = GuardedMapping(address, file.length, file.filePath,
                                /*offset=*/0, ExitCode::BadInput);
  return file;
}

MappedFile::MappedFile(MappedFile &&other) noexcept
    : filePath(std::move(other.filePath)),
      data(std::exchange(other.data, nullptr)),
      length(std::exchange(other.length, 0)), guard(std::move(other.guard)) {}

MappedFile &MappedFile::operator=(MappedFile &&other) noexcept {
  std::swap(filePath, other.filePath);
  std::swap(data, other.data);
  std::swap(length, other.length);
  std::swap(guard, other.guard);
  return *this;
}

MappedFile::~MappedFile() {
  if (data)
    munmap(const_cast<std::byte *>(data), length);
}

void MappedFile::release(uint64_t offset, uint64_t size) const {
  if (!data || offset >= length)
    return;
  uint64_t page = static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
  uint64_t end = size > length - offset ? length : offset + size;
  uint64_t first = (offset + page - 1) / page * page;
  // The last page of the file counts as whole: nothing else lives in it.
  uint64_t last = end == length ? end : end / page * page;
  if (first < last)
    madvise(const_cast<std::byte *>(data) + first, last - first, MADV_DONTNEED);
}
