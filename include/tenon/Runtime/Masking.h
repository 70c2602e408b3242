//===- Masking.h - words to guess -------------------------------*- C++ -*-===//
#ifndef TENON_RUNTIME_MASKING_H
#define TENON_RUNTIME_MASKING_H

#include "tenon/Runtime/TrainingData.h"

namespace tenon::runtime {

/// Hides tokens of sequences as BERT's pre-training does (arXiv:1810.04805): of
/// those that are chosen, which are the targets, 80 % become the mask, 10 %
/// another token, 10 % stay. What happens at a position follows from the seed,
/// the sequence's place in the training and the position alone, so that a
/// training goes on anywhere as if it had not stopped.
class Masking {
public:
  struct Options {
    double share = 0.15; ///< of tokens that are chosen, above 0
    int32_t mask = 0;    ///< the token that hides
    int64_t vocabulary = 1;
    uint64_t seed = 1;
    /// Tokens that are never hidden, as [CLS] and [SEP] are; by id, or empty.
    std::vector<bool> spared;
  };

  explicit Masking(Options options) : options(std::move(options)) {}

  /// The sequence with its targets; at least one token is chosen if there is
  /// one that may be. Views of memory that the next call changes.
  TrainingSequence apply(const TrainingSequence &sequence, uint64_t place);

private:
  bool mayHide(int32_t token) const {
    auto id = static_cast<size_t>(token);
    return id >= options.spared.size() || !options.spared[id];
  }

  Options options;
  std::vector<int32_t> tokens, targets;
};

} // namespace tenon::runtime

#endif // TENON_RUNTIME_MASKING_H
