//===- Objectives.h - what a training can be asked to learn -----*- C++ -*-===//
#ifndef TENON_LIB_RUNTIME_COMMANDS_OBJECTIVES_H
#define TENON_LIB_RUNTIME_COMMANDS_OBJECTIVES_H

#include "Program.h"
#include "TrainingOptions.h"

#include "tenon/Runtime/Corruption.h"
#include "tenon/Runtime/TrainingInfo.h"

#include <memory>

namespace tenon::runtime {

/// An objective as the command line says it.
struct Objective {
  std::string name;
  double share = 0.15;   ///< masked:X, span:X: of what is hidden
  double meanLength = 3; ///< span:X:L: of spans

  /// Reads one, or what the program learns if it is empty. Errors: BadUsage: no
  /// objective of the program.
  static Expected<Objective> parse(const std::string &text,
                                   const TrainingInfo &info);
  /// Whether data are texts alone, without labels or sources.
  bool isOfTexts() const {
    return name == "causal" || name == "masked" || name == "span";
  }
};

/// How parts of a text are hidden, or null where none are. Errors: a program
/// that does not say which tokens stand for them.
Expected<std::unique_ptr<Corruption>>
makeCorruption(Program &program, const TrainingInfo &info,
               const TrainingOptions &options, const Objective &objective);

} // namespace tenon::runtime

#endif // TENON_LIB_RUNTIME_COMMANDS_OBJECTIVES_H
