//===- Bench.cpp - tokens per second --------------------------------------===//
//
// The two figures of llama.cpp's llama-bench. Prompt (pp): random tokens from
// an empty context, logits of the last one only. Generation (tg): random tokens
// one after the other from an empty context, logits of each; no sampling.
// Encoders: whole texts of the prompt's length, "forward".
//
//===----------------------------------------------------------------------===//
#include "BenchTraining.h"
#include "Command.h"
#include "Json.h"

#include "tenon/Runtime/Interrupt.h"
#include "tenon/Runtime/Sampler.h"
#include "tenon/Runtime/TextOutput.h"
#include "tenon/Support/Strings.h"

#include <algorithm>
#include <cmath>
#include <functional>

#include <CLI/CLI.hpp>

using namespace tenon;
using namespace tenon::runtime;

namespace {

struct Measurement {
  int64_t tokens = 0;
  std::vector<double> seconds;
  OrderedJson profile; ///< with --profile and --json

  std::vector<double> rates() const {
    std::vector<double> values;
    for (double s : seconds)
      values.push_back(tokens / s);
    std::ranges::sort(values);
    return values;
  }
  static double median(const std::vector<double> &sorted) {
    size_t n = sorted.size();
    return n % 2 ? sorted[n / 2] : (sorted[n / 2 - 1] + sorted[n / 2]) / 2;
  }
  static double deviation(const std::vector<double> &values) {
    double mean = 0, squares = 0;
    for (double value : values)
      mean += value / values.size();
    for (double value : values)
      squares += (value - mean) * (value - mean);
    return values.size() < 2 ? 0 : std::sqrt(squares / (values.size() - 1));
  }
};

class Bench : public Command {
public:
  Bench() : Command({"bench", "", "Measure tokens per second"}) {}

  void declareOptions(CLI::App &app) override {
    app.add_option("--prompt-tokens", promptTokens,
                   "Length of the prompt (default 512, the context at most; 0: "
                   "skip)")
        ->type_name("N")
        ->check(CLI::NonNegativeNumber.description(""));
    app.add_option("--gen-tokens", genTokens,
                   "Tokens to generate (default 128, the context at most; 0: "
                   "skip)")
        ->type_name("N")
        ->check(CLI::NonNegativeNumber.description(""));
    app.add_option("--sequences", sequences,
                   "Sequences that generate together; their tokens are counted "
                   "together (default 1)")
        ->type_name("N")
        ->check(CLI::PositiveNumber.description(""));
    app.add_option("--repetitions", repetitions,
                   "Measured runs after one to warm up (default 5)")
        ->type_name("N")
        ->check(CLI::PositiveNumber.description(""));
    app.add_option("--prefill-chunk", chunk,
                   "Prompt tokens to process at a time (default: as compiled)")
        ->type_name("N")
        ->check(CLI::NonNegativeNumber.description(""));
    app.add_flag("--train", isOfTraining,
                 "Measure steps of a training instead");
    app.add_option("--batch", training.batch,
                   "Sequences of a training's step (default 4)")
        ->type_name("N")
        ->check(CLI::Range(int64_t(1), int64_t(1) << 15).description(""));
    app.add_option("--length", training.length,
                   "Tokens of a sequence of a training (default 64)")
        ->type_name("N")
        ->check(CLI::PositiveNumber.description(""));
    app.add_flag("--json", json, "Print JSON");
  }
  Status run(Program &program) override;

private:
  Status measure(Program &program, const char *name, Measurement &result,
                 const std::function<Status()> &once) const;
  Status check(const Metadata &metadata, int64_t promptCount,
               int64_t genCount) const;
  Status generate(Model &model, std::span<const int32_t> tokens) const;
  Status print(Program &program, const Measurement &prompt,
               const Measurement &generation) const;

