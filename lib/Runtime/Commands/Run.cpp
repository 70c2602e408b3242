//===- Run.cpp - an entry of the model, from token ids to a NumPy file ----===//
//
// What a model computes, with nothing made of it: logits, hidden states, or
// whatever its description defines. Needs no tokenizer.
//
//===----------------------------------------------------------------------===//
#include "Command.h"

#include "tenon/Runtime/Npy.h"
#include "tenon/Support/Strings.h"

#include <CLI/CLI.hpp>

using namespace tenon;
using namespace tenon::runtime;

namespace {

class Run : public Command {
public:
  Run()
      : Command({"run", "[ENTRY]",
                 "Write what an entry computes to a NumPy file"}) {}

  void declareOptions(CLI::App &app) override {
    auto ids = [&](const char *name, std::vector<int32_t> &to,
                   const char *help) {
      app.add_option(name, to, help)
          ->delimiter(',')
          ->allow_extra_args(false)
          ->type_name("IDS");
    };
    ids("--tokens", tokens, "Token ids: 1,2,3");
    ids("--source-tokens", source,
        "What the tokens attend to, in models with a source");
    ids("--segments", segments, "The segment of each token (default: all 0)");
    app.add_option("--input", arrays,
                   "Any other input of the entry, float32, from a .npy file "
                   "(may be repeated)")
        ->allow_extra_args(false)
        ->type_name("NAME=FILE");
    app.add_option("-o,--output", output, "The .npy file, float32")
        ->type_name("FILE")
        ->required();
  }
  Status run(Program &program) override;

private:
  Status readArrays(Model::Inputs &inputs) const;

  std::vector<int32_t> tokens, segments, source;
  std::vector<std::string> arrays;
  std::string output;
};

Status Run::readArrays(Model::Inputs &inputs) const {
  for (const std::string &argument : arrays) {
    size_t equals = argument.find('=');
    if (equals == 0 || equals == argument.npos)
      return plainError(
          strCat("--input is NAME=FILE, not ", quoteName(argument)),
          ExitCode::BadUsage);
    std::string name = argument.substr(0, equals);
    auto array = readNpy(argument.substr(equals + 1));
    if (!array)
      return array.takeError();
    if (!inputs.arrays.emplace(name, std::move(*array)).second)
      return plainError(
          strCat("the input ", quoteName(name), " is given twice"),
          ExitCode::BadUsage);
  }
  return {};
}

Status Run::run(Program &program) {
  if (program.texts.size() > 1)
    return plainError(strCat("run takes one entry, not ", program.texts.size()),
                      ExitCode::BadUsage);
  auto entry =
      program.findEntry(program.texts.empty() ? program.metadata().model.entry
                                              : program.texts[0]);
  if (!entry)
    return entry.takeError();
  const std::string &def = (*entry)->of;
  Model::Inputs inputs{tokens, segments, source};
  if (Status status = readArrays(inputs); !status)
    return status;
  auto model = program.model();
  if (!model)
    return model.takeError();
  double start = now();
  std::optional<NpyWriter> writer;
  {
    Executor::Session session(program.executor());
    Status status = (*model)->compute(def, inputs, [&](const Rows &rows) {
      if (!writer) {
        // Only now: the inputs are right.
        auto created = NpyWriter::create(
            output, (*model)->rowsOf(def, static_cast<int64_t>(tokens.size())),
            rows.cols);
        if (!created)
          return Status(created.takeError());
        writer.emplace(std::move(*created));
      }
      return writer->write(rows.values);
    });
    if (!status)
      return status;
  }
  double seconds = now() - start;
  if (Status status = writer->finish(); !status)
    return status;
  program.printProfile(seconds);
  return {};
}

} // namespace

std::unique_ptr<Command> tenon::runtime::makeRunCommand() {
  return std::make_unique<Run>();
}
