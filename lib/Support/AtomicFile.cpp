//===- AtomicFile.cpp - an output file that appears whole or not ---------===//

#include "tenon/Support/AtomicFile.h"

#include "tenon/Support/Strings.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

using namespace tenon;

struct AtomicFile::State {
  std::string path;      // where the file goes
  std::string temporary; // its name until then; empty: it has none (O_TMPFILE)
  int fd = -1;
  uint64_t flushed = 0;           // bytes handed to the kernel
  std::vector<std::byte> pending; // appended, not handed over yet
  Status status;

  static constexpr size_t bufferSize = 1 << 18;

  ~State() {
    if (fd >= 0)
      ::close(fd);
    if (!temporary.empty())
      ::unlink(temporary.c_str());
  }

  std::string directory() const {
    size_t slash = path.rfind('/');
    if (slash == std::string::npos)
      return ".";
    return slash == 0 ? "/" : path.substr(0, slash);
  }

  Status openFile(unsigned mode);
  Status writeAll(const std::byte *data, size_t size, uint64_t offset);
  Status flush();
  Status giveName();
  Status fail(Error error) {
    status = error;
    return status;
  }
};

// A name beside the final one; `attempt` varies it.
static std::string temporaryName(const std::string &path, unsigned attempt) {
  size_t slash = path.rfind('/');
  size_t start = slash == std::string::npos ? 0 : slash + 1;
  // Names are limited to 255 bytes.
  return strCat(path.substr(0, start), '.', path.substr(start, 200), ".tmp",
                static_cast<int>(getpid()), '-', attempt);
}

Status AtomicFile::State::openFile(unsigned mode) {
#ifdef O_TMPFILE
  // Without /proc such a file cannot get a name later.
  if (access("/proc/self/fd", X_OK) == 0) {
    fd = ::open(directory().c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, mode);
    if (fd >= 0)
      return Status::success();
  }
#endif
  for (unsigned attempt = 0; attempt < 100; ++attempt) {
    std::string name = temporaryName(path, attempt);
    fd = ::open(name.c_str(), O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, mode);
    if (fd >= 0) {
      temporary = name;
      return Status::success();
    }
    if (errno != EEXIST)
      break;
  }
  return systemError(path, "create", errno);
}

Expected<AtomicFile> AtomicFile::create(std::string path, unsigned mode) {
  auto state = std::make_unique<State>();
  // Writing through a symbolic link replaces what it points to, not the link.
  std::error_code failure;
  if (std::filesystem::is_symlink(path, failure)) {
    std::filesystem::path target =
        std::filesystem::weakly_canonical(path, failure);
    if (!failure)
      path = target.string();
  }
  struct stat info;
  if (stat(path.c_str(), &info) == 0 && !S_ISREG(info.st_mode))
    return errorInFile(
        path, strCat("cannot write: it is ",
                     S_ISDIR(info.st_mode) ? "a directory" : "a special file"));
  state->path = std::move(path);
  if (Status status = state->openFile(mode); !status)
    return status.takeError();
  return AtomicFile(std::move(state));
}

AtomicFile::AtomicFile(std::unique_ptr<State> state)
    : state(std::move(state)) {}
AtomicFile::AtomicFile(AtomicFile &&) noexcept = default;
AtomicFile &AtomicFile::operator=(AtomicFile &&) noexcept = default;
AtomicFile::~AtomicFile() = default;

Status AtomicFile::State::writeAll(const std::byte *data, size_t size,
                                   uint64_t offset) {
  while (size > 0) {
    ssize_t written = pwrite(fd, data, std::min<size_t>(size, 1 << 30),
                             static_cast<off_t>(offset));
    if (written < 0 && errno == EINTR)
      continue;
    if (written <= 0)
      return fail(systemError(path, "write", written < 0 ? errno : ENOSPC));
    data += written;
    size -= static_cast<size_t>(written);
    offset += static_cast<uint64_t>(written);
  }
  return Status::success();
}

Status AtomicFile::State::flush() {
  if (Status done = writeAll(pending.data(), pending.size(), flushed); !done)
    return done;
  flushed += pending.size();
  pending.clear();
  return Status::success();
}

Status AtomicFile::write(std::span<const std::byte> bytes) {
  if (!state->status)
    return state->status;
  if (state->pending.size() + bytes.size() > State::bufferSize)
    if (Status done = state->flush(); !done)
      return done;
  if (bytes.size() >= State::bufferSize) {
    Status done = state->writeAll(bytes.data(), bytes.size(), state->flushed);
    if (done)
      state->flushed += bytes.size();
    return done;
  }
  state->pending.insert(state->pending.end(), bytes.begin(), bytes.end());
  return Status::success();
}

Status AtomicFile::pad(uint64_t alignment) {
  static constexpr std::array<std::byte, 4096> zeros{};
  uint64_t missing = (alignment - offset() % alignment) % alignment;
  while (missing > 0) {
    size_t size = std::min<uint64_t>(missing, zeros.size());
    if (Status done = write(std::span(zeros).first(size)); !done)
      return done;
    missing -= size;
  }
  return state->status;
}

Status AtomicFile::writeAt(uint64_t offset, std::span<const std::byte> bytes) {
  if (!state->status)
    return state->status;
  assert(offset + bytes.size() <= this->offset() && "beyond what was appended");
  if (Status done = state->flush(); !done)
    return done;
  return state->writeAll(bytes.data(), bytes.size(), offset);
}

uint64_t AtomicFile::offset() const {
  return state->flushed + state->pending.size();
}

// Links a nameless file beside its final place.
Status AtomicFile::State::giveName() {
  if (!temporary.empty())
    return Status::success();
  std::string self = strCat("/proc/self/fd/", fd);
  for (unsigned attempt = 0; attempt < 100; ++attempt) {
    std::string name = temporaryName(path, attempt);
    if (linkat(AT_FDCWD, self.c_str(), AT_FDCWD, name.c_str(),
               AT_SYMLINK_FOLLOW) == 0) {
      temporary = name;
      return Status::success();
    }
    if (errno != EEXIST)
      break;
  }
  return fail(systemError(path, "create", errno));
}

Status AtomicFile::commit() {
  if (!state->status)
    return state->status;
  if (Status done = state->flush(); !done)
    return done;
  if (fsync(state->fd) != 0)
    return state->fail(systemError(state->path, "write", errno));
  if (Status done = state->giveName(); !done)
    return done;
  // Closed before the rename: a file open for writing cannot be executed.
  int closed = ::close(state->fd);
  state->fd = -1;
  if (closed != 0)
    return state->fail(systemError(state->path, "write", errno));
  // What needs memory comes first: who has none left would otherwise say that
  // it failed, though the file is there.
  std::string place = state->directory();
  Status committed = plainError("the file has been committed");
  if (rename(state->temporary.c_str(), state->path.c_str()) != 0)
    return state->fail(systemError(state->path, "create", errno));
  state->temporary.clear();
  // The name is on disk only once its directory is.
  int directory = ::open(place.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory >= 0) {
    fsync(directory);
    ::close(directory);
  }
  state->status = std::move(committed);
  return Status::success();
}
