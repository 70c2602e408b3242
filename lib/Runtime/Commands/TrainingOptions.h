//===- TrainingOptions.h - what a training is asked for ---------*- C++ -*-===//
#ifndef TENON_LIB_RUNTIME_COMMANDS_TRAININGOPTIONS_H
#define TENON_LIB_RUNTIME_COMMANDS_TRAININGOPTIONS_H

#include "Json.h"

#include "tenon/Runtime/Optimizer.h"

#include <string>

namespace tenon::runtime {

/// How the rate changes from step to step, as Transformers' get_scheduler has
/// it: over `warmup` steps from 0 to the rate, then to 0 at the last step, or
/// nowhere.
struct Schedule {
  enum class Kind { Constant, Linear, Cosine };
  Kind kind = Kind::Cosine;
  int64_t warmup = 0, steps = 0;

  /// The part of the rate that a step has, counted from 1.
  double factor(int64_t step) const;
};

/// What the command line asks for; a checkpoint holds it for --resume.
struct TrainingOptions {
  std::string data, heldOut, output;
  /// Empty: the program's.
  std::string objective, optimizer = "adamw", schedule = "cosine";
  int64_t maskToken = -1;    ///< negative: the tokenizer's
  int64_t sentinel = -1;     ///< likewise
  std::string warmup = "2%"; ///< steps, or a part of all
  int64_t batch = 16, accumulate = 1, length = 0, steps = 0;
  int64_t saveEvery = 0, evalEvery = 0; ///< steps; 0: at the end
  double epochs = 0;                    ///< instead of steps; 0: steps
  /// "on", "off", or empty: of texts. The order is that of the seed.
  std::string shuffle;
  int64_t seed = 1;
  std::string longTexts = "refuse";
  Optimizer step; ///< as `optimizer` names it
  bool quiet = false;

  /// Which of `count` sequences a training meets at a place, counted from 0
  /// through all epochs: each has an order of its own.
  uint64_t sequenceAt(uint64_t place, uint64_t count) const;
  OrderedJson toJson() const;
  /// Throws json::exception if it is no such object.
  static TrainingOptions fromJson(const OrderedJson &from);
};

} // namespace tenon::runtime

#endif // TENON_LIB_RUNTIME_COMMANDS_TRAININGOPTIONS_H
