//===- SamplingFlags.cpp - options that choose tokens ---------------------===//
#include "SamplingFlags.h"

#include <random>

#include <CLI/CLI.hpp>

using namespace tenon;
using namespace tenon::runtime;

void SamplingFlags::declare(CLI::App &app) {
  auto add = [&](const char *name, auto &to, const char *type,
                 const char *help) {
    app.add_option(name, to, help)->type_name(type);
  };
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
}

Expected<SamplerOptions>
SamplingFlags::options(const GenerationDefaults &defaults) const {
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
