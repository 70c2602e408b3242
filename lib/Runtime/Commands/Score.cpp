//===- Score.cpp - how likely the model finds a text ----------------------===//
//
// A text longer than the context is cut into windows of the context's length
// that don't overlap; each begins with the beginning-of-text token if the model
// has one, and its first token is scored only then. Perplexity is
// exp(-mean log-probability) over the scored tokens.
//
//===----------------------------------------------------------------------===//
#include "Command.h"
#include "Json.h"

#include "tenon/Runtime/Sampler.h"
#include "tenon/Runtime/TextOutput.h"
#include "tenon/Support/Strings.h"

#include <algorithm>
#include <cmath>

#include <CLI/CLI.hpp>

using namespace tenon;
using namespace tenon::runtime;

namespace {

struct Scored {
  int32_t token;
  double logProbability;
};

class Score : public Command {
public:
  Score()
      : Command({"score", "FILE",
                 "Perplexity and log-probabilities of a text (-: stdin)",
                 For::Decoder}) {}

  void declareOptions(CLI::App &app) override {
    app.add_option("--text", text, "Score this text rather than a file")
        ->type_name("TEXT");
    app.add_option("--prefill-chunk", chunk, "Tokens to process at a time")
        ->type_name("N")
        ->check(CLI::NonNegativeNumber.description(""));
    app.add_flag("--summary", summary, "Leave the single tokens out");
    app.add_flag("--json", json, "Print JSON");
  }
  Status run(Program &program) override;

private:
  Status scoreWindow(Model &model, std::span<const int32_t> tokens,
                     std::vector<Scored> &scored) const;
  Status print(const Tokenizer &tokenizer, const std::vector<Scored> &scored,
               size_t bytes) const;

  std::optional<std::string> text;
  int64_t chunk = 0;
  bool json = false, summary = false;
};

Status Score::scoreWindow(Model &model, std::span<const int32_t> tokens,
                          std::vector<Scored> &scored) const {
  model.reset();
  size_t next = 1; // the token that the coming row predicts
  return model.prefill(
      tokens, chunk, Model::Want::All, [&](const Rows &rows) -> Status {
        for (int64_t i = 0; i < rows.rows && next < tokens.size();
             ++i, ++next) {
          std::span<const float> row = rows.row(i);
          scored.push_back({tokens[next], row[tokens[next]] - logSumExp(row)});
        }
        return {};
      });
}

Status Score::run(Program &program) {
  if (text.has_value() + program.texts.size() != 1)
    return plainError("score needs one file, or --text", ExitCode::BadUsage);
  Expected<std::string> input =
      text ? Expected<std::string>(*text) : readInput(program.texts[0]);
  if (!input)
    return input.takeError();
  auto tokenizer = program.tokenizer();
  if (!tokenizer)
    return tokenizer.takeError();
  auto encoded = (*tokenizer)->encode(*input, false);
  if (!encoded)
    return encoded.takeError();
  std::vector<int32_t> tokens = *std::move(encoded);
  const std::vector<int32_t> &bos = program.metadata().model.bos;
  if (tokens.size() + !bos.empty() < 2)
    return plainError("the text has no token to score");
  auto model = program.model();
  if (!model)
    return model.takeError();

  double start = now();
  std::vector<Scored> scored;
  Executor::Session session(program.executor());
  size_t room = program.metadata().model.context - !bos.empty();
  std::span<const int32_t> rest(tokens);
  while (!rest.empty() && room > 0) {
    std::vector<int32_t> window;
    if (!bos.empty())
      window.push_back(bos[0]);
    auto part = rest.first(std::min(room, rest.size()));
    window.insert(window.end(), part.begin(), part.end());
    rest = rest.subspan(part.size());
    if (Status status = scoreWindow(**model, window, scored); !status)
      return status;
  }
  double seconds = now() - start;
  if (scored.empty())
    return plainError("the text has no token to score");
  if (Status status = print(**tokenizer, scored, input->size()); !status)
    return status;
  program.printProfile(seconds);
  return {};
}

Status Score::print(const Tokenizer &tokenizer,
                    const std::vector<Scored> &scored, size_t bytes) const {
  double total = 0;
  for (const Scored &one : scored)
    total += one.logProbability;
  double perplexity = std::exp(-total / scored.size());
  double bitsPerByte = -total / std::log(2.0) / bytes;
  if (json) {
    OrderedJson root = {{"tokens", scored.size()},
                        {"bytes", bytes},
                        {"log_probability", total},
                        {"perplexity", perplexity},
                        {"bits_per_byte", bitsPerByte}};
    if (!summary) {
      root["per_token"] = OrderedJson::array();
      for (const Scored &one : scored) {
        std::string piece(tokenizer.piece(one.token));
        root["per_token"].push_back({{"id", one.token}, {"piece", piece}});
        addBytes(root["per_token"].back(), piece);
        root["per_token"].back()["log_probability"] = one.logProbability;
      }
    }
    return writeJson(root);
  }
  std::string table;
  if (!summary) {
    table = "      id  log-prob  piece\n";
    for (const Scored &one : scored)
      table += format("%8d %9.4f  ", one.token, one.logProbability) +
               quoteName(tokenizer.piece(one.token)) + "\n";
  }
  table += format("%zu tokens, %zu bytes, log-probability %.4f, "
                  "perplexity %.4f, %.4f bits per byte\n",
                  scored.size(), bytes, total, perplexity, bitsPerByte);
  return writeOutput(table);
}

} // namespace

std::unique_ptr<Command> tenon::runtime::makeScoreCommand() {
  return std::make_unique<Score>();
}
