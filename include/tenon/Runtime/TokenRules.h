//===- TokenRules.h - what may follow, beyond what the model says -*- C++
//-*-===//
//
// The constraints of Transformers' generation configurations
// (generation/logits_process.py), in its order.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_RUNTIME_TOKENRULES_H
#define TENON_RUNTIME_TOKENRULES_H

#include "tenon/Runtime/Metadata.h"

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace tenon::runtime {

struct TokenRules {
  /// Those of the model's generation configuration.
  static TokenRules of(const Metadata &metadata);

  std::optional<int32_t> forcedFirst;   ///< after the prompt, if that is 1 long
  std::vector<int32_t> forcedLast;      ///< where the length ends a text
  std::vector<int32_t> suppressed;      ///< never
  std::vector<int32_t> suppressedFirst; ///< not right after the prompt
  std::vector<std::vector<int32_t>> badWords; ///< never one after the other
  std::vector<int32_t> ends;                  ///< what ends a text
  int64_t noRepeatNgram = 0; ///< no n tokens twice; 0: they may
  int64_t minLength = 0;     ///< of prompt and text: no end before it
  int64_t maxLength = 0;     ///< of prompt and text; 0: no forcedLast

  /// Whether any of them can forbid anything.
  bool any() const;

  /// Sets the scores (logits or log-probabilities) of what must not follow
  /// `tokens` to minus infinity. `promptLength` of them were given.
  void apply(std::span<float> scores, std::span<const int32_t> tokens,
             size_t promptLength) const;
};

} // namespace tenon::runtime

#endif // TENON_RUNTIME_TOKENRULES_H
