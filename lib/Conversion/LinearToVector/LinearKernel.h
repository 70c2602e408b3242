//===- LinearKernel.h - the register-tiled kernel of a linear ---*- C++ -*-===//

#ifndef TENON_LIB_CONVERSION_LINEARTOVECTOR_LINEARKERNEL_H
#define TENON_LIB_CONVERSION_LINEARTOVECTOR_LINEARKERNEL_H

#include "WeightFormat.h"

namespace tenon::linear {

/// Emits a linear in buffer form before it. The caller erases it.
class LinearKernel {
public:
  LinearKernel(KernelBuilder &b, LinearOp op, const LinearPlan &plan,
               WeightFormat &format);
  void emit();

private:
  /// Outputs that are computed at once: of `panels` panels from `panel` on the
  /// `columns` columns of the result from the vector `first` (null: 0) on, and
  /// `rest` columns of one more, each `lanes` neighbours a vector. A gated
  /// output has two accumulators: its gate and its product.
  struct Outputs {
    mlir::Value panel, first;
    int64_t panels, columns, rest = 0;
  };
  /// Columns of the result that a panel gives.
  int64_t panelOutputs() const;
  /// All rows at once, panel after panel.
  void emitFewRows();
  void emitManyRows();
  /// Every part of `vectors` vectors of a whole panel's outputs, in a loop if
  /// they are several, by the number of its first vector (null: 0).
  void forEachPart(int64_t vectors,
                   llvm::function_ref<void(mlir::Value first)> body);
  /// Every panel, by parts of its outputs that have accumulators at once.
  void forEachTile(llvm::function_ref<void(const Outputs &part)> body);
  /// How the sums of many rows ask for the panels of the next task.
  struct Asking {
    /// Lines that one ask, and that one sum, asks for; the last sum that finds
    /// new ones.
    mlir::Value each, perSum, last;
  };
  /// For so many rows in full tiles; nothing if none shall.
  std::optional<Asking> planAsking(mlir::Value full);
  /// Lets the next sum, of this tile and panel, ask for its part.
  void askForNext(const Asking &asking, mlir::Value row, mlir::Value panel);
  /// Steps of the format in a depth block; 0 if a tile passes all of K.
  int64_t depthBlock() const;
  void emitByDepth(mlir::Value full, int64_t steps);
  /// The vectors of weights of outputs, each of which has an accumulator.
  WeightVectors vectorsOf(const Outputs &outputs) const;
  /// Rows that read panels as they are, in tiles of powers of two.
  void emitStreamed(mlir::Value first, mlir::Value end,
                    llvm::function_ref<void(mlir::Value, int64_t)> tile);
  /// `rows` x outputs, accumulated in registers over all of K.
  void emitTile(const TileRows &rows, const Outputs &outputs);
  void emitEpilogue(const TileRows &rows, const Outputs &outputs,
                    mlir::Value sums);
  /// Of vector `vector` of the tile's panel `inTile`, which has `vectors` of
  /// outputs, in lanes under a mask.
  void emitOutput(const TileRows &rows, const Outputs &outputs,
                  mlir::Value inTile, mlir::Value vector, int64_t vectors,
                  mlir::Value mask, mlir::Value sums);

  KernelBuilder &b;
  LinearOp op;
  const LinearPlan &plan;
  WeightFormat &format;
  bool gated;
  /// Columns of the result.
  int64_t columns;
  /// The register tile: rows, and accumulators in a row.
  int64_t tileRows, tileVectors;
};

} // namespace tenon::linear

#endif // TENON_LIB_CONVERSION_LINEARTOVECTOR_LINEARKERNEL_H
