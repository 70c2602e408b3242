//===- Packing.cpp - the bytes of a weight in its final layout ------------===//

#include "tenon/Driver/Packing.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <cstring>

using namespace tenon;

static int64_t ceilDiv(int64_t a, int64_t b) { return (a + b - 1) / b; }

int64_t PanelLayout::panels(int64_t rows) const {
  // Halves are padded each, so that a panel never mixes their remainders.
  return ceilDiv(rows / interleave, n / interleave);
}

uint64_t PanelLayout::elements(int64_t rows, int64_t columns) const {
  return static_cast<uint64_t>(panels(rows)) * ceilDiv(columns, k) * n * k;
}

namespace {

/// Pieces handed to the sink are about this big.
constexpr size_t kPieceBytes = size_t(1) << 20;

/// Reads logical rows of the concatenated sources in the output's type.
class RowReader {
public:
  RowReader(const PackRequest &request,
            std::optional<NonFiniteElement> *nonFinite)
      : request(request), nonFinite(nonFinite),
        width(byteWidth(request.dtype)) {
    for (const RowSource &source : request.sources) {
      assert(source.columns == request.columns);
      total += source.rows;
    }
  }

  int64_t rows() const { return total; }

  /// Copies columns [0, columns) of `count` rows from `row` on to destination,
  /// `stride` elements apart. All of one source, or several.
  void read(int64_t row, int64_t count, std::byte *destination, size_t stride) {
    while (count > 0) {
      size_t index = 0;
      int64_t local = row;
      while (local >= request.sources[index].rows)
        local -= request.sources[index++].rows;
      const RowSource &source = request.sources[index];
      int64_t here = std::min(count, source.rows - local);
      if (source.transposed && source.fill == RowSource::Fill::File)
        readTransposed(source, local, here, destination, stride);
      else
        for (int64_t r = 0; r < here; ++r)
          readRow(source, local + r, destination + r * stride * width);
      scan(index, local, here, destination, stride);
      row += here;
      count -= here;
      destination += here * stride * width;
    }
  }

  /// Rows [begin, end) of the whole are done with.
  void release(int64_t begin, int64_t end) const {
    if (!request.released)
      return;
    int64_t base = 0;
    for (size_t i = 0; i < request.sources.size(); ++i) {
      const RowSource &source = request.sources[i];
      int64_t first = std::max(begin - base, int64_t(0));
      int64_t last = std::min(end - base, source.rows);
      // A transposed matrix is read in columns; its pages go at the end.
      if (source.transposed)
        first = 0, last = last == source.rows && end > base ? source.rows : 0;
      if (first < last && source.fill == RowSource::Fill::File)
        request.released(i, first, last);
      base += source.rows;
    }
  }

private:
  void readRow(const RowSource &source, int64_t row, std::byte *destination) {
    size_t count = source.columns;
    switch (source.fill) {
    case RowSource::Fill::File:
      convertElements(source.dtype,
                      source.data + row * count * byteWidth(source.dtype),
                      request.dtype, destination, count);
      return;
    case RowSource::Fill::Normal:
      wide.resize(count);
      fillNormal(source.seed, static_cast<uint64_t>(row) * count, wide.data(),
                 count);
      break;
    case RowSource::Fill::Ones:
      wide.assign(count, 1.0f);
      break;
    }
    convertElements(DType::F32,
                    reinterpret_cast<const std::byte *>(wide.data()),
                    request.dtype, destination, count);
  }

  void readTransposed(const RowSource &source, int64_t row, int64_t count,
                      std::byte *destination, size_t stride) {
    // Sixteen of the file's lines at a time: [16, count] to [count, 16].
    constexpr int64_t kLines = 16;
    size_t from = byteWidth(source.dtype);
    lines.resize(kLines * count * width);
    columns.resize(kLines * count * width);
    for (int64_t c = 0; c < source.columns; c += kLines) {
      int64_t n = std::min(kLines, source.columns - c);
      for (int64_t i = 0; i < n; ++i)
        convertElements(source.dtype,
                        source.data + ((c + i) * source.rows + row) * from,
                        request.dtype, lines.data() + i * count * width, count);
      transposeUnits(width, lines.data(), count, n, count, columns.data());
      for (int64_t r = 0; r < count; ++r)
        std::memcpy(destination + (r * stride + c) * width,
                    columns.data() + r * n * width, n * width);
    }
  }

