//===- Commands.h - what tools do with descriptions -------------*- C++ -*-===//
//
// The library behind `tenonc FILE.tenon --check` and `--format`.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_LANGUAGE_COMMANDS_H
#define TENON_LANGUAGE_COMMANDS_H

#include "tenon/Language/AST.h"
#include "tenon/Language/Diagnostic.h"
#include "tenon/Language/Parser.h"

namespace tenon::lang {

/// What a command prints and returns.
struct CommandResult {
  int exitCode = 0;        ///< 0, or 1 for a bad description
  std::string output;      ///< for stdout
  std::string diagnostics; ///< for stderr
};

/// Reads, parses and checks a file; null on error. Parts that it includes are
/// read from its folder, or are among those built in.
std::unique_ptr<Model> loadModelFile(const std::string &path,
                                     Diagnostics &diagnostics,
                                     std::span<const BuiltinPart> builtin = {});
/// Parses and checks a text, such as a built-in family's; null on error.
std::unique_ptr<Model> loadModelText(std::string name, std::string text,
                                     Diagnostics &diagnostics,
                                     std::span<const BuiltinPart> builtin = {});

/// Checks a file. With a configuration (the path of a config.json) the
/// hyperparameters are bound too, and every key there must be read (`lenient`:
/// what is not is a warning). Prints nothing if all is well.
CommandResult checkCommand(const std::string &path,
                           std::span<const BuiltinPart> builtin = {},
                           const std::string &configPath = {},
                           bool lenient = false);

/// Prints a file in canonical form; the file is not changed. Parts that it
/// includes are not read.
CommandResult formatCommand(const std::string &path);

} // namespace tenon::lang

#endif // TENON_LANGUAGE_COMMANDS_H
