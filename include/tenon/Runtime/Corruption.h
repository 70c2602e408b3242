//===- Corruption.h - what a text is turned into to be guessed --*- C++ -*-===//
#ifndef TENON_RUNTIME_CORRUPTION_H
#define TENON_RUNTIME_CORRUPTION_H

#include "tenon/Runtime/TrainingData.h"

namespace tenon::runtime {

/// Hides parts of a text, which are what is learned then. What happens follows
/// from the seed and the sequence's place in the training alone, so that a
/// training goes on anywhere as if it had not stopped.
class Corruption {
public:
  virtual ~Corruption() = default;

  /// The sequence with its targets: views of memory that the next call changes.
  virtual TrainingSequence apply(const TrainingSequence &sequence,
                                 uint64_t place) = 0;
};

} // namespace tenon::runtime

#endif // TENON_RUNTIME_CORRUPTION_H
