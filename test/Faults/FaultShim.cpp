//===- FaultShim.cpp - makes the N-th call of a kind fail ----------------===//
//
// A library for LD_PRELOAD. TENON_FAULT=malloc:17 makes the 17th allocation of
// the process fail, "malloc:17+" that one and every later one. The other kinds
// are read, write, mmap, fsync, ftruncate, rename, open, linkat and thread;
// each stands for all functions of the C library that do the like. Writes to
// standard error never fail, as they are what is tested.
// TENON_FAULT_COUNTS=FILE has the process write how often each was called.
//
// Only the process that it was loaded into is meant: its children start
// without it.
//
//===----------------------------------------------------------------------===//

#include <atomic>
#include <cerrno>
#include <cstdarg>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace {

enum Kind {
  Malloc,
  Read,
  Write,
  Mmap,
  Fsync,
  Ftruncate,
  Rename,
  Open,
  Linkat,
  Thread,
  NumKinds
};
const char *const names[NumKinds] = {"malloc", "read",      "write",  "mmap",
                                     "fsync",  "ftruncate", "rename", "open",
                                     "linkat", "thread"};
const int errors[NumKinds] = {ENOMEM, EIO,    ENOSPC, ENOMEM, EIO,
                              ENOSPC, EACCES, EMFILE, EIO,    EAGAIN};

std::atomic<uint64_t> counts[NumKinds];
int chosen = -1; // the kind that fails
uint64_t first = 0;
bool later = false; // and every later one
char countsFile[4096];

/// Counts a call; true if it is to fail.
bool fails(Kind kind) {
  uint64_t number = ++counts[kind];
  if (kind != chosen || number < first || (number > first && !later))
    return false;
  errno = errors[kind];
  return true;
}

void writeCounts() {
  if (!countsFile[0])
    return;
  int file = static_cast<int>(syscall(SYS_openat, AT_FDCWD, countsFile,
                                      O_WRONLY | O_CREAT | O_TRUNC, 0644));
  for (int kind = 0; kind < NumKinds; ++kind) {
    char line[64];
    int size = std::snprintf(line, sizeof line, "%s %llu\n", names[kind],
                             static_cast<unsigned long long>(counts[kind]));
    syscall(SYS_write, file, line, size);
  }
  syscall(SYS_close, file);
}

// getenv() does not allocate, and the initializers of other libraries may run
// before this one: the first call reads the environment.
__attribute__((constructor(101))) void readEnvironment() {
  if (const char *file = std::getenv("TENON_FAULT_COUNTS"))
    std::strncpy(countsFile, file, sizeof countsFile - 1);
  if (const char *fault = std::getenv("TENON_FAULT")) {
    const char *colon = std::strchr(fault, ':');
    for (int kind = 0; colon && kind < NumKinds; ++kind)
      if (std::strlen(names[kind]) == static_cast<size_t>(colon - fault) &&
          std::strncmp(names[kind], fault, colon - fault) == 0) {
        char *end;
        first = std::strtoull(colon + 1, &end, 10);
        later = *end == '+';
        chosen = kind;
      }
  }
  for (const char *name : {"LD_PRELOAD", "TENON_FAULT", "TENON_FAULT_COUNTS"})
    unsetenv(name);
}

__attribute__((destructor)) void atEnd() { writeCounts(); }

template <class Function> Function *next(const char *name) {
  return reinterpret_cast<Function *>(dlsym(RTLD_NEXT, name));
}

int openAt(int directory, const char *path, int flags, mode_t mode) {
  if (fails(Open))
    return -1;
  return static_cast<int>(syscall(SYS_openat, directory, path, flags, mode));
}

} // namespace

