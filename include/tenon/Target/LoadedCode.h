//===- LoadedCode.h - machine code in this process --------------*- C++ -*-===//
//
// An object that a CodeGenerator made, ready to be called: for benchmarks, and
// for programs that the compiler runs itself.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_TARGET_LOADEDCODE_H
#define TENON_TARGET_LOADEDCODE_H

#include "tenon/Support/Error.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"

#include <memory>

namespace llvm::orc {
class LLJIT;
} // namespace llvm::orc

namespace tenon {

class LoadedCode {
public:
  /// A function that the object calls.
  struct Import {
    const char *name;
    void *address;
  };

  /// Links the object into this process. Errors: LLVM cannot.
  static Expected<LoadedCode> load(llvm::ArrayRef<char> object,
                                   llvm::ArrayRef<Import> imports);
  LoadedCode(LoadedCode &&) noexcept;
  LoadedCode &operator=(LoadedCode &&) noexcept;
  ~LoadedCode();

  /// The address of a symbol of the object. Error: it has none of the name.
  Expected<void *> find(llvm::StringRef symbol) const;

private:
  explicit LoadedCode(std::unique_ptr<llvm::orc::LLJIT> jit);
  std::unique_ptr<llvm::orc::LLJIT> jit;
};

} // namespace tenon

#endif // TENON_TARGET_LOADEDCODE_H
