//===- Texts.cpp - the texts that a command works on ----------------------===//
#include "Texts.h"

#include "tenon/Runtime/Interrupt.h"
#include "tenon/Support/Json.h"
#include "tenon/Support/Strings.h"

#include <algorithm>
#include <sstream>

#include <CLI/CLI.hpp>

using namespace tenon;
using namespace tenon::runtime;

void Texts::declareOptions(CLI::App &app) {
  std::string objects = strCat("strings, or objects with \"", first, "\"");
  if (second)
    objects += strCat(" and \"", second, "\"");
  app.add_option(
         "-f,--file", file,
         strCat("Every line of a file (-: stdin); of a .jsonl file, ", objects))
      ->type_name("FILE");
  app.add_flag("--truncate", truncate,
               "Cut texts that are longer than the model's context");
  auto ids = [&](const char *name, std::vector<int32_t> &to, const char *help) {
    app.add_option(name, to, help)
        ->delimiter(',')
        ->allow_extra_args(false)
        ->type_name("IDS");
  };
  ids("--tokens", tokens, "Token ids rather than texts: 1,2,3");
  ids("--segments", segments, "The segment of each of them (default: all 0)");
}

Expected<TextInput> Texts::parseLine(const std::string &line,
                                     const std::string &path,
                                     uint64_t number) const {
  auto value = parseJson(line, path);
  // Once more for the right place: line breaks before it are blanks.
  if (!value)
    return parseJson(std::string(number - 1, '\n') + line, path).takeError();
  TextInput input;
  const nlohmann::json *member = findMember(*value, first);
  if (const std::string *text = asString(member ? *member : *value))
    input.text = *text;
  else
    return errorAt(path, number, 1,
                   strCat("expected a string, or an object with a string \"",
                          first, "\", found ",
                          kindName(member ? *member : *value)));
  const nlohmann::json *other = second ? findMember(*value, second) : nullptr;
  if (!other)
    return input;
  const std::string *text = asString(*other);
  if (!text)
    return errorAt(path, number, 1,
                   strCat("\"", second, "\" is ", kindName(*other),
                          ", expected a string"));
  input.second = *text;
  return input;
}

Expected<std::vector<TextInput>>
Texts::readLines(const std::string &name) const {
  auto text = readInput(name);
  if (!text)
    return text.takeError();
  const std::string path = name == "-" ? "<stdin>" : name;
  std::vector<TextInput> inputs;
  std::istringstream lines(*text);
  std::string line;
  for (uint64_t number = 1; std::getline(lines, line); ++number) {
    if (line.ends_with('\r'))
      line.pop_back();
    if (!path.ends_with(".jsonl")) {
      inputs.push_back({.text = line, .second = {}, .line = number});
      continue;
    }
    if (line.find_first_not_of(" \t") == std::string::npos)
      continue;
    auto input = parseLine(line, path, number);
    if (!input)
      return input.takeError();
    input->line = number;
    inputs.push_back(std::move(*input));
  }
  if (inputs.empty())
    return errorInFile(path, "there is no text in it");
  return inputs;
}

Expected<std::vector<TextInput>> Texts::read(Program &program,
                                             std::string_view command) const {
  int given = file.has_value() + !tokens.empty() + !program.texts.empty();
  if (given > 1)
    return plainError("texts were given in more than one way (arguments, "
                      "--file, --tokens)",
                      ExitCode::BadUsage);
  if (given == 0)
    return plainError(strCat(command, " needs a text, --file or --tokens"),
                      ExitCode::BadUsage);
  if (file)
    return readLines(*file);
  std::vector<TextInput> inputs;
  if (!tokens.empty())
    inputs.push_back({{}, {}, tokens, segments, 0});
  else if (arguments == Arguments::Words)
    inputs.push_back({.text = program.joinedTexts(), .second = {}});
  else if (arguments == Arguments::Pair && program.texts.size() == 2)
    inputs.push_back({.text = program.texts[0], .second = program.texts[1]});
  else if (arguments == Arguments::Pair)
    return plainError(strCat(command, " takes two texts, each in quotes: ",
                             first, " and ", second),
                      ExitCode::BadUsage);
  else
    for (const std::string &text : program.texts)
      inputs.push_back({.text = text, .second = {}});
  return inputs;
}

/// The end tokens are kept.
Status Texts::fit(Program &program, EncodedText &text) const {
  size_t context = program.metadata().model.context;
  if (text.tokens.size() <= context)
    return {};
  if (!truncate)
    return withNote(plainError(strCat(text.tokens.size(),
                                      " tokens don't fit the model's context "
                                      "of ",
                                      context, " tokens")),
                    "--truncate cuts texts there");
  auto tokenizer = program.tokenizer();
  if (!tokenizer)
    return tokenizer.takeError();
  auto suffix = (*tokenizer)->suffixTokens();
  if (suffix.size() < context) {
    text.tokens.resize(context - suffix.size());
    text.secondEnd = std::min(text.secondEnd, text.tokens.size());
    text.secondBegin = std::min(text.secondBegin, text.secondEnd);
    text.tokens.insert(text.tokens.end(), suffix.begin(), suffix.end());
  }
  text.tokens.resize(context);
  if (!text.segments.empty())
    text.segments.resize(context);
  return {};
}

Expected<EncodedText> Texts::encode(Program &program,
                                    const TextInput &input) const {
  auto text = program.encode(input);
  if (text && input.tokens.empty())
    if (Status status = fit(program, *text); !status)
      text = status.takeError();
  if (text || !input.line || !file)
    return text;
  std::string message = text.error().message;
  if (message.starts_with("error: "))
    message.erase(0, 7);
  return errorAt(*file == "-" ? "<stdin>" : *file, input.line, 1, message,
                 text.error().code);
}

Status Texts::compute(Program &program, Model &model, const EntryInfo &entry,
                      std::span<const TextInput> inputs,
                      const Consumer &consume) const {
  const auto most = static_cast<size_t>(model.tokensTogether(entry.of));
  std::vector<EncodedText> together;
  size_t tokens = 0;
  auto call = [&]() -> Status {
    if (together.empty())
      return {};
    if (interrupted())
      return interruption();
    std::vector<Model::Inputs> texts;
    for (const EncodedText &text : together)
      texts.push_back({text.tokens, text.segments});
    Status status =
        model.computeTexts(entry.of, texts, [&](size_t i, const Rows &rows) {
          return consume(together[i], rows);
        });
    together.clear();
    tokens = 0;
    return status;
  };
  for (const TextInput &input : inputs) {
    auto text = encode(program, input);
    // Those before it come first.
    if (!text || tokens + text->tokens.size() > most)
      if (Status status = call(); !status)
        return status;
    if (!text)
      return text.takeError();
    tokens += text->tokens.size();
    together.push_back(std::move(*text));
  }
  return call();
}
