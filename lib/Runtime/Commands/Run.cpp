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
    app.add_option("--tokens", tokens, "Token ids: 1,2,3")
        ->delimiter(',')
        ->allow_extra_args(false)
        ->type_name("IDS");
    app.add_option("-o,--output", output, "The .npy file, float32")
        ->type_name("FILE")
        ->required();
  }
  Status run(Program &program) override;

private:
  Status runDecoder(Program &program, Model &model) const;
  Status runWhole(Model &model, const std::string &entry) const;

  std::vector<int32_t> tokens;
  std::string output;
};

/// A decoder's whole-sequence function, chunk by chunk.
Status Run::runDecoder(Program &program, Model &model) const {
  const EntryInfo *entry = program.metadata().entry("prefill");
  if (!entry)
    return plainError("this executable has no entry point 'prefill'",
                      ExitCode::CorruptPayload);
  auto writer = NpyWriter::create(output, static_cast<int64_t>(tokens.size()),
                                  entry->outputCols);
  if (!writer)
    return writer.takeError();
  if (Status status = model.prefill(
          tokens, 0, Model::Want::All,
          [&](const Rows &rows) { return writer->write(rows.values); });
      !status)
    return status;
  return writer->finish();
}

Status Run::runWhole(Model &model, const std::string &entry) const {
  auto rows = model.encode(entry, tokens);
  if (!rows)
    return rows.takeError();
  auto writer = NpyWriter::create(output, rows->rows, rows->cols);
  if (!writer)
    return writer.takeError();
  if (Status status = writer->write(rows->values); !status)
    return status;
  return writer->finish();
}

Status Run::run(Program &program) {
  if (program.texts.size() > 1)
    return plainError(strCat("run takes one entry, not ", program.texts.size()),
                      ExitCode::BadUsage);
  std::string entry = program.texts.empty() ? "forward" : program.texts[0];
  if (tokens.empty())
    return plainError("run needs --tokens", ExitCode::BadUsage);
  auto model = program.model();
  if (!model)
    return model.takeError();
  double start = now();
  Executor::Session session(program.executor());
  bool incremental = program.metadata().model.isDecoder && entry == "forward";
  Status status =
      incremental ? runDecoder(program, **model) : runWhole(**model, entry);
  if (!status)
    return status;
  program.printProfile(now() - start);
  return {};
}

} // namespace

std::unique_ptr<Command> tenon::runtime::makeRunCommand() {
  return std::make_unique<Run>();
}