extern "C" {

void *__libc_malloc(size_t);
void *__libc_calloc(size_t, size_t);
void *__libc_realloc(void *, size_t);
void *__libc_memalign(size_t, size_t);

void *malloc(size_t size) noexcept {
  return fails(Malloc) ? nullptr : __libc_malloc(size);
}
void *calloc(size_t count, size_t size) noexcept {
  return fails(Malloc) ? nullptr : __libc_calloc(count, size);
}
void *realloc(void *old, size_t size) noexcept {
  return fails(Malloc) ? nullptr : __libc_realloc(old, size);
}
void *memalign(size_t alignment, size_t size) noexcept {
  return fails(Malloc) ? nullptr : __libc_memalign(alignment, size);
}
void *aligned_alloc(size_t alignment, size_t size) noexcept {
  return memalign(alignment, size);
}
int posix_memalign(void **out, size_t alignment, size_t size) noexcept {
  void *found = memalign(alignment, size);
  if (!found)
    return ENOMEM;
  *out = found;
  return 0;
}

ssize_t read(int file, void *bytes, size_t size) {
  return fails(Read) ? -1 : syscall(SYS_read, file, bytes, size);
}
ssize_t pread(int file, void *bytes, size_t size, off_t offset) {
  return fails(Read) ? -1 : syscall(SYS_pread64, file, bytes, size, offset);
}
ssize_t pread64(int file, void *bytes, size_t size, off64_t offset) {
  return pread(file, bytes, size, offset);
}
ssize_t write(int file, const void *bytes, size_t size) {
  return file != STDERR_FILENO && fails(Write)
             ? -1
             : syscall(SYS_write, file, bytes, size);
}
ssize_t pwrite(int file, const void *bytes, size_t size, off_t offset) {
  return fails(Write) ? -1 : syscall(SYS_pwrite64, file, bytes, size, offset);
}
ssize_t pwrite64(int file, const void *bytes, size_t size, off64_t offset) {
  return pwrite(file, bytes, size, offset);
}

void *mmap(void *at, size_t size, int protection, int flags, int file,
           off_t offset) noexcept {
  if (fails(Mmap))
    return MAP_FAILED;
  return reinterpret_cast<void *>(
      syscall(SYS_mmap, at, size, protection, flags, file, offset));
}
void *mmap64(void *at, size_t size, int protection, int flags, int file,
             off64_t offset) noexcept {
  return mmap(at, size, protection, flags, file, offset);
}

int fsync(int file) {
  return fails(Fsync) ? -1 : static_cast<int>(syscall(SYS_fsync, file));
}
int ftruncate(int file, off_t size) noexcept {
  return fails(Ftruncate)
             ? -1
             : static_cast<int>(syscall(SYS_ftruncate, file, size));
}
int ftruncate64(int file, off64_t size) noexcept {
  return ftruncate(file, size);
}
int posix_fallocate(int file, off_t offset, off_t size) {
  if (fails(Ftruncate))
    return ENOSPC;
  return syscall(SYS_fallocate, file, 0, offset, size) ? errno : 0;
}
int posix_fallocate64(int file, off64_t offset, off64_t size) {
  return posix_fallocate(file, offset, size);
}
int rename(const char *from, const char *to) noexcept {
  return fails(Rename) ? -1 : static_cast<int>(syscall(SYS_rename, from, to));
}
int linkat(int fromAt, const char *from, int toAt, const char *to,
           int flags) noexcept {
  return fails(Linkat) ? -1
                       : static_cast<int>(syscall(SYS_linkat, fromAt, from,
                                                  toAt, to, flags));
}

#define TENON_FAULT_OPEN(NAME, DIRECTORY, ...)                                 \
  int NAME(__VA_ARGS__ const char *path, int flags, ...) {                     \
    mode_t mode = 0;                                                           \
    if (flags & (O_CREAT | O_TMPFILE)) {                                       \
      va_list list;                                                            \
      va_start(list, flags);                                                   \
      mode = va_arg(list, mode_t);                                             \
      va_end(list);                                                            \
    }                                                                          \
    return openAt(DIRECTORY, path, flags, mode);                               \
  }
#define TENON_FAULT_COMMA ,
TENON_FAULT_OPEN(open, AT_FDCWD)
TENON_FAULT_OPEN(open64, AT_FDCWD)
TENON_FAULT_OPEN(openat, directory, int directory TENON_FAULT_COMMA)
TENON_FAULT_OPEN(openat64, directory, int directory TENON_FAULT_COMMA)

FILE *fopen(const char *path, const char *mode) {
  return fails(Open) ? nullptr : next<decltype(fopen)>("fopen")(path, mode);
}
FILE *fopen64(const char *path, const char *mode) { return fopen(path, mode); }

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
                   void *(*start)(void *), void *argument) noexcept {
  if (fails(Thread))
    return EAGAIN;
  return next<decltype(pthread_create)>("pthread_create")(thread, attributes,
                                                          start, argument);
}

// The guards of the project end a process by it.
void _exit(int code) {
  writeCounts();
  syscall(SYS_exit_group, code);
  __builtin_unreachable();
}
}
