//===- Generate.cpp - continues a text ------------------------------------===//
//
// The prompt is printed before its continuation, as llama.cpp and llama2.c do:
// the output reads as one text. A line break ends it. --print-tokens prints the
// ids of the continuation alone, which needs no tokenizer.
//
//===----------------------------------------------------------------------===//
#include "ArrayInputs.h"
#include "Command.h"
#include "Generations.h"
#include "SamplingFlags.h"
#include "Searches.h"

#include "tenon/Support/Json.h"
#include "tenon/Support/Strings.h"

#include <algorithm>
#include <sstream>

#include <CLI/CLI.hpp>

using namespace tenon;
using namespace tenon::runtime;

namespace {

class Generate : public Command {
public:
  explicit Generate(const Description &description) : Command(description) {}

  void declareOptions(CLI::App &app) override;
  Status run(Program &program) override;

private:
  struct Totals {
    size_t promptTokens = 0, generated = 0;
    double promptSeconds = 0, generationSeconds = 0;
  };

  Expected<std::vector<Prompt>> readPrompts(Program &program) const;
  Expected<Prompt> onlyPrompt(Program &program) const;
  Expected<size_t> together(const Metadata &metadata) const;
  Status checkSource(const Program &program) const;
  Expected<Prompt> withSource(const Metadata &metadata, Prompt source) const;
  Expected<SearchOptions> searchOptions(const Metadata &metadata,
                                        const SamplerOptions &sampler) const;
  TokenRules tokenRules(const Metadata &metadata) const;
  Status search(Program &program, Model &model, const Tokenizer *tokenizer,
                const SearchOptions &searchOptions, std::vector<Prompt> prompts,
                size_t atOnce);
  void printTotals(Program &program, const Totals &totals) const;

