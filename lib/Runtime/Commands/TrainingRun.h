//===- TrainingRun.h - the steps of a training, and what it leaves --------===//
#ifndef TENON_LIB_RUNTIME_COMMANDS_TRAININGRUN_H
#define TENON_LIB_RUNTIME_COMMANDS_TRAININGRUN_H

#include "Profile.h"
#include "TrainingOptions.h"

#include "tenon/Runtime/Corruption.h"
#include "tenon/Runtime/ProcessGroup.h"
#include "tenon/Runtime/Safetensors.h"
#include "tenon/Runtime/Trainer.h"
#include "tenon/Runtime/TrainingData.h"

#include <memory>
#include <optional>
#include <string>

namespace tenon::runtime {

/// One training, from a start or from what another left in its directory.
class TrainingRun {
public:
  TrainingRun(Trainer &trainer, TrainingOptions options, TrainingData data,
              std::optional<TrainingData> heldOut,
              std::unique_ptr<Corruption> corruption,
              std::vector<std::string> labels)
      : trainer(trainer), options(std::move(options)), data(std::move(data)),
        heldOut(std::move(heldOut)), corruption(std::move(corruption)),
        labels(std::move(labels)) {}

  /// What the trainer computes is counted here, and cleared whenever a line of
  /// progress says what part of `peak`, operations a second, it is. `gradient`:
  /// the entry point that is called.
  void countWork(Profile &profile, const EntryInfo &gradient, double peak) {
    counted = &profile;
    gradientEntry = &gradient;
    peakRate = peak;
  }
  /// From now on a step's sequences are shared out among the processes of a
  /// group, which the trainer's memory is shared with. Only the first of them
  /// begins or resumes, logs and saves.
  void learnTogether(ProcessGroup &with) { group = &with; }
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
  /// Of the sequence at a place, counted through all epochs; valid until the
  /// next one.
  TrainingSequence sequenceAt(uint64_t place);
  /// Adds the gradients of a group of sequences at these places, or this
  /// process' part of them, and puts their losses to `losses`. `first`: the
  /// sequences of the step before them.
  void addGradients(std::span<const uint64_t> places, int64_t first,
                    std::span<double> losses);
  Status log(int64_t step, const Measured &measured);
  Status save(int64_t step);
  Status saveState(int64_t step) const;
  /// "  71 % of peak", of the steps since this was asked last; empty if that is
  /// not known.
  std::string describePeak();
  OrderedJson transformersState(int64_t step) const;
  std::string path(const char *name) const {
    return options.output + "/" + name;
  }

  Trainer &trainer;
  TrainingOptions options;
  TrainingData data;
  std::optional<TrainingData> heldOut;
  std::unique_ptr<Corruption> corruption; ///< null: nothing is hidden
  std::vector<std::string> labels;        ///< what classes are called
  Schedule schedule;
  int64_t done = 0;                           ///< steps
  OrderedJson history = OrderedJson::array(); ///< lines of the log
  double lastShown = 0;
  Profile *counted = nullptr; ///< null: nothing is
  const EntryInfo *gradientEntry = nullptr;
  double peakRate = 0;
  double countedSeconds = 0;     ///< of the steps that are counted
  ProcessGroup *group = nullptr; ///< null: this process learns alone
  int64_t numBefore = 0;         ///< sequences of the group's steps before
};

/// The mean loss of all targets. What `corruption`, if there is one, hides of a
/// sequence follows from its number, the same every time.
/// In a group each process computes a part of it; all get it.
double meanLoss(Trainer &trainer, const TrainingData &data,
                Corruption *corruption, ProcessGroup *group = nullptr);

/// What --resume goes on with: the options of the training in a directory.
Expected<TrainingOptions> readOptions(const std::string &directory);

} // namespace tenon::runtime

#endif // TENON_LIB_RUNTIME_COMMANDS_TRAININGRUN_H
