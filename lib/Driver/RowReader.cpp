//===- RowReader.cpp - rows of a weight from the checkpoint ---------------===//

#include "RowReader.h"
#include "tenon/Checkpoint/Blocks.h"

#include <algorithm>
#include <cassert>
#include <cstring>

using namespace tenon;

RowReader::RowReader(const PackRequest &request, DType type,
                     std::optional<NonFiniteElement> *nonFinite)
    : request(request), nonFinite(nonFinite), type(type),
      width(byteWidth(type)) {
  for (const RowSource &source : request.sources) {
    assert(source.columns == request.columns);
    total += source.rows;
  }
}

std::pair<size_t, int64_t> RowReader::find(int64_t row) const {
  size_t index = 0;
  while (row >= request.sources[index].rows)
    row -= request.sources[index++].rows;
  return {index, row};
}

/// Bytes of a row of a source that is not transposed.
static size_t rowBytes(const RowSource &source) {
  return source.columns / blockElements(source.dtype) *
         blockBytes(source.dtype);
}

void RowReader::read(int64_t row, int64_t count, std::byte *destination,
                     size_t stride) {
  while (count > 0) {
    auto [index, local] = find(row);
    const RowSource &source = request.sources[index];
    int64_t here = std::min(count, source.rows - local);
    bool isInOrder = source.fill != RowSource::Fill::File && !source.heads;
    if (source.transposed && !isInOrder)
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

const std::byte *RowReader::blocks(int64_t row, DType wanted) {
  auto [index, local] = find(row);
  const RowSource &source = request.sources[index];
  if (source.fill != RowSource::Fill::File || source.dtype != wanted)
    return nullptr;
  const std::byte *data =
      source.data + source.storedRow(local) * rowBytes(source);
  if (nonFinite && !*nonFinite) {
    int64_t elements = blockElements(wanted);
    for (int64_t i = 0; i < source.columns / elements; ++i)
      if (isNonFiniteBlock(wanted, data + i * blockBytes(wanted))) {
        std::vector<float> values(elements);
        dequantizeBlocks(wanted, data + i * blockBytes(wanted), 1,
                         values.data());
        *nonFinite =
            NonFiniteElement{index, local, i * elements, values.front()};
        break;
      }
  }
  return data;
}

void RowReader::release(int64_t begin, int64_t end) const {
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
    // Whoever reads the other part of each head needs the pages in between.
    if (source.heads)
      first = last;
    // Rows of a head lie between each other.
    if (source.rowsPerHead)
      first -= first % source.rowsPerHead, last -= last % source.rowsPerHead;
    if (first < last && source.fill == RowSource::Fill::File)
      request.released(i, first, last);
    base += source.rows;
  }
}

void RowReader::readRow(const RowSource &source, int64_t row,
                        std::byte *destination) {
  size_t count = source.columns;
  switch (source.fill) {
  case RowSource::Fill::File:
    row = source.storedRow(row);
    if (isBlock(source.dtype)) {
      wide.resize(count);
      dequantizeBlocks(source.dtype, source.data + row * rowBytes(source),
                       count / blockElements(source.dtype), wide.data());
      break;
    }
    convertElements(source.dtype,
                    source.data + row * count * byteWidth(source.dtype), type,
                    destination, count);
    return;
  case RowSource::Fill::Normal:
    wide.resize(count);
    row = source.storedRow(row);
    fillNormal(source.seed, static_cast<uint64_t>(row) * count, wide.data(),
               count);
    break;
  case RowSource::Fill::Ones:
    wide.assign(count, 1.0f);
    break;
  }
  convertElements(DType::F32, reinterpret_cast<const std::byte *>(wide.data()),
                  type, destination, count);
}

void RowReader::readTransposed(const RowSource &source, int64_t row,
                               int64_t count, std::byte *destination,
                               size_t stride) {
  if (!source.heads)
    return readColumns(source, row, source.rows, count, destination, stride);
  for (int64_t end = row + count; row < end;) {
    int64_t head = row / source.fileColumns, column = row % source.fileColumns;
    int64_t here = std::min(end - row, source.fileColumns - column);
    int64_t line = head * source.headRows + source.firstRow;
    readColumns(source, line * source.fileColumns + column, source.fileColumns,
                here, destination, stride);
    row += here;
    destination += here * stride * width;
  }
}

void RowReader::readColumns(const RowSource &source, int64_t first,
                            int64_t pitch, int64_t count,
                            std::byte *destination, size_t stride) {
  // Sixteen of the file's lines at a time: [16, count] to [count, 16].
  constexpr int64_t kLines = 16;
  size_t from = byteWidth(source.dtype);
  auto readLine = [&](int64_t place, std::byte *line) {
    if (source.fill == RowSource::Fill::File)
      return convertElements(source.dtype, source.data + place * from, type,
                             line, count);
    wide.assign(count, 1.0f);
    if (source.fill == RowSource::Fill::Normal)
      fillNormal(source.seed, static_cast<uint64_t>(place), wide.data(), count);
    convertElements(DType::F32,
                    reinterpret_cast<const std::byte *>(wide.data()), type,
                    line, count);
  };
  lines.resize(kLines * count * width);
  columns.resize(kLines * count * width);
  for (int64_t c = 0; c < source.columns; c += kLines) {
    int64_t n = std::min(kLines, source.columns - c);
    for (int64_t i = 0; i < n; ++i)
      readLine(first + (c + i) * pitch, lines.data() + i * count * width);
    transposeUnits(width, lines.data(), count, n, count, columns.data());
    for (int64_t r = 0; r < count; ++r)
      std::memcpy(destination + (r * stride + c) * width,
                  columns.data() + r * n * width, n * width);
  }
}

void RowReader::scan(size_t index, int64_t row, int64_t count,
                     const std::byte *data, size_t stride) {
  if (!nonFinite || *nonFinite)
    return;
  size_t columns = request.columns;
  for (int64_t r = 0; r < count; ++r) {
    const std::byte *start = data + r * stride * width;
    size_t bad = findNonFinite(type, start, columns);
    if (bad == columns)
      continue;
    float value;
    convertElements(type, start + bad * width, DType::F32,
                    reinterpret_cast<std::byte *>(&value), 1);
    *nonFinite = NonFiniteElement{index, row + r, int64_t(bad), value};
    return;
  }
}
