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

class ProcessGroup;

class Trainer {
public:
  /// A copy of the weights, and memory for the rest: 16 bytes a parameter in
  /// all. Errors: OutOfResource; a payload that is damaged.
  static Expected<std::unique_ptr<Trainer>> load(const Payload &payload,
                                                 const TenonVariant &variant);

  const TrainingInfo &info() const { return training; }
  /// The most tokens of a sequence.
  int64_t maxLength() const { return longest; }

  /// Sequences of a step are taken in groups of so many: how many is part of
  /// the order of sums, and with that of the bits (I5).
  static constexpr int64_t kGroup = 8;
  /// Whether the rows of tables are added by themselves, when all sequences of
  /// a group have been through addGradient (tenon-defer-tables).
  bool hasRows() const { return rowGradientsFn != nullptr; }
  /// Adds the gradient of a sequence, whose tokens are of the vocabulary and
  /// whose targets of the classes, to what is there, but for rows of tables,
  /// which it saves; returns the sum of its targets' losses. `place`: of the
  /// sequence in its group.
  float addGradient(const TrainingSequence &sequence, int64_t place);
  /// Adds the rows that were saved of the sequence at a place: in order.
  void addRows(const TrainingSequence &sequence, int64_t place);
  /// The sum of losses alone.
  float loss(const TrainingSequence &sequence);
  /// Whether the program has such steps: Muon's need a matrix of a layer.
  bool takes(const StepNumbers &step) const;
  /// Changes the weights by a step that it takes; returns the gradient's norm.
  /// Gradients are zero then.
  float update(const StepNumbers &step);

  /// Moves weights, gradients and moments to memory that the processes of a
  /// group share, before those start. From then on all of them call update
  /// together. Errors: OutOfResource.
  Status share(ProcessGroup &group);

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
  /// `place` is negative for the loss alone.
  float call(TenonEntryFn entry, const TrainingSequence &sequence,
             int64_t place);

  TrainingInfo training;
  TenonEntryFn findEntry(std::string_view name) const;

  const TenonVariant *variant = nullptr;
  TenonEntryFn gradientFn = nullptr, lossFn = nullptr, rowGradientsFn = nullptr;
  Region weight, gradient, moments, arena;
  Region rows;          ///< of tables, of the sequences of a group
  uint64_t oneRows = 0; ///< of one of them, bytes
  /// The processes that learn together, null if this is alone, and the arena of
  /// their steps.
  ProcessGroup *group = nullptr;
  Region sharedArena;
  uint64_t size = 0; ///< of the weights, bytes; memories are whole pages
  int64_t longest = 0;
  /// What the entry points take beside tokens and targets: the source, or
  /// zeros, as tokens of one text have.
  std::vector<bool> takesSource;
  std::vector<int32_t> zeros;
};

} // namespace tenon::runtime

#endif // TENON_RUNTIME_TRAINER_H
