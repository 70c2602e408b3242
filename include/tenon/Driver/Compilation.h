//===- Compilation.h - from a model to an executable ------------*- C++ -*-===//
//
//   Status status = compile(options);
//
// runs all stages up to options.stage and writes the output. An output appears
// whole or not at all. Warnings and progress go to stderr, errors are returned.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_DRIVER_COMPILATION_H
#define TENON_DRIVER_COMPILATION_H

#include "tenon/Driver/Options.h"
#include "tenon/Support/Error.h"

namespace tenon {

Status compile(const CompileOptions &options);

} // namespace tenon

#endif // TENON_DRIVER_COMPILATION_H
