//===- Sampler.cpp - chooses the next token from a row of logits ----------===//
#include "tenon/Runtime/Sampler.h"

#include "tenon/Support/Strings.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

using namespace tenon;
using namespace tenon::runtime;

namespace {
constexpr float kNothing = -std::numeric_limits<float>::infinity();

uint64_t rotateLeft(uint64_t x, int k) { return x << k | x >> (64 - k); }
} // namespace

Random::Random(uint64_t seed) {
  for (uint64_t &word : state) {
    // splitmix64: any seed, also 0, gives a state that isn't all zero.
    uint64_t z = seed += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    word = z ^ z >> 31;
  }
}

uint64_t Random::next() {
  uint64_t result = rotateLeft(state[1] * 5, 7) * 9;
  uint64_t t = state[1] << 17;
  state[2] ^= state[0];
  state[3] ^= state[1];
  state[1] ^= state[2];
  state[0] ^= state[3];
  state[2] ^= t;
  state[3] = rotateLeft(state[3], 45);
  return result;
}

uint64_t Random::below(uint64_t n) {
  return static_cast<uint64_t>((static_cast<unsigned __int128>(next()) * n) >>
                               64);
}

std::string SamplerOptions::check() const {
  auto number = [](double value) {
    std::string text = std::to_string(value);
    text.erase(text.find_last_not_of('0') + 1);
    if (text.ends_with('.'))
      text.pop_back();
    return text;
  };
  if (!(temperature >= 0) || std::isinf(temperature))
    return "the temperature is " + number(temperature) +
           ", must be 0 (greedy) or more";
  if (topK < 0)
    return "top-k is " + std::to_string(topK) + ", must be 0 (all) or more";
  if (!(topP > 0 && topP <= 1))
    return "top-p is " + number(topP) + ", must be above 0, 1 at most";
  if (!(minP >= 0 && minP <= 1))
    return "min-p is " + number(minP) + ", must be between 0 and 1";
  if (!(repeatPenalty > 0) || std::isinf(repeatPenalty))
    return "the repeat penalty is " + number(repeatPenalty) +
           ", must be above 0";
  if (repeatLastN < -1)
    return "repeat-last-n is " + std::to_string(repeatLastN) +
           ", must be -1 (all), 0 or more";
  return {};
}

int64_t tenon::runtime::argmax(std::span<const float> values) {
  // Eight chains without branches, which the compiler turns into vector code;
  // v > m is false for NaN.
  float chains[8];
  std::fill(std::begin(chains), std::end(chains), kNothing);
  size_t whole = values.size() / 8 * 8;
  for (size_t i = 0; i < whole; i += 8)
    for (size_t j = 0; j < 8; ++j)
      chains[j] = values[i + j] > chains[j] ? values[i + j] : chains[j];
  for (size_t i = whole; i < values.size(); ++i)
    chains[0] = values[i] > chains[0] ? values[i] : chains[0];
  float best = *std::max_element(std::begin(chains), std::end(chains));
  if (best == kNothing)
    return -1;
  return std::find(values.begin(), values.end(), best) - values.begin();
}

double tenon::runtime::logSumExp(std::span<const float> values) {
  int64_t top = argmax(values);
  if (top < 0)
    return -std::numeric_limits<double>::infinity();
  double largest = values[top];
  if (std::isinf(largest))
    return largest;
  double sum = 0;
  for (float value : values)
    if (value == value)
      sum += std::exp(value - largest);
  return largest + std::log(sum);
}

Sampler::Sampler(const SamplerOptions &options)
    : options(options), random(options.seed) {}

std::span<const float> Sampler::penalized(std::span<const float> logits,
                                          std::span<const int32_t> history) {
  if (options.repeatPenalty == 1 || options.repeatLastN == 0)
    return logits;
  if (options.repeatLastN > 0 &&
      history.size() > static_cast<size_t>(options.repeatLastN))
    history = history.last(options.repeatLastN);
  scratch.assign(logits.begin(), logits.end());
  float penalty = static_cast<float>(options.repeatPenalty);
  for (int32_t token : history) {
    if (token < 0 || static_cast<size_t>(token) >= logits.size())
      continue;
    // From the original, so that a token seen twice is punished once.
    float logit = logits[token];
    scratch[token] = logit > 0 ? logit / penalty : logit * penalty;
  }
  return scratch;
}

void Sampler::collect(std::span<const float> logits) {
  candidates.clear();
  for (size_t i = 0; i < logits.size(); ++i)
    if (logits[i] > kNothing)
      candidates.push_back({logits[i], static_cast<int32_t>(i)});
  auto larger = [](const Candidate &a, const Candidate &b) {
    return a.logit != b.logit ? a.logit > b.logit : a.token < b.token;
  };
  size_t k = static_cast<size_t>(options.topK);
  if (k != 0 && k < candidates.size()) {
    std::nth_element(candidates.begin(), candidates.begin() + k,
                     candidates.end(), larger);
    candidates.resize(k);
  }
  std::sort(candidates.begin(), candidates.end(), larger);
}

void Sampler::cutTail() {
  // Not-a-number would come of infinity minus infinity: an infinite logit is
  // simply certain.
  if (std::isinf(candidates.front().logit)) {
    candidates.resize(1);
    return;
  }
  auto weight = [&](size_t i) {
    return std::exp(double(candidates[i].logit) - candidates[0].logit);
  };
  if (options.topP < 1) {
    double total = 0;
    for (size_t i = 0; i < candidates.size(); ++i)
      total += weight(i);
    double reached = 0;
    size_t keep = 0;
    while (keep < candidates.size() && reached < options.topP * total)
      reached += weight(keep++);
    candidates.resize(std::max<size_t>(keep, 1));
  }
  if (options.minP > 0) {
    size_t keep = 1;
    while (keep < candidates.size() && weight(keep) >= options.minP)
      ++keep;
    candidates.resize(keep);
  }
}

int32_t Sampler::draw() {
  weights.resize(candidates.size());
  double total = 0;
  for (size_t i = 0; i < candidates.size(); ++i) {
    double below = double(candidates[i].logit) - candidates[0].logit;
    // The first is 0 apart whatever its logit, infinity too.
    weights[i] = i == 0 ? 1 : std::exp(below / options.temperature);
    total += weights[i];
  }
  double mark = random.uniform() * total;
  for (size_t i = 0; i < candidates.size(); ++i)
    if ((mark -= weights[i]) < 0)
      return candidates[i].token;
  return candidates.back().token;
}

Expected<int32_t> Sampler::sample(std::span<const float> logits,
                                  std::span<const int32_t> history) {
  logits = penalized(logits, history);
  int64_t best = argmax(logits);
  if (best < 0)
    return plainError(strCat("the model's output has no number in it (all ",
                             logits.size(),
                             " logits are NaN or -inf); its weights may be "
                             "damaged, which --verify tells"));
  if (options.temperature == 0)
    return static_cast<int32_t>(best);
  collect(logits);
  cutTail();
  return draw();
}
