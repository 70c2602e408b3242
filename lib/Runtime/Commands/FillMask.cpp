//===- FillMask.cpp - what an encoder expects at a masked place -----------===//
#include "Command.h"
#include "Json.h"

#include "tenon/Runtime/Sampler.h"
#include "tenon/Runtime/TextOutput.h"
#include "tenon/Support/Strings.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include <CLI/CLI.hpp>

using namespace tenon;
using namespace tenon::runtime;

namespace {

struct Guess {
  int32_t token;
  double probability;
  std::string text; ///< the whole text with this token in place
};

class FillMask : public Command {
public:
  FillMask()
      : Command({"fill-mask", "TEXT",
                 "Guess the masked words of a text: \"Paris is [MASK].\"",
                 For::Encoder}) {}

  void declareOptions(CLI::App &app) override {
    app.add_option("--top-k", top, "Guesses per place (default 5)")
        ->type_name("K")
        ->check(CLI::PositiveNumber.description(""));
    app.add_flag("--json", json, "Print JSON");
  }
  Status run(Program &program) override;

private:
  Expected<std::vector<Guess>> guesses(const Tokenizer &tokenizer,
                                       std::vector<int32_t> tokens,
                                       size_t place,
                                       std::span<const float> logits) const;

  int64_t top = 5;
  bool json = false;
};

Expected<std::vector<Guess>>
FillMask::guesses(const Tokenizer &tokenizer, std::vector<int32_t> tokens,
                  size_t place, std::span<const float> logits) const {
  std::vector<int32_t> order(logits.size());
  std::iota(order.begin(), order.end(), 0);
  size_t count = std::min<size_t>(top, order.size());
  // NaN compares as smallest, to keep the order strict.
  auto value = [&](int32_t i) {
    return std::isnan(logits[i]) ? -INFINITY : logits[i];
  };
  std::partial_sort(order.begin(), order.begin() + count, order.end(),
                    [&](int32_t a, int32_t b) {
                      return value(a) != value(b) ? value(a) > value(b) : a < b;
                    });
  double total = logSumExp(logits);
  std::vector<Guess> found;
  for (int32_t token : std::span(order).first(count)) {
    tokens[place] = token;
    auto text = tokenizer.decode(tokens);
    if (!text)
      return text.takeError();
    found.push_back({token, std::exp(logits[token] - total), *text});
  }
  return found;
}

Status FillMask::run(Program &program) {
  auto tokenizer = program.tokenizer();
  if (!tokenizer)
    return tokenizer.takeError();
  auto mask = (*tokenizer)->maskToken();
  if (!mask)
    return plainError("this model's tokenizer has no mask token",
                      ExitCode::BadUsage);
  std::string text = program.joinedTexts();
  auto tokens = program.encode(text);
  if (!tokens)
    return tokens.takeError();
  if (std::ranges::find(*tokens, *mask) == tokens->end())
    return withNote(
        plainError(strCat("no ", (*tokenizer)->piece(*mask), " in the text")),
        strCat("write ", (*tokenizer)->piece(*mask),
               " where a word is to be guessed"));
  auto model = program.model();
  if (!model)
    return model.takeError();
  double start = now();
  Executor::Session session(program.executor());
  auto rows = (*model)->encode("masked_lm", *tokens);
  if (!rows)
    return rows.takeError();
  double seconds = now() - start;

  OrderedJson root = OrderedJson::array();
  std::string table;
  for (size_t place = 0; place < tokens->size(); ++place) {
    if ((*tokens)[place] != *mask)
      continue;
    OrderedJson list = OrderedJson::array();
    auto found = guesses(**tokenizer, *tokens, place, rows->row(place));
    if (!found)
      return found.takeError();
    for (const Guess &guess : *found) {
      std::string piece((*tokenizer)->piece(guess.token));
      list.push_back({{"score", guess.probability},
                      {"token", guess.token},
                      {"token_str", piece},
                      {"sequence", guess.text}});
      table += format("%7.4f  %-15s  ", guess.probability,
                      replaceInvalidUtf8(piece).c_str()) +
               replaceInvalidUtf8(guess.text) + "\n";
    }
    table += "\n";
    root.push_back({{"position", place}, {"guesses", std::move(list)}});
  }
  table.pop_back();
  if (Status status = json ? writeJson(root) : writeOutput(table); !status)
    return status;
  program.printProfile(seconds);
  return {};
}

} // namespace

std::unique_ptr<Command> tenon::runtime::makeFillMaskCommand() {
  return std::make_unique<FillMask>();
}