  std::optional<int64_t> promptTokens, genTokens;
  bool isOfTraining = false;
  TrainingBench training;
  int64_t sequences = 1;
  int64_t repetitions = 5;
  int64_t chunk = 0;
  bool json = false;
};

Status Bench::measure(Program &program, const char *name, Measurement &result,
                      const std::function<Status()> &once) const {
  if (result.tokens == 0)
    return {};
  for (int64_t i = -1; i < repetitions; ++i) {
    if (interrupted())
      return interruption();
    double start = now();
    if (Status status = once(); !status)
      return status;
    if (i >= 0)
      result.seconds.push_back(now() - start);
    else if (Profile *profile = program.profile())
      profile->clear();
  }
  if (!program.options.profile)
    return {};
  double total = 0;
  for (double seconds : result.seconds)
    total += seconds;
  if (json) {
    result.profile = program.profile()->json(total);
    return {};
  }
  printNote(strCat(name, ", ", repetitions, " times:\n"));
  program.printProfile(total);
  return {};
}

Status Bench::run(Program &program) {
  // What learns to do something else than to generate has no prompts.
  bool isTrainer = program.metadata().entry("gradient") != nullptr;
  if (isOfTraining || (isTrainer && !program.metadata().entry("prefill"))) {
    training.repetitions = repetitions;
    training.json = json;
    return benchTraining(program, training);
  }
  const Metadata &metadata = program.metadata();
  int64_t context = metadata.model.context;
  Measurement prompt, generation;
  prompt.tokens = promptTokens.value_or(std::min<int64_t>(512, context));
  int64_t genCount = metadata.entry("decode")
                         ? genTokens.value_or(std::min<int64_t>(128, context))
                         : 0;
  if (Status status = check(metadata, prompt.tokens, genCount); !status)
    return status;
  generation.tokens = genCount * sequences;
  auto loaded = program.model();
  if (!loaded)
    return loaded.takeError();
  Model &model = **loaded;

  Random random(1);
  std::vector<int32_t> tokens(std::max(prompt.tokens, genCount));
  for (int32_t &token : tokens)
    token = static_cast<int32_t>(random.below(metadata.model.vocabSize));
  std::span<const int32_t> all(tokens);

  Executor::Session session(program.executor());
  Status status = measure(program, "prompt", prompt, [&]() -> Status {
    model.select(0);
    model.reset();
    auto part = all.first(prompt.tokens);
    if (metadata.entry("prefill"))
      return model.prefill(part, chunk, Model::Want::Last);
    return model.compute(metadata.model.entry, {part, {}},
                         [](const Rows &) { return Status(); });
  });
  if (!status)
    return status;
  status = measure(program, "generation", generation,
                   [&] { return generate(model, all.first(genCount)); });
  if (!status)
    return status;
  return print(program, prompt, generation);
}

Status Bench::check(const Metadata &metadata, int64_t promptCount,
                    int64_t genCount) const {
  int64_t context = metadata.model.context, most = metadata.memory.sequences;
  for (int64_t tokens : {promptCount, genCount})
    if (tokens > context)
      return plainError(
          strCat(tokens, " tokens, but the model's context holds ", context),
          ExitCode::BadUsage);
  if (sequences > most)
    return withNote(
        plainError(strCat("--sequences ", sequences,
                          ": this executable was compiled for ", most,
                          most == 1 ? " sequence" : " sequences"),
                   ExitCode::BadUsage),
        "tenonc --max-sequences compiles for more");
  return {};
}

/// The tokens one after the other, in every sequence.
Status Bench::generate(Model &model, std::span<const int32_t> tokens) const {
  std::vector<Model::Step> steps;
  for (int64_t sequence = 0; sequence < sequences; ++sequence) {
    model.select(sequence);
    model.reset();
    steps.push_back({sequence, 0});
  }
  for (int32_t token : tokens) {
    if (interrupted())
      return interruption();
    for (Model::Step &step : steps)
      step.token = token;
    if (Status status = model.decodeTogether(steps); !status)
      return status;
  }
  return {};
}

Status Bench::print(Program &program, const Measurement &prompt,
                    const Measurement &generation) const {
  auto variant = program.variant();
  OrderedJson root = {{"model", program.metadata().model.name},
                      {"kernels", variant ? (*variant)->cpu : ""},
                      {"threads", program.threads()},
                      {"weights_memory", name(program.weightMemory())},
                      {"sequences", sequences},
                      {"repetitions", repetitions}};
  std::string table = format("%-11s %7s %14s %9s %12s %12s\n", "", "tokens",
                             "tokens/second", "+-", "slowest", "fastest");
  std::pair<const char *, const Measurement *> all[] = {
      {"prompt", &prompt}, {"generation", &generation}};
  for (auto &[name, one] : all) {
    if (one->seconds.empty())
      continue;
    std::vector<double> rates = one->rates();
    double median = Measurement::median(rates);
    double deviation = Measurement::deviation(rates);
    root[name] = {
        {"tokens", one->tokens},           {"tokens_per_second", median},
        {"standard_deviation", deviation}, {"slowest", rates.front()},
        {"fastest", rates.back()},         {"seconds", one->seconds}};
    if (!one->profile.is_null())
      root[name]["profile"] = one->profile;
    table += format("%-11s %7lld %14.2f %9.2f %12.2f %12.2f\n", name,
                    static_cast<long long>(one->tokens), median, deviation,
                    rates.front(), rates.back());
  }
  return json ? writeJson(root) : writeOutput(table);
}

} // namespace

std::unique_ptr<Command> tenon::runtime::makeBenchCommand() {
  return std::make_unique<Bench>();
}
