//===- Run.cpp - an entry of the model, from token ids to a NumPy file ----===//
//
// What a model computes, with nothing made of it: logits, hidden states, or
// whatever its description defines. Needs no tokenizer.
//
//===----------------------------------------------------------------------===//
#include "ArrayInputs.h"
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
    arrays.declareOptions(app);
    app.add_option("-o,--output", output, "The .npy file, float32")
        ->type_name("FILE")
        ->required();
  }
  Status run(Program &program) override;

private:
  std::vector<int32_t> tokens, segments, source;
  ArrayInputs arrays;
  std::string output;
};

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
  auto named = arrays.read();
  if (!named)
    return named.takeError();
  Model::Inputs inputs{tokens, segments, source, *std::move(named)};
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
        auto created =
            NpyWriter::create(output, (*model)->rowsOf(def, inputs), rows.cols);
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
