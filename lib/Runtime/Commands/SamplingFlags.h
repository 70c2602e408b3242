//===- SamplingFlags.h - options that choose tokens -------------*- C++ -*-===//
#ifndef TENON_LIB_RUNTIME_COMMANDS_SAMPLINGFLAGS_H
#define TENON_LIB_RUNTIME_COMMANDS_SAMPLINGFLAGS_H

#include "tenon/Runtime/Metadata.h"
#include "tenon/Runtime/Sampler.h"

#include <optional>

namespace CLI {
class App;
}

namespace tenon::runtime {

/// --temperature, --top-k and the like, of the commands that generate.
class SamplingFlags {
public:
  void declare(CLI::App &app);
  /// What was given, else what the model's generation_config.json says, else
  /// the defaults; the seed is drawn if none was given.
  Expected<SamplerOptions> options(const GenerationDefaults &defaults) const;

private:
  std::optional<double> temperature, topP, minP, repeatPenalty;
  std::optional<int64_t> topK, repeatLastN;
  std::optional<uint64_t> seed;
};

} // namespace tenon::runtime

#endif // TENON_LIB_RUNTIME_COMMANDS_SAMPLINGFLAGS_H
