//===- Answer.cpp - the answer to a question in a text --------------------===//
#include "EntryCommand.h"

#include "tenon/Support/Strings.h"
#include "tenon/Support/Utf8.h"

#include <algorithm>
#include <cmath>

#include <CLI/CLI.hpp>

using namespace tenon;
using namespace tenon::runtime;

namespace {

class AnswerCommand : public EntryCommand {
public:
  explicit AnswerCommand(const EntryInfo &entry)
      : EntryCommand(entry,
                     {commandName(entry.of), "QUESTION TEXT",
                      "Find the answer to a question in a text"},
                     Texts("question", "context", Texts::Arguments::Pair)) {}

  void declareOptions(CLI::App &app) override {
    EntryCommand::declareOptions(app);
    app.add_option("--top-k", top, "Answers to show (default 1)")
        ->type_name("K")
        ->check(CLI::PositiveNumber.description(""));
    app.add_option("--max-answer", most,
                   "Tokens that an answer has at most (default 15)")
        ->type_name("N")
        ->check(CLI::PositiveNumber.description(""));
  }

private:
  struct Span {
    size_t begin, end; ///< tokens, the last included
    double score;      ///< its probability
  };
  Expected<Answer> answer(Program &program, const EncodedText &text,
                          const Rows &rows) override;
  std::vector<Span> spans(const EncodedText &text, const Rows &rows) const;

  size_t top = 1, most = 15;
};

/// Softmax over the places where an answer may be.
std::vector<double> placeProbabilities(const Rows &rows, int64_t column,
                                       size_t begin, size_t end) {
  std::vector<double> result(rows.rows, 0.0);
  double most = -INFINITY, sum = 0;
  for (size_t i = begin; i < end; ++i)
    most = std::max<double>(most, rows.row(i)[column]);
  for (size_t i = begin; i < end; ++i)
    sum += result[i] = std::exp(rows.row(i)[column] - most);
  for (double &value : result)
    value /= sum;
  return result;
}

std::vector<AnswerCommand::Span> AnswerCommand::spans(const EncodedText &text,
                                                      const Rows &rows) const {
  size_t begin = text.secondBegin, end = text.secondEnd;
  std::vector<double> starts = placeProbabilities(rows, 0, begin, end);
  std::vector<double> ends = placeProbabilities(rows, 1, begin, end);
  std::vector<Span> best;
  for (size_t first = begin; first < end; ++first)
    for (size_t last = first; last < std::min(end, first + most); ++last) {
      Span span{first, last, starts[first] * ends[last]};
      auto place = std::ranges::upper_bound(best, span.score, std::greater<>(),
                                            &Span::score);
      if (place == best.end() && best.size() == top)
        continue;
      best.insert(place, span);
      if (best.size() > top)
        best.pop_back();
    }
  return best;
}

Expected<EntryCommand::Answer> AnswerCommand::answer(Program &program,
                                                     const EncodedText &text,
                                                     const Rows &rows) {
  if (text.secondBegin == text.secondEnd)
    return plainError("there is no text to find the answer in",
                      ExitCode::BadUsage);
  auto tokenizer = program.tokenizer();
  if (!tokenizer)
    return tokenizer.takeError();
  Answer answer{OrderedJson::array(), {}};
  for (const Span &span : spans(text, rows)) {
    auto words =
        (*tokenizer)
            ->decode(std::span(text.tokens)
                         .subspan(span.begin, span.end - span.begin + 1));
    if (!words)
      return words.takeError();
    std::string_view shown = *words;
    shown.remove_prefix(std::min(shown.find_first_not_of(' '), shown.size()));
    answer.json.push_back({{"answer", shown},
                           {"score", span.score},
                           {"first_token", span.begin},
                           {"last_token", span.end}});
    answer.text +=
        format("%.4f  %s\n", span.score, replaceInvalidUtf8(shown).c_str());
  }
  return answer;
}

} // namespace

std::unique_ptr<Command>
tenon::runtime::makeAnswerCommand(const EntryInfo &entry) {
  return std::make_unique<AnswerCommand>(entry);
}
