//===- BenchTraining.cpp - steps of a training per second -----------------===//

#include "BenchTraining.h"

#include "tenon/Runtime/Interrupt.h"
#include "tenon/Runtime/MachineLimits.h"
#include "tenon/Runtime/Sampler.h"
#include "tenon/Runtime/TextOutput.h"
#include "tenon/Support/Strings.h"

#include <sys/resource.h>

#include <algorithm>
#include <ctime>

using namespace tenon;
using namespace tenon::runtime;

/// The most bytes of memory that this process had.
static int64_t peakMemory() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return int64_t(usage.ru_maxrss) * 1024; // Linux counts KiB.
}

static Status check(const Program &program, const Trainer &trainer,
                    const TrainingBench &options) {
  auto refuse = [](const std::string &what) {
    return plainError(what, ExitCode::BadUsage);
  };
  if (trainer.info().objective != "causal")
    return refuse(strCat("bench --train measures a program that learns to "
                         "predict the next token; this one learns '",
                         trainer.info().objective, "'"));
  if (options.length > trainer.maxLength())
    return refuse(strCat("--length ", options.length,
                         ": this program was compiled for ",
                         trainer.maxLength(), " tokens at most"));
  if (!program.metadata().entry("gradient"))
    return plainError("this executable does not learn: tenonc --train compiles "
                      "one that does",
                      ExitCode::BadUsage);
  return {};
}

Status tenon::runtime::benchTraining(Program &program,
                                     const TrainingBench &options) {
  // What is computed follows from what is counted.
  bool isProfiled = program.options.profile;
  program.options.profile = true;
  auto loaded = program.trainer();
  if (!loaded)
    return loaded.takeError();
  program.options.profile = isProfiled;
  Trainer &trainer = **loaded;
  if (Status status = check(program, trainer, options); !status)
    return status;
  Profile &profile = *program.profile();
  const EntryInfo *entry = program.metadata().entry("gradient");

  Random random(1);
  std::vector<int32_t> tokens(options.length), targets(options.length);
  for (std::vector<int32_t> *ids : {&tokens, &targets})
    for (int32_t &id : *ids)
      id = static_cast<int32_t>(
          random.below(program.metadata().model.vocabSize));
  TrainingSequence sequence;
  sequence.tokens = tokens;
  sequence.targets = targets;
  sequence.asked = sequence.fed = options.length;
  Optimizer adamw;
  adamw.rate = 1e-6; // The weights stay what they are for their numbers.

  Executor::Session session(program.executor());
  std::vector<double> seconds, processorSeconds;
  for (int64_t i = -1; i < options.repetitions; ++i) {
    if (interrupted())
      return interruption();
    if (i == 0)
      profile.clear();
    double start = now();
    std::clock_t used = std::clock();
    for (int64_t j = 0; j < options.batch; ++j) {
      trainer.addGradient(sequence, j % Trainer::kGroup);
      EntryCall call;
      call.entry = entry;
      call.tokens = options.length;
      call.outputs = options.length;
      profile.calls().push_back(call);
      int64_t inGroup = j % Trainer::kGroup + 1;
      if (trainer.hasRows() &&
          (inGroup == Trainer::kGroup || j + 1 == options.batch))
        for (int64_t place = 0; place < inGroup; ++place)
          trainer.addRows(sequence, place);
    }
    trainer.update(
        adamw.numbers(i + 2, options.batch * options.length, adamw.rate));
    if (i < 0)
      continue;
    seconds.push_back(now() - start);
    processorSeconds.push_back(double(std::clock() - used) / CLOCKS_PER_SEC);
  }
  double total = 0;
  for (double one : seconds)
    total += one;
  std::ranges::sort(seconds);
  double step = seconds[seconds.size() / 2];
  double tokensOfStep = double(options.batch) * double(options.length);
  double operations =
      profile.operationsComputed() / double(options.repetitions);
  double rate = operations / step;
  std::optional<double> part;
  if (auto limits = readMachineLimits(program.threads()))
    if (auto peak = limits->find("fma"); peak != limits->end())
      part = rate / peak->second;

  if (isProfiled && !options.json) {
    printNote(strCat("training, ", options.repetitions, " steps:\n"));
    printNote(profile.table(total));
  }
  if (!options.json)
    return writeOutput(
        format("%-9s %14s %12s %9s %8s %12s\n", "training", "tokens/second",
               "seconds/step", "GFLOP/s", "of peak", "peak memory") +
        format("%lld x %-5lld %14.2f %12.4f %9.1f %8s %8.0f MiB\n",
               static_cast<long long>(options.batch),
               static_cast<long long>(options.length), tokensOfStep / step,
               step, rate * 1e-9,
               part ? format("%.0f %%", *part * 100).c_str() : "?",
               double(peakMemory()) / (1 << 20)));
  OrderedJson root = {{"model", program.metadata().model.name},
                      {"threads", program.threads()},
                      {"batch", options.batch},
                      {"length", options.length},
                      {"tokens_per_second", tokensOfStep / step},
                      {"operations_per_second", rate},
                      {"peak_memory", peakMemory()},
                      {"seconds", seconds},
                      {"processor_seconds", processorSeconds}};
  if (part)
    root["of_peak"] = *part;
  if (isProfiled)
    root["profile"] = profile.json(total);
  return writeJson(root);
}
