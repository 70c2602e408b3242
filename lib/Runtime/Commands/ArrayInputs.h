//===- ArrayInputs.h - inputs that are arrays of numbers --------*- C++ -*-===//
#ifndef TENON_LIB_RUNTIME_COMMANDS_ARRAYINPUTS_H
#define TENON_LIB_RUNTIME_COMMANDS_ARRAYINPUTS_H

#include "Program.h"

namespace CLI {
class App;
}

namespace tenon::runtime {

/// Whether an entry is computed from arrays alone: it has inputs, and none of
/// them is of tokens.
bool takesArraysOnly(const EntryInfo &entry);

/// "[T, 80]": the shape that an input has.
std::string shapeOf(const InputInfo &input);

/// `--input NAME=FILE.npy`, for each array that an entry reads.
class ArrayInputs {
public:
  /// `names`: how the option is called.
  void declareOptions(CLI::App &app, const char *names = "--input");
  /// The arrays by their names. Errors: BadUsage for what is no NAME=FILE and
  /// for a name that comes twice; a file that can't be read.
  Expected<NamedArrays> read() const;
  bool empty() const { return arguments.empty(); }

private:
  std::vector<std::string> arguments;
};

} // namespace tenon::runtime

#endif // TENON_LIB_RUNTIME_COMMANDS_ARRAYINPUTS_H
