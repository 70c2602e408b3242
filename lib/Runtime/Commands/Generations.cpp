//===- Generations.cpp - several texts that a model continues -------------===//
#include "Generations.h"

#include "tenon/Runtime/Interrupt.h"
#include "tenon/Support/Strings.h"

#include <algorithm>

using namespace tenon;
using namespace tenon::runtime;

Status Generations::start(size_t place, Prompt prompt) {
  double begin = now();
  std::shared_ptr<const NamedArrays> arrays = std::move(prompt.arrays);
  places[place] = std::make_unique<Continuation>(
      program.metadata(), tokenizer, options, std::move(prompt), output);
  Continuation &text = *places[place];
  if (Status status = text.begin(); !status)
    return status;
  model.select(place);
  model.reset();
  if (!text.source().empty() || arrays)
    if (Status status =
            model.encodeSource(text.source(), arrays ? *arrays : NamedArrays());
        !status)
      return status;
  // A decoder's start token goes with the next tokens of the others.
  bool waits = text.tokens().size() == 1 && program.metadata().hasSource() &&
               options.count != 0;
  if (!waits)
    if (Status status = model.prefill(text.tokens(), chunk, Model::Want::Last);
        !status)
      return status;
  promptTokens += text.promptTokens();
  promptSeconds += now() - begin;
  return waits ? Status() : advance(place);
}

/// Chooses the next token of a text; frees its place if that was the last.
Status Generations::advance(size_t place) {
  if (interrupted())
    return interruption();
  model.select(place);
  auto goesOn = places[place]->choose(model.logits(), model.position());
  if (!goesOn)
    return goesOn.takeError();
  return *goesOn ? Status() : end(place);
}

Status Generations::end(size_t place) {
  std::unique_ptr<Continuation> text = std::move(places[place]);
  generated += text->generated();
  // An idle place has no context that its row would have to attend to.
  model.select(place);
  model.reset();
  if (Status status = text->finish(); !status)
    return status;
  if (text->isContextFull())
    printNote(strCat("note: the context of ", program.metadata().model.context,
                     " tokens is full: ", text->promptTokens(),
                     " of the prompt, ", text->generated(), " generated\n"));
  return {};
}

/// The next token of every text.
Status Generations::decode() {
  std::vector<Model::Step> steps;
  for (size_t place = 0; place < places.size(); ++place)
    if (places[place])
      steps.push_back({int64_t(place), places[place]->tokens().back()});
  if (steps.empty())
    return {};
  if (Status status = model.decodeTogether(steps); !status)
    return status;
  for (const Model::Step &step : steps)
    if (Status status = advance(step.sequence); !status)
      return status;
  return {};
}

bool Generations::isIdle() const {
  return std::ranges::none_of(places, [](auto &text) { return bool(text); });
}

Status Generations::cutOff(Status status) {
  if (status || status.error().code != ExitCode::Interrupted)
    return status;
  for (std::unique_ptr<Continuation> &text : places)
    if (text)
      if (Status finished = text->finish(/*cut=*/true); !finished)
        return finished;
  return status;
}

Status Generations::run(std::vector<Prompt> prompts, size_t together) {
  places.resize(std::min(together, prompts.size()));
  size_t next = 0;
  do {
    for (size_t place = 0; place < places.size(); ++place)
      while (!places[place] && next < prompts.size())
        if (Status status = start(place, std::move(prompts[next++])); !status)
          return cutOff(std::move(status));
    if (Status status = decode(); !status)
      return cutOff(std::move(status));
  } while (!isIdle() || next < prompts.size());
  return {};
}
