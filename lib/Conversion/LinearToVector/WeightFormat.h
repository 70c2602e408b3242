//===- WeightFormat.h - inner products of a linear --------------*- C++ -*-===//
//
// What a micro-kernel does at one step of K depends on how weights lie in a
// panel and on the instruction that multiplies them; the loops around it, the
// tails and the epilogue do not. A format is the former: a new one (groups of
// integers with their scales, say) is a new subclass.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_LIB_CONVERSION_LINEARTOVECTOR_WEIGHTFORMAT_H
#define TENON_LIB_CONVERSION_LINEARTOVECTOR_WEIGHTFORMAT_H

#include "tenon/Conversion/KernelBuilder.h"
#include <memory>

namespace tenon::linear {

class WeightFormat {
public:
  /// The format of a packed weight `[panels, K / k, n, k]` (memref) for inputs
  /// `[M, K]`, or null if there is none for these types on this target.
  static std::unique_ptr<WeightFormat> get(KernelBuilder &b, mlir::Value input,
                                           mlir::Value weight);
  virtual ~WeightFormat() = default;

  /// Output columns in a panel.
  int64_t panelColumns() const { return numColumns; }
  int64_t numPanels() const { return panels; }
  /// Steps that take whole groups of k.
  int64_t fullSteps() const { return depth / group; }
  /// True if a last step takes less than k elements of the input.
  bool hasPartialStep() const { return depth % group != 0; }

  /// Before any step: an accumulator of `lanes` outputs.
  virtual mlir::Value start();
  /// The weights of columns [vector * lanes, (vector + 1) * lanes) of a panel.
  virtual mlir::Value loadWeights(mlir::Value panel, mlir::Value step,
                                  int64_t vector) = 0;
  /// The input's elements of a step in every lane; past the end they are 0.
  virtual mlir::Value loadInput(mlir::Value row, mlir::Value step,
                                bool partial) = 0;
  /// sum + weights * input.
  virtual mlir::Value accumulate(mlir::Value weights, mlir::Value input,
                                 mlir::Value sum) = 0;

protected:
  WeightFormat(KernelBuilder &b, mlir::Value input, mlir::Value weight);

  KernelBuilder &b;
  mlir::Value input, weight;
  int64_t panels, numColumns, group, depth;
};

} // namespace tenon::linear

#endif // TENON_LIB_CONVERSION_LINEARTOVECTOR_WEIGHTFORMAT_H
