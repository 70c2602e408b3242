//===- SpanCorruption.cpp - spans to guess --------------------------------===//
#include "tenon/Runtime/SpanCorruption.h"

#include "tenon/Runtime/Permutation.h"

#include <algorithm>
#include <cmath>

using namespace tenon::runtime;

/// Lengths of `parts` pieces, none empty, that `count` tokens are cut into: the
/// places of the cuts are the first ones in an order that the key chooses.
static std::vector<int64_t> cutAtRandom(int64_t count, int64_t parts,
                                        uint64_t key) {
  std::vector<int64_t> ends;
  if (parts > 1) {
    Permutation order(static_cast<uint64_t>(count - 1), key);
    for (int64_t i = 0; i + 1 < parts; ++i)
      ends.push_back(static_cast<int64_t>(order(i)) + 1);
  }
  ends.push_back(count);
  std::ranges::sort(ends);
  for (int64_t i = parts - 1; i > 0; --i)
    ends[i] -= ends[i - 1];
  return ends;
}

TrainingSequence SpanCorruption::apply(const TrainingSequence &sequence,
                                       uint64_t place) {
  std::span<const int32_t> text = sequence.tokens;
  if (options.end && !text.empty() && text.back() == *options.end)
    text = text.first(text.size() - 1);
  auto count = static_cast<int64_t>(text.size());
  source.clear();
  tokens.assign(1, options.start);
  TrainingSequence result;
  if (count < 2)
    return result;
  int64_t hidden = std::clamp<int64_t>(
      std::llround(static_cast<double>(count) * options.share), 1, count - 1);
  auto spansOf = [&](int64_t tokens) {
    auto spans = std::llround(static_cast<double>(tokens) / options.meanLength);
    int64_t most =
        std::min<int64_t>({tokens, count - tokens,
                           static_cast<int64_t>(options.sentinels.size())});
    return std::clamp<int64_t>(spans, 1, most);
  };
  // The target is fed but for its last token, with the start before it.
  while (hidden > 1 &&
         hidden + spansOf(hidden) + (options.end ? 1 : 0) > options.longest)
    --hidden;
  int64_t spans = spansOf(hidden);
  uint64_t key = mixBits(options.seed ^ mixBits(place));
  std::vector<int64_t> kept = cutAtRandom(count - hidden, spans, key ^ 1);
  std::vector<int64_t> lost = cutAtRandom(hidden, spans, key ^ 2);
  for (int64_t i = 0; i < spans; ++i) {
    auto take = [&](std::vector<int32_t> &to, int64_t size) {
      to.insert(to.end(), text.begin(), text.begin() + size);
      text = text.subspan(size);
    };
    take(source, kept[i]);
    source.push_back(options.sentinels[i]);
    tokens.push_back(options.sentinels[i]);
    take(tokens, lost[i]);
  }
  if (options.end) {
    source.push_back(*options.end);
    tokens.push_back(*options.end);
  }
  result.source = source;
  result.tokens = tokens;
  result.targets = result.tokens.subspan(1);
  result.fed = result.asked = static_cast<int64_t>(tokens.size()) - 1;
  return result;
}
