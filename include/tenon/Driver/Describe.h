//===- Describe.h - what a model is, without compiling it -------*- C++ -*-===//
#ifndef TENON_DRIVER_DESCRIBE_H
#define TENON_DRIVER_DESCRIBE_H

#include "tenon/Driver/Options.h"
#include "tenon/Support/Error.h"

namespace tenon {

/// Prints on stdout, for the model (and the description) that `options` name:
/// its family and hyperparameters, its tensors, and the memory that weights
/// and cache take at each precision and context. What of the model is
/// unexpected is warned of on stderr; what is missing is an error at the end.
Status describe(CompileOptions options);

} // namespace tenon

#endif // TENON_DRIVER_DESCRIBE_H
