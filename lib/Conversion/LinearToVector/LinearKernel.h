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
  /// `lanes` neighbouring outputs of a row, in a panel counted from the tile's
  /// first. A gated output has two accumulators: its gate and its product.
  struct OutputVector {
    int64_t panel;
    PanelVector vector;
    /// Lanes that are columns of the result.
    int64_t count;
  };
  using Outputs = llvm::SmallVector<OutputVector>;

  /// The outputs of a panel of which `columns` columns exist, from the vector
  /// `first` (null: 0) on.
  Outputs outputsOfPanel(int64_t panel, int64_t columns,
                         mlir::Value first = {}) const;
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
  void forEachTile(llvm::function_ref<void(mlir::Value panel,
                                           llvm::ArrayRef<OutputVector> part)>
                       body);
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
  KernelBuilder::Values rowsFrom(mlir::Value row, int64_t rows);
  /// Which of a row's accumulators are an output's: of a panel first the gates,
  /// then the products, as their weights lie. Whatever streams them reads
  /// forward; outputs 0 and 1 of a panel of four registers have the
  /// accumulators {0, 2} and {1, 3}.
  struct Accumulators {
    size_t value, up;
  };
  Accumulators accumulatorsOf(llvm::ArrayRef<OutputVector> outputs,
                              size_t i) const;
  /// The vectors of weights of outputs, by accumulator.
  llvm::SmallVector<WeightVector>
  vectorsOf(mlir::Value panel, llvm::ArrayRef<OutputVector> outputs);
  /// Rows that read panels as they are, in tiles of powers of two.
  void emitStreamed(mlir::Value first, mlir::Value end,
                    llvm::function_ref<void(mlir::Value, int64_t)> tile);
  /// `rows` x outputs, accumulated in registers over all of K.
  void emitTile(mlir::Value row, int64_t rows, mlir::Value panel,
                llvm::ArrayRef<OutputVector> outputs);
  void emitEpilogue(mlir::Value row, int64_t rows, mlir::Value panel,
                    llvm::ArrayRef<OutputVector> outputs,
                    mlir::ValueRange sums);

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
