//===- Linker.h - from object to ELF executable -----------------*- C++ -*-===//
#ifndef TENON_DRIVER_LINKER_H
#define TENON_DRIVER_LINKER_H

#include "tenon/Support/Error.h"
#include "llvm/ADT/ArrayRef.h"

#include <string>

namespace tenon {

/// A file in the system's directory for temporary files, removed with the
/// object and when a signal ends the process.
class TemporaryFile {
public:
  /// `suffix` without a dot. Errors: OutOfResource.
  static Expected<TemporaryFile> create(const std::string &suffix);
  TemporaryFile(TemporaryFile &&other) noexcept;
  TemporaryFile &operator=(TemporaryFile &&other) noexcept;
  ~TemporaryFile();

  const std::string &path() const { return name; }
  Status write(llvm::ArrayRef<char> bytes);

private:
  explicit TemporaryFile(std::string name) : name(std::move(name)) {}
  std::string name;
};

struct LinkOptions {
  /// Print the command on stderr.
  bool verbose = false;
  /// Keep symbols.
  bool debug = false;
  /// The object's; empty: this machine's.
  std::string triple;
  /// Of another architecture, the folder with its C library; empty: the one
  /// that the build found.
  std::string sysroot;
};

/// Whether there is all that linking for another architecture takes: the error
/// says how to get it.
Status checkLinkable(const LinkOptions &options);

/// Links an object with Tenon's runtime. The runtime's libraries are looked
/// for beside the running program (../lib), then where they were built; those
/// of another architecture in the directory there that its triple names.
Expected<TemporaryFile> linkExecutable(llvm::ArrayRef<char> object,
                                       const LinkOptions &options = {});

} // namespace tenon

#endif // TENON_DRIVER_LINKER_H
