//===- Sampler.cpp - chooses the next token from a row of logits ----------===//
#include "tenon/Runtime/Sampler.h"

#include "tenon/Support/Strings.h"
#include "tenon/Support/TargetClones.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
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

/// The largest value, -inf if there is none. Without branches: v > m is false
/// for NaN.
TENON_CLONES
static float largestOf(const float *values, size_t count) {
  constexpr size_t kChains = 64;
  float chains[kChains];
  std::fill(std::begin(chains), std::end(chains), kNothing);
  size_t whole = count / kChains * kChains;
  for (size_t i = 0; i < whole; i += kChains)
    for (size_t j = 0; j < kChains; ++j)
      chains[j] = values[i + j] > chains[j] ? values[i + j] : chains[j];
  for (size_t i = whole; i < count; ++i)
    chains[0] = values[i] > chains[0] ? values[i] : chains[0];
  return *std::max_element(std::begin(chains), std::end(chains));
}

int64_t tenon::runtime::argmax(std::span<const float> values) {
  float best = largestOf(values.data(), values.size());
  if (best == kNothing)
    return -1;
  return std::find(values.begin(), values.end(), best) - values.begin();
}

/// e^x for x <= 0, within three units of the last place; from -708 down 0, and
/// of NaN. Without branches: x = n log 2 + r with |r| <= log 2 / 2, whose power
/// series is below half of a unit after 14 terms.
static inline double expOfNegative(double x) {
  constexpr double kHuge = 0x1.8p52; // Whoever adds it rounds to integers.
  constexpr double kLog2High = 0x1.62e42fefa0000p-1; // n times it is exact.
  constexpr double kLog2Low = 0x1.cf79abc9e3b39p-40;
  double clamped = x > -708 ? x : -708.0;
  double shifted = clamped * 1.44269504088896340736 + kHuge;
  double n = shifted - kHuge;
  double r = clamped - n * kLog2High - n * kLog2Low;
  double power = 1.0 / 6227020800;
  for (double term : {1.0 / 479001600, 1.0 / 39916800, 1.0 / 3628800,
                      1.0 / 362880, 1.0 / 40320, 1.0 / 5040, 1.0 / 720,
                      1.0 / 120, 1.0 / 24, 1.0 / 6, 1.0 / 2, 1.0, 1.0})
    power = power * r + term;
  // The lowest bits of `shifted` are n.
  uint64_t exponent = (std::bit_cast<uint64_t>(shifted) + 1023) << 52;
  return x > -708 ? power * std::bit_cast<double>(exponent) : 0.0;
}

/// The sum of e^(v - largest), a vector's lanes added up apart. 58,101 values
/// take 0.1 ms rather than 0.5 with the C library's exp (Zen 3).
TENON_CLONES
static double sumOfExps(const float *values, size_t count, double largest) {
  constexpr size_t kChains = 16;
  double chains[kChains] = {};
  size_t whole = count / kChains * kChains;
  for (size_t i = 0; i < whole; i += kChains)
    for (size_t j = 0; j < kChains; ++j)
      chains[j] += expOfNegative(values[i + j] - largest);
  for (size_t i = whole; i < count; ++i)
    chains[0] += expOfNegative(values[i] - largest);
  double sum = 0;
  for (double chain : chains)
    sum += chain;
  return sum;
}

