//===- FuzzFile.h - a fuzzer's bytes as a file -------------------*- C++
//-*-===//

#ifndef TENON_TEST_FUZZ_FUZZFILE_H
#define TENON_TEST_FUZZ_FUZZFILE_H

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include <sys/mman.h>
#include <unistd.h>

namespace tenon::fuzz {

/// A file in memory that holds `size` bytes, with a path that opens it.
class File {
public:
  File(const void *data, size_t size) : file(memfd_create("fuzz", 0)) {
    if (file < 0 || ::write(file, data, size) != static_cast<ssize_t>(size))
      std::abort();
  }
  File(const File &) = delete;
  ~File() { close(file); }
  std::string path() const { return "/proc/self/fd/" + std::to_string(file); }

private:
  int file;
};

} // namespace tenon::fuzz

#endif // TENON_TEST_FUZZ_FUZZFILE_H
