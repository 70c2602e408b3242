//===- Train.cpp - train and eval of a model that learns ------------------===//
#include "Command.h"
#include "LabelNames.h"
#include "Objectives.h"
#include "TrainingRun.h"
#include "TrainingText.h"

#include "tenon/Runtime/MachineLimits.h"
#include "tenon/Support/Strings.h"

#include <cmath>
#include <cstdlib>

#include <CLI/CLI.hpp>

using namespace tenon;
using namespace tenon::runtime;

namespace {

class Train : public Command {
public:
  Train() : Command({"train", "", "Train the model on texts"}) {}

  void declareOptions(CLI::App &app) override;
  Status run(Program &program) override;

private:
  Status check(Program &program);
  Status chooseOptimizer(const Trainer &trainer);
  Status countSteps(uint64_t sequences);
  /// Makes the group of so many processes, if mpirun hasn't, and shares the
  /// trainer's memory with it.
  Status share(Program &program, Trainer &trainer, uint64_t heldOut,
               std::unique_ptr<ProcessGroup> &group);

  TrainingOptions options;
  /// What the optimizer's kind has defaults of.
  struct {
    std::optional<double> weightDecay, beta2, momentum;
    std::string nesterov;
  } asked;
  std::string resumed;
  std::optional<int64_t> steps;
  int processes = 1;
};

void Train::declareOptions(CLI::App &app) {
  auto add = [&](const char *name, auto &to, const char *type,
                 const char *help) {
    return app.add_option(name, to, help)->type_name(type);
  };
  // Numbers of sequences, steps times the two of a step, stay below 2^63.
  auto few = CLI::Range(int64_t(1), int64_t(1) << 15).description("");
  auto count = CLI::Range(int64_t(1), int64_t(1) << 31).description("");
  auto part = CLI::Range(0.0, 1.0).description("");
  declareData(app, options.data, options.longTexts, "What to learn from");
  add("--held-out", options.heldOut, "FILE",
      "The same to measure the loss on, not learned from");
  add("--objective", options.objective, "NAME",
      "What is learned, by what the program was compiled from: causal or "
      "sequence, the next token; masked[:X], a part X of the words (default: "
      "0.15), which are hidden; span[:X[:L]], that in spans of L (default: 3); "
      "tags or classes, labels");
  add("--mask-token", options.maskToken, "ID",
      "What hides a word (default: the tokenizer's mask token)")
      ->check(CLI::NonNegativeNumber.description(""));
  add("--sentinel", options.sentinel, "ID",
      "What stands for the first hidden span (default: the tokenizer's "
      "<extra_id_0>)")
      ->check(CLI::NonNegativeNumber.description(""));
  add("--batch", options.batch, "N", "Sequences of a gradient (default: 16)")
      ->check(few);
  add("--accumulate", options.accumulate, "N",
      "Gradients of a step: it is one of batch times this many sequences "
      "(default: 1)")
      ->check(few);
  add("--length", options.length, "N",
      "Tokens of a sequence (default: the most that the program was compiled "
      "for); the loss is the mean over all but the first")
      ->check(count);
  auto *inSteps =
      add("--steps", steps, "N", "Steps to take in all")->check(count);
  add("--epochs", options.epochs, "X",
      "Steps in times that all data are met, rounded up to whole steps")
      ->check(CLI::Range(1e-6, 1e9).description(""))
      ->excludes(inSteps);
  add("--shuffle", options.shuffle, "on|off",
      "Meet the data in another order in each epoch (default: on of texts, off "
      "of token ids)")
      ->check(CLI::IsMember({"on", "off"}).description(""));
  add("--seed", options.seed, "N", "Of that order (default: 1)")
      ->check(CLI::Range(int64_t(0), int64_t(UINT32_MAX)).description(""));
  add("--optimizer", options.optimizer, "NAME",
      "adamw, sgd, lion, or muon of the layers' matrices with adamw of the "
      "rest (default: adamw)");
  add("--rate", options.step.rate, "X", "Learning rate (default: 3e-4)")
      ->check(CLI::NonNegativeNumber.description(""));
  add("--schedule", options.schedule, "constant|linear|cosine",
      "How the rate falls, as Transformers' schedules do (default: cosine)")
      ->check(CLI::IsMember({"constant", "linear", "cosine"}));
  add("--warmup", options.warmup, "N|N%",
      "Steps over which the rate rises from 0 (default: 2%)");
  add("--weight-decay", asked.weightDecay, "X",
      "Decay of matrices; vectors have none (default: 0.1; of sgd 0)")
      ->check(CLI::NonNegativeNumber.description(""));
  add("--clip", options.step.clip, "X",
      "The largest norm of a step's gradient; 0: any (default: 1)")
      ->check(CLI::NonNegativeNumber.description(""));
  add("--beta1", options.step.beta1, "X", "Of adamw and lion (default: 0.9)")
      ->check(part);
  add("--beta2", asked.beta2, "X", "Likewise (default: 0.999; of lion 0.99)")
      ->check(part);
  add("--epsilon", options.step.epsilon, "X", "Of adamw (default: 1e-8)")
      ->check(CLI::NonNegativeNumber.description(""));
  add("--momentum", asked.momentum, "X",
      "Of sgd (default: 0.9) and muon (default: 0.95)")
      ->check(part);
  add("--nesterov", asked.nesterov, "on|off",
      "Nesterov's momentum (default: of sgd off, of muon on)")
      ->check(CLI::IsMember({"on", "off"}).description(""));
  add("--eval-every", options.evalEvery, "N",
      "Steps between two measurements of the held-out loss (default: one at "
      "the end)")
      ->check(count);
  add("--save-every", options.saveEvery, "N",
      "Steps between two checkpoints (default: one at the end)")
      ->check(count);
  add("-o,--output", options.output, "DIR",
      "Directory for the checkpoint and the log");
  std::vector<CLI::Option *> others = app.get_options();
  add("--processes", processes, "N",
      "Processes that share out the sequences of a step, with a part of the "
      "threads each; the result is the same, bit for bit (default: 1)")
      ->check(CLI::Range(1, 1000).description(""));
  auto *resume = add("--resume", resumed, "DIR",
                     "Go on with the training in this directory; only --steps, "
                     "--processes and --quiet may be given with it");
  for (CLI::Option *other : others)
    if (other != inSteps && other != app.get_help_ptr())
      resume->excludes(other);
  app.add_flag("--quiet", options.quiet, "Show no progress");
}

/// The kind's defaults where the command line says nothing.
Status Train::chooseOptimizer(const Trainer &trainer) {
  auto kind = Optimizer::parse(options.optimizer);
  if (!kind)
    return plainError(strCat("--optimizer ", options.optimizer,
                             ": there are adamw, sgd, lion and muon"),
                      ExitCode::BadUsage);
  Optimizer &step = options.step;
  if (resumed.empty()) {
    Optimizer defaults = Optimizer::of(*kind);
    step.kind = *kind;
    step.weightDecay = asked.weightDecay.value_or(defaults.weightDecay);
    step.beta2 = asked.beta2.value_or(defaults.beta2);
    step.momentum = asked.momentum.value_or(defaults.momentum);
    step.nesterov =
        asked.nesterov.empty() ? defaults.nesterov : asked.nesterov == "on";
  }
  bool hasMomentum =
      *kind == Optimizer::Kind::Sgd || *kind == Optimizer::Kind::Muon;
  if (!hasMomentum && (asked.momentum || !asked.nesterov.empty()))
    return plainError(strCat("--momentum and --nesterov are of sgd and muon, "
                             "not of ",
                             options.optimizer),
                      ExitCode::BadUsage);
  if (!trainer.takes(step.numbers(1, 1, 0)))
    return plainError("--optimizer muon: the model has no matrix of a layer, "
                      "which it is for",
                      ExitCode::BadUsage);
  return {};
}

Status Train::check(Program &program) {
  auto refuse = [](const std::string &what) {
    return plainError(what, ExitCode::BadUsage);
  };
  if (options.data.empty())
    return refuse("what should be learned from? --data FILE says it");
  if (options.output.empty())
    return refuse("where should the checkpoint go? -o DIR says it");
  if (options.steps < 1 && options.epochs <= 0)
    return refuse("how many steps? --steps N or --epochs X says it");
  size_t used = 0;
  try {
    double warmup = std::stod(options.warmup, &used);
    if (!(warmup >= 0 && warmup <= 1e12))
      used = 0;
  } catch (const std::exception &) {
    used = 0;
  }
  if (!used ||
      (options.warmup.substr(used) != "" && options.warmup.substr(used) != "%"))
    return refuse(strCat("--warmup is a number of steps or a part of all, "
                         "\"10%\", not ",
                         quoteName(options.warmup)));
  const Metadata &metadata = program.metadata();
  int64_t most = std::min(metadata.memory.maxChunk, metadata.model.context);
  if (options.length == 0)
    options.length = most;
  if (options.length < 2)
    return refuse("--length is 2 at least: a token to predict the next from");
  if (options.length > most)
    return withNote(refuse(strCat("--length ", options.length,
                                  ": this program was compiled for sequences "
                                  "of at most ",
                                  most, " tokens")),
                    "tenonc --train --max-chunk=N compiles for more, up to the "
                    "context");
  return {};
}

/// The steps of so many epochs.
Status Train::countSteps(uint64_t sequences) {
  if (options.epochs <= 0)
    return {};
  double steps =
      std::ceil(options.epochs * static_cast<double>(sequences) /
                static_cast<double>(options.batch * options.accumulate));
  if (steps > static_cast<double>(int64_t(1) << 31))
    return plainError("--epochs: these are more than 2^31 steps",
                      ExitCode::BadUsage);
  options.steps = static_cast<int64_t>(steps);
  return {};
}

Status Train::share(Program &program, Trainer &trainer, uint64_t heldOut,
                    std::unique_ptr<ProcessGroup> &group) {
  int64_t sequences = options.batch * options.accumulate;
  if (processes > sequences)
    return plainError(strCat(group ? "mpirun -n " : "--processes ", processes,
                             ": a step has only ", sequences,
                             " sequences to share out"),
                      ExitCode::BadUsage);
  if (program.options.profile || !program.options.trace.empty())
    return plainError("--profile and --trace are of one process, not of "
                      "several that learn together",
                      ExitCode::BadUsage);
  uint64_t numbers = std::max(static_cast<uint64_t>(sequences), heldOut);
  if (group) {
    if (Status status = group->prepare(numbers); !status)
      return status;
  } else {
    auto made = ProcessGroup::create(processes, numbers);
    if (!made)
      return made.takeError();
    group = std::move(*made);
  }
  return trainer.share(*group);
}

Status Train::run(Program &program) {
  auto joined = ProcessGroup::joinMpi();
  if (!joined)
    return joined.takeError();
  std::unique_ptr<ProcessGroup> group = std::move(*joined);
  if (group && processes > 1)
    return plainError("--processes is for one program; mpirun has started "
                      "several",
                      ExitCode::BadUsage);
  if (group)
    processes = group->size();
  if (!resumed.empty()) {
    bool quiet = options.quiet;
    auto before = readOptions(resumed);
    if (!before)
      return before.takeError();
    options = std::move(*before);
    options.quiet = quiet;
  }
  options.quiet |= group && !group->isFirst();
  if (steps) {
    options.steps = *steps;
    options.epochs = 0;
  }
  // Lines of progress say what part of the machine's multiply-adds the steps
  // make, where those are known; a profile that is asked for is its own.
  auto limits = readMachineLimits(program.threads()).value_or(MachineLimits());
  auto peak = limits.find("fma");
  GlobalOptions &global = program.options;
  bool isCounted = peak != limits.end() && !options.quiet && !global.profile &&
                   global.trace.empty() && processes == 1;
  global.profile |= isCounted;
  auto trainer = program.trainer();
  if (!trainer)
    return trainer.takeError();
  if (isCounted)
    global.profile = false;
  const TrainingInfo &info = (*trainer)->info();
  auto objective = Objective::parse(options.objective, info);
  if (!objective)
    return objective.takeError();
  if (options.objective.empty())
    options.objective = objective->name;
  if (Status status = chooseOptimizer(**trainer); !status)
    return status;
  if (Status status = check(program); !status)
    return status;
  auto corruption = makeCorruption(program, info, options, *objective);
  if (!corruption)
    return corruption.takeError();
  auto labels =
      readLabelNames(info, resumed.empty() ? program.options.from : resumed);
  if (!labels)
    return labels.takeError();
  DataReading reading{objective->name, options.length,
                      parseLongTexts(options.longTexts), *labels,
                      /*mayName=*/true};
  auto data = readTrainingData(program, info, options.data, reading);
  if (!data)
    return data.takeError();
  reading.mayName = false;
  std::optional<TrainingData> heldOut;
  if (!options.heldOut.empty()) {
    auto file = readTrainingData(program, info, options.heldOut, reading);
    if (!file)
      return file.takeError();
    heldOut = std::move(*file);
  }
  if (Status status = countSteps(data->count()); !status)
    return status;
  if (!options.quiet)
    printNote(format(
        "%s: %llu sequences, %llu tokens; %lld steps of %lld "
        "sequences\n",
        options.data.c_str(), static_cast<unsigned long long>(data->count()),
        static_cast<unsigned long long>(data->numTokens()),
        static_cast<long long>(options.steps),
        static_cast<long long>(options.batch * options.accumulate)));
  if (!resumed.empty() && !program.options.from.empty())
    return plainError("--resume goes on with the weights that are there: "
                      "--from is for a new training",
                      ExitCode::BadUsage);
  if (processes > 1) {
    if (Status status =
            share(program, **trainer, heldOut ? heldOut->count() : 0, group);
        !status)
      return status;
  }
  TrainingRun run(**trainer, options, std::move(*data), std::move(heldOut),
                  std::move(*corruption), reading.labels.names);
  if (!group || group->isFirst())
    if (Status status = resumed.empty() ? run.start() : run.resume(); !status)
      return status;
  const EntryInfo *gradient = program.metadata().entry("gradient");
  if (isCounted && gradient)
    run.countWork(*program.profile(), *gradient, peak->second);
  double start = now();
  if (!group) {
    Executor::Session session(program.executor());
    Status status = run.run();
    program.printProfile(now() - start);
    return status;
  }
  run.learnTogether(*group);
  if (Status status = group->start(); !status)
    return status;
  program.takePart(group->rank(), group->size());
  ProcessGroup::install(group.get());
  Status status;
  {
    Executor::Session session(program.executor());
    status = run.run();
  }
  return group->finish(std::move(status));
}

class Eval : public Command {
public:
  Eval() : Command({"eval", "", "Measure the loss on texts"}) {}

