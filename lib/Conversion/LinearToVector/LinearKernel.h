//===- LinearKernel.h - the register-tiled kernel of a linear ---*- C++ -*-===//

#ifndef TENON_LIB_CONVERSION_LINEARTOVECTOR_LINEARKERNEL_H
#define TENON_LIB_CONVERSION_LINEARTOVECTOR_LINEARKERNEL_H

#include "WeightFormat.h"

namespace tenon::linear {

/// Emits a linear in buffer form before it. The caller erases it.
class LinearKernel {
public:
  LinearKernel(KernelBuilder &b, LinearOp op, WeightFormat &format);
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
  /// Rows from which on unpacking panels is worth it, if tiles that read them
  /// as they are have at least so many (Zen 4: without, 16 rows of q4_0 take
  /// 0.85 times as long, 39 of q6_k 0.96 times).
  static constexpr int64_t kUnpackedRows = 40, kWorthStreaming = 4;
  /// Rows of a tile that reads panels as they are, the largest of them.
  int64_t streamedRows() const;
  /// How the sums of many rows ask for the panels of the next task.
  struct Asking {
    /// Lines that one ask, and that one sum, asks for; the last sum that finds
    /// new ones.
    mlir::Value each, perSum, last;
  };
  /// For so many rows in full tiles; nothing if it isn't worth it.
  std::optional<Asking> planAsking(mlir::Value full);
  /// Lets the next sum, of this tile and panel, ask for its part.
  void askForNext(const Asking &asking, mlir::Value row, mlir::Value panel);
  /// Steps of the format that several tiles of rows pass before the next ones
  /// (kDepthBlockAttrName); 0 if a tile passes all of K.
  int64_t depthBlock() const;
  /// Zen 3: as fast with 2 to 8, slower with more, whose activations leave the
  /// second-level cache.
  static constexpr int64_t kTilesTogether = 4;
  void emitByDepth(mlir::Value full, int64_t steps);
  KernelBuilder::Values rowsFrom(mlir::Value row, int64_t rows);
  /// The vectors of weights of outputs, by panel and place in it.
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
  WeightFormat &format;
  bool gated;
  /// Columns of the result.
  int64_t columns;
  /// The register tile: rows, and accumulators in a row.
  int64_t tileRows, tileVectors;
  /// The rows, if they are so few that all are one tile; else 0.
  int64_t fewRows = 0;
  /// Panels that few rows take at once.
  int64_t tilePanels = 1;
};

} // namespace tenon::linear

#endif // TENON_LIB_CONVERSION_LINEARTOVECTOR_LINEARKERNEL_H
