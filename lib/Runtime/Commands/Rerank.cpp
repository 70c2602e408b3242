//===- Rerank.cpp - texts by how well they answer a query -----------------===//
//
// A cross-encoder scores the query and each text together.
//
//===----------------------------------------------------------------------===//
#include "EntryCommand.h"

#include "tenon/Runtime/TextOutput.h"
#include "tenon/Support/Strings.h"
#include "tenon/Support/Utf8.h"

#include <algorithm>

#include <CLI/CLI.hpp>

using namespace tenon;
using namespace tenon::runtime;

namespace {

class Rerank : public Command {
public:
  explicit Rerank(const EntryInfo &entry)
      : Command({"rerank", "QUERY FILE",
                 "Order the lines of a file by how well they fit a query"}),
        entry(entry) {}

  void declareOptions(CLI::App &app) override {
    app.add_option("--label", label,
                   "The label whose score counts, where there are several")
        ->type_name("NAME");
    app.add_option("--top-k", top, "Texts to show (default 0: all)")
        ->type_name("K")
        ->check(CLI::NonNegativeNumber.description(""));
    app.add_flag("--json", json, "Print JSON");
  }
  Status run(Program &program) override;

private:
  Expected<size_t> column() const;

  const EntryInfo &entry;
  std::optional<std::string> label;
  size_t top = 0;
  bool json = false;
};

Expected<size_t> Rerank::column() const {
  if (!label && entry.labels.size() == 1)
    return 0;
  std::string known;
  for (size_t i = 0; i < entry.labels.size(); ++i) {
    if (label == entry.labels[i])
      return i;
    known += (known.empty() ? "" : ", ") + entry.labels[i];
  }
  return withNote(
      plainError(label ? strCat("there is no label ", quoteName(*label))
                       : "which label's score counts? --label "
                         "NAME says it",
                 ExitCode::BadUsage),
      strCat("the labels are ", known));
}

Status Rerank::run(Program &program) {
  if (program.texts.size() != 2)
    return plainError("rerank takes a query, in quotes, and a file",
                      ExitCode::BadUsage);
  auto scored = column();
  if (!scored)
    return scored.takeError();
  Texts texts("text", nullptr, Texts::Arguments::Each);
  auto documents = texts.readLines(program.texts[1]);
  if (!documents)
    return documents.takeError();
  auto model = program.model();
  if (!model)
    return model.takeError();
  std::vector<double> scores;
  double start = now();
  Executor::Session session(program.executor());
  std::vector<TextInput> pairs;
  for (const TextInput &document : *documents) {
    auto text = program.encode(
        TextInput{.text = program.texts[0], .second = document.text});
    if (!text)
      return text.takeError();
    pairs.push_back(
        {{}, {}, std::move(text->tokens), std::move(text->segments)});
  }
  Status computed =
      texts.compute(program, **model, entry, pairs,
                    [&](const EncodedText &, const Rows &rows) {
                      scores.push_back(rows.row(rows.rows - 1)[*scored]);
                      return Status();
                    });
  if (!computed)
    return computed;
  double seconds = now() - start;
  OrderedJson root = OrderedJson::array();
  std::string table;
  for (size_t i : greatest(scores, top ? top : scores.size())) {
    const std::string &text = (*documents)[i].text;
    root.push_back({{"index", i}, {"score", scores[i]}, {"text", text}});
    table += format("%9.4f  ", scores[i]) + replaceInvalidUtf8(text) + "\n";
  }
  if (Status status = json ? writeJson(root) : writeOutput(table); !status)
    return status;
  program.printProfile(seconds);
  return {};
}

} // namespace

std::unique_ptr<Command>
tenon::runtime::makeRerankCommand(const EntryInfo &entry) {
  return std::make_unique<Rerank>(entry);
}
