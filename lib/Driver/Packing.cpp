//===- Packing.cpp - the bytes of a weight in its final layout ------------===//

#include "tenon/Driver/Packing.h"
#include "RowReader.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <cstring>
#include <functional>

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
  if (isBlock(request.dtype))
    return packBlocks(request, sink, nonFinite);
  RowReader reader(request, request.dtype, nonFinite);
  if (request.panel)
    return packPanels(request, *request.panel, reader, sink);
  return packPlain(request, reader, sink);
}

/// Writes a table of f32 by rows, which `fill` computes.
static Status writeTable(size_t columns, int64_t positions,
                         const ByteSink &sink,
                         const std::function<void(int64_t, float *)> &fill) {
  int64_t step =
      std::max<size_t>(1, kPieceBytes / 4 / std::max<size_t>(1, columns));
  std::vector<float> rows(std::min(step, positions) * columns);
  for (int64_t p = 0; p < positions; p += step) {
    int64_t count = std::min(step, positions - p);
    for (int64_t i = 0; i < count; ++i)
      fill(p + i, rows.data() + i * columns);
    if (Status status =
            sink(std::as_bytes(std::span(rows.data(), count * columns)));
        !status)
      return status;
  }
  return Status::success();
}

Status tenon::writeSinusoidTable(std::span<const double> frequencies,
                                 bool interleaved, int64_t positions,
                                 const ByteSink &sink) {
  size_t count = frequencies.size();
  return writeTable(2 * count, positions, sink, [&](int64_t p, float *row) {
    for (size_t j = 0; j < count; ++j) {
      double angle = static_cast<double>(p) * frequencies[j];
      row[interleaved ? 2 * j : j] = static_cast<float>(std::sin(angle));
      row[interleaved ? 2 * j + 1 : count + j] =
          static_cast<float>(std::cos(angle));
    }
  });
}

Status tenon::writeRopeTable(std::span<const double> frequencies, double scale,
                             int64_t positions, const ByteSink &sink) {
  size_t count = frequencies.size();
  return writeTable(2 * count, positions, sink, [&](int64_t p, float *row) {
    for (size_t j = 0; j < count; ++j) {
      double angle = static_cast<double>(p) * frequencies[j];
      row[j] = static_cast<float>(std::cos(angle) * scale);
      row[count + j] = static_cast<float>(std::sin(angle) * scale);
    }
  });
}
