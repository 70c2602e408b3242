//===- Generate.cpp - continues a text ------------------------------------===//
//
// The prompt is printed before its continuation, as llama.cpp and llama2.c do:
// the output reads as one text. A line break ends it. --print-tokens prints the
// ids of the continuation alone, which needs no tokenizer.
//
//===----------------------------------------------------------------------===//
#include "Command.h"
#include "Generations.h"

#include "tenon/Support/Json.h"
#include "tenon/Support/Strings.h"

#include <algorithm>
#include <random>
#include <sstream>

#include <CLI/CLI.hpp>

using namespace tenon;
using namespace tenon::runtime;

namespace {

class Generate : public Command {
public:
  Generate()
      : Command({"generate", "[PROMPT]", "Continue a text", For::Decoder}) {}

  void declareOptions(CLI::App &app) override;
  Status run(Program &program) override;

private:
  struct Totals {
    size_t promptTokens = 0, generated = 0;
    double promptSeconds = 0, generationSeconds = 0;
  };

  Expected<std::vector<Prompt>> readPrompts(Program &program) const;
  Expected<Prompt> onlyPrompt(Program &program) const;
  Expected<SamplerOptions> samplerOptions(const GenerationDefaults &) const;
  Expected<size_t> together(const Metadata &metadata) const;
  void printTotals(Program &program, const Totals &totals) const;

  std::optional<std::string> promptOption, file, promptsFile;
  std::vector<int32_t> promptIds;
  std::optional<double> temperature, topP, minP, repeatPenalty;
  std::optional<int64_t> topK, repeatLastN, sequences;
  std::optional<uint64_t> seed;
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
      "string, or the \"prompt\" of every object");
  add("--sequences", sequences, "N",
      "Prompts to continue at once (default: as many as compiled for)")
      ->check(CLI::PositiveNumber.description(""));
  add("--tokens", promptIds, "IDS", "The token ids to continue: 1,2,3")
      ->delimiter(',')
      ->allow_extra_args(false);
  add("-n,--max-tokens", options.count, "N",
      "Tokens to generate (default -1: until the text ends or the context is "
      "full)");
  add("--temperature", temperature, "T",
      "0: always the likeliest token (default 0.8)");
  add("--top-k", topK, "K",
      "Choose from the K likeliest (default 40; 0: from all); the steps come "
      "in "
      "the order penalty, top-k, top-p, min-p, temperature");
  add("--top-p", topP, "P",
      "Choose from the fewest that reach probability P (default 0.95)");
  add("--min-p", minP, "P",
      "Choose from those with at least P times the probability of the "
      "likeliest "
      "(default 0.05)");
  add("--repeat-penalty", repeatPenalty, "X",
      "Make tokens seen before less likely: positive logits are divided by X, "
      "negative ones multiplied (default 1: off)");
  add("--repeat-last-n", repeatLastN, "N",
      "How far --repeat-penalty looks back (default 64, as llama.cpp; -1: all, "
      "as Transformers, and the default for a model's own penalty)");
  add("--seed", seed, "N",
      "The same seed gives the same text (default: random)");
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

Expected<Prompt> Generate::onlyPrompt(Program &program) const {
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

/// The prompt of a line of JSON.
static Expected<std::string>
parsePrompt(const std::string &line, const std::string &path, uint64_t number) {
  auto value = parseJson(line, path);
  // Once more for the right place: line breaks before it are blanks.
  if (!value)
    return parseJson(std::string(number - 1, '\n') + line, path).takeError();
  const nlohmann::json *member = findMember(*value, "prompt");
  if (const std::string *text = asString(member ? *member : *value))
    return *text;
  return errorAt(path, number, 1,
                 strCat("expected a string, or an object with a string "
                        "\"prompt\", found ",
                        kindName(member ? *member : *value)));
}

Expected<std::vector<Prompt>> Generate::readPrompts(Program &program) const {
  int given = promptOption.has_value() + file.has_value() +
              promptsFile.has_value() + !program.texts.empty() +
              !promptIds.empty();
  if (given > 1)
    return plainError("the prompt was given more than once (-p, -f, --tokens, "
                      "--prompts, text)",
                      ExitCode::BadUsage);
  if (!promptsFile) {
    auto prompt = onlyPrompt(program);
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
    if (path.ends_with(".jsonl")) {
      auto parsed = parsePrompt(line, path, number);
      if (!parsed)
        return parsed.takeError();
      line = std::move(*parsed);
    }
    auto prompt = makePrompt(program, line, noSpecial);
    if (!prompt) {
      std::string message = prompt.error().message;
      if (message.starts_with("error: "))
        message.erase(0, 7);
      return errorAt(path, number, 1, message, prompt.error().code);
    }
    prompts.push_back(std::move(*prompt));
  }
  if (prompts.empty())
    return errorInFile(path, "there is no prompt in it");
  return prompts;
}

Expected<SamplerOptions>
Generate::samplerOptions(const GenerationDefaults &defaults) const {
  SamplerOptions options;
  auto choose = [](auto &to, auto &commandLine, auto &model) {
    to = commandLine.value_or(model.value_or(to));
  };
  if (defaults.doSample == false)
    options.temperature = 0;
  else
    options.temperature = defaults.temperature.value_or(options.temperature);
  options.temperature = temperature.value_or(options.temperature);
  choose(options.topK, topK, defaults.topK);
  choose(options.topP, topP, defaults.topP);
  choose(options.minP, minP, defaults.minP);
  choose(options.repeatPenalty, repeatPenalty, defaults.repetitionPenalty);
  // The model's own penalty is Transformers', which counts the whole context.
  if (!repeatPenalty && defaults.repetitionPenalty)
    options.repeatLastN = -1;
  options.repeatLastN = repeatLastN.value_or(options.repeatLastN);
  options.seed = seed ? *seed : std::random_device()();
  if (std::string wrong = options.check(); !wrong.empty())
    return plainError(wrong, ExitCode::BadUsage);
  return options;
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

Status Generate::run(Program &program) {
  auto atOnce = together(program.metadata());
  if (!atOnce)
    return atOnce.takeError();
  auto sampler = samplerOptions(program.metadata().generation);
  if (!sampler)
    return sampler.takeError();
  options.sampler = *sampler;
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
  return std::make_unique<Generate>();
}
