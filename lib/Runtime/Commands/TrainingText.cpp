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
  Reader(Program &program, const TrainingInfo &info, const std::string &path,
         DataReading &reading)
      : program(program), info(info), path(path), reading(reading),
        objective(reading.objective), length(reading.length),
        longTexts(reading.longTexts) {}

  Expected<TrainingData> read();

private:
  Status readTexts(std::string_view file);
  Status readLines(std::string_view file);
  Status addText(std::string_view text, uint64_t line);
  Status add(Example example, uint64_t line);
  Status addLabelled(const nlohmann::json &value, uint64_t line);
  Status addAfter(const nlohmann::json &value, uint64_t line);
  /// Takes the names of labels that the file says, if it may.
  Status findLabelNames(std::string_view file);
  /// The classes that labels say, by name or number.
  Expected<std::vector<int32_t>>
  parseLabels(const nlohmann::json &list, const char *name, bool mayLack) const;
  /// Whether a text of so many tokens is to be read; an error if it is too long
  /// to be.
  Expected<bool> fits(size_t tokens, uint64_t line);
  /// Numbers below a limit, or negative ones if they may be.
  Expected<std::vector<int32_t>> parseIds(const nlohmann::json &list,
                                          const char *name, int64_t limit,
                                          bool mayLack = false) const;
  /// The tokens of a text, or the ids that stand instead of it.
  Expected<std::vector<int32_t>> tokensOf(const nlohmann::json &value,
                                          const char *name) const;
  Status needTokenizer() const;

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
  const TrainingInfo &info;
  const std::string &path;
  DataReading &reading;
  const std::string &objective;
  const int64_t length;
  const LongTexts longTexts;
  const Tokenizer *tokenizer = nullptr;
  std::optional<ChatTemplate> chat;
  TrainingData data;
  uint64_t skipped = 0;
  Error missing; ///< why there is no tokenizer
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

Status Reader::needTokenizer() const {
  if (tokenizer)
    return {};
  return withNote(missing, "a .bin file has token ids, and \"tokens\" of JSON "
                           "lines are such");
}

