//===- TrainingText.cpp - texts to learn from -----------------------------===//
#include "TrainingText.h"

#include "tenon/Runtime/Interrupt.h"
#include "tenon/Support/Json.h"
#include "tenon/Support/Strings.h"
#include "tenon/Template/ChatTemplate.h"

#include <algorithm>

#include <CLI/CLI.hpp>

using namespace tenon;
using namespace tenon::runtime;
using templates::ChatTemplate;
using templates::Dict;
using templates::List;
using templates::Value;

LongTexts tenon::runtime::parseLongTexts(std::string_view name) {
  return name == "split"  ? LongTexts::Split
         : name == "skip" ? LongTexts::Skip
                          : LongTexts::Refuse;
}

void tenon::runtime::declareData(CLI::App &app, std::string &data,
                                 std::string &longTexts, const char *help) {
  app.add_option("--data", data,
                 strCat(help, ": texts (.txt, with blank lines between them), "
                              "JSON lines (.jsonl: \"text\", \"prompt\" and "
                              "\"completion\", or \"messages\"), or raw "
                              "little-endian token ids of 16 bits (.bin)"))
      ->type_name("FILE");
  app.add_option("--long-texts", longTexts,
                 "What becomes of texts of more tokens than a sequence "
                 "(default: refuse)")
      ->type_name("refuse|split|skip")
      ->check(CLI::IsMember({"refuse", "split", "skip"}).description(""));
}

namespace {

/// A text's tokens, and which of them are learned (empty: all).
struct Example {
  std::vector<int32_t> tokens;
  std::vector<bool> learned;
};

class Reader {
public:
  Reader(Program &program, const std::string &path, int64_t length,
         LongTexts longTexts)
      : program(program), path(path), length(length), longTexts(longTexts) {}

  Expected<TrainingData> read();

private:
  Status readTexts(std::string_view file);
  Status readLines(std::string_view file);
  Status addText(std::string_view text, uint64_t line);
  Status add(Example example, uint64_t line);

  Expected<Example> ofText(std::string_view text) const;
  Expected<Example> ofAnswer(const std::string &prompt,
                             const std::string &answer) const;
  Expected<Example> ofMessages(std::string_view line);
  Expected<std::vector<int32_t>> render(const List &messages,
                                        bool asksForAnswer) const;
  Expected<Example> parse(std::string_view line, uint64_t number);
  /// An error without a place gets that of a line.
  Error at(uint64_t line, Error error) const;

  Program &program;
  const std::string &path;
  const int64_t length;
  const LongTexts longTexts;
  const Tokenizer *tokenizer = nullptr;
  std::optional<ChatTemplate> chat;
  TrainingData data;
  uint64_t skipped = 0;
};

} // namespace

Error Reader::at(uint64_t line, Error error) const {
  if (error.message.starts_with(path))
    return error;
  std::string_view message = error.message;
  if (message.starts_with("error: "))
    message.remove_prefix(7);
  return errorAt(path, line, 1, message, error.code);
}

Status Reader::add(Example example, uint64_t line) {
  std::span<const int32_t> tokens(example.tokens);
  size_t most = static_cast<size_t>(length);
  if (tokens.size() > most && longTexts == LongTexts::Refuse)
    return withNote(
        errorAt(path, line, 1,
                strCat("the text has ", tokens.size(),
                       " tokens, more than the ", most, " of a sequence")),
        "--length makes sequences longer, up to what the program "
        "was compiled for; --long-texts split makes several of "
        "such a text, --long-texts skip leaves it out");
  if (tokens.size() > most && longTexts == LongTexts::Skip) {
    ++skipped;
    return {};
  }
  for (size_t begin = 0; begin + 2 <= tokens.size(); begin += most) {
    size_t size = std::min(most, tokens.size() - begin);
    std::vector<bool> learned;
    if (!example.learned.empty())
      learned.assign(example.learned.begin() + begin,
                     example.learned.begin() + begin + size);
    data.add(tokens.subspan(begin, size), learned);
  }
  return {};
}

