//===- GenerationConfig.h - how a checkpoint wants to be sampled -*- C++
//-*-===//
#ifndef TENON_LIB_DRIVER_GENERATIONCONFIG_H
#define TENON_LIB_DRIVER_GENERATIONCONFIG_H

#include "tenon/Checkpoint/ModelDirectory.h"
#include "tenon/Runtime/Metadata.h"

#include <functional>

namespace tenon {

/// The numbers of generation_config.json that the executable's options default
/// to; where the directory has no such file those of config.json, as in
/// Transformers. Their ranges are those of the options. Errors: a value of another type or out of range, at its key.
/// With `warn`, such a value is left out and its error handed there.
Expected<runtime::GenerationDefaults>
readGenerationConfig(const ModelDirectory &directory,
                     const std::function<void(const Error &)> &warn = {});

} // namespace tenon

#endif // TENON_LIB_DRIVER_GENERATIONCONFIG_H
