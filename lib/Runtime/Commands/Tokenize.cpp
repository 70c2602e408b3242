//===- Tokenize.cpp - text to tokens and back -----------------------------===//
#include "Command.h"
#include "Json.h"

#include "tenon/Runtime/TextOutput.h"
#include "tenon/Support/Strings.h"

#include <CLI/CLI.hpp>

using namespace tenon;
using namespace tenon::runtime;

namespace {

class Tokenize : public Command {
public:
  Tokenize() : Command({"tokenize", "[TEXT]", "Show the tokens of a text"}) {}

  void declareOptions(CLI::App &app) override {
    app.add_option("-f,--file", file, "Read the text from a file (-: stdin)")
        ->type_name("FILE");
    app.add_option("--decode", ids, "Print the text of these tokens: 1,2,3")
        ->delimiter(',')
        ->allow_extra_args(false)
        ->type_name("IDS");
    app.add_flag("--no-special", plain,
                 "Special tokens are neither put around the text nor found in "
                 "it");
    app.add_flag("--ids", onlyIds, "Print the ids only: 1,2,3");
    app.add_flag("--json", json, "Print JSON");
  }
  Status run(Program &program) override;

private:
  std::optional<std::string> file;
  std::vector<int32_t> ids;
  bool plain = false, onlyIds = false, json = false;
};

Status Tokenize::run(Program &program) {
  auto tokenizer = program.tokenizer();
  if (!tokenizer)
    return tokenizer.takeError();
  if (!ids.empty()) {
    auto text = (*tokenizer)->decode(ids);
    return text ? writeOutput(*text + "\n") : text.takeError();
  }
  if (file && !program.texts.empty())
    return plainError("both a text and --file", ExitCode::BadUsage);
  Expected<std::string> text =
      file ? readInput(*file) : Expected<std::string>(program.joinedTexts());
  if (!text)
    return text.takeError();
  auto tokens =
      (*tokenizer)
          ->encode(*text, !plain,
                   plain ? SpecialInText::Text : SpecialInText::Tokens);

  if (!tokens)
    return tokens.takeError();

  if (onlyIds) {
    std::string line;
    for (int32_t token : *tokens)
      line += (line.empty() ? "" : ",") + std::to_string(token);
    return writeOutput(line + "\n");
  }
  OrderedJson root = OrderedJson::array();
  std::string table;
  for (int32_t token : *tokens) {
    std::string piece((*tokenizer)->piece(token));
    root.push_back({{"id", token}, {"piece", piece}});
    addBytes(root.back(), piece);
    table += format("%8d  ", token) + quoteName(piece) + "\n";
  }
  return json ? writeJson(root) : writeOutput(table);
}

} // namespace

std::unique_ptr<Command> tenon::runtime::makeTokenizeCommand() {
  return std::make_unique<Tokenize>();
}