double tenon::runtime::logSumExp(std::span<const float> values) {
  double largest = largestOf(values.data(), values.size());
  if (std::isinf(largest))
    return largest;
  return largest + std::log(sumOfExps(values.data(), values.size(), largest));
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

/// Calls `take(index)` for the logits above `bar`, which it may raise.
template <typename Take>
static void forEachAbove(std::span<const float> logits, const float &bar,
                         Take take) {
  // Most blocks have none.
  constexpr size_t kBlock = 256;
  for (size_t first = 0; first < logits.size(); first += kBlock) {
    size_t count = std::min(kBlock, logits.size() - first);
    if (!(largestOf(logits.data() + first, count) > bar))
      continue;
    for (size_t i = first; i < first + count; ++i)
      if (logits[i] > bar)
        take(i);
  }
}

/// The `count` largest logits: those that do not pass the least of as many
/// others before them are left out. Equal ones come later in the order.
void Sampler::collectLargest(std::span<const float> logits, size_t count) {
  float bar = kNothing;
  const size_t room = 2 * count + 256;
  forEachAbove(logits, bar, [&](size_t i) {
    heap.push_back({logits[i], static_cast<int32_t>(i)});
    if (heap.size() < room)
      return;
    keepLargest(count);
    bar = heap[count - 1].logit;
  });
  keepLargest(count);
}

/// Leaves the `count` largest candidates, the least of them last.
void Sampler::keepLargest(size_t count) {
  if (heap.size() <= count)
    return;
  std::nth_element(
      heap.begin(), heap.begin() + (count - 1), heap.end(),
      [](const Candidate &a, const Candidate &b) { return isAfter(b, a); });
  heap.resize(count);
}

/// The logits from `least` on, but no infinitely small ones.
void Sampler::collectAbove(std::span<const float> logits, float least) {
  const float bar = std::nextafter(least, kNothing);
  forEachAbove(logits, bar, [&](size_t i) {
    heap.push_back({logits[i], static_cast<int32_t>(i)});
  });
}

/// Puts one more candidate in order; false if there is none.
bool Sampler::takeNext() {
  if (heap.empty())
    return false;
  std::pop_heap(heap.begin(), heap.end(), isAfter);
  ordered.push_back(heap.back());
  heap.pop_back();
  return true;
}

/// The sum of all probabilities in units of the largest.
static double sumWeights(std::span<const float> logits, float largest) {
  // Below, a million of them change no bit of the sum's first ten digits.
  constexpr float kRange = 40;
  double sum = 0;
  const float bar = largest - kRange;
  forEachAbove(logits, bar,
               [&](size_t i) { sum += std::exp(double(logits[i]) - largest); });
  return sum;
}

/// Top-p, given the sum of all probabilities, and min-p.
void Sampler::cutTail(double total) {
  // Not-a-number would come of infinity minus infinity: an infinite logit is
  // simply certain.
  if (std::isinf(ordered.front().logit)) {
    heap.clear();
    return;
  }
  if (options.topP == 1 && options.minP == 0)
    return;
  // The first is 1 apart from rounding, and always stays.
  for (double reached = 1;
       options.topP == 1 || reached < options.topP * total;) {
    if (!takeNext())
      break;
    double weight =
        std::exp(double(ordered.back().logit) - ordered.front().logit);
    if (weight < options.minP) {
      ordered.pop_back();
      break;
    }
    reached += weight;
  }
  heap.clear();
}

int32_t Sampler::draw() {
  // The first is 0 apart whatever its logit, infinity too.
  auto weight = [&](const Candidate &candidate) {
    double below = double(candidate.logit) - ordered.front().logit;
    return std::exp(below / options.temperature);
  };
  double total = 1;
  for (size_t i = 1; i < ordered.size(); ++i)
    total += weight(ordered[i]);
  for (const Candidate &candidate : heap)
    total += weight(candidate);
  double mark = random.uniform() * total;
  for (size_t i = 0; i < ordered.size() || takeNext(); ++i)
    if ((mark -= i == 0 ? 1 : weight(ordered[i])) < 0)
      return ordered[i].token;
  return ordered.back().token;
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
  float largest = logits[best];
  size_t most = static_cast<size_t>(options.topK);
  bool isCut = most != 0 && most < logits.size();
  heap.clear();
  ordered.clear();
  if (isCut)
    collectLargest(logits, most);
  else
    // Min-p alone says what is too small; a little more stays, for rounding.
    collectAbove(logits, options.minP > 0 && std::isfinite(largest)
                             ? largest + std::log(options.minP) - 0.01f
                             : std::numeric_limits<float>::lowest());
  double total = 0;
  if (options.topP < 1 && isCut)
    for (const Candidate &candidate : heap)
      total += std::exp(double(candidate.logit) - largest);
  else if (options.topP < 1)
    total = sumWeights(logits, largest);
  std::make_heap(heap.begin(), heap.end(), isAfter);
  takeNext();
  cutTail(total);
  return draw();
}
