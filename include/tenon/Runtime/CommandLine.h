//===- CommandLine.h - the program that an executable is
//-------------------===//
#ifndef TENON_RUNTIME_COMMANDLINE_H
#define TENON_RUNTIME_COMMANDLINE_H

#include "tenon/Runtime/Abi.h"

#include <span>

namespace tenon::runtime {

/// All that main() does: opens and verifies the payload of the running program,
/// reads the command line, runs the command, reports errors on standard error.
/// Returns the exit code.
int runProgram(std::span<char *> arguments,
               std::span<const TenonVariant> variants);

} // namespace tenon::runtime

#endif // TENON_RUNTIME_COMMANDLINE_H
