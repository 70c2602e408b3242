//===- Classify.cpp - the label of a text, or of each of its tokens -------===//
#include "EntryCommand.h"

#include "tenon/Support/Strings.h"
#include "tenon/Support/Utf8.h"

#include <algorithm>

#include <CLI/CLI.hpp>

using namespace tenon;
using namespace tenon::runtime;

namespace {

class Classify : public EntryCommand {
public:
  explicit Classify(const EntryInfo &entry)
      : EntryCommand(entry,
                     {commandName(entry.of),
                      takesArraysOnly(entry) ? "" : "[TEXT]",
                      takesArraysOnly(entry) ? "Say what an input is"
                                             : "Say what a text is"},
                     Texts("text", "text_pair", Texts::Arguments::Words)) {}

  void declareOptions(CLI::App &app) override {
    EntryCommand::declareOptions(app);
    app.add_option("--top-k", top, "Labels to show (default 1; 0: all)")
        ->type_name("K")
        ->check(CLI::NonNegativeNumber.description(""));
  }

private:
  Expected<Answer> answer(Program &program, const EncodedText &,
                          const Rows &rows) override;

  size_t top = 1;
};

Expected<EntryCommand::Answer>
Classify::answer(Program &program, const EncodedText &, const Rows &rows) {
  std::vector<double> scores = probabilities(program.metadata(), rows.row(0));
  Answer answer{OrderedJson::array(), {}};
  for (size_t i : greatest(scores, top ? top : scores.size())) {
    answer.json.push_back({{"label", entry.labels[i]}, {"score", scores[i]}});
    answer.text += (answer.text.empty() ? "" : "  ") + entry.labels[i] +
                   format(" %.4f", scores[i]);
  }
  answer.text += "\n";
  return answer;
}

/// Tokens with names as "B-PER", "I-PER" and "O", or any others.
class Tag : public EntryCommand {
public:
  explicit Tag(const EntryInfo &entry)
      : EntryCommand(entry,
                     {commandName(entry.of), "[TEXT]",
                      "Say what each token of a text is"},
                     Texts("text", nullptr, Texts::Arguments::Words)) {}

  void declareOptions(CLI::App &app) override {
    EntryCommand::declareOptions(app);
    app.add_flag("--aggregate", aggregate,
                 "Join tokens of one name, as B-PER and I-PER; leave out O");
  }

private:
  struct Group {
    std::string label;
    std::vector<int32_t> tokens;
    double score = 0; ///< sum of the tokens'
  };
  Expected<Answer> answer(Program &program, const EncodedText &text,
                          const Rows &rows) override;
  Expected<Answer> show(Program &program, std::vector<Group> groups) const;

  bool aggregate = false;
};

Expected<EntryCommand::Answer>
Tag::answer(Program &program, const EncodedText &text, const Rows &rows) {
  // Ids alone can be tagged too.
  const Tokenizer *tokenizer = nullptr;
  if (auto loaded = program.tokenizer())
    tokenizer = *loaded;
  Answer answer{OrderedJson::array(), {}};
  std::vector<Group> groups;
  bool continues = false;
  for (int64_t i = 0; i < rows.rows; ++i) {
    int32_t token = text.tokens[i];
    if (tokenizer && tokenizer->isSpecial(token)) {
      continues = false;
      continue;
    }
    std::vector<double> scores = probabilities(program.metadata(), rows.row(i));
    size_t best = greatest(scores, 1)[0];
    const std::string &label = entry.labels[best];
    std::string piece(tokenizer ? tokenizer->piece(token) : "");
    answer.json.push_back({{"position", i},
                           {"token", token},
                           {"piece", piece},
                           {"label", label},
                           {"score", scores[best]}});
    answer.text += format("%-15s %-10s %.4f\n",
                          tokenizer ? replaceInvalidUtf8(piece).c_str()
                                    : std::to_string(token).c_str(),
                          label.c_str(), scores[best]);
    bool begins = label.starts_with("B-"), inside = label.starts_with("I-");
    std::string name = begins || inside ? label.substr(2) : label;
    if (label == "O") {
      continues = false;
      continue;
    }
    if (!continues || begins || groups.back().label != name)
      groups.push_back({name, {}, 0});
    groups.back().tokens.push_back(token);
    groups.back().score += scores[best];
    continues = true;
  }
  return aggregate ? show(program, std::move(groups)) : std::move(answer);
}

Expected<EntryCommand::Answer> Tag::show(Program &program,
                                         std::vector<Group> groups) const {
  auto tokenizer = program.tokenizer();
  if (!tokenizer)
    return tokenizer.takeError();
  Answer answer{OrderedJson::array(), {}};
  for (const Group &group : groups) {
    auto text = (*tokenizer)->decode(group.tokens);
    if (!text)
      return text.takeError();
    std::string_view word = *text;
    word.remove_prefix(std::min(word.find_first_not_of(' '), word.size()));
    double score = group.score / group.tokens.size();
    answer.json.push_back(
        {{"entity", group.label}, {"word", word}, {"score", score}});
    answer.text += format("%-10s %.4f  %s\n", group.label.c_str(), score,
                          replaceInvalidUtf8(word).c_str());
  }
  return answer;
}

} // namespace

std::unique_ptr<Command>
tenon::runtime::makeClassifyCommand(const EntryInfo &entry) {
  return std::make_unique<Classify>(entry);
}

std::unique_ptr<Command>
tenon::runtime::makeTagCommand(const EntryInfo &entry) {
  return std::make_unique<Tag>(entry);
}