/// A text, with what stands around it and the token that ends it.
Expected<Example> Reader::ofText(std::string_view text) const {
  auto tokens = tokenizer->encode(text);
  if (!tokens)
    return tokens.takeError();
  const std::vector<int32_t> &ends = program.metadata().model.eos;
  if (!ends.empty() && (tokens->empty() || tokens->back() != ends[0]))
    tokens->push_back(ends[0]);
  return Example{std::move(*tokens), {}};
}

/// What is learned begins where the tokens of prompt and answer are no longer
/// those of the prompt alone, which is what the model is given later.
Expected<Example> Reader::ofAnswer(const std::string &prompt,
                                   const std::string &answer) const {
  auto asked = tokenizer->encode(prompt);
  if (!asked)
    return asked.takeError();
  auto example = ofText(prompt + answer);
  if (!example)
    return example.takeError();
  auto [begin, unused] = std::ranges::mismatch(example->tokens, *asked);
  example->learned.assign(example->tokens.size(), true);
  std::fill_n(example->learned.begin(), begin - example->tokens.begin(), false);
  return example;
}

/// What a conversation looks like to the model.
Expected<std::vector<int32_t>> Reader::render(const List &messages,
                                              bool asksForAnswer) const {
  Dict variables;
  variables.set("add_generation_prompt", asksForAnswer);
  auto text = chat->prompt(Value(messages), variables);
  if (!text)
    return text.takeError();
  return tokenizer->encodeMarked(text->bytes(), text->userMarks());
}

/// What the assistant says is learned: from where the conversation before, with
/// what comes before an answer, ends, to where the one with the answer does.
Expected<Example> Reader::ofMessages(std::string_view line) {
  auto value = templates::valueFromJson(line, path);
  if (!value)
    return value.takeError();
  const Value *found = value->dict()->find(std::string_view("messages"));
  const List *messages = found ? found->list() : nullptr;
  if (!messages)
    return plainError("\"messages\" is no list");
  if (!chat) {
    auto section = program.payload.map("chat");
    if (!section)
      return section.takeError();
    if (section->size() == 0)
      return plainError("\"messages\" need a chat template, which this model "
                        "has none of");
    auto loaded = ChatTemplate::deserialize(section->span());
    if (!loaded)
      return loaded.takeError();
    chat = *std::move(loaded);
  }
  auto whole = render(*messages, /*asksForAnswer=*/false);
  if (!whole)
    return whole.takeError();
  Example example{std::move(*whole), {}};
  example.learned.assign(example.tokens.size(), false);
  auto sharedWith = [&](const std::vector<int32_t> &tokens) {
    return std::ranges::mismatch(example.tokens, tokens).in1 -
           example.tokens.begin();
  };
  for (size_t i = 0; i < messages->size(); ++i) {
    const Dict *message = (*messages)[i].dict();
    const Value *role =
        message ? message->find(std::string_view("role")) : nullptr;
    if (!role || !role->text() || role->text()->bytes() != "assistant")
      continue;
    List before(messages->begin(), messages->begin() + i);
    auto prompt = render(before, /*asksForAnswer=*/true);
    if (!prompt)
      return prompt.takeError();
    before.push_back((*messages)[i]);
    auto answered = render(before, /*asksForAnswer=*/false);
    if (!answered)
      return answered.takeError();
    // The last token of a prompt may be one with the first of the answer.
    size_t begin = sharedWith(*prompt), end = sharedWith(*answered);
    if (begin + 1 < prompt->size() || end + 1 < answered->size())
      return withNote(
          plainError(strCat("the chat template writes message ", i + 1,
                            " in another way once others follow it")),
          "a line of its own for each answer has the conversation up to it");
    std::fill(example.learned.begin() + begin, example.learned.begin() + end,
              true);
  }
  return example;
}

Expected<Example> Reader::parse(std::string_view line, uint64_t number) {
  auto value = parseJson(line, path);
  // Once more for the right place: line breaks before it are blanks.
  if (!value)
    return parseJson(std::string(number - 1, '\n') + std::string(line), path)
        .takeError();
  const nlohmann::json *text = findMember(*value, "text");
  if (const std::string *found = asString(text ? *text : *value))
    return ofText(*found);
  const nlohmann::json *prompt = findMember(*value, "prompt"),
                       *answer = findMember(*value, "completion");
  if (prompt && answer && asString(*prompt) && asString(*answer))
    return ofAnswer(*asString(*prompt), *asString(*answer));
  if (findMember(*value, "messages"))
    return ofMessages(line);
  return plainError(
      strCat("expected a string, or an object with \"text\", with "
             "\"prompt\" and \"completion\", or with "
             "\"messages\", found ",
             kindName(*value)));
}

