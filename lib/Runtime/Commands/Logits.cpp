//===- Logits.cpp - the model's output as a NumPy file --------------------===//
//
// [T, vocabulary] of the entry that gives scores of tokens: a decoder's
// forward, or an encoder's masked-LM head.
//
//===----------------------------------------------------------------------===//
#include "ArrayInputs.h"
#include "Command.h"

#include "tenon/Runtime/Npy.h"

#include <CLI/CLI.hpp>

using namespace tenon;
using namespace tenon::runtime;

namespace {

class Logits : public Command {
public:
  Logits()
      : Command({"logits", "",
                 "Write the logits of every token to a NumPy "
                 "file"}) {}

  void declareOptions(CLI::App &app) override {
    auto *ids = app.add_option("--tokens", tokens, "Token ids: 1,2,3")
                    ->delimiter(',')
                    ->allow_extra_args(false)
                    ->type_name("IDS");
    app.add_option("--source-tokens", source,
                   "What the tokens attend to, in models with a source")
        ->delimiter(',')
        ->allow_extra_args(false)
        ->type_name("IDS");
    arrays.declareOptions(app);
    app.add_option("--text", text, "A text to take the tokens of")
        ->type_name("TEXT")
        ->excludes(ids);
    app.add_option("-o,--output", output, "The .npy file, float32")
        ->type_name("FILE")
        ->required();
    auto *size =
        app.add_option("--prefill-chunk", chunk,
                       "Tokens to process at a time (default: as compiled)")
            ->type_name("N")
            ->check(CLI::NonNegativeNumber.description(""));
    app.add_flag("--decode", decode,
                 "Process one token at a time, by the entry for generation")
        ->excludes(size);
  }
  Status run(Program &program) override;

private:
  Status runDecoder(Model &model, const NamedArrays &named,
                    NpyWriter &writer) const;

  std::vector<int32_t> tokens, source;
  ArrayInputs arrays;
  std::optional<std::string> text;
  std::string output;
  int64_t chunk = 0;
  bool decode = false;
};

Status Logits::runDecoder(Model &model, const NamedArrays &named,
                          NpyWriter &writer) const {
  if (!source.empty() || !named.empty() || model.metadata().hasSource())
    if (Status status = model.encodeSource(source, named); !status)
      return status;
  if (!decode)
    return model.prefill(
        tokens, chunk, Model::Want::All,
        [&](const Rows &rows) { return writer.write(rows.values); });
  for (int32_t token : tokens) {
    if (Status status = model.decode(token); !status)
      return status;
    if (Status status = writer.write(model.logits()); !status)
      return status;
  }
  return {};
}

/// The entry that the class runs, if it is one; else the first that is.
const EntryInfo *scoresOfTokens(const Metadata &metadata) {
  const EntryInfo *found = metadata.entryOf(metadata.model.entry);
  for (const EntryInfo &entry : metadata.entries)
    if (!found || found->element != "token")
      found = metadata.entryOf(entry.of);
  return found && found->element == "token" ? found : nullptr;
}

Status Logits::run(Program &program) {
  if (text) {
    auto encoded = program.encode(*text);
    if (!encoded)
      return encoded.takeError();
    tokens = std::move(*encoded);
  }
  if (tokens.empty())
    return plainError("logits needs --tokens or --text", ExitCode::BadUsage);
  auto model = program.model();
  if (!model)
    return model.takeError();
  const Metadata &metadata = program.metadata();
  const EntryInfo *entry = scoresOfTokens(metadata);
  if (!entry)
    return withNote(
        plainError("this model gives no scores of tokens", ExitCode::BadUsage),
        "`run` writes what it computes");
  auto named = arrays.read();
  if (!named)
    return named.takeError();
  auto writer = NpyWriter::create(output, static_cast<int64_t>(tokens.size()),
                                  entry->outputCols);
  if (!writer)
    return writer.takeError();
  double start = now();
  Executor::Session session(program.executor());
  Status status = entry->name == "prefill"
                      ? runDecoder(**model, *named, *writer)
                      : (*model)->compute(entry->of, {tokens, {}, {}, *named},
                                          [&](const Rows &rows) {
                                            return writer->write(rows.values);
                                          });
  if (!status)
    return status;
  double seconds = now() - start;
  if (Status status = writer->finish(); !status)
    return status;
  program.printProfile(seconds);
  return {};
}

} // namespace

std::unique_ptr<Command> tenon::runtime::makeLogitsCommand() {
  return std::make_unique<Logits>();
}