  void scan(size_t index, int64_t row, int64_t count, const std::byte *data,
            size_t stride) {
    if (!nonFinite || *nonFinite)
      return;
    size_t columns = request.columns;
    for (int64_t r = 0; r < count; ++r) {
      const std::byte *start = data + r * stride * width;
      size_t bad = findNonFinite(request.dtype, start, columns);
      if (bad == columns)
        continue;
      float value;
      convertElements(request.dtype, start + bad * width, DType::F32,
                      reinterpret_cast<std::byte *>(&value), 1);
      *nonFinite = NonFiniteElement{index, row + r, int64_t(bad), value};
      return;
    }
  }

  const PackRequest &request;
  std::optional<NonFiniteElement> *nonFinite;
  size_t width;
  int64_t total = 0;
  std::vector<float> wide;
  std::vector<std::byte> lines, columns;
};

Status packPlain(const PackRequest &request, RowReader &reader,
                 const ByteSink &sink) {
  size_t width = byteWidth(request.dtype);
  size_t rowBytes = request.columns * width;
  int64_t step =
      std::max<int64_t>(1, kPieceBytes / std::max<size_t>(1, rowBytes));
  std::vector<std::byte> buffer(std::min(step, reader.rows()) * rowBytes);
  for (int64_t row = 0; row < reader.rows(); row += step) {
    int64_t count = std::min(step, reader.rows() - row);
    reader.read(row, count, buffer.data(), request.columns);
    if (Status status = sink({buffer.data(), count * rowBytes}); !status)
      return status;
    reader.release(row, row + count);
  }
  return Status::success();
}

Status packPanels(const PackRequest &request, const PanelLayout &panel,
                  RowReader &reader, const ByteSink &sink) {
  size_t width = byteWidth(request.dtype);
  int64_t blocks = ceilDiv(request.columns, panel.k);
  size_t stride = blocks * panel.k; // columns with their padding
  size_t panelBytes = stride * panel.n * width;
  int64_t half = reader.rows() / panel.interleave;
  int64_t part = panel.n / panel.interleave;
  int64_t panels = panel.panels(reader.rows());

  // One panel's rows, row-major; a unit of k elements moves as one.
  std::vector<std::byte> rows(panelBytes);
  int64_t step = std::max<int64_t>(1, kPieceBytes / panelBytes);
  std::vector<std::byte> packed(std::min(step, panels) * panelBytes);
  for (int64_t first = 0; first < panels; first += step) {
    int64_t count = std::min(step, panels - first);
    for (int64_t p = first; p < first + count; ++p) {
      int64_t valid = std::min(part, half - p * part);
      if (valid < part)
        std::fill(rows.begin(), rows.end(), std::byte(0));
      for (int64_t i = 0; i < panel.interleave; ++i)
        reader.read(i * half + p * part, valid,
                    rows.data() + i * part * stride * width, stride);
      transposeUnits(panel.k * width, rows.data(), blocks, panel.n, blocks,
                     packed.data() + (p - first) * panelBytes);
    }
    if (Status status = sink({packed.data(), count * panelBytes}); !status)
      return status;
    for (int64_t i = 0; i < panel.interleave; ++i)
      reader.release(
          i * half + first * part,
          std::min(i * half + (first + count) * part, (i + 1) * half));
  }
  return Status::success();
}

} // namespace

Status tenon::packWeight(const PackRequest &request, const ByteSink &sink,
                         std::optional<NonFiniteElement> *nonFinite) {
  if (nonFinite)
    nonFinite->reset();
  RowReader reader(request, nonFinite);
  if (request.panel)
    return packPanels(request, *request.panel, reader, sink);
  return packPlain(request, reader, sink);
}

Status tenon::writeRopeTable(std::span<const double> frequencies, double scale,
                             int64_t positions, const ByteSink &sink) {
  size_t columns = 2 * frequencies.size();
  int64_t step =
      std::max<size_t>(1, kPieceBytes / 4 / std::max<size_t>(1, columns));
  std::vector<float> rows(std::min(step, positions) * columns);
  for (int64_t p = 0; p < positions; p += step) {
    int64_t count = std::min(step, positions - p);
    for (int64_t i = 0; i < count; ++i)
      for (size_t j = 0; j < frequencies.size(); ++j) {
        double angle = static_cast<double>(p + i) * frequencies[j];
        rows[i * columns + j] = static_cast<float>(std::cos(angle) * scale);
        rows[i * columns + frequencies.size() + j] =
            static_cast<float>(std::sin(angle) * scale);
      }
    if (Status status =
            sink(std::as_bytes(std::span(rows.data(), count * columns)));
        !status)
      return status;
  }
  return Status::success();
}
