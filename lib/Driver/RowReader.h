//===- RowReader.h - rows of a weight from the checkpoint -------*- C++ -*-===//

#ifndef TENON_LIB_DRIVER_ROWREADER_H
#define TENON_LIB_DRIVER_ROWREADER_H

#include "tenon/Driver/Packing.h"

namespace tenon {

/// Pieces handed to the sink are about this big.
inline constexpr size_t kPieceBytes = size_t(1) << 20;

/// Reads logical rows of the concatenated sources.
class RowReader {
public:
  /// Elements are converted to `type`. The request outlives the reader;
  /// `nonFinite`, if not null, gets the first bad element.
  RowReader(const PackRequest &request, DType type,
            std::optional<NonFiniteElement> *nonFinite);

  int64_t rows() const { return total; }

  /// Copies `count` rows from `row` on to destination, `stride` elements apart.
  /// All of one source, or several.
  void read(int64_t row, int64_t count, std::byte *destination, size_t stride);

  /// The blocks of a row whose source holds this block type, or null. Looks
  /// for bad blocks as `read` does for elements.
  const std::byte *blocks(int64_t row, DType type);

  /// Rows [begin, end) of the whole are done with.
  void release(int64_t begin, int64_t end) const;

private:
  /// The source of a row, and the row's number in it.
  std::pair<size_t, int64_t> find(int64_t row) const;
  void readRow(const RowSource &source, int64_t row, std::byte *destination);
  void readTransposed(const RowSource &source, int64_t row, int64_t count,
                      std::byte *destination, size_t stride);
  /// Rows that lie as columns in `source.columns` lines of the file, `pitch`
  /// elements apart, from its element `first` on.
  void readColumns(const RowSource &source, int64_t first, int64_t pitch,
                   int64_t count, std::byte *destination, size_t stride);
  void scan(size_t index, int64_t row, int64_t count, const std::byte *data,
            size_t stride);

  const PackRequest &request;
  std::optional<NonFiniteElement> *nonFinite;
  DType type;
  size_t width;
  int64_t total = 0;
  std::vector<float> wide;
  std::vector<std::byte> lines, columns;
};

/// Writes a weight in superblocks; `request.dtype` is a block type, and the
/// panel's k its superblock's columns.
Status packBlocks(const PackRequest &request, const ByteSink &sink,
                  std::optional<NonFiniteElement> *nonFinite);

} // namespace tenon

#endif // TENON_LIB_DRIVER_ROWREADER_H
