//===- TrainingOptions.cpp - what a training is asked for -----------------===//
#include "TrainingOptions.h"

#include "tenon/Runtime/Permutation.h"

#include <algorithm>
#include <cmath>
#include <numbers>

using namespace tenon;
using namespace tenon::runtime;

double Schedule::factor(int64_t step) const {
  auto taken = static_cast<double>(step - 1);
  if (taken < static_cast<double>(warmup))
    return taken / static_cast<double>(warmup);
  if (kind == Kind::Constant)
    return 1;
  double left = static_cast<double>(std::max<int64_t>(1, steps - warmup));
  double progress = std::min(1.0, (taken - static_cast<double>(warmup)) / left);
  return kind == Kind::Linear
             ? 1 - progress
             : 0.5 * (1 + std::cos(std::numbers::pi * progress));
}

uint64_t TrainingOptions::sequenceAt(uint64_t place, uint64_t count) const {
  uint64_t epoch = place / count, index = place % count;
  bool isShuffled =
      shuffle == "on" || (shuffle.empty() && !data.ends_with(".bin"));
  if (!isShuffled)
    return index;
  return Permutation(count, static_cast<uint64_t>(seed) << 32 ^ epoch)(index);
}

OrderedJson TrainingOptions::toJson() const {
  return {{"data", data},
          {"held_out", heldOut},
          {"objective", objective},
          {"mask_token", maskToken},
          {"optimizer", optimizer},
          {"schedule", schedule},
          {"warmup", warmup},
          {"batch", batch},
          {"accumulate", accumulate},
          {"length", length},
          {"steps", steps},
          {"save_every", saveEvery},
          {"eval_every", evalEvery},
          {"epochs", epochs},
          {"shuffle", shuffle},
          {"seed", seed},
          {"long_texts", longTexts},
          {"rate", step.rate},
          {"beta1", step.beta1},
          {"beta2", step.beta2},
          {"epsilon", step.epsilon},
          {"weight_decay", step.weightDecay},
          {"momentum", step.momentum},
          {"nesterov", step.nesterov},
          {"sentinel", sentinel},
          {"clip", step.clip}};
}

TrainingOptions TrainingOptions::fromJson(const OrderedJson &from) {
  TrainingOptions options;
  from.at("data").get_to(options.data);
  from.at("held_out").get_to(options.heldOut);
  from.at("objective").get_to(options.objective);
  from.at("mask_token").get_to(options.maskToken);
  from.at("optimizer").get_to(options.optimizer);
  from.at("schedule").get_to(options.schedule);
  from.at("warmup").get_to(options.warmup);
  from.at("batch").get_to(options.batch);
  from.at("accumulate").get_to(options.accumulate);
  from.at("length").get_to(options.length);
  from.at("steps").get_to(options.steps);
  from.at("save_every").get_to(options.saveEvery);
  from.at("eval_every").get_to(options.evalEvery);
  from.at("epochs").get_to(options.epochs);
  from.at("shuffle").get_to(options.shuffle);
  from.at("seed").get_to(options.seed);
  from.at("long_texts").get_to(options.longTexts);
  from.at("rate").get_to(options.step.rate);
  from.at("beta1").get_to(options.step.beta1);
  from.at("beta2").get_to(options.step.beta2);
  from.at("epsilon").get_to(options.step.epsilon);
  from.at("weight_decay").get_to(options.step.weightDecay);
  from.at("clip").get_to(options.step.clip);
  from.at("momentum").get_to(options.step.momentum);
  from.at("nesterov").get_to(options.step.nesterov);
  from.at("sentinel").get_to(options.sentinel);
  options.step.kind =
      Optimizer::parse(options.optimizer).value_or(Optimizer::Kind::AdamW);
  return options;
}
