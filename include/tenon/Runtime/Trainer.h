//===- Trainer.h - calls what a model that learns is compiled to -*- C++
//-*-===//
//
// Owns the weights, their gradients and the optimizer's moments. All arithmetic
// on them happens behind the entry points (invariant I1); what is computed here
// are the few numbers of a step.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_RUNTIME_TRAINER_H
#define TENON_RUNTIME_TRAINER_H

#include "tenon/Runtime/Abi.h"
#include "tenon/Runtime/Memory.h"
#include "tenon/Runtime/Optimizer.h"
#include "tenon/Runtime/Payload.h"
#include "tenon/Runtime/TrainingData.h"
#include "tenon/Runtime/TrainingInfo.h"

#include <memory>
#include <span>

namespace tenon::runtime {

class Trainer {
public:
  /// A copy of the weights, and memory for the rest: 16 bytes a parameter in
  /// all. Errors: OutOfResource; a payload that is damaged.
  static Expected<std::unique_ptr<Trainer>> load(const Payload &payload,
                                                 const TenonVariant &variant);

  const TrainingInfo &info() const { return training; }
  /// The most tokens of a sequence.
  int64_t maxLength() const { return longest; }

  /// Adds the gradient of a sequence, whose tokens are of the vocabulary and
  /// whose targets of the classes, to what is there; returns the sum of its
  /// targets' losses.
  float addGradient(const TrainingSequence &sequence);
  /// The sum of losses alone.
  float loss(const TrainingSequence &sequence);
  /// Whether the program has such steps: Muon's need a matrix of a layer.
  bool takes(const StepNumbers &step) const;
  /// Changes the weights by a step that it takes; returns the gradient's norm.
  /// Gradients are zero then.
  float update(const StepNumbers &step);

  /// Weights and moments, each laid out as the weights are.
  std::span<std::byte> weights() { return {weight.data(), size}; }
  std::span<std::byte> firstMoments() { return {moments.data(), size}; }
  std::span<std::byte> secondMoments() {
    return {moments.data() + sizeInLines(), size};
  }

private:
  Trainer() = default;
  /// What kernels count on (tenon-bufferize): whole cache lines.
  uint64_t sizeInLines() const { return (size + 63) / 64 * 64; }
  float call(TenonEntryFn entry, const TrainingSequence &sequence,
             bool withGradient);

  TrainingInfo training;
  TenonEntryFn findEntry(std::string_view name) const;

  const TenonVariant *variant = nullptr;
  TenonEntryFn gradientFn = nullptr, lossFn = nullptr;
  Region weight, gradient, moments, arena;
  uint64_t size = 0; ///< of the weights, bytes; memories are whole pages
  int64_t longest = 0;
  /// What the entry points take beside tokens and targets: the source, or
  /// zeros, as tokens of one text have.
  std::vector<bool> takesSource;
  std::vector<int32_t> zeros;
};

} // namespace tenon::runtime

#endif // TENON_RUNTIME_TRAINER_H
