//===- RegisterTiles.h - the tile of all products of learning ---*- C++ -*-===//
//
// Some rows by two vectors of columns, to which each step along a sum adds a
// broadcast number of each row times two vectors of a panel. A sum that is cut
// goes through memory there, as f32, which changes no bit of its chain of
// multiply-adds (I5).
//
//===----------------------------------------------------------------------===//

#ifndef TENON_LIB_CONVERSION_ROWSTOVECTOR_REGISTERTILES_H
#define TENON_LIB_CONVERSION_ROWSTOVECTOR_REGISTERTILES_H

#include "tenon/Conversion/KernelBuilder.h"

namespace tenon::rows {

/// A matrix in memory: the last two dimensions of a memref at a place in those
/// before.
struct Matrix {
  mlir::Value memref;
  KernelBuilder::Values leading;

  KernelBuilder::Values at(mlir::Value row, mlir::Value column) const {
    KernelBuilder::Values place = leading;
    place.append({row, column});
    return place;
  }
};

class RegisterTiles {
  using Value = mlir::Value;

public:
  /// Vectors of columns in a tile.
  static constexpr int64_t kVectors = 2;

  /// Tiles of so many rows; 0: as many as registers hold.
  RegisterTiles(KernelBuilder &b, int64_t rows = 0);

  /// Columns of a tile, and of a panel.
  int64_t width() const { return kVectors * b.lanes(); }

  /// What a tile's sums begin with.
  enum class Begin { Zero, Memory };

  /// Adds to rows [row, + height) and columns [column, + columns) of `out` the
  /// sum over k < depth of number(row, k), in every lane, times row k of the
  /// panel from its `panelColumn` on. Vectors of the panel are read whole.
  void addTile(const Matrix &out, Value row, Value column, int64_t height,
               int64_t columns, Value panel, Value panelColumn, Value depth,
               Begin begin,
               llvm::function_ref<Value(int64_t row, Value k)> number);

  /// Covers [0, extent) rows: whole tiles, then thirds of one, then single
  /// rows.
  void forEachTile(mlir::OpFoldResult extent,
                   llvm::function_ref<void(Value first, int64_t count)> body);
  /// Covers columns by panels, of which the last may be narrower.
  void forEachPanel(int64_t columns,
                    llvm::function_ref<void(Value first, int64_t count)> body);

  /// Copies rows [first, + count) of columns [column, + columns) to a panel.
  void copyRows(const Matrix &from, Value first, Value count, Value column,
                int64_t columns, Value panel);
  /// Copies columns [first, + count) of rows [row, + rows) to the rows of a
  /// panel, from its `panelColumn` on. What is left of the count after whole
  /// squares of a register's lanes is `tail`, or nothing.
  void copyColumns(const Matrix &from, Value first, Value count, Value row,
                   int64_t rows, int64_t tail, Value panel, Value panelColumn);

  /// What is left of [0, extent) from a place on, `most` at most.
  Value rest(Value extent, Value first, int64_t most);

private:
  /// The mask of a vector of `columns` columns in all; null: all of its lanes.
  Value maskOf(int64_t vector, int64_t columns);
  int64_t vectorsOf(int64_t columns) const {
    return llvm::divideCeilSigned(columns, b.lanes());
  }

  KernelBuilder &b;
  int64_t rows;
};

} // namespace tenon::rows

#endif // TENON_LIB_CONVERSION_ROWSTOVECTOR_REGISTERTILES_H
