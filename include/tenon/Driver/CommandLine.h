//===- CommandLine.h - the program tenonc -----------------------*- C++ -*-===//
#ifndef TENON_DRIVER_COMMANDLINE_H
#define TENON_DRIVER_COMMANDLINE_H

namespace tenon {

/// Parses the command line and does what it says; returns the exit code.
int runTenonc(int argc, char **argv);

} // namespace tenon

#endif // TENON_DRIVER_COMMANDLINE_H
