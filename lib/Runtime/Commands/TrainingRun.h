//===- TrainingRun.h - the steps of a training, and what it leaves --------===//
#ifndef TENON_LIB_RUNTIME_COMMANDS_TRAININGRUN_H
#define TENON_LIB_RUNTIME_COMMANDS_TRAININGRUN_H

#include "tenon/Runtime/Safetensors.h"
#include "tenon/Runtime/TokenFile.h"
#include "tenon/Runtime/Trainer.h"

#include "Json.h"

#include <optional>
#include <string>

namespace tenon::runtime {

/// How the rate changes from step to step, as Transformers' get_scheduler has
/// it: over `warmup` steps from 0 to the rate, then to 0 at the last step, or
/// nowhere.
struct Schedule {
  enum class Kind { Constant, Linear, Cosine };
  Kind kind = Kind::Cosine;
  int64_t warmup = 0, steps = 0;

  /// The part of the rate that a step has, counted from 1.
  double factor(int64_t step) const;
};

/// What the command line asks for; a checkpoint holds it for --resume.
struct TrainingOptions {
  std::string data, heldOut, output;
  std::string objective = "causal", optimizer = "adamw", schedule = "cosine";
  std::string warmup = "2%"; ///< steps, or a part of all
  int64_t batch = 16, accumulate = 1, length = 0, steps = 0;
  int64_t saveEvery = 0, evalEvery = 0; ///< steps; 0: at the end
  AdamW adamw{.rate = 3e-4, .weightDecay = 0.1, .clip = 1.0};
  bool quiet = false;

  OrderedJson toJson() const;
  /// Throws json::exception if it is no such object.
  static TrainingOptions fromJson(const OrderedJson &from);
};

/// One training, from a start or from what another left in its directory.
class TrainingRun {
public:
  TrainingRun(Trainer &trainer, TrainingOptions options, TokenFile data,
              std::optional<TokenFile> heldOut)
      : trainer(trainer), options(std::move(options)), data(std::move(data)),
        heldOut(std::move(heldOut)) {}

  /// Makes the directory. Errors: one that holds something else than a run.
  Status start();
  /// Reads the state in the directory. Errors: of another model, or of other
  /// data.
  Status resume();
  /// Runs the steps that are left, and saves. Errors: a loss that is no number;
  /// Interrupted, after the step at hand was saved.
  Status run();

private:
  struct Measured {
    double loss = 0, norm = 0, seconds = 0, rate = 0;
    int64_t tokens = 0;
  };

  Expected<Measured> takeStep(int64_t step);
  Status log(int64_t step, const Measured &measured);
  Status save(int64_t step);
  Status saveState(int64_t step) const;
  std::string path(const char *name) const {
    return options.output + "/" + name;
  }

  Trainer &trainer;
  TrainingOptions options;
  TokenFile data;
  std::optional<TokenFile> heldOut;
  Schedule schedule;
  int64_t done = 0;                           ///< steps
  OrderedJson history = OrderedJson::array(); ///< lines of the log
  double lastShown = 0;
};

/// The mean loss of all targets of a file, in sequences of a length.
double meanLoss(Trainer &trainer, const TokenFile &file, int64_t length);

/// Reads weights from a directory that a training left. Errors: a checkpoint of
/// another model.
Status readWeights(Trainer &trainer, const std::string &directory);
/// What --resume goes on with: the options of the training in a directory.
Expected<TrainingOptions> readOptions(const std::string &directory);

} // namespace tenon::runtime

#endif // TENON_LIB_RUNTIME_COMMANDS_TRAININGRUN_H
