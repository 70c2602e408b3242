//===- Searches.cpp - beam searches of several texts ----------------------===//
#include "Searches.h"

#include "Json.h"

#include "tenon/Runtime/Interrupt.h"
#include "tenon/Support/Strings.h"
#include "tenon/Support/Utf8.h"

#include <algorithm>
#include <unordered_set>

using namespace tenon;
using namespace tenon::runtime;

Status Searches::start(size_t group, Prompt prompt, size_t number) {
  double begin = now();
  std::vector<int32_t> source = std::move(prompt.source);
  BeamOptions beams = options.beams;
  size_t length = prompt.tokens.size();
  size_t context = program.metadata().model.context;
  beams.maxLength = options.count >= 0 ? length + options.count
                    : options.maxLength
                        ? std::max<size_t>(options.maxLength, length + 1)
                        : context;
  // The last token of all is never asked what follows it.
  beams.maxLength = std::min(beams.maxLength, context + 1);
  std::vector<int64_t> own;
  for (size_t i = 0; i < beams.beams; ++i)
    own.push_back(static_cast<int64_t>(group * beams.beams + i));
  model.select(own[0]);
  model.reset();
  if (!source.empty() || prompt.arrays)
    if (Status status = model.encodeSource(
            source, prompt.arrays ? *prompt.arrays : NamedArrays());
        !status)
      return status;
  // A decoder's start token goes with the next tokens of the others.
  bool waits = length == 1 && program.metadata().hasSource();
  if (!waits)
    if (Status status = model.prefill(prompt.tokens, 0, Model::Want::Last);
        !status)
      return status;
  promptTokens += length + source.size();
  promptLengths[number] = length;
  TokenRules rules = options.rules;
  rules.maxLength = static_cast<int64_t>(beams.maxLength);
  groups[group] = std::make_unique<Search>(
      Search{number,
             BeamSearch(std::move(beams), std::move(prompt.tokens)),
             std::move(rules),
             own,
             {own[0]}});
  promptSeconds += now() - begin;
  return waits ? Status() : advance(group);
}

/// As Transformers applies it to the log-probabilities of beams.
static void penalize(std::span<float> scores, std::span<const int32_t> tokens,
                     double penalty) {
  if (penalty == 1.0)
    return;
  std::unordered_set<int32_t> seen(tokens.begin(), tokens.end());
  for (int32_t token : seen)
    if (token >= 0 && static_cast<size_t>(token) < scores.size())
      scores[token] *=
          static_cast<float>(scores[token] < 0 ? penalty : 1.0 / penalty);
}

Status Searches::advance(size_t group) {
  if (interrupted())
    return interruption();
  Search &search = *groups[group];
  const std::vector<BeamSearch::Beam> &before = search.beams.running();
  rows.resize(std::max(rows.size(), before.size()));
  for (size_t i = 0; i < before.size(); ++i) {
    model.select(search.places[i]);
    toLogProbabilities(model.logits(), rows[i]);
    penalize(rows[i], before[i].tokens, options.repeatPenalty);
    search.rules.apply(rows[i], before[i].tokens, search.beams.promptLength());
  }
  size_t count = before.size();
  bool goesOn = search.beams.advance(std::span(rows).first(count));
  generated += count;
  if (!goesOn)
    return end(group);

  // A beam's first child keeps its sequence; the others get one that is free.
  std::vector<int64_t> free = search.own, places;
  std::vector<bool> taken(search.places.size(), false);
  for (const BeamSearch::Beam &beam : search.beams.running())
    std::erase(free, search.places[beam.parent]);
  for (const BeamSearch::Beam &beam : search.beams.running()) {
    int64_t parent = search.places[beam.parent];
    if (!taken[beam.parent]) {
      taken[beam.parent] = true;
      places.push_back(parent);
      continue;
    }
    model.copySequence(parent, free.back());
    places.push_back(free.back());
    free.pop_back();
  }
  search.places = std::move(places);
  return {};
}

/// The next token of every beam of every search.
Status Searches::decode() {
  std::vector<Model::Step> steps;
  for (const std::unique_ptr<Search> &search : groups)
    if (search)
      for (size_t i = 0; i < search->places.size(); ++i)
        steps.push_back(
            {search->places[i], search->beams.running()[i].tokens.back()});
  if (steps.empty())
    return {};
  if (Status status = model.decodeTogether(steps); !status)
    return status;
  for (size_t group = 0; group < groups.size(); ++group)
    if (groups[group])
      if (Status status = advance(group); !status)
        return status;
  return {};
}

Status Searches::end(size_t group) {
  std::unique_ptr<Search> search = std::move(groups[group]);
  for (int64_t place : search->own) {
    model.select(place);
    model.reset();
  }
  results[search->number] = search->beams.results();
  return print();
}

Status Searches::print() {
  while (printed < results.size() && results[printed]) {
    if (Status status = printOne(*results[printed], printed); !status)
      return status;
    results[printed++] = std::vector<BeamSearch::Beam>();
  }
  return {};
}

Status Searches::printOne(const std::vector<BeamSearch::Beam> &found,
                          size_t prompt) {
  OrderedJson root = OrderedJson::array();
  std::string lines;
  for (size_t i = 0; i < std::min(options.results, found.size()); ++i) {
    std::span tokens(found[i].tokens);
    tokens = tokens.subspan(promptLengths[prompt]);
    std::string ids, text;
    for (int32_t token : tokens)
      ids += strCat(ids.empty() ? "" : " ", token);
    if (tokenizer)
      for (int32_t token : tokens)
        if (!tokenizer->isSpecial(token))
          text += tokenizer->decodePiece(token, text.empty());
    OrderedJson object = {
        {"score", found[i].score},
        {"tokens", std::vector<int32_t>(tokens.begin(), tokens.end())}};
    if (tokenizer)
      object["text"] = text;
    root.push_back(std::move(object));
    lines += (options.printTokens ? ids : replaceInvalidUtf8(text)) + "\n";
  }
  return options.json ? writeJson(root) : writeOutput(lines);
}

Status Searches::run(std::vector<Prompt> prompts, size_t together) {
  groups.resize(std::min(together, prompts.size()));
  results.resize(prompts.size());
  promptLengths.resize(prompts.size());
  if (Status status = model.reserveSequences(
          static_cast<int64_t>(groups.size() * options.beams.beams));
      !status)
    return status;
  size_t next = 0;
  auto isIdle = [&] {
    return std::ranges::none_of(groups, [](auto &search) { return !!search; });
  };
  do {
    for (size_t group = 0; group < groups.size(); ++group)
      while (!groups[group] && next < prompts.size()) {
        size_t number = next++;
        if (Status status = start(group, std::move(prompts[number]), number);
            !status)
          return status;
      }
    if (Status status = decode(); !status)
      return status;
  } while (!isIdle() || next < prompts.size());
  return {};
}
