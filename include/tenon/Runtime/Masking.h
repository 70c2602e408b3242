//===- Masking.h - words to guess -------------------------------*- C++ -*-===//
#ifndef TENON_RUNTIME_MASKING_H
#define TENON_RUNTIME_MASKING_H

#include "tenon/Runtime/Corruption.h"

namespace tenon::runtime {

/// Hides tokens of sequences as BERT's pre-training does (arXiv:1810.04805): of
/// those that are chosen, which are the targets, 80 % become the mask, 10 %
/// another token, 10 % stay. What happens at a position follows from it, too.
class Masking : public Corruption {
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

  /// At least one token is chosen if there is one that may be.
  TrainingSequence apply(const TrainingSequence &sequence,
                         uint64_t place) override;

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
