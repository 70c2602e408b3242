//===- Generate.cpp - continues a text ------------------------------------===//
//
// The prompt is printed before its continuation, as llama.cpp and llama2.c do:
// the output reads as one text. A line break ends it.
//
//===----------------------------------------------------------------------===//
#include "Command.h"

#include "tenon/Runtime/Interrupt.h"
#include "tenon/Runtime/Sampler.h"
#include "tenon/Runtime/TextOutput.h"
#include "tenon/Support/Strings.h"

#include <algorithm>
#include <random>

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
  struct Outcome {
    std::vector<int32_t> history; ///< prompt and generated tokens
    size_t promptTokens = 0;
    double promptSeconds = 0, generationSeconds = 0;
    bool contextFull = false;
  };

  Expected<std::string> prompt(const Program &program) const;
  Expected<SamplerOptions> samplerOptions(const GenerationDefaults &) const;
  Status loop(Program &program, Model &model, Sampler &sampler,
              TextStream &stream, bool textBefore, Outcome &outcome) const;
  bool endsText(const Metadata &metadata, int32_t token) const;

  std::optional<std::string> promptOption, file;
  std::optional<double> temperature, topP, minP, repeatPenalty;
  std::optional<int64_t> topK, repeatLastN;
  std::optional<uint64_t> seed;
  std::vector<std::string> stops;
  int64_t count = -1;
  int64_t chunk = 0;
  bool ignoreEnd = false, noEcho = false;
};

void Generate::declareOptions(CLI::App &app) {
  auto add = [&](const char *name, auto &to, const char *type,
                 const char *help) {
    return app.add_option(name, to, help)->type_name(type);
  };
  add("-p,--prompt", promptOption, "TEXT", "The text to continue");
  add("-f,--file", file, "FILE", "Read the prompt from a file (-: stdin)");
  add("-n,--tokens", count, "N",
      "Tokens to generate (default -1: until the text ends or the context is "
      "full)");
  add("--temperature", temperature, "T",
      "0: always the likeliest token (default 0.8)");
  add("--top-k", topK, "K", "Choose from the K likeliest (default 40)");
  add("--top-p", topP, "P",
      "Choose from the fewest that reach probability P (default 0.95)");
  add("--min-p", minP, "P",
      "Choose from those with at least P times the probability of the "
      "likeliest "
      "(default 0.05)");
  add("--repeat-penalty", repeatPenalty, "X",
      "Make tokens seen before less likely (default 1: off)");
  add("--repeat-last-n", repeatLastN, "N",
      "How far --repeat-penalty looks back (default 64; -1: all)");
  add("--seed", seed, "N",
      "The same seed gives the same text (default: random)");
  add("--stop", stops, "TEXT", "Stop before this text (may be repeated)")
      ->allow_extra_args(false);
  add("--prefill-chunk", chunk, "N",
      "Prompt tokens to process at a time (default: as compiled)")
      ->check(CLI::NonNegativeNumber.description(""));
  app.add_flag("--ignore-eos", ignoreEnd, "Go on where the text ends");
  app.add_flag("--no-echo", noEcho, "Don't print the prompt");
}

Expected<std::string> Generate::prompt(const Program &program) const {
  int given =
      promptOption.has_value() + file.has_value() + !program.texts.empty();
  if (given > 1)
    return plainError("the prompt was given more than once (-p, -f, text)",
                      ExitCode::BadUsage);
  if (promptOption)
    return *promptOption;
  if (!file)
    return program.joinedTexts();
  auto text = readInput(*file);
  // Editors end files with a line break that isn't meant, as in llama.cpp.
  if (text && text->ends_with('\n'))
    text->pop_back();
  return text;
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
  options.repeatLastN = repeatLastN.value_or(options.repeatLastN);
  options.seed = seed ? *seed : std::random_device()();
  if (std::string wrong = options.check(); !wrong.empty())
    return plainError(wrong, ExitCode::BadUsage);
  return options;
}

