//===- BenchTraining.h - steps of a training per second ---------*- C++ -*-===//
#ifndef TENON_LIB_RUNTIME_COMMANDS_BENCHTRAINING_H
#define TENON_LIB_RUNTIME_COMMANDS_BENCHTRAINING_H

#include "Program.h"

namespace tenon::runtime {

/// What `bench --train` measures: whole steps on random tokens, each the
/// gradients of `batch` sequences of `length` tokens and one update.
struct TrainingBench {
  int64_t batch = 4, length = 64;
  int64_t repetitions = 5; ///< after one to warm up
  bool json = false;
};

/// Measures and prints: tokens a second, what is computed a second and what
/// part that is of the machine's multiply-adds (`tenon-bench limits`), and the
/// most memory that the process had. Errors: a program that doesn't learn, or
/// that learns labels or from a source; a length that it wasn't compiled for.
Status benchTraining(Program &program, const TrainingBench &options);

} // namespace tenon::runtime

#endif // TENON_LIB_RUNTIME_COMMANDS_BENCHTRAINING_H
