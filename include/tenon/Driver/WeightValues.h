//===- WeightValues.h - a weight's numbers for an evaluation ----*- C++ -*-===//
//
// Through the reader that the writer of executables uses, so that what is
// evaluated is what a program computes with: names, transposition, order of
// rows, conversions, blocks.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_DRIVER_WEIGHTVALUES_H
#define TENON_DRIVER_WEIGHTVALUES_H

#include "tenon/Checkpoint/Checkpoint.h"
#include "tenon/Evaluate/Evaluator.h"

namespace tenon {

/// Reads weights of a checkpoint, or draws them from the seed as
/// `tenonc --random-weights` does if it is null. Weights in blocks are
/// quantized and taken apart again, those that the checkpoint holds in the same
/// blocks only taken apart. The checkpoint outlives the reader. Without
/// `rounds` numbers are those of the checkpoint, in f32.
WeightReader readWeightsOf(const Checkpoint *checkpoint, uint64_t seed,
                           bool rounds = true);

} // namespace tenon

#endif // TENON_DRIVER_WEIGHTVALUES_H