/// A model that was trained on texts joined by the beginning-of-text token
/// ends one by it (llama2.c stops there, too).
bool Generate::endsText(const Metadata &metadata, int32_t token) const {
  if (ignoreEnd)
    return false;
  auto among = [&](const std::vector<int32_t> &ids) {
    return std::ranges::find(ids, token) != ids.end();
  };
  return among(metadata.model.eos) || among(metadata.model.bos);
}

Status Generate::loop(Program &program, Model &model, Sampler &sampler,
                      TextStream &stream, bool textBefore,
                      Outcome &outcome) const {
  auto tokenizer = program.tokenizer();
  if (!tokenizer)
    return tokenizer.takeError();
  double start = now();
  Executor::Session session(program.executor());
  if (Status status = model.prefill(outcome.history, chunk, Model::Want::Last);
      !status)
    return status;
  double prompted = now();
  outcome.promptSeconds = prompted - start;

  for (int64_t made = 0; count < 0 || made < count; ++made) {
    if (made > 0) {
      if (model.position() == program.metadata().model.context) {
        outcome.contextFull = true;
        break;
      }
      if (Status status = model.decode(outcome.history.back()); !status)
        return status;
    }
    if (interrupted())
      return interruption();
    auto token = sampler.sample(model.logits(), outcome.history);
    if (!token)
      return token.takeError();
    if (endsText(program.metadata(), *token))
      break;
    outcome.history.push_back(*token);
    if ((*tokenizer)->isSpecial(*token))
      continue;
    std::string piece = (*tokenizer)->decodePiece(*token, !textBefore);
    textBefore = true;
    if (Status status = stream.push(piece); !status)
      return status;
    if (stream.stopped())
      break;
  }
  outcome.generationSeconds = now() - prompted;
  return {};
}

Status Generate::run(Program &program) {
  auto text = prompt(program);
  if (!text)
    return text.takeError();
  auto options = samplerOptions(program.metadata().generation);
  if (!options)
    return options.takeError();
  auto tokens = program.encode(*text);
  if (!tokens)
    return tokens.takeError();
  int64_t context = program.metadata().model.context;
  if (static_cast<int64_t>(tokens->size()) > context)
    return plainError(strCat("the prompt has ", tokens->size(),
                             " tokens, the model's context holds ", context));
  auto model = program.model();
  if (!model)
    return model.takeError();

  Outcome outcome;
  outcome.promptTokens = tokens->size();
  outcome.history = std::move(*tokens);
  Sampler sampler(*options);
  TextStream stream(stops);
  bool echoed = !noEcho && !text->empty();
  if (echoed)
    if (Status status = writeOutput(replaceInvalidUtf8(*text)); !status)
      return status;
  // Without the prompt in front the continuation still follows it: the blank
  // between the two is part of it.
  Status status =
      loop(program, **model, sampler, stream, !text->empty(), outcome);
  bool cut = !status && status.error().code == ExitCode::Interrupted;
  if (!status && !cut)
    return status;
  if (Status finished = stream.finish(cut); !finished)
    return finished;
  if (cut)
    return status;
  if (Status ended = writeOutput("\n"); !ended)
    return ended;

  size_t made = outcome.history.size() - outcome.promptTokens;
  if (outcome.contextFull)
    printNote(strCat("note: the context of ", context,
                     " tokens is full: ", outcome.promptTokens,
                     " of the prompt, ", made, " generated\n"));
  if (program.options.profile)
    printNote(format("prompt: %zu tokens in %.3f s, %.1f per second\n"
                     "generation: %zu tokens in %.3f s, %.1f per second\n",
                     outcome.promptTokens, outcome.promptSeconds,
                     outcome.promptTokens / outcome.promptSeconds, made,
                     outcome.generationSeconds,
                     made / outcome.generationSeconds));
  program.printProfile(outcome.promptSeconds + outcome.generationSeconds);
  return {};
}

} // namespace

std::unique_ptr<Command> tenon::runtime::makeGenerateCommand() {
  return std::make_unique<Generate>();
}
