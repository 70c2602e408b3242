//===- Optimizer.cpp - the numbers of an optimizer's steps ----------------===//
#include "tenon/Runtime/Optimizer.h"

#include <algorithm>
#include <cmath>
#include <initializer_list>

using namespace tenon::runtime;

/// Of ten at most, rounded; those that are left are 0.
static std::array<float, 10> rounded(std::initializer_list<double> values) {
  std::array<float, 10> numbers{};
  std::ranges::transform(values, numbers.begin(), [](double value) {
    return static_cast<float>(value);
  });
  return numbers;
}

Optimizer Optimizer::of(Kind kind) {
  Optimizer optimizer;
  optimizer.kind = kind;
  if (kind == Kind::Sgd)
    optimizer.weightDecay = 0;
  if (kind == Kind::Lion)
    optimizer.beta2 = 0.99;
  if (kind == Kind::Muon) {
    optimizer.momentum = 0.95;
    optimizer.nesterov = true;
  }
  return optimizer;
}

std::optional<Optimizer::Kind> Optimizer::parse(std::string_view name) {
  if (name == "adamw")
    return Kind::AdamW;
  if (name == "sgd")
    return Kind::Sgd;
  if (name == "lion")
    return Kind::Lion;
  if (name == "muon")
    return Kind::Muon;
  return std::nullopt;
}

StepNumbers Optimizer::numbers(int64_t step, int64_t targets,
                               double rate) const {
  double scale = 1.0 / static_cast<double>(targets);
  double keep = 1 - rate * weightDecay;
  StepNumbers result;
  switch (kind) {
  case Kind::Sgd:
    result.entry = "update_momentum";
    result.numbers = rounded(
        {scale, clip, 1, weightDecay, nesterov ? momentum * momentum : momentum,
         nesterov ? 1 + momentum : 1, momentum, 1, rate, 0});
    return result;
  case Kind::Lion:
    result.entry = "update_momentum";
    result.numbers = rounded(
        {scale, clip, keep, 0, beta1, 1 - beta1, beta2, 1 - beta2, rate, 1});
    return result;
  case Kind::AdamW:
  case Kind::Muon:
    break;
  }
  result.entry = kind == Kind::Muon ? "update_muon" : "update";
  double bias1 = 1 - std::pow(beta1, step), bias2 = 1 - std::pow(beta2, step);
  result.numbers =
      rounded({scale, clip, keep, beta1, 1 - beta1, beta2, 1 - beta2,
               rate / bias1, std::sqrt(bias2), epsilon});
  result.muon = rounded(
      {scale, clip, keep, 1 - momentum, nesterov ? 1 - momentum : 0, rate});
  return result;
}
