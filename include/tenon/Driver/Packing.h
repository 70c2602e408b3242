//===- Packing.h - the bytes of a weight in its final layout ----*- C++ -*-===//
//
// Turns rows of checkpoint tensors into what kernels read: element types
// converted, matrices packed in panels of output columns (#tenon.panel). Works
// on one panel at a time and hands finished pieces on, so that memory stays
// near a few MiB whatever the size of a weight (I6). No LLVM here.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_DRIVER_PACKING_H
#define TENON_DRIVER_PACKING_H

#include "tenon/Checkpoint/Checkpoint.h"
#include "tenon/Support/DType.h"
#include "tenon/Support/Error.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

namespace tenon {

/// The parameters of #tenon.panel: memory holds
/// [panels][ceil(columns / k)][n][k], zero padded. With interleave = 2, a panel
/// holds n/2 rows of the first half of the matrix, then the n/2 rows at the
/// same place of the second half.
struct PanelLayout {
  int64_t n = 1;
  int64_t k = 1;
  int64_t interleave = 1;

  int64_t panels(int64_t rows) const;
  /// Elements of a packed matrix.
  uint64_t elements(int64_t rows, int64_t columns) const;
};

/// What quantizing a weight cost.
struct QuantizationErrors {
  double squaredErrors = 0; ///< sum over all elements
  double squares = 0;       ///< sum of the elements' own
  uint64_t elements = 0;
  /// The same, each square times the importance of its column; and the errors
  /// that there would be without regard to it. 0 without importance.
  double weightedErrors = 0, weightedSquares = 0, plainWeightedErrors = 0;

  void add(double squaredError, std::span<const float> values);
  void add(const QuantizationErrors &other);
};

/// Rows of a weight, as the checkpoint holds them.
struct RowSource {
  /// What random weights look like (tenonc --random-weights).
  enum class Fill { File, Normal, Ones };

  Fill fill = Fill::File;
  DType dtype = DType::F32; ///< F32, F16, BF16, or blocks
  int64_t rows = 0;
  int64_t columns = 0;
  /// `data` is [columns, rows]: the matrix transposed (Conv1D).
  bool transposed = false;
  /// The file's order of rows, see TensorInfo::storedRow; 0: in order.
  int64_t rowsPerHead = 0;
  /// If not 0: the file's rows are those of so many heads in turn, of which the
  /// source is rows `firstRow` .. + `partRows` of each; transposed, each head's
  /// part is, [heads * file's columns, partRows].
  int64_t heads = 0;
  int64_t headRows = 0, firstRow = 0, partRows = 0, fileColumns = 0;
  /// Row-major, little-endian, any alignment. Null unless fill is File.
  const std::byte *data = nullptr;
  /// Of Normal: the same seed gives the same values, in any order of reading.
  uint64_t seed = 0;

  int64_t storedRow(int64_t row) const {
    if (heads)
      row = row / partRows * headRows + firstRow + row % partRows;
    return rowInFile(row, rowsPerHead);
  }
};

/// The first element that is no finite number, in the order of packing.
struct NonFiniteElement {
  size_t source = 0; ///< index of the RowSource
  int64_t row = 0, column = 0;
  float value = 0; ///< as stored in the output: NaN or infinity
};

/// Receives bytes in the order of the packed weight.
using ByteSink = std::function<Status(std::span<const std::byte>)>;
/// Told after rows [begin, end) of a source, in its file's order, were read for
/// the last time; lets their pages go.
using RowsReleased =
    std::function<void(size_t source, int64_t begin, int64_t end)>;

struct PackRequest {
  std::vector<RowSource> sources; ///< concatenated; all of `columns` columns
  int64_t columns = 0;
  /// Of the output: F32, F16, BF16, or blocks. Numbers can be quantized to
  /// q8_0 and q4_0; other blocks come from sources that hold them.
  DType dtype = DType::F32;
  std::optional<PanelLayout> panel;
  /// For quantizing: how much an error in each column matters; empty: alike.
  /// Of whole blocks, more than `columns` if those are not.
  std::span<const float> importance;
  QuantizationErrors *errors = nullptr; ///< optional
  RowsReleased released;                ///< optional
};

/// Writes a weight, of one layer, to the sink. Fails only if the sink does.
/// `nonFinite`, if not null, gets the first bad element, or nothing.
Status packWeight(const PackRequest &request, const ByteSink &sink,
                  std::optional<NonFiniteElement> *nonFinite = nullptr);

/// Row p of the table is cos(p f_0) ..., sin(p f_0) ..., each times `scale`,
/// computed in double, rounded once to f32.
Status writeRopeTable(std::span<const double> frequencies, double scale,
                      int64_t positions, const ByteSink &sink);

/// Row p of the table is sin(p f_0) ..., cos(p f_0) ..., or, interleaved,
/// sin(p f_0), cos(p f_0), sin(p f_1) ...; computed as above.
Status writeSinusoidTable(std::span<const double> frequencies, bool interleaved,
                          int64_t positions, const ByteSink &sink);

//===----------------------------------------------------------------------===//
// The loops underneath
//===----------------------------------------------------------------------===//

/// Converts `count` elements. Source and destination may be unaligned.
void convertElements(DType from, const std::byte *source, DType to,
                     std::byte *destination, size_t count);

/// The index of the first NaN or infinity, or `count`. No branch per element.
size_t findNonFinite(DType type, const std::byte *data, size_t count);

/// Elements [first, first + count) of a stream of numbers with mean 0 and a
/// standard deviation of 0.02, near a normal distribution.
void fillNormal(uint64_t seed, uint64_t first, float *destination,
                size_t count);

/// destination[c * rows + r] = source[r * stride + c] for units of `width`
/// bytes; stride in units. Fast for 1, 2, 4 and 8.
void transposeUnits(size_t width, const std::byte *source, size_t stride,
                    size_t rows, size_t columns, std::byte *destination);

} // namespace tenon

#endif // TENON_DRIVER_PACKING_H
