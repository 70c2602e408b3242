//===- RopeFrequencies.cpp - the angles of rotary positions ---------------===//
//
// transformers/modeling_rope_utils.py has the same formulas, and the papers
// that Rope.h names.
//
//===----------------------------------------------------------------------===//

#include "tenon/Language/Rope.h"

#include <algorithm>
#include <cmath>
#include <numbers>

using namespace tenon::lang;

static constexpr double kTurn = 2 * std::numbers::pi;

/// Llama 3: frequencies of many turns in the original context stay, those of
/// few are divided, and between they are interpolated.
static double stretchLlama3(const Rope &rope, double frequency) {
  double turns = static_cast<double>(rope.originalContext) * frequency / kTurn;
  if (turns < rope.lowFreqFactor)
    return frequency / rope.factor;
  if (turns > rope.highFreqFactor)
    return frequency;
  double smooth =
      (turns - rope.lowFreqFactor) / (rope.highFreqFactor - rope.lowFreqFactor);
  return frequency * ((1 - smooth) / rope.factor + smooth);
}

/// Yarn: between two places of the list the frequencies go over from what they
/// were to a `factor`th of it.
static void stretchYarn(const Rope &rope, int64_t dim,
                        std::vector<double> &frequencies) {
  auto width = static_cast<double>(dim);
  auto placeOf = [&](double turns) {
    return width *
           std::log(static_cast<double>(rope.originalContext) /
                    (turns * kTurn)) /
           (2 * std::log(rope.theta));
  };
  double low = placeOf(rope.betaFast), high = placeOf(rope.betaSlow);
  if (rope.truncate) {
    low = std::floor(low);
    high = std::ceil(high);
  }
  low = std::max(low, 0.0);
  high = std::min(high, width - 1);
  if (low == high)
    high += 0.001;
  for (size_t j = 0; j < frequencies.size(); ++j) {
    double ramp =
        std::clamp((static_cast<double>(j) - low) / (high - low), 0.0, 1.0);
    frequencies[j] *= (1 - ramp) + ramp / rope.factor;
  }
}

static double yarnScale(double factor, double mscale) {
  return factor <= 1 ? 1.0 : 0.1 * mscale * std::log(factor) + 1.0;
}

/// What attention's cosines and sines are multiplied by.
static double attentionScale(const Rope &rope) {
  switch (rope.type) {
  case Rope::Type::Yarn:
    if (rope.attentionFactor)
      return *rope.attentionFactor;
    if (rope.mscale.value_or(0) != 0 && rope.mscaleAllDim.value_or(0) != 0)
      return yarnScale(rope.factor, *rope.mscale) /
             yarnScale(rope.factor, *rope.mscaleAllDim);
    return yarnScale(rope.factor, 1);
  case Rope::Type::LongRope:
    if (rope.attentionFactor)
      return *rope.attentionFactor;
    if (rope.factor <= 1)
      return 1;
    return std::sqrt(1 + std::log(rope.factor) / std::log(static_cast<double>(
                                                     rope.originalContext)));
  default:
    return 1;
  }
}

std::string tenon::lang::checkRope(const Rope &rope, int64_t dim) {
  if (rope.type == Rope::Type::LongRope)
    for (const auto *list : {&rope.shortFactors, &rope.longFactors})
      if (static_cast<int64_t>(list->size()) != dim / 2)
        return "longrope has " + std::to_string(list->size()) +
               " factors, one for each pair of components is " +
               std::to_string(dim / 2);
  if (rope.type == Rope::Type::Dynamic && dim < 4)
    return "a dynamic rope turns at least 4 components";
  if ((rope.type == Rope::Type::Yarn && !(rope.theta > 1)) ||
      (rope.type == Rope::Type::LongRope && rope.originalContext < 2))
    return "its theta or context is too small";
  return "";
}

RopeFrequencies tenon::lang::ropeFrequencies(const Rope &rope, int64_t dim,
                                             int64_t context) {
  RopeFrequencies result;
  auto width = static_cast<double>(dim);
  double theta = rope.theta;
  if (rope.type == Rope::Type::Dynamic && context > rope.declaredContext) {
    double ratio = static_cast<double>(context) /
                   static_cast<double>(rope.declaredContext);
    theta *=
        std::pow(rope.factor * ratio - (rope.factor - 1), width / (width - 2));
  }
  bool isLong = context > rope.originalContext;
  auto turning = static_cast<int64_t>(rope.partialFactor * width / 2);
  for (int64_t j = 0; j < dim / 2; ++j) {
    double frequency = std::pow(theta, -2.0 * static_cast<double>(j) / width);
    switch (rope.type) {
    case Rope::Type::Linear:
      frequency /= rope.factor;
      break;
    case Rope::Type::Llama3:
      frequency = stretchLlama3(rope, frequency);
      break;
    case Rope::Type::LongRope:
      frequency /= (isLong ? rope.longFactors : rope.shortFactors)[j];
      break;
    case Rope::Type::Proportional:
      frequency = j < turning ? frequency / rope.factor : 0.0;
      break;
    default:
      break;
    }
    result.frequencies.push_back(frequency);
  }
  if (rope.type == Rope::Type::Yarn)
    stretchYarn(rope, dim, result.frequencies);
  result.scale = attentionScale(rope);
  return result;
}
