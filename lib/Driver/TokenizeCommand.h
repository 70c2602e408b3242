//===- TokenizeCommand.h - tenonc tokenize ----------------------*- C++ -*-===//

#ifndef TENON_LIB_DRIVER_TOKENIZECOMMAND_H
#define TENON_LIB_DRIVER_TOKENIZECOMMAND_H

#include "tenon/Support/Error.h"

#include <string>
#include <vector>

namespace tenon {

/// `tenonc tokenize --vocabulary FILE.gguf|DIR [--no-special] [--decode]`: the
/// ids of standard input on one line, or the text of ids. Checks a vocabulary
/// without compiling a model.
Status tokenizeCommand(const std::vector<std::string> &arguments);

} // namespace tenon

#endif // TENON_LIB_DRIVER_TOKENIZECOMMAND_H
