//===- Memory.cpp - the mappings that a model runs in ---------------------===//
#include "tenon/Runtime/Memory.h"

#include "tenon/Runtime/Interrupt.h"
#include "tenon/Support/Strings.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <string>
#include <utility>

#include <sys/mman.h>

using namespace tenon;
using namespace tenon::runtime;

namespace {
constexpr uint64_t kHugePage = uint64_t(2) << 20;
/// What user space can address at all; sizes above are refused before they are
/// rounded, which could wrap.
constexpr uint64_t kAddressSpace = uint64_t(1) << 47;
} // namespace

Region::Region(Region &&other) noexcept
    : guard(std::move(other.guard)), bytes(std::exchange(other.bytes, nullptr)),
      length(std::exchange(other.length, 0)) {}

Region &Region::operator=(Region &&other) noexcept {
  std::swap(bytes, other.bytes);
  std::swap(length, other.length);
  std::swap(guard, other.guard);
  return *this;
}

Region::~Region() {
  if (bytes)
    munmap(bytes, length);
}

Error tenon::runtime::outOfMemory(std::string_view what, uint64_t size,
                                  int errorNumber) {
  constexpr uint64_t mib = uint64_t(1) << 20;
  std::string text = strCat("not enough memory: ", what, " needs ",
                            size / mib + (size % mib != 0), " MiB");
  if (errorNumber != ENOMEM)
    text += strCat(" (", std::strerror(errorNumber), ")");
  return plainError(text, ExitCode::OutOfResource);
}

std::optional<uint64_t>
tenon::runtime::availableMemory(const std::string &root) {
  std::optional<uint64_t> available;
  std::ifstream info(root + "/proc/meminfo");
  for (std::string line; std::getline(info, line);) {
    unsigned long long kib;
    if (std::sscanf(line.c_str(), "MemAvailable: %llu kB", &kib) == 1)
      available = uint64_t(kib) << 10;
  }
  // Where a container mounts its group; "max" if there is no limit.
  std::ifstream group(root + "/sys/fs/cgroup/memory.max");
  uint64_t limit;
  if (group >> limit)
    available = std::min(limit, available.value_or(limit));
  return available;
}

Expected<Region> Region::allocate(uint64_t size, Kind kind,
                                  std::string_view what) {
  if (size == 0)
    return Region();
  if (size >= kAddressSpace)
    return outOfMemory(what, size, ENOMEM);
  int flags = MAP_ANONYMOUS;
  flags |= kind == Kind::Shared ? MAP_SHARED : MAP_PRIVATE;
  if (kind == Kind::Sparse)
    flags |= MAP_NORESERVE;
  // mmap aligns to a page; ask for more and give the ends back.
  bool large = size >= kHugePage;
  uint64_t length = large ? (size + kHugePage - 1) & ~(kHugePage - 1) : size;
  uint64_t asked = large ? length + kHugePage : length;
  void *start = mmap(nullptr, asked, PROT_READ | PROT_WRITE, flags, -1, 0);
  if (start == MAP_FAILED)
    return outOfMemory(what, size, errno);
  std::byte *bytes = static_cast<std::byte *>(start);
  if (large) {
    uint64_t head = -reinterpret_cast<uintptr_t>(start) & (kHugePage - 1);
    if (head)
      munmap(bytes, head);
    bytes += head;
    if (uint64_t tail = kHugePage - head)
      munmap(bytes + length, tail);
    if (kind != Kind::Sparse)
      madvise(bytes, length, MADV_HUGEPAGE);
  }
  return Region(bytes, length);
}

void Region::populate() const {
  constexpr uint64_t piece = uint64_t(16) << 20;
  constexpr int populateRead = 22; // MADV_POPULATE_READ, Linux 5.14
  for (uint64_t done = 0; done < length && !interrupted(); done += piece)
    if (madvise(bytes + done, std::min(piece, length - done), populateRead))
      return;
}

Expected<Region> Region::mapFile(int file, uint64_t offset, uint64_t size,
                                 std::string_view what) {
  if (size == 0)
    return Region();
  if (size >= kAddressSpace)
    return outOfMemory(what, size, ENOMEM);
  void *start = mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file,
                     static_cast<off_t>(offset));
  if (start == MAP_FAILED)
    return outOfMemory(what, size, errno);
  return Region(static_cast<std::byte *>(start), size);
}
