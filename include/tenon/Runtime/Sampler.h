//===- Sampler.h - chooses the next token from a row of logits
//-------------===//
//
// The order is that of llama.cpp's default chain (common/sampling):
// repeat penalty, top-k, top-p, min-p, temperature, draw.
//
//   repeat penalty  Keskar et al. 2019 (CTRL), as in llama.cpp and Hugging
//   Face:
//                   the logit of a token seen is divided by the penalty if it
//                   is positive and multiplied by it otherwise
//   top-k           Fan et al. 2018: the k largest
//   top-p           Holtzman et al. 2019 (nucleus): the fewest tokens, largest
//                   first, whose probabilities reach p
//   min-p           Nguyen et al. 2024: those with at least p times the
//                   probability of the likeliest
//
// Equal logits are ordered by token id, so a seed determines the text. Only as
// many logits are put in order as the cuts and the draw look at.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_RUNTIME_SAMPLER_H
#define TENON_RUNTIME_SAMPLER_H

#include "tenon/Support/Error.h"

#include <array>
#include <cstdint>
#include <span>
#include <vector>

namespace tenon::runtime {

/// xoshiro256** (Blackman and Vigna 2018) seeded by splitmix64: the same
/// numbers from the same seed everywhere, which std::*_distribution doesn't
/// promise.
class Random {
public:
  explicit Random(uint64_t seed);
  uint64_t next();
  /// Uniform in [0, 1), from the upper 53 bits.
  double uniform() { return (next() >> 11) * 0x1.0p-53; }
  /// Uniform in [0, n), n > 0 (multiply-shift; the bias is below 2^-32 for the
  /// vocabularies that it is used with).
  uint64_t below(uint64_t n);

private:
  std::array<uint64_t, 4> state;
};

struct SamplerOptions {
  double temperature = 0.8;   ///< 0: the largest logit, lowest id among equals
  int64_t topK = 40;          ///< 0: all
  double topP = 0.95;         ///< 1: all
  double minP = 0.05;         ///< 0: all
  double repeatPenalty = 1.0; ///< 1: none
  int64_t repeatLastN = 64;   ///< tokens looked back at; -1: all
  uint64_t seed = 0;

  /// An empty string, or what is wrong: "--top-p is 1.5, must be in (0, 1]".
  std::string check() const;
};

class Sampler {
public:
  explicit Sampler(const SamplerOptions &options);

  /// The next token. `history` holds all tokens so far, prompt included.
  /// Not-a-number counts as minus infinity; when nothing is left, or the row
  /// is empty, that is an error.
  Expected<int32_t> sample(std::span<const float> logits,
                           std::span<const int32_t> history);

private:
  struct Candidate {
    float logit;
    int32_t token;
  };

  std::span<const float> penalized(std::span<const float> logits,
                                   std::span<const int32_t> history);
  void collectLargest(std::span<const float> logits, size_t count);
  void collectAbove(std::span<const float> logits, float least);
  bool takeNext();
  void keepLargest(size_t count);
  void cutTail(double total);
  int32_t draw();
  /// Whether candidate a comes after b.
  static bool isAfter(const Candidate &a, const Candidate &b) {
    return a.logit != b.logit ? a.logit < b.logit : a.token > b.token;
  }

  SamplerOptions options;
  Random random;
  std::vector<float> scratch;
  std::vector<Candidate> heap;    ///< those that have no order yet
  std::vector<Candidate> ordered; ///< those before them, largest logit first
};

/// Index of the largest value, the lowest among equals, NaN never; -1 if there
/// is none.
int64_t argmax(std::span<const float> values);

/// log(sum(exp(values))) in double precision, NaN counted as minus infinity.
double logSumExp(std::span<const float> values);

} // namespace tenon::runtime

#endif // TENON_RUNTIME_SAMPLER_H
