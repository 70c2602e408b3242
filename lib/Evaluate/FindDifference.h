//===- FindDifference.h - the operation that computes otherwise -*- C++ -*-===//

#ifndef TENON_LIB_EVALUATE_FINDDIFFERENCE_H
#define TENON_LIB_EVALUATE_FINDDIFFERENCE_H

#include "tenon/Evaluate/Evaluator.h"

namespace tenon {

/// All values of an evaluation that are tensors of floating-point numbers.
class Trace {
public:
  struct Step {
    mlir::Operation *op;
    /// The trips of the loops around, and which call of the function it is.
    llvm::SmallVector<int64_t, 2> trips;
    std::shared_ptr<const NumberArray> value;
    int64_t firstToken; ///< as the evaluator's
    /// Steps whose values it reads.
    llvm::SmallVector<size_t, 4> operands;
  };
  std::vector<Step> steps;

  /// Records what the evaluator does from now on, as long as this lives.
  void record(Evaluator &evaluator);
};

/// The operation of `after` at which results part from those of `before`: its
/// value is not the last one that `before` has of the same shape (or for more
/// tokens) at the same places of the description, and nothing that follows from
/// it is the same again. Null if there is none.
mlir::Operation *findDifference(const Trace &after, const Trace &before,
                                double bound);

} // namespace tenon

#endif // TENON_LIB_EVALUATE_FINDDIFFERENCE_H