  std::optional<std::string> promptOption, file, promptsFile;
  std::vector<int32_t> promptIds, sourceIds;
  ArrayInputs arrays;
  std::optional<int64_t> beams, noRepeatNgram, minLength, results, forcedFirst;
  std::optional<double> lengthPenalty;
  std::string earlyStopping;
  bool json = false;
  std::optional<int64_t> sequences;
  SamplingFlags sampling;
  ContinuationOptions options;
  int64_t chunk = 0;
  bool noEcho = false, noSpecial = false;
};

void Generate::declareOptions(CLI::App &app) {
  auto add = [&](const char *name, auto &to, const char *type,
                 const char *help) {
    return app.add_option(name, to, help)->type_name(type);
  };
  add("-p,--prompt", promptOption, "TEXT", "The text to continue");
  add("-f,--file", file, "FILE", "Read the prompt from a file (-: stdin)");
  add("--prompts", promptsFile, "FILE",
      "Continue every line of a file (-: stdin); of a .jsonl file, every "
      "string or list of token ids, or the \"prompt\" of every object");
  add("--sequences", sequences, "N",
      "Prompts to continue at once (default: as many as compiled for)")
      ->check(CLI::PositiveNumber.description(""));
  add("--tokens", promptIds, "IDS", "The token ids to continue: 1,2,3")
      ->delimiter(',')
      ->allow_extra_args(false);
  add("--source-tokens", sourceIds, "IDS",
      "The token ids of the text that a model with a source reads; --tokens is "
      "then what the decoder begins with")
      ->delimiter(',')
      ->allow_extra_args(false);
  arrays.declareOptions(app, "--input,--source");
  add("--beams", beams, "N", "Search with N beams (default 1: no search)")
      ->check(CLI::Range(1, 1024).description(""));
  add("--n-best", results, "K", "Print the K best results of a search")
      ->check(CLI::PositiveNumber.description(""));
  add("--length-penalty", lengthPenalty, "X",
      "Divide a result's score by its length to this power (default 1)");
  app.add_flag("--early-stopping{true}", earlyStopping,
               "End a search with as many results as beams; =never: when no "
               "beam can become a result however it goes on (default: when the "
               "best would not be one now)")
      ->check(CLI::IsMember({"true", "false", "never"}).description(""));
  add("--no-repeat-ngram", noRepeatNgram, "N", "Never N tokens a second time")
      ->check(CLI::NonNegativeNumber.description(""));
  add("--min-length", minLength, "N", "No end before so many tokens in all")
      ->check(CLI::NonNegativeNumber.description(""));
  add("--forced-first", forcedFirst, "ID",
      "The token that a decoder with a source says first, as that of a "
      "language")
      ->check(CLI::NonNegativeNumber.description(""));
  app.add_flag("--json", json, "Print a search's results with their scores");
  add("-n,--max-tokens", options.count, "N",
      "Tokens to generate (default -1: until the text ends or the context is "
      "full)");
  sampling.declare(app);
  add("--stop", options.stops, "TEXT",
      "Stop before this text, or at this special token (may be repeated)")
      ->allow_extra_args(false);
  add("--prefill-chunk", chunk, "N",
      "Prompt tokens to process at a time (default: as compiled)")
      ->check(CLI::NonNegativeNumber.description(""));
  app.add_flag("--ignore-eos", options.ignoreEnd, "Go on where the text ends");
  app.add_flag("--no-special", noSpecial,
               "Special tokens that the prompt spells out are text");
  app.add_flag("--no-echo", noEcho, "Don't print the prompt");
  app.add_flag("--print-tokens", options.printTokens,
               "Print the ids of what is generated, a line for each prompt");
}

/// A prompt's tokens; longer ones than the context are an error.
static Expected<Prompt> makePrompt(Program &program, std::string text,
                                   bool noSpecial) {
  auto tokens = program.encode(text, noSpecial ? SpecialInText::Text
                                               : SpecialInText::Tokens);
  if (!tokens)
    return tokens.takeError();
  int64_t context = program.metadata().model.context;
  if (static_cast<int64_t>(tokens->size()) > context)
    return plainError(strCat("the prompt has ", tokens->size(),
                             " tokens, the model's context holds ", context));
  return Prompt{std::move(text), std::move(*tokens)};
}

/// What is read is the source; the decoder begins with a token of its own.
Expected<Prompt> Generate::withSource(const Metadata &metadata,
                                      Prompt source) const {
  if (!metadata.hasSource())
    return source;
  std::vector<int32_t> begin = promptIds;
  const GenerationDefaults &defaults = metadata.generation;
  if (begin.empty() && defaults.undecided)
    return withNote(plainError(strCat("what the decoder begins with is not "
                                      "known: ",
                                      *defaults.undecided),
                               ExitCode::BadUsage),
                    "--tokens says it, the start token first");
  if (begin.empty() && defaults.decoderStart) {
    begin.push_back(static_cast<int32_t>(*defaults.decoderStart));
    begin.insert(begin.end(), defaults.begin.begin(), defaults.begin.end());
  }
  if (begin.empty())
    begin = metadata.model.bos;
  if (begin.empty())
    return withNote(plainError("nothing says what the decoder begins with",
                               ExitCode::BadUsage),
                    "--tokens does");
  return Prompt{
      {}, std::move(begin), std::move(source.tokens), std::move(source.arrays)};
}

/// Whether a decoder's source is arrays rather than a text.
static bool readsArrays(const Metadata &metadata) {
  const EntryInfo *encode = metadata.entry("encode");
  return encode && takesArraysOnly(*encode);
}

Status Generate::checkSource(const Program &program) const {
  const Metadata &metadata = program.metadata();
  auto usage = [](const char *what) {
    return plainError(what, ExitCode::BadUsage);
  };
  if (!readsArrays(metadata)) {
    if (!arrays.empty())
      return usage("--input is for models whose source is no text");
    return metadata.hasSource() || sourceIds.empty()
               ? Status()
               : usage("--source-tokens is for models that have a source");
  }
  if (promptOption || file || promptsFile || !sourceIds.empty() ||
      !program.texts.empty())
    return withNote(usage("this model's source is no text"),
                    "--input gives it, --tokens what the decoder begins with");
  return {};
}

Expected<Prompt> Generate::onlyPrompt(Program &program) const {
  if (readsArrays(program.metadata())) {
    auto named = arrays.read();
    if (!named)
      return named.takeError();
    return Prompt{
        {}, {}, {}, std::make_shared<const NamedArrays>(*std::move(named))};
  }
  if (!sourceIds.empty())
    return Prompt{{}, sourceIds};
  if (!promptIds.empty()) {
    if (options.printTokens)
      return Prompt{{}, promptIds};
    auto tokenizer = program.tokenizer();
    if (!tokenizer)
      return tokenizer.takeError();
    auto text = (*tokenizer)->decode(promptIds);
    if (!text)
      return text.takeError();
    return Prompt{*std::move(text), promptIds};
  }
  if (promptOption)
    return makePrompt(program, *promptOption, noSpecial);
  if (!file)
    return makePrompt(program, program.joinedTexts(), noSpecial);
  auto text = readInput(*file);
  if (!text)
    return text.takeError();
  // Editors end files with a line break that isn't meant, as in llama.cpp.
  if (text->ends_with('\n'))
    text->pop_back();
  return makePrompt(program, std::move(*text), noSpecial);
}

/// The prompt of a line of JSON: a text, or ids, which need no tokenizer.
static Expected<Prompt> parsePrompt(Program &program, const std::string &line,
                                    const std::string &path, uint64_t number,
                                    bool noSpecial) {
  auto value = parseJson(line, path);
  // Once more for the right place: line breaks before it are blanks.
  if (!value)
    return parseJson(std::string(number - 1, '\n') + line, path).takeError();
  const nlohmann::json *member = findMember(*value, "prompt");
  const nlohmann::json &found = member ? *member : *value;
  if (const std::string *text = asString(found))
    return makePrompt(program, *text, noSpecial);
  bool areIds = found.is_array() && !found.empty();
  Prompt prompt;
  if (areIds)
    for (const nlohmann::json &id : found) {
      std::optional<int64_t> token = asInteger(id);
      areIds &= token && *token >= 0 && *token <= INT32_MAX;
      prompt.tokens.push_back(static_cast<int32_t>(token.value_or(-1)));
    }
  if (areIds)
    return prompt;
  return errorAt(path, number, 1,
                 strCat("expected a string, token ids, or an object with such "
                        "a \"prompt\", found ",
                        kindName(found)));
}

Expected<std::vector<Prompt>> Generate::readPrompts(Program &program) const {
  int given = promptOption.has_value() + file.has_value() +
              promptsFile.has_value() + !program.texts.empty() +
              (program.metadata().hasSource() ? !sourceIds.empty()
                                              : !promptIds.empty());
  if (given > 1)
    return plainError("the prompt was given more than once (-p, -f, --tokens, "
                      "--source-tokens, --prompts, text)",
                      ExitCode::BadUsage);
  if (!promptsFile) {
    auto prompt = onlyPrompt(program);
    if (!prompt)
      return prompt.takeError();
    prompt = withSource(program.metadata(), std::move(*prompt));
    if (!prompt)
      return prompt.takeError();
    std::vector<Prompt> one;
    one.push_back(std::move(*prompt));
    return one;
  }
  auto text = readInput(*promptsFile);
  if (!text)
    return text.takeError();
  const std::string path = *promptsFile == "-" ? "<stdin>" : *promptsFile;
  std::vector<Prompt> prompts;
  std::istringstream lines(*text);
  std::string line;
  for (uint64_t number = 1; std::getline(lines, line); ++number) {
    if (line.ends_with('\r'))
      line.pop_back();
    if (line.find_first_not_of(" \t") == std::string::npos)
      continue;
    auto prompt = path.ends_with(".jsonl")
                      ? parsePrompt(program, line, path, number, noSpecial)
                      : makePrompt(program, line, noSpecial);
    if (!prompt) {
      std::string message = prompt.error().message;
      if (message.starts_with(path))
        return prompt.takeError();
      if (message.starts_with("error: "))
        message.erase(0, 7);
      return errorAt(path, number, 1, message, prompt.error().code);
    }
    prompt = withSource(program.metadata(), std::move(*prompt));
    if (!prompt)
      return prompt.takeError();
    prompts.push_back(std::move(*prompt));
  }
  if (prompts.empty())
    return errorInFile(path, "there is no prompt in it");
  return prompts;
}

/// How many prompts are continued at once.
Expected<size_t> Generate::together(const Metadata &metadata) const {
  int64_t most = metadata.memory.sequences;
  if (sequences && !promptsFile)
    return plainError("--sequences is for the prompts of --prompts",
                      ExitCode::BadUsage);
  if (sequences.value_or(1) > most)
    return withNote(
        plainError(strCat("--sequences ", *sequences,
                          ": this executable was compiled for ", most,
                          most == 1 ? " sequence" : " sequences"),
                   ExitCode::BadUsage),
        "tenonc --max-sequences compiles for more");
  return sequences.value_or(most);
}

TokenRules Generate::tokenRules(const Metadata &metadata) const {
  TokenRules rules = TokenRules::of(metadata);
  rules.noRepeatNgram = noRepeatNgram.value_or(rules.noRepeatNgram);
  rules.minLength = minLength.value_or(rules.minLength);
  if (forcedFirst)
    rules.forcedFirst = static_cast<int32_t>(*forcedFirst);
  if (options.ignoreEnd)
    rules.ends.clear();
  return rules;
}

Expected<SearchOptions>
Generate::searchOptions(const Metadata &metadata,
                        const SamplerOptions &sampler) const {
  SearchOptions search;
  search.beams.beams = beams.value_or(metadata.generation.beams.value_or(1));
  search.beams.lengthPenalty =
      lengthPenalty.value_or(metadata.generation.lengthPenalty.value_or(1.0));
  if (earlyStopping == "never")
    search.beams.stop = BeamOptions::Stop::Never;
  else if (earlyStopping == "true" ||
           (earlyStopping.empty() &&
            metadata.generation.earlyStopping.value_or(false)))
    search.beams.stop = BeamOptions::Stop::Full;
  search.rules = tokenRules(metadata);
  search.beams.ends = search.rules.ends;
  search.repeatPenalty = sampler.repeatPenalty;
  search.count = options.count;
  if (metadata.hasSource())
    search.maxLength = metadata.generation.maxLength.value_or(0);
  search.results = results.value_or(1);
  search.printTokens = options.printTokens;
  search.json = json;
  if (search.results > search.beams.beams)
    return plainError(strCat("--n-best ", search.results, " of ",
                             search.beams.beams, " beams"),
                      ExitCode::BadUsage);
  if (search.beams.beams == 1 &&
      (json || lengthPenalty || !earlyStopping.empty()))
    return plainError("--length-penalty, --early-stopping and --json are of a "
                      "search with --beams",
                      ExitCode::BadUsage);
  if (search.beams.beams > 1 && !options.stops.empty())
    return plainError("--stop doesn't go with --beams", ExitCode::BadUsage);
  if (search.beams.beams > 1 && options.count == 0)
    return plainError("a search needs a token at least", ExitCode::BadUsage);
  return search;
}

Status Generate::search(Program &program, Model &model,
                        const Tokenizer *tokenizer,
                        const SearchOptions &searchOptions,
                        std::vector<Prompt> prompts, size_t atOnce) {
  Searches searches(program, model, tokenizer, searchOptions);
  double start = now();
  {
    Executor::Session session(program.executor());
    size_t groups = std::max<size_t>(1, atOnce / searchOptions.beams.beams);
    if (Status status = searches.run(std::move(prompts), groups); !status)
      return status;
  }
  printTotals(program,
              {searches.promptTokens, searches.generated,
               searches.promptSeconds, now() - start - searches.promptSeconds});
  return {};
}

Status Generate::run(Program &program) {
  if (Status status = checkSource(program); !status)
    return status;
  auto atOnce = together(program.metadata());
  if (!atOnce)
    return atOnce.takeError();
  auto sampler = sampling.options(program.metadata().generation);
  if (!sampler)
    return sampler.takeError();
  auto ofSearch = searchOptions(program.metadata(), *sampler);
  if (!ofSearch)
    return ofSearch.takeError();
  options.sampler = *sampler;
  options.rules = ofSearch->rules;
  options.echo = !noEcho;
  auto prompts = readPrompts(program);
  if (!prompts)
    return prompts.takeError();
  if (options.printTokens && !options.stops.empty())
    return plainError("--stop looks for a text, which --print-tokens doesn't "
                      "make",
                      ExitCode::BadUsage);
  const Tokenizer *tokenizer = nullptr;
  if (!options.printTokens) {
    auto loaded = program.tokenizer();
    if (!loaded)
      return loaded.takeError();
    tokenizer = *loaded;
    // Special tokens have no text in which a stop could be found.
    for (const std::string &stop : options.stops)
      if (auto id = tokenizer->tokenId(stop); id && tokenizer->isSpecial(*id))
        options.stopTokens.push_back(*id);
  }
  auto model = program.model();
  if (!model)
    return model.takeError();

  if (ofSearch->beams.beams > 1)
    return search(program, **model, tokenizer, *ofSearch, std::move(*prompts),
                  *atOnce);
  Generations generations(program, **model, tokenizer, options, chunk);
  double start = now();
  {
    Executor::Session session(program.executor());
    if (Status status = generations.run(std::move(*prompts), *atOnce); !status)
      return status;
  }
  printTotals(program, {generations.promptTokens, generations.generated,
                        generations.promptSeconds,
                        now() - start - generations.promptSeconds});
  return {};
}

void Generate::printTotals(Program &program, const Totals &totals) const {
  if (program.options.profile)
    printNote(format("prompt: %zu tokens in %.3f s, %.1f per second\n"
                     "generation: %zu tokens in %.3f s, %.1f per second\n",
                     totals.promptTokens, totals.promptSeconds,
                     totals.promptTokens / totals.promptSeconds,
                     totals.generated, totals.generationSeconds,
                     totals.generated / totals.generationSeconds));
  program.printProfile(totals.promptSeconds + totals.generationSeconds);
}

} // namespace

std::unique_ptr<Command> tenon::runtime::makeGenerateCommand() {
  return std::make_unique<Generate>(Command::Description{
      "generate", "[PROMPT]", "Continue a text", Command::For::Decoder});
}

std::unique_ptr<Command> tenon::runtime::makeTranslateCommand() {
  return std::make_unique<Generate>(Command::Description{
      "translate", "[TEXT]", "Translate a text", Command::For::Source});
}

std::unique_ptr<Command> tenon::runtime::makeSummarizeCommand() {
  return std::make_unique<Generate>(Command::Description{
      "summarize", "[TEXT]", "Summarize a text", Command::For::Source});
}
