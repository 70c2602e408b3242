//===- RunCommand.h - the program tenon-run ---------------------*- C++ -*-===//
#ifndef TENON_DRIVER_RUNCOMMAND_H
#define TENON_DRIVER_RUNCOMMAND_H

namespace tenon {

/// Evaluates IR on tensors: reads the command line, returns the exit status.
int runTenonRun(int argc, char **argv);

} // namespace tenon

#endif // TENON_DRIVER_RUNCOMMAND_H
