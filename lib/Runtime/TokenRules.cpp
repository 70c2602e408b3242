//===- TokenRules.cpp - what may follow, beyond what the model says -------===//
#include "tenon/Runtime/TokenRules.h"

#include <algorithm>
#include <limits>

using namespace tenon;
using namespace tenon::runtime;

static constexpr float kNever = -std::numeric_limits<float>::infinity();

TokenRules TokenRules::of(const Metadata &metadata) {
  const GenerationDefaults &from = metadata.generation;
  TokenRules rules;
  if (from.forcedBos)
    rules.forcedFirst = static_cast<int32_t>(*from.forcedBos);
  rules.forcedLast = from.forcedEos;
  rules.suppressed = from.suppressed;
  rules.suppressedFirst = from.suppressedFirst;
  rules.badWords = from.badWords;
  rules.ends = metadata.model.eos;
  rules.noRepeatNgram = from.noRepeatNgram.value_or(0);
  rules.minLength = from.minLength.value_or(0);
  return rules;
}

bool TokenRules::any() const {
  return forcedFirst || (maxLength > 0 && !forcedLast.empty()) ||
         !suppressed.empty() || !suppressedFirst.empty() || !badWords.empty() ||
         noRepeatNgram > 0 || minLength > 0;
}

static void forbid(std::span<float> scores, int32_t token) {
  if (token >= 0 && static_cast<size_t>(token) < scores.size())
    scores[token] = kNever;
}

/// Nothing but these.
static void force(std::span<float> scores, std::span<const int32_t> tokens) {
  std::ranges::fill(scores, kNever);
  for (int32_t token : tokens)
    if (token >= 0 && static_cast<size_t>(token) < scores.size())
      scores[token] = 0;
}

void TokenRules::apply(std::span<float> scores, std::span<const int32_t> tokens,
                       size_t promptLength) const {
  int64_t length = static_cast<int64_t>(tokens.size());
  // What followed the last n - 1 tokens where they were before.
  if (noRepeatNgram > 0 && length + 1 >= noRepeatNgram) {
    auto last = tokens.last(noRepeatNgram - 1);
    for (int64_t at = 0; at + noRepeatNgram <= length; ++at)
      if (std::ranges::equal(tokens.subspan(at, noRepeatNgram - 1), last))
        forbid(scores, tokens[at + noRepeatNgram - 1]);
  }
  for (const std::vector<int32_t> &word : badWords) {
    if (word.empty() || word == ends || word.size() > tokens.size() + 1)
      continue;
    std::span before(word.data(), word.size() - 1);
    if (std::ranges::equal(tokens.last(before.size()), before))
      forbid(scores, word.back());
  }
  if (length < minLength)
    for (int32_t end : ends)
      forbid(scores, end);
  if (forcedFirst && length == 1)
    force(scores, {&*forcedFirst, 1});
  if (!forcedLast.empty() && maxLength > 0 && length == maxLength - 1)
    force(scores, forcedLast);
  for (int32_t token : suppressed)
    forbid(scores, token);
  // A forced first token is not what "first" means.
  size_t begin = promptLength == 1 && forcedFirst ? 2 : promptLength;
  if (tokens.size() == begin)
    for (int32_t token : suppressedFirst)
      forbid(scores, token);
}
