//===- BeamSearch.h - the likeliest texts, several at a time ----*- C++ -*-===//
//
// The search of Transformers (generation/utils.py, _beam_search, since 4.50),
// token by token and score by score: of the continuations of all beams the
// best are looked at, twice as many as there are beams and more if several
// tokens end a text. Those that end are results if they are among the best;
// the others go on.
//
// Knows no model: who uses it gives log-probabilities and keeps a context for
// each beam.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_RUNTIME_BEAMSEARCH_H
#define TENON_RUNTIME_BEAMSEARCH_H

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace tenon::runtime {

struct BeamOptions {
  /// When the search ends though beams are left.
  enum class Stop {
    Likely, ///< when the best beam would not be a result if it ended now
    Full,   ///< as soon as there are as many results as beams
    Never,  ///< when no beam can become a result, however it goes on
  };
  size_t beams = 4;
  /// A result's score is its log-probability, divided by its length (without
  /// the prompt) to this power: above 0 long texts are favoured.
  double lengthPenalty = 1.0;
  Stop stop = Stop::Likely;
  size_t maxLength = 0;      ///< of prompt and text, at least one more than it
  std::vector<int32_t> ends; ///< tokens that end a text
};

class BeamSearch {
public:
  struct Beam {
    std::vector<int32_t> tokens; ///< those of the prompt first
    float score = 0;             ///< log-probability of what follows it
    size_t parent = 0;           ///< its beam before, among those running then
  };

  BeamSearch(BeamOptions options, std::vector<int32_t> prompt);

  /// The beams whose next tokens are wanted, best first; at first one, that of
  /// the prompt.
  const std::vector<Beam> &running() const { return beams; }
  size_t promptLength() const { return length; }

  /// Goes one token on. `rows` are the log-probabilities of what follows the
  /// running beams, in their order; minus infinity never follows. False: the
  /// search is over.
  bool advance(std::span<const std::vector<float>> rows);

  /// The results so far, best first, with their final scores: at most as many
  /// as beams.
  const std::vector<Beam> &results() const { return finished; }

private:
  struct Candidate {
    float score;
    uint32_t beam;
    int32_t token;
  };
  std::vector<Candidate> best(std::span<const std::vector<float>> rows) const;
  float finalScore(float score, size_t tokens) const;
  bool canImprove() const;

  BeamOptions options;
  size_t length; ///< of the prompt
  std::vector<Beam> beams, finished;
  bool improvable = true;
};

/// Turns logits into their log-probabilities; NaN counts as minus infinity.
void toLogProbabilities(std::span<const float> logits, std::vector<float> &to);

} // namespace tenon::runtime

#endif // TENON_RUNTIME_BEAMSEARCH_H
