//===- BeamSearch.cpp - the likeliest texts, several at a time ------------===//
#include "tenon/Runtime/BeamSearch.h"

#include "tenon/Runtime/Sampler.h"

#include <algorithm>
#include <cmath>
#include <limits>

using namespace tenon::runtime;

BeamSearch::BeamSearch(BeamOptions options, std::vector<int32_t> prompt)
    : options(std::move(options)), length(prompt.size()) {
  beams.push_back({std::move(prompt), 0, 0});
}

/// The best continuations, best first, of all beams together. Equal scores are
/// ordered by beam and token.
std::vector<BeamSearch::Candidate>
BeamSearch::best(std::span<const std::vector<float>> rows) const {
  size_t count = std::max<size_t>(2, 1 + options.ends.size()) * options.beams;
  auto isBetter = [](const Candidate &a, const Candidate &b) {
    if (a.score != b.score)
      return a.score > b.score;
    return a.beam != b.beam ? a.beam < b.beam : a.token < b.token;
  };
  std::vector<Candidate> heap; // the worst of them first
  float least = -std::numeric_limits<float>::infinity();
  for (uint32_t beam = 0; beam < rows.size(); ++beam)
    for (size_t token = 0; token < rows[beam].size(); ++token) {
      float score = rows[beam][token] + beams[beam].score;
      if (!(score > least))
        continue;
      heap.push_back({score, beam, static_cast<int32_t>(token)});
      std::ranges::push_heap(heap, isBetter);
      if (heap.size() <= count)
        continue;
      std::ranges::pop_heap(heap, isBetter);
      heap.pop_back();
      least = heap.front().score;
    }
  std::ranges::sort(heap, isBetter);
  return heap;
}

float BeamSearch::finalScore(float score, size_t tokens) const {
  return score /
         static_cast<float>(std::pow(static_cast<double>(tokens - length),
                                     options.lengthPenalty));
}

/// Whether the best beam may yet become a result.
bool BeamSearch::canImprove() const {
  if (beams.empty())
    return false;
  if (finished.size() < options.beams)
    return true;
  bool optimistic =
      options.stop == BeamOptions::Stop::Never && options.lengthPenalty > 0;
  size_t tokens = optimistic ? options.maxLength : beams[0].tokens.size();
  return finalScore(beams[0].score, tokens) > finished.back().score;
}

bool BeamSearch::advance(std::span<const std::vector<float>> rows) {
  std::vector<Candidate> candidates = best(rows);
  std::vector<Beam> next;
  bool isFull = finished.size() == options.beams &&
                options.stop == BeamOptions::Stop::Full;
  bool allEnd = true;
  std::vector<Beam> ended;
  for (size_t rank = 0; rank < candidates.size(); ++rank) {
    const Candidate &candidate = candidates[rank];
    size_t tokens = beams[candidate.beam].tokens.size() + 1;
    bool ends =
        tokens >= options.maxLength ||
        std::ranges::find(options.ends, candidate.token) != options.ends.end();
    allEnd &= ends;
    if (ends ? rank >= options.beams || isFull || !improvable
             : next.size() == options.beams)
      continue;
    Beam beam = beams[candidate.beam];
    beam.tokens.push_back(candidate.token);
    beam.score = candidate.score;
    beam.parent = candidate.beam;
    if (ends)
      beam.score = finalScore(beam.score, tokens);
    (ends ? ended : next).push_back(std::move(beam));
  }
  // Behind those of the same score that were there before.
  for (Beam &beam : ended)
    finished.insert(std::ranges::upper_bound(finished, beam.score,
                                             std::greater<>(), &Beam::score),
                    std::move(beam));
  if (finished.size() > options.beams)
    finished.resize(options.beams);
  beams = std::move(next);
  improvable = improvable && canImprove();
  bool enough = finished.size() == options.beams &&
                options.stop == BeamOptions::Stop::Full;
  return improvable && !enough && !allEnd;
}

void tenon::runtime::toLogProbabilities(std::span<const float> logits,
                                        std::vector<float> &to) {
  double total = logSumExp(logits);
  to.resize(logits.size());
  for (size_t i = 0; i < logits.size(); ++i)
    to[i] = std::isnan(logits[i])
                ? -std::numeric_limits<float>::infinity()
                : static_cast<float>(static_cast<double>(logits[i]) - total);
}