Status Reader::addText(std::string_view text, uint64_t line) {
  if (text.find_first_not_of(" \t\r\n") == text.npos)
    return {};
  auto example = ofText(text);
  if (!example)
    return at(line, example.takeError());
  return add(std::move(*example), line);
}

/// The blank line that begins at or after a place, and where the next text
/// does.
static std::pair<size_t, size_t> findBlankLine(std::string_view file,
                                               size_t from) {
  for (size_t at = from; (at = file.find('\n', at)) != file.npos; ++at) {
    size_t next = file.find_first_not_of(" \t\r", at + 1);
    if (next == file.npos || file[next] != '\n')
      continue;
    return {at, next + 1};
  }
  return {file.size(), file.size()};
}

Status Reader::readTexts(std::string_view file) {
  const std::vector<int32_t> &ends = program.metadata().model.eos;
  std::string end(ends.empty() ? std::string_view()
                               : tokenizer->piece(ends[0]));
  bool isMarked = !end.empty() && file.find(end) != file.npos;
  uint64_t line = 1;
  for (size_t at = 0; at < file.size();) {
    if (interrupted())
      return interruption();
    size_t stop = isMarked ? std::min(file.find(end, at), file.size()) : 0;
    size_t next = stop + end.size();
    if (!isMarked)
      std::tie(stop, next) = findBlankLine(file, at);
    std::string_view text = file.substr(at, stop - at);
    // Line breaks beside a mark are the file's, as is the last one.
    size_t first = std::min(text.find_first_not_of("\r\n"), text.size());
    uint64_t before = std::ranges::count(text.substr(0, first), '\n');
    size_t last = text.find_last_not_of("\r\n");
    if (Status status =
            addText(text.substr(first, last + 1 - first), line + before);
        !status)
      return status;
    next = std::min(next, file.size());
    line += std::ranges::count(file.substr(at, next - at), '\n');
    at = next;
  }
  return {};
}

Status Reader::readLines(std::string_view file) {
  uint64_t number = 1;
  for (size_t at = 0; at < file.size(); ++number) {
    if (interrupted())
      return interruption();
    size_t stop = std::min(file.find('\n', at), file.size());
    std::string_view line = file.substr(at, stop - at);
    at = stop + 1;
    if (line.find_first_not_of(" \t\r") == line.npos)
      continue;
    auto example = parse(line, number);
    if (!example)
      return this->at(number, example.takeError());
    if (Status status = add(std::move(*example), number); !status)
      return status;
  }
  return {};
}

Expected<TrainingData> Reader::read() {
  bool isText = path.ends_with(".txt"), isLines = path.ends_with(".jsonl");
  if (!isText && !isLines && !path.ends_with(".bin"))
    return withNote(errorInFile(path,
                                "what kind of data this is, the end of "
                                "its name doesn't say",
                                ExitCode::BadUsage),
                    "texts are .txt, JSON lines .jsonl, raw token ids of 16 "
                    "bits .bin");
  if (!isText && !isLines)
    return TrainingData::readTokens(path, program.metadata().model.vocabSize,
                                    length);
  auto loaded = program.tokenizer();
  if (!loaded)
    return withNote(loaded.takeError(), "a .bin file has token ids");
  tokenizer = *loaded;
  auto file = readInput(path);
  if (!file)
    return file.takeError();
  if (Status status = isText ? readTexts(*file) : readLines(*file); !status)
    return status.takeError();
  if (skipped)
    printNote(strCat(path, ": ", skipped, " texts are longer than the ", length,
                     " tokens of a sequence and left out\n"));
  if (data.count() == 0)
    return errorInFile(path, "there is no text in it to learn from");
  return std::move(data);
}

Expected<TrainingData> tenon::runtime::readTrainingData(Program &program,
                                                        const std::string &path,
                                                        int64_t length,
                                                        LongTexts longTexts) {
  return Reader(program, path, length, longTexts).read();
}