  void declareOptions(CLI::App &app) override {
    declareData(app, data, longTexts, "What to measure on");
    app.get_option("--data")->required();
    app.add_option("--length", length,
                   "Tokens of a sequence (default: the most that the program "
                   "was compiled for)")
        ->type_name("N")
        ->check(CLI::Range(int64_t(2), int64_t(1) << 40).description(""));
    app.add_option("--objective", asked.objective,
                   "As train has it (default: what the program learns)")
        ->type_name("NAME");
    app.add_option("--sentinel", asked.sentinel, "As train has it")
        ->type_name("ID")
        ->check(CLI::NonNegativeNumber.description(""));
    app.add_option("--mask-token", asked.maskToken,
                   "What hides a word to guess (default: the tokenizer's mask "
                   "token)")
        ->type_name("ID")
        ->check(CLI::NonNegativeNumber.description(""));
    app.add_flag("--json", json, "Print JSON");
  }
  Status run(Program &program) override;

private:
  std::string data, longTexts;
  int64_t length = 0;
  TrainingOptions asked;
  bool json = false;
};

Status Eval::run(Program &program) {
  auto trainer = program.trainer();
  if (!trainer)
    return trainer.takeError();
  int64_t most = (*trainer)->maxLength();
  if (length > most)
    return plainError(strCat("--length ", length,
                             ": this program was compiled for sequences of at "
                             "most ",
                             most, " tokens"),
                      ExitCode::BadUsage);
  const TrainingInfo &info = (*trainer)->info();
  auto objective = Objective::parse(asked.objective, info);
  if (!objective)
    return objective.takeError();
  auto corruption = makeCorruption(program, info, asked, *objective);
  if (!corruption)
    return corruption.takeError();
  auto labels = readLabelNames(info, program.options.from);
  if (!labels)
    return labels.takeError();
  DataReading reading{objective->name, length ? length : most,
                      parseLongTexts(longTexts), *labels};
  auto texts = readTrainingData(program, info, data, reading);
  if (!texts)
    return texts.takeError();
  Executor::Session session(program.executor());
  double loss = meanLoss(**trainer, *texts, corruption->get());
  if (json)
    return writeJson({{"loss", loss}, {"perplexity", std::exp(loss)}});
  return writeOutput(
      format("loss %.6f, perplexity %.4f\n", loss, std::exp(loss)));
}

} // namespace

std::unique_ptr<Command> tenon::runtime::makeTrainCommand() {
  return std::make_unique<Train>();
}

std::unique_ptr<Command> tenon::runtime::makeEvalCommand() {
  return std::make_unique<Eval>();
}
