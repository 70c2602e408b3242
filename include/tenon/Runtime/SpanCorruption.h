//===- SpanCorruption.h - spans to guess ------------------------*- C++ -*-===//
#ifndef TENON_RUNTIME_SPANCORRUPTION_H
#define TENON_RUNTIME_SPANCORRUPTION_H

#include "tenon/Runtime/Corruption.h"

#include <optional>

namespace tenon::runtime {

/// Hides spans of a text as T5's pre-training does (arXiv:1910.10683, section
/// 3.1.4): `share` of its tokens, in spans of `meanLength` in the mean, of
/// which each becomes one sentinel of the source. The target is every sentinel
/// with the tokens that it stands for. How many tokens and spans there are
/// follows from the text's length; where they are, from a draw among all ways
/// to cut it, alike for each way.
class SpanCorruption : public Corruption {
public:
  struct Options {
    double share = 0.15;   ///< of tokens that are hidden, below 1
    double meanLength = 3; ///< of a span, 1 or more
    /// What stands for the first span, the second, ...: not empty.
    std::vector<int32_t> sentinels;
    int32_t start = 0;          ///< what a decoder begins with
    std::optional<int32_t> end; ///< what ends source and target
    int64_t longest = 0; ///< tokens that the model takes of a target; 2 or more
    uint64_t seed = 1;
  };

  explicit SpanCorruption(Options options) : options(std::move(options)) {}

  /// A text of fewer than two tokens, but for its end, has nothing to guess.
  TrainingSequence apply(const TrainingSequence &sequence,
                         uint64_t place) override;

private:
  Options options;
  std::vector<int32_t> source, tokens;
};

} // namespace tenon::runtime

#endif // TENON_RUNTIME_SPANCORRUPTION_H
