//===- ModelRun.h - a whole model, at any stage of tensors ------*- C++ -*-===//
//
// What a model computes, whatever its entry points are called by now: that of
// `@forward` is also what `@prefill` and `@decode` compute together, so that
// modules before and after the cache can be compared.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_EVALUATE_MODELRUN_H
#define TENON_EVALUATE_MODELRUN_H

#include "tenon/Evaluate/Evaluator.h"

namespace tenon {

/// Arrays by the names of inputs, or of entry points.
using NamedArrays = std::map<std::string, NumberArray>;

/// An argument's `tenon.name`, else "arg" and its number.
std::string getInputName(mlir::func::FuncOp function, unsigned argument);

/// Draws the inputs of all entry points that are not there yet, from a seed:
/// as many tokens as inputs have that are there, else `tokens`; of a source a
/// few more. Tokens are below the rows of the tables that they choose from, and
/// of inputs that say which tokens are valid all but the last are.
void drawInputs(mlir::ModuleOp module, int64_t tokens, uint64_t seed,
                NamedArrays &inputs);

/// What all entry points compute of these inputs. Where there is a cache, the
/// tokens go through `@prefill` in two chunks and `@decode` one by one (with
/// `@encode` before, if there is one), and the result is that of "forward"; and
/// through `@decode_batch`, if there is one, beside other sequences. Fails with
/// an error where an evaluation fails or an input is missing.
mlir::FailureOr<NamedArrays> runModel(Evaluator &evaluator,
                                      mlir::ModuleOp module,
                                      const NamedArrays &inputs);

/// How far results of `after` are from those of `before` (`relativeError`), and
/// which entry point it is. Entry points that one of them lacks are left out;
/// "decode_batch" is compared with "forward".
struct RunDifference {
  double error = 0;
  std::string entry;
};
RunDifference compareRuns(const NamedArrays &after, const NamedArrays &before);

} // namespace tenon

#endif // TENON_EVALUATE_MODELRUN_H
