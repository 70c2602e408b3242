//===- TunedPlans.cpp - measured plans in a compilation -------------------===//

#include "TunedPlans.h"
#include "Messages.h"
#include "Progress.h"
#include "mlir/IR/BuiltinOps.h"
#include "tenon/Runtime/Variant.h"
#include "tenon/Support/Strings.h"
#include "tenon/Tune/Tune.h"
#include "llvm/ADT/STLExtras.h"

#include <csignal>

using namespace tenon;

namespace {

/// While one lives, a first Ctrl-C is only noted; a second one is as ever.
class InterruptNote {
public:
  InterruptNote() {
    noted = 0;
    struct sigaction action {};
    action.sa_handler = [](int) { noted = 1; };
    action.sa_flags = SA_RESETHAND | SA_RESTART;
    sigaction(SIGINT, nullptr, &before);
    // A shell that starts us in the background has it ignored.
    if (before.sa_handler != SIG_IGN)
      sigaction(SIGINT, &action, nullptr);
  }
  ~InterruptNote() { sigaction(SIGINT, &before, nullptr); }
  InterruptNote(const InterruptNote &) = delete;
  InterruptNote &operator=(const InterruptNote &) = delete;

  static bool isNoted() { return noted; }

private:
  static inline volatile std::sig_atomic_t noted = 0;
  struct sigaction before {};
};

} // namespace

/// Whether kernels for the target run here.
static bool canMeasure(TargetAttr target, const std::string &triple) {
  return isHostTriple(triple) && runtime::CpuFeatures::host()
                                     .missing(getRequiredFeatures(target))
                                     .empty();
}

Status TunedPlans::open(const CompileOptions &compileOptions,
                        llvm::ArrayRef<TargetAttr> targets,
                        mlir::MLIRContext &ofModules) {
  options = &compileOptions;
  context = &ofModules;
  if (options->train)
    return Status::success();
  path = options->tuningDatabase.value_or(tune::Database::defaultPath());
  if (options->tuneSeconds) {
    if (path.empty())
      return plainError("--tune has no place to keep plans: neither "
                        "XDG_CACHE_HOME nor HOME is set; --tuning-database "
                        "FILE says one",
                        ExitCode::BadUsage);
    for (TargetAttr target : targets)
      if (canMeasure(target, options->target.triple))
        ++numTuned;
      else
        printMessage(strCat("note: kernels for ", target.getCpu().str(),
                            " are not tuned: this machine's CPU can't run "
                            "them"));
    if (numTuned == 0)
      return plainError("--tune measures kernels, and none of those asked for "
                        "runs on this machine's CPU",
                        ExitCode::BadUsage);
  }
  if (path.empty())
    return Status::success();
  Expected<tune::Database> read = tune::Database::read(path, *context);
  if (!read)
    return read.takeError();
  database = std::move(*read);
  if (database.isOther())
    printMessage(
        strCat("note: the tuning database ", quoteName(path),
               " is of another version of Tenon: its plans are not used",
               options->tuneSeconds ? ", and new ones take its place"
                                    : "; --tune makes it anew"));
  // A place that can't be written is said before the search, not after it.
  return options->tuneSeconds ? database.write(path) : Status::success();
}

Status TunedPlans::search(mlir::ModuleOp module) {
  tune::TuneOptions search;
  search.seconds = *options->tuneSeconds / numTuned;
  auto progress = std::make_unique<Progress>(
      strCat("tuning for ", getTarget(module).getCpu().str()),
      uint64_t(1000 * search.seconds), options->quiet);
  uint64_t shown = 0;
  search.progress = [&](double seconds) {
    auto now = static_cast<uint64_t>(1000 * seconds);
    progress->advance(now - std::min(now, shown));
    shown = std::max(now, shown);
  };
  search.say = [&](const std::string &line) {
    progress.reset(); // Its line is free again.
    progress = std::make_unique<Progress>("", 0, /*quiet=*/true);
    printMessage(strCat("tenonc: ", line));
  };
  search.isInterrupted = InterruptNote::isNoted;
  InterruptNote interrupt;
  if (Status status = tune::tune(module, database, search); !status)
    return status;
  if (Status status = database.write(path); !status)
    return status;
  printMessage(strCat("tenonc: the plans are kept in ", path));
  if (!interrupt.isNoted())
    return Status::success();
  progress.reset();
  return Error{"tenonc: interrupted; --tune goes on from those plans the next "
               "time",
               ExitCode::Interrupted};
}

Status TunedPlans::use(mlir::ModuleOp module) {
  if (options->train)
    return Status::success();
  if (options->tuneSeconds &&
      canMeasure(getTarget(module), options->target.triple))
    if (Status status = search(module); !status)
      return status;
  int64_t used = database.apply(module);
  if (options->verbose && used > 0)
    printMessage(strCat("tenonc: ", used, " plans for ",
                        getTarget(module).getCpu().str(), " from ", path));
  return Status::success();
}
