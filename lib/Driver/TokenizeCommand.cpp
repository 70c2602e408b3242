//===- TokenizeCommand.cpp - tenonc tokenize -----------------------------===//

#include "TokenizeCommand.h"

#include "tenon/Checkpoint/GgufTokenizer.h"
#include "tenon/Support/Strings.h"
#include "tenon/Tokenizer/Tokenizer.h"

#include "llvm/Support/raw_ostream.h"

#include <filesystem>
#include <iostream>
#include <iterator>

using namespace tenon;

static constexpr std::string_view kUsage =
    "usage: tenonc tokenize --vocabulary FILE.gguf|DIR [--no-special] "
    "[--decode] < INPUT";

static Expected<std::unique_ptr<Tokenizer>>
openVocabulary(const std::string &path) {
  std::error_code ignored;
  if (!std::filesystem::is_directory(path, ignored)) {
    // A GGUF file may hold a vocabulary and nothing else.
    Expected<std::unique_ptr<GgufCheckpoint>> file = GgufCheckpoint::open(path);
    if (!file)
      return file.takeError();
    Expected<GgufVocabulary> vocabulary = readGgufVocabulary(**file);
    if (!vocabulary)
      return vocabulary.takeError();
    return Tokenizer::fromGguf(*vocabulary, path);
  }
  Expected<std::unique_ptr<Tokenizer>> tokenizer =
      Tokenizer::fromDirectory(path);
  if (tokenizer && !*tokenizer)
    return withNote(errorInFile(path, "the directory holds no tokenizer"),
                    "expected tokenizer.json, tokenizer.model, vocab.json with "
                    "merges.txt, or vocab.txt");
  return tokenizer;
}

// Numbers with blanks or commas between them.
static Expected<std::vector<int32_t>> readIds(std::string_view text) {
  std::vector<int32_t> ids;
  for (size_t at = 0; at < text.size();) {
    char c = text[at];
    if (c == ' ' || c == ',' || c == '\n' || c == '\r' || c == '\t') {
      ++at;
      continue;
    }
    size_t begin = at;
    int64_t id = 0;
    while (at < text.size() && text[at] >= '0' && text[at] <= '9' &&
           id <= INT32_MAX)
      id = id * 10 + (text[at++] - '0');
    if (at == begin || id > INT32_MAX)
      return errorInText("<stdin>", text, begin,
                         "expected the id of a token, such as 17");
    ids.push_back(static_cast<int32_t>(id));
  }
  return ids;
}

Status tenon::tokenizeCommand(const std::vector<std::string> &arguments) {
  std::string path;
  bool noSpecial = false, decode = false;
  for (size_t i = 0; i < arguments.size(); ++i) {
    const std::string &argument = arguments[i];
    if (argument == "--vocabulary" && i + 1 < arguments.size()) {
      path = arguments[++i];
    } else if (argument.starts_with("--vocabulary=")) {
      path = argument.substr(argument.find('=') + 1);
    } else if (argument == "--no-special") {
      noSpecial = true;
    } else if (argument == "--decode") {
      decode = true;
    } else if (argument == "--help") {
      llvm::outs() << std::string(kUsage) << "\n";
      return {};
    } else {
      return withNote(
          plainError(strCat("unexpected argument ", quoteName(argument)),
                     ExitCode::BadUsage),
          kUsage);
    }
  }
  if (path.empty())
    return withNote(plainError("--vocabulary is missing", ExitCode::BadUsage),
                    kUsage);
  Expected<std::unique_ptr<Tokenizer>> tokenizer = openVocabulary(path);
  if (!tokenizer)
    return tokenizer.takeError();
  std::string input(std::istreambuf_iterator<char>(std::cin), {});
  if (decode) {
    Expected<std::vector<int32_t>> ids = readIds(input);
    if (!ids)
      return ids.takeError();
    Expected<std::string> text = (*tokenizer)->decode(*ids, noSpecial);
    if (!text)
      return text.takeError();
    llvm::outs() << *text;
    return {};
  }
  Expected<std::vector<int32_t>> ids =
      (*tokenizer)
          ->encode(input, !noSpecial,
                   noSpecial ? SpecialInText::Text : SpecialInText::Tokens);
  if (!ids)
    return ids.takeError();
  for (size_t i = 0; i < ids->size(); ++i)
    llvm::outs() << (i ? " " : "") << (*ids)[i];
  llvm::outs() << "\n";
  return {};
}
