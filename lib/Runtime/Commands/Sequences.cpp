//===- Sequences.cpp - what a training would learn from -------------------===//
#include "Command.h"
#include "Json.h"
#include "TrainingOptions.h"
#include "TrainingText.h"

#include "tenon/Runtime/TextOutput.h"

#include <algorithm>

#include <CLI/CLI.hpp>

using namespace tenon;
using namespace tenon::runtime;

namespace {

/// Prints the sequences of a file in the order of an epoch: their ids, and of
/// each token whether it is learned.
class Sequences : public Command {
public:
  Sequences()
      : Command({"sequences", "", "Show what would be learned from texts"}) {}

  void declareOptions(CLI::App &app) override {
    auto add = [&](const char *name, auto &to, const char *help) {
      return app.add_option(name, to, help)->type_name("N");
    };
    declareData(app, options.data, options.longTexts, "What to show");
    app.get_option("--data")->required();
    add("--length", options.length,
        "Tokens of a sequence (default: the most that the program was compiled "
        "for)")
        ->check(CLI::Range(int64_t(2), int64_t(1) << 31).description(""));
    app.add_option("--shuffle", options.shuffle, "As train has it")
        ->type_name("on|off")
        ->check(CLI::IsMember({"on", "off"}).description(""));
    add("--seed", options.seed, "As train has it")
        ->check(CLI::Range(int64_t(0), int64_t(UINT32_MAX)).description(""));
    add("--epoch", epoch, "Which time through the data (default: 1)")
        ->check(CLI::Range(int64_t(1), int64_t(1) << 31).description(""));
    add("-n", most, "Sequences to show at most (default: all)")
        ->check(CLI::PositiveNumber.description(""));
  }
  Status run(Program &program) override;

private:
  TrainingOptions options;
  int64_t epoch = 1, most = INT64_MAX;
};

Status Sequences::run(Program &program) {
  const Metadata &metadata = program.metadata();
  int64_t length = options.length ? options.length
                                  : std::min(metadata.memory.maxChunk,
                                             metadata.model.context);
  auto info = TrainingInfo::load(program.payload);
  if (!info)
    return info.takeError();
  auto labels = readLabelNames(*info, program.options.from);
  if (!labels)
    return labels.takeError();
  DataReading reading{info->objective, length,
                      parseLongTexts(options.longTexts), *labels,
                      /*mayName=*/true};
  auto data = readTrainingData(program, *info, options.data, reading);
  if (!data)
    return data.takeError();
  uint64_t count = data->count();
  for (uint64_t i = 0; i < std::min<uint64_t>(count, most); ++i) {
    uint64_t place = (epoch - 1) * count + i;
    uint64_t number = options.sequenceAt(place, count);
    TrainingSequence sequence = data->sequence(number);
    OrderedJson learned = OrderedJson::array();
    if (sequence.fed < static_cast<int64_t>(sequence.tokens.size()))
      learned.push_back(0); // The first token follows nothing.
    for (int32_t target : sequence.targets)
      learned.push_back(target >= 0 ? 1 : 0);
    OrderedJson line = {{"sequence", number},
                        {"tokens", sequence.tokens},
                        {"learned", std::move(learned)}};
    if (Status status = writeOutput(line.dump() + "\n"); !status)
      return status;
  }
  return {};
}

} // namespace

std::unique_ptr<Command> tenon::runtime::makeSequencesCommand() {
  return std::make_unique<Sequences>();
}
