//===- Masking.cpp - words to guess ---------------------------------------===//
#include "tenon/Runtime/Masking.h"

#include "tenon/Runtime/Permutation.h"

using namespace tenon::runtime;

/// A number in [0, 1) that the key chooses.
static double drawUnit(uint64_t key) {
  return static_cast<double>(mixBits(key) >> 11) * 0x1p-53;
}

TrainingSequence Masking::apply(const TrainingSequence &sequence,
                                uint64_t place) {
  size_t count = sequence.tokens.size();
  tokens.assign(sequence.tokens.begin(), sequence.tokens.end());
  targets.assign(count, -1);
  uint64_t key = mixBits(options.seed ^ mixBits(place));
  TrainingSequence result;
  auto hide = [&](size_t i) {
    targets[i] = sequence.tokens[i];
    ++result.asked;
    double kind = drawUnit(key ^ mixBits(3 * i + 1));
    if (kind < 0.8)
      tokens[i] = options.mask;
    else if (kind < 0.9)
      tokens[i] = static_cast<int32_t>(drawUnit(key ^ mixBits(3 * i + 2)) *
                                       static_cast<double>(options.vocabulary));
  };
  // What is chosen if nothing else is: the position with the smallest number.
  size_t least = count;
  double smallest = 1;
  for (size_t i = 0; i < count; ++i) {
    if (!mayHide(sequence.tokens[i]))
      continue;
    double chance = drawUnit(key ^ mixBits(3 * i));
    if (chance < smallest) {
      smallest = chance;
      least = i;
    }
    if (chance < options.share)
      hide(i);
  }
  if (result.asked == 0 && least < count)
    hide(least);
  result.tokens = tokens;
  result.targets = targets;
  result.fed = static_cast<int64_t>(count);
  return result;
}
