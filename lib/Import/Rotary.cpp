//===- Rotary.cpp - frequencies of rotary positions -----------------------===//

#include "tenon/Import/Import.h"

#include <cmath>
#include <numbers>

using namespace tenon;

std::vector<double>
tenon::rotaryFrequencies(const RotaryParameters &parameters) {
  std::vector<double> frequencies;
  double context = static_cast<double>(parameters.originalContext);
  for (int64_t j = 0; j < parameters.dim / 2; ++j) {
    double frequency =
        std::pow(parameters.theta, -2.0 * static_cast<double>(j) /
                                       static_cast<double>(parameters.dim));
    if (parameters.scaling == "linear") {
      frequency /= parameters.factor;
    } else if (parameters.scaling == "llama3") {
      double turns = context * frequency / (2 * std::numbers::pi);
      if (turns < parameters.lowFreqFactor) {
        frequency /= parameters.factor;
      } else if (turns <= parameters.highFreqFactor) {
        double smooth = (turns - parameters.lowFreqFactor) /
                        (parameters.highFreqFactor - parameters.lowFreqFactor);
        frequency *= (1 - smooth) / parameters.factor + smooth;
      }
    }
    if (!parameters.divisors.empty())
      frequency /= parameters.divisors[j];
    frequencies.push_back(frequency);
  }
  return frequencies;
}
