//===- Tune.h - a search for faster plans on this machine -------*- C++ -*-===//

#ifndef TENON_TUNE_TUNE_H
#define TENON_TUNE_TUNE_H

#include "mlir/IR/BuiltinOps.h"
#include "tenon/Tune/Database.h"

#include <functional>
#include <string>

namespace tenon::tune {

struct TuneOptions {
  /// How long to search, in seconds of wall clock. What is begun is finished:
  /// a compilation of one kernel at most.
  double seconds = 60;
  /// Called now and then with the seconds that are over.
  std::function<void(double)> progress;
  /// Asked now and then; true ends the search, and what it found is kept.
  std::function<bool()> isInterrupted;
  /// A line for the user: what was gained, or that a plan is left out.
  std::function<void(const std::string &)> say;
};

/// Measures the kernels of a module at stage "packed" with other plans than
/// tenon-select-tiles chooses, each kernel alone, compiled into this process
/// and on one thread, and puts those that are faster into the database. One
/// field of each kernel after the other, the kernels that take most of the
/// time first; before that, the plans that the database has. A plan is taken if
/// two alternating measurements say that it is at least 2 % faster (and not
/// slower for short prompts). A plan whose results differ in any bit from those
/// of the chosen one is left out and said.
///
/// The target must be one whose instructions this CPU has. Errors: kernels that
/// cannot be chosen, compiled or given memory.
Status tune(mlir::ModuleOp module, Database &database,
            const TuneOptions &options);

} // namespace tenon::tune

#endif // TENON_TUNE_TUNE_H