/// A text, with what stands around it and the token that ends it.
Expected<Example> Reader::ofText(std::string_view text) const {
  if (Status status = needTokenizer(); !status)
    return status.takeError();
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
  if (Status status = needTokenizer(); !status)
    return status.takeError();
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
  if (Status status = needTokenizer(); !status)
    return status.takeError();
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

Expected<std::vector<int32_t>> Reader::parseIds(const nlohmann::json &list,
                                                const char *name, int64_t limit,
                                                bool mayLack) const {
  std::vector<int32_t> ids;
  if (!list.is_array())
    return plainError(strCat(quoteName(name), " is no list of numbers"));
  for (const nlohmann::json &item : list) {
    std::optional<int64_t> id;
    if (item.is_number_integer())
      id = asInteger(item); // none beyond 64 bits
    if (!id || *id >= limit || (*id < 0 && !mayLack))
      return plainError(strCat(quoteName(name), " has ", item.dump(),
                               ", no whole number from 0 to ", limit - 1));
    ids.push_back(static_cast<int32_t>(std::max<int64_t>(*id, -1)));
  }
  return ids;
}

Expected<std::vector<int32_t>> Reader::parseLabels(const nlohmann::json &list,
                                                   const char *name,
                                                   bool mayLack) const {
  if (!list.is_array() ||
      std::ranges::none_of(list, [](const auto &x) { return x.is_string(); }))
    return parseIds(list, name, info.classes, mayLack);
  std::vector<int32_t> classes;
  for (const nlohmann::json &item : list) {
    // Beside names, a number says that there is no label.
    if (!item.is_string() && item != -100 && item != -1)
      return plainError(strCat(quoteName(name), " has ", item.dump(),
                               " beside names of labels"));
    if (!item.is_string()) {
      classes.push_back(-1);
      continue;
    }
    auto found = reading.labels.find(item.get<std::string>());
    if (!found)
      return found.takeError();
    classes.push_back(*found);
  }
  return classes;
}

Status Reader::findLabelNames(std::string_view file) {
  if (!reading.mayName || !reading.labels.areOpen)
    return {};
  std::vector<std::string> names;
  bool hasNumbers = false;
  auto collect = [&](const nlohmann::json &label) {
    if (label.is_string())
      names.push_back(label.get<std::string>());
    else if (label.is_number_integer() && label >= 0)
      hasNumbers = true;
  };
  for (size_t at = 0; at < file.size();) {
    size_t stop = std::min(file.find('\n', at), file.size());
    // What is wrong with a line is said when it is read.
    auto value = nlohmann::json::parse(file.substr(at, stop - at), nullptr,
                                       /*allow_exceptions=*/false);
    at = stop + 1;
    if (const auto *label = findMember(value, "label"))
      collect(*label);
    if (const auto *labels = findMember(value, "labels"))
      for (const nlohmann::json &label : *labels)
        collect(label);
  }
  // Names of the model's own are no others.
  std::erase_if(names, [&](const std::string &name) {
    return reading.labels.find(name).operator bool();
  });
  if (names.empty())
    return {};
  if (hasNumbers)
    return errorInFile(path, "labels are names in some lines and numbers in "
                             "others");
  std::ranges::sort(names);
  names.erase(std::unique(names.begin(), names.end()), names.end());
  if (names.size() > static_cast<size_t>(info.classes))
    return errorInFile(path, strCat("there are ", names.size(),
                                    " labels in it, and the model has ",
                                    info.classes));
  reading.labels.choose(std::move(names), info.classes);
  return {};
}

Expected<std::vector<int32_t>> Reader::tokensOf(const nlohmann::json &value,
                                                const char *name) const {
  if (!asString(value))
    return parseIds(value, name, program.metadata().model.vocabSize);
  if (Status status = needTokenizer(); !status)
    return status.takeError();
  return tokenizer->encode(*asString(value));
}

Expected<bool> Reader::fits(size_t tokens, uint64_t line) {
  if (tokens <= static_cast<size_t>(length))
    return true;
  if (longTexts == LongTexts::Skip) {
    ++skipped;
    return false;
  }
  return withNote(
      errorAt(path, line, 1,
              strCat("the text has ", tokens, " tokens, more than the ", length,
                     " of a sequence")),
      "--length makes sequences longer, up to what the program was compiled "
      "for; --long-texts skip leaves such a text out, and one with labels or "
      "a source cannot be split");
}

Status Reader::addLabelled(const nlohmann::json &value, uint64_t line) {
  const nlohmann::json *ids = findMember(value, "tokens"),
                       *text = findMember(value, "text"),
                       *label = findMember(value, "label"),
                       *labels = findMember(value, "labels");
  bool isText = objective == "classes";
  if ((!ids && !text) || !(isText ? label : labels))
    return plainError(strCat("expected an object with \"text\" or \"tokens\", "
                             "and with ",
                             isText ? "\"label\"" : "\"labels\"", ", found ",
                             kindName(value)));
  auto tokens = ids ? tokensOf(*ids, "tokens") : tokensOf(*text, "text");
  if (!tokens)
    return tokens.takeError();
  nlohmann::json one = nlohmann::json::array();
  if (isText)
    one.push_back(*label);
  auto numbers = isText ? parseLabels(one, "label", /*mayLack=*/false)
                        : parseLabels(*labels, "labels", /*mayLack=*/true);
  if (!numbers)
    return numbers.takeError();
  if (!isText && numbers->size() != tokens->size())
    return plainError(strCat("there are ", numbers->size(), " labels for ",
                             tokens->size(), " tokens"));
  if (tokens->empty())
    return plainError("the text has no tokens");
  if (const EntryInfo *gradient = program.metadata().entry("gradient"))
    for (const InputInfo &input : gradient->inputs)
      if (Status status = input.checkLast(*tokens); !status)
        return status;
  auto isRead = fits(tokens->size(), line);
  if (!isRead)
    return isRead.takeError();
  if (*isRead)
    data.addLabelled(*tokens, *numbers);
  return {};
}

Status Reader::addAfter(const nlohmann::json &value, uint64_t line) {
  const nlohmann::json *source = findMember(value, "source"),
                       *target = findMember(value, "target");
  if (!source || !target)
    return plainError(strCat("expected an object with \"source\" and "
                             "\"target\", found ",
                             kindName(value)));
  auto from = tokensOf(*source, "source");
  if (!from)
    return from.takeError();
  auto to = tokensOf(*target, "target");
  if (!to)
    return to.takeError();
  if (from->empty() || to->empty())
    return plainError("a source or a target has no tokens");
  // What a decoder begins with comes before what it says.
  const GenerationDefaults &generation = program.metadata().generation;
  auto start = generation.decoderStart;
  if (generation.decoderStartIsLast.value_or(false))
    start = to->back();
  if (!start)
    return plainError("the model doesn't say what a text begins with: "
                      "decoder_start_token_id of its configuration does");
  to->insert(to->begin(), static_cast<int32_t>(*start));
  for (size_t count : {from->size(), to->size() - 1}) {
    auto isRead = fits(count, line);
    if (!isRead)
      return isRead.takeError();
    if (!*isRead)
      return {};
  }
  data.addAfter(*from, *to);
  return {};
}

Expected<Example> Reader::parse(std::string_view line, uint64_t number) {
  auto value = parseJson(line, path);
  // Once more for the right place: line breaks before it are blanks.
  if (!value)
    return parseJson(std::string(number - 1, '\n') + std::string(line), path)
        .takeError();
  if (const nlohmann::json *ids = findMember(*value, "tokens")) {
    auto tokens = parseIds(*ids, "tokens", program.metadata().model.vocabSize);
    if (!tokens)
      return tokens.takeError();
    return Example{std::move(*tokens), {}};
  }
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
  if (Status status = findLabelNames(file); !status)
    return status;
  uint64_t number = 1;
  for (size_t at = 0; at < file.size(); ++number) {
    if (interrupted())
      return interruption();
    size_t stop = std::min(file.find('\n', at), file.size());
    std::string_view line = file.substr(at, stop - at);
    at = stop + 1;
    if (line.find_first_not_of(" \t\r") == line.npos)
      continue;
    bool hasLabels = objective == "classes" || objective == "tags";
    if (hasLabels || objective == "sequence") {
      auto value = parseJson(line, path);
      if (!value)
        return parseJson(std::string(number - 1, '\n') + std::string(line),
                         path)
            .takeError();
      Status status =
          hasLabels ? addLabelled(*value, number) : addAfter(*value, number);
      if (!status)
        return this->at(number, status.takeError());
      continue;
    }
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
  bool isPlain =
      objective == "causal" || objective == "masked" || objective == "span";
  if (!isPlain && !isLines)
    return withNote(errorInFile(path,
                                strCat("what is learned is '", objective,
                                       "', which takes JSON lines"),
                                ExitCode::BadUsage),
                    objective == "sequence"
                        ? "{\"source\": ..., \"target\": ...}"
                        : "{\"text\": ..., \"label\": ...}, or \"labels\"");
  if (!isText && !isLines)
    return TrainingData::readTokens(path, program.metadata().model.vocabSize,
                                    length);
  auto loaded = program.tokenizer();
  if (loaded)
    tokenizer = *loaded;
  else
    missing = loaded.takeError();
  if (!loaded && isText)
    return needTokenizer().takeError();
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

Expected<TrainingData>
tenon::runtime::readTrainingData(Program &program, const TrainingInfo &info,
                                 const std::string &path,
                                 DataReading &reading) {
  return Reader(program, info, path, reading).read();
}
