//===- Optimizer.h - the numbers of an optimizer's steps --------*- C++ -*-===//
#ifndef TENON_RUNTIME_OPTIMIZER_H
#define TENON_RUNTIME_OPTIMIZER_H

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace tenon::runtime {

/// What a step of an optimizer is called with: an entry point, and as many sets
/// of numbers as it takes (TenonTrainingOps.td, TenonOptimizerOps.td).
struct StepNumbers {
  const char *entry = nullptr;
  std::array<float, 10> numbers{};
  /// Of Muon: its own, where `numbers` are AdamW's.
  std::array<float, 10> muon{};
};

/// Names and defaults are those of torch.optim, but for the rate and for what
/// decays; Lion's those of arXiv:2302.06675.
struct Optimizer {
  enum class Kind { AdamW, Sgd, Lion, Muon };
  Kind kind = Kind::AdamW;
  double rate = 3e-4;
  double beta1 = 0.9, beta2 = 0.999;
  double epsilon = 1e-8;
  double momentum = 0.9; ///< of SGD and of Muon's matrices
  bool nesterov = false; ///< likewise
  double weightDecay = 0.1;
  double clip = 1; ///< the largest norm of the gradient; 0: any

  /// One with the defaults of its kind.
  static Optimizer of(Kind kind);
  static std::optional<Kind> parse(std::string_view name);

  /// The numbers of a step, counted from 1, whose loss is the mean over so many
  /// targets, at a rate.
  StepNumbers numbers(int64_t step, int64_t targets, double rate) const;
};

} // namespace tenon::runtime

#endif // TENON_RUNTIME_OPTIMIZER_H
