//===- FillMask.cpp - what an encoder expects at a masked place -----------===//
#include "EntryCommand.h"

#include "tenon/Runtime/Sampler.h"
#include "tenon/Support/Strings.h"
#include "tenon/Support/Utf8.h"

#include <algorithm>
#include <cmath>

#include <CLI/CLI.hpp>

using namespace tenon;
using namespace tenon::runtime;

namespace {

class FillMask : public EntryCommand {
public:
  explicit FillMask(const EntryInfo &entry)
      : EntryCommand(entry,
                     {commandName(entry.of), "[TEXT]",
                      "Guess the masked words of a text: \"Paris is [MASK].\""},
                     Texts("text", "text_pair", Texts::Arguments::Words)) {}

  void declareOptions(CLI::App &app) override {
    EntryCommand::declareOptions(app);
    app.add_option("--top-k", top, "Guesses per place (default 5)")
        ->type_name("K")
        ->check(CLI::PositiveNumber.description(""));
  }

private:
  Expected<Answer> answer(Program &program, const EncodedText &text,
                          const Rows &rows) override;
  /// Adds the guesses for one place to the answer.
  Status guess(const Tokenizer &tokenizer, std::vector<int32_t> tokens,
               size_t place, std::span<const float> logits,
               Answer &answer) const;

  size_t top = 5;
};

Status FillMask::guess(const Tokenizer &tokenizer, std::vector<int32_t> tokens,
                       size_t place, std::span<const float> logits,
                       Answer &answer) const {
  std::vector<double> values(logits.begin(), logits.end());
  double total = logSumExp(logits);
  OrderedJson list = OrderedJson::array();
  for (size_t token : greatest(values, top)) {
    tokens[place] = static_cast<int32_t>(token);
    auto text = tokenizer.decode(tokens);
    if (!text)
      return text.takeError();
    double probability = std::exp(values[token] - total);
    std::string piece(tokenizer.piece(tokens[place]));
    list.push_back({{"score", probability},
                    {"token", token},
                    {"token_str", piece},
                    {"sequence", *text}});
    answer.text += format("%7.4f  %-15s  ", probability,
                          replaceInvalidUtf8(piece).c_str()) +
                   replaceInvalidUtf8(*text) + "\n";
  }
  answer.json.push_back({{"position", place}, {"guesses", std::move(list)}});
  return {};
}

Expected<EntryCommand::Answer>
FillMask::answer(Program &program, const EncodedText &text, const Rows &rows) {
  auto tokenizer = program.tokenizer();
  if (!tokenizer)
    return tokenizer.takeError();
  auto mask = (*tokenizer)->maskToken();
  if (!mask)
    return plainError("this model's tokenizer has no mask token",
                      ExitCode::BadUsage);
  Answer answer{OrderedJson::array(), {}};
  for (size_t place = 0; place < text.tokens.size(); ++place) {
    if (text.tokens[place] != *mask)
      continue;
    if (!answer.text.empty())
      answer.text += "\n";
    if (Status status =
            guess(**tokenizer, text.tokens, place, rows.row(place), answer);
        !status)
      return status.takeError();
  }
  if (answer.text.empty())
    return withNote(
        plainError(strCat("no ", (*tokenizer)->piece(*mask), " in the text")),
        strCat("write ", (*tokenizer)->piece(*mask),
               " where a word is to be guessed"));
  return answer;
}

} // namespace

std::unique_ptr<Command>
tenon::runtime::makeFillMaskCommand(const EntryInfo &entry) {
  return std::make_unique<FillMask>(entry);
}
