//===- Families.h - which description a model is compiled by ----*- C++ -*-===//
#ifndef TENON_LIB_DRIVER_FAMILIES_H
#define TENON_LIB_DRIVER_FAMILIES_H

#include "tenon/Checkpoint/ModelDirectory.h"
#include "tenon/Models/Models.h"

namespace tenon {

/// `error`, or with `lenient` a warning of the same text and success.
Status unlessLenient(Error error, bool lenient);

/// The built-in family of a configuration: by a class in `architectures`, else
/// by `model_type`. Errors: neither is known; a family that lacks the class
/// (`lenient`: a warning); a model that is told in NotHeld.def.
Expected<const BuiltinModel *> findFamily(const ModelDirectory &directory,
                                          bool lenient);

/// Every key of a GGUF file's architecture must have been read (`lenient`: a
/// warning). To be called last.
Status checkGgufKeys(const ModelDirectory &directory, bool lenient);

/// A description must name the configuration's class and model_type, where both
/// say one (`lenient`: a warning).
Status checkClass(const lang::Model &description,
                  const ModelDirectory &directory, bool lenient);

} // namespace tenon

#endif // TENON_LIB_DRIVER_FAMILIES_H
