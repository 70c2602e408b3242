//===- Error.h - errors and results that carry them --------------*- C++
//-*-===//
//
// The project's error currency. A function that can fail because of its input
// or the machine returns Expected<T> or Status; nothing throws across a
// library's boundary. An Error holds the complete text for the user and the
// exit code of the program that has to give up because of it.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_SUPPORT_ERROR_H
#define TENON_SUPPORT_ERROR_H

#include <cassert>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace tenon {

/// What a program of the project exits with.
enum class ExitCode : int {
  Success = 0,
  BadInput = 1,       ///< a bad model, tokenizer, description or prompt
  BadUsage = 2,       ///< a bad command line
  OutOfResource = 3,  ///< memory, disk, file handles
  UnsupportedCPU = 4, ///< this CPU lacks what the binary needs
  CorruptPayload = 5, ///< a compiled executable is damaged
  Interrupted = 130,
};

/// A failure. `message` is the full text, possibly with `note:` lines after it,
/// without a trailing line break: "file:+0x10: error: …", "file:3:4: error: …".
struct Error {
  std::string message;
  ExitCode code = ExitCode::BadInput;
};

/// "FILE:LINE:COLUMN: error: MESSAGE"; lines and columns count from 1, columns
/// in bytes.
Error errorAt(std::string_view file, uint64_t line, uint64_t column,
              std::string_view message, ExitCode code = ExitCode::BadInput);

/// "FILE:LINE:COLUMN: error: MESSAGE" for a byte offset into `text`.
Error errorInText(std::string_view file, std::string_view text, size_t offset,
                  std::string_view message);

/// "FILE:+0xOFFSET: error: MESSAGE", for binary files.
Error errorAtOffset(std::string_view file, uint64_t offset,
                    std::string_view message,
                    ExitCode code = ExitCode::BadInput);

/// "FILE: error: MESSAGE", when the fault has no place inside the file.
Error errorInFile(std::string_view file, std::string_view message,
                  ExitCode code = ExitCode::BadInput);

/// "error: MESSAGE".
Error plainError(std::string_view message, ExitCode code = ExitCode::BadInput);

/// "FILE: error: cannot ACTION: STRERROR". A full disk and the like become
/// ExitCode::OutOfResource.
Error systemError(std::string_view file, std::string_view action,
                  int errnoValue);

/// Adds a line "note: TEXT" to the message.
Error withNote(Error error, std::string_view text);

/// A value or an Error. True when it holds a value.
template <class T> class [[nodiscard]] Expected {
public:
  Expected(Error error) : storage(std::in_place_index<1>, std::move(error)) {}
  template <class U = T>
  requires std::is_convertible_v<U &&, T> &&
      (!std::is_same_v<std::remove_cvref_t<U>, Expected>)&&(
          !std::is_same_v<std::remove_cvref_t<U>, Error>)Expected(U &&value)
      : storage(std::in_place_index<0>, std::forward<U>(value)) {}

  explicit operator bool() const { return storage.index() == 0; }

  T &operator*() & {
    assert(*this && "no value");
    return *std::get_if<0>(&storage);
  }
  const T &operator*() const & {
    assert(*this && "no value");
    return *std::get_if<0>(&storage);
  }
  T &&operator*() && {
    assert(*this && "no value");
    return std::move(*std::get_if<0>(&storage));
  }
  T *operator->() { return &**this; }
  const T *operator->() const { return &**this; }

  const Error &error() const {
    assert(!*this && "no error");
    return *std::get_if<1>(&storage);
  }
  Error takeError() {
    assert(!*this && "no error");
    return std::move(*std::get_if<1>(&storage));
  }

private:
  std::variant<T, Error> storage;
};

/// Success or an Error. True on success.
class [[nodiscard]] Status {
public:
  Status() = default;
  Status(Error error) : failure(std::move(error)), failed(true) {}
  static Status success() { return Status(); }

  explicit operator bool() const { return !failed; }

  const Error &error() const {
    assert(failed && "no error");
    return failure;
  }
  Error takeError() {
    assert(failed && "no error");
    return std::move(failure);
  }

private:
  Error failure;
  bool failed = false;
};

} // namespace tenon

#endif // TENON_SUPPORT_ERROR_H
