//===- Error.cpp - texts of errors ---------------------------------------===//

#include "tenon/Support/Error.h"

#include "tenon/Support/Strings.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

using namespace tenon;

Error tenon::errorAt(std::string_view file, uint64_t line, uint64_t column,
                     std::string_view message, ExitCode code) {
  return {strCat(file, ':', line, ':', column, ": error: ", message), code};
}

Error tenon::errorInText(std::string_view file, std::string_view text,
                         size_t offset, std::string_view message) {
  std::string_view before = text.substr(0, std::min(offset, text.size()));
  uint64_t line = 1 + std::count(before.begin(), before.end(), '\n');
  size_t lineStart = before.rfind('\n');
  lineStart = lineStart == std::string_view::npos ? 0 : lineStart + 1;
  return errorAt(file, line, before.size() - lineStart + 1, message);
}

Error tenon::errorAtOffset(std::string_view file, uint64_t offset,
                           std::string_view message, ExitCode code) {
  return {strCat(file, ":+", hexText(offset), ": error: ", message), code};
}

Error tenon::errorInFile(std::string_view file, std::string_view message,
                         ExitCode code) {
  return {strCat(file, ": error: ", message), code};
}

Error tenon::plainError(std::string_view message, ExitCode code) {
  return {strCat("error: ", message), code};
}

Error tenon::systemError(std::string_view file, std::string_view action,
                         int errnoValue) {
  ExitCode code = ExitCode::BadInput;
  switch (errnoValue) {
  case ENOSPC:
  case EDQUOT:
  case EFBIG:
  case ENOMEM:
  case EMFILE:
  case ENFILE:
    code = ExitCode::OutOfResource;
    break;
  default:
    break;
  }
  return errorInFile(
      file, strCat("cannot ", action, ": ", std::strerror(errnoValue)), code);
}

Error tenon::withNote(Error error, std::string_view text) {
  error.message += "\nnote: ";
  error.message += text;
  return error;
}
