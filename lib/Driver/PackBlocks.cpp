//===- PackBlocks.cpp - weights in superblocks ----------------------------===//
//
// Rows in blocks of the wanted type are repacked, bit-exact; rows of numbers
// are quantized first. Panels are independent: all cores pack.
//
//===----------------------------------------------------------------------===//

#include "RowReader.h"
#include "tenon/Checkpoint/Blocks.h"
#include "tenon/Support/ParallelFor.h"
#include "tenon/Support/Superblock.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cassert>
#include <cstring>
#include <deque>
#include <tuple>

using namespace tenon;

static_assert(std::endian::native == std::endian::little);

namespace {

/// Puts blocks of one row in their places among superblocks of 16 columns.
class BlockPlacer {
public:
  explicit BlockPlacer(DType type)
      : type(type), format(getSuperblock(type)),
        groupsPerBlock(blockElements(type) / Superblock::kGroup) {
    for (int64_t chunk = 0; chunk < Superblock::kChunks; ++chunk)
      pieces[chunk] = format.pieces(chunk);
    if (const int8_t *table = format.tableValues())
      for (int i = 0; i < 16; ++i)
        stepOfValue[static_cast<uint8_t>(table[i] + 128)] = i;
  }

  /// `destination` is the superblock, `lane` the row's column in it, `group`
  /// the first group of the block.
  void place(const std::byte *block, std::byte *destination, int64_t lane,
             int64_t group) {
    readBlock(type, block, values);
    for (int64_t g = 0; g < groupsPerBlock; ++g) {
      placeIntegers(values.u + g * Superblock::kGroup, destination, lane,
                    group + g);
      placeScales(g, destination, lane, group + g);
    }
    if (format.hasIntegerScales()) {
      std::byte *factor = destination + format.factorOffset() + 2 * lane;
      store(factor, values.d);
      if (format.hasMinimum())
        store(factor + 2 * Superblock::kLanes, values.m);
    }
  }

private:
  template <class T> static void store(std::byte *place, T value) {
    std::memcpy(place, &value, sizeof(T));
  }

  void placeIntegers(const uint8_t *integers, std::byte *destination,
                     int64_t lane, int64_t group) {
    // Four neighbours along K are a word, for each of the eight chunks.
    constexpr int64_t kChunks = Superblock::kChunks;
    std::array<uint8_t, Superblock::kGroup> bytes;
    std::memcpy(bytes.data(), integers, bytes.size());
    if (format.isTable)
      for (uint8_t &byte : bytes)
        byte = stepOfValue[byte];
    auto words = std::bit_cast<std::array<uint32_t, kChunks>>(bytes);

    constexpr uint32_t kOnes = 0x01010101u;
    std::array<uint32_t, 8> lines = {};
    for (int64_t chunk = 0; chunk < kChunks; ++chunk)
      for (const Superblock::Piece &piece : pieces[chunk]) {
        uint32_t mask = kOnes * ((1u << piece.bits) - 1);
        lines[piece.line] |= ((words[chunk] >> piece.to) & mask) << piece.from;
      }
    std::byte *place = destination + format.lineOffset() +
                       group * format.groupBytes() + 4 * lane;
    for (int64_t line = 0; line < format.bits; ++line)
      store(place + line * Superblock::kChunkBytes, lines[line]);
  }

  void placeScales(int64_t groupOfBlock, std::byte *destination, int64_t lane,
                   int64_t group) {
    constexpr int64_t kLanes = Superblock::kLanes;
    if (!format.hasIntegerScales()) {
      int64_t place = 2 * (group * kLanes + lane);
      store(destination + format.scaleOffset() + place, values.d);
      if (format.hasMinimum())
        store(destination + format.minimumOffset() + place, values.m);
      return;
    }
    for (int64_t half = 0; half < format.scalesPerGroup; ++half) {
      int64_t from = groupOfBlock * format.scalesPerGroup + half;
      int64_t place = (group * format.scalesPerGroup + half) * kLanes + lane;
      auto scale = static_cast<uint8_t>(values.scales[from]);
      uint8_t minimum = values.minimums[from];
      if (format.scale == Superblock::Scale::Nibbles)
        scale |= minimum << 4;
      else if (format.hasMinimum())
        store(destination + format.minimumOffset() +
                  Superblock::placeOfMinimum(group, lane),
              minimum);
      store(destination + format.scaleOffset() + place, scale);
    }
  }

  DType type;
  Superblock format;
  int64_t groupsPerBlock;
  std::array<Superblock::Pieces, Superblock::kChunks> pieces;
  std::array<uint8_t, 256> stepOfValue = {};
  BlockValues values;
};

/// What one thread packs with: rows of the sources as blocks, and their places.
class PanelPacker {
public:
  explicit PanelPacker(const PackRequest &request)
      : request(request), format(getSuperblock(request.dtype)),
        placer(request.dtype), rows(request, DType::F32, &nonFinite),
        blocksPerRow((request.columns + blockElements(request.dtype) - 1) /
                     blockElements(request.dtype)),
        numbers(blocksPerRow * blockElements(request.dtype)),
        quantized(blocksPerRow * blockBytes(request.dtype)) {}

  /// Fills a panel, which is zero.
  void pack(int64_t panel, std::byte *destination) {
    const PanelLayout &layout = *request.panel;
    int64_t half = rows.rows() / layout.interleave;
    int64_t part = layout.n / layout.interleave;
    int64_t valid = std::min(part, half - panel * part);
    for (int64_t i = 0; i < layout.interleave; ++i)
      for (int64_t r = 0; r < valid; ++r)
        placeRow(i * half + panel * part + r, i * part + r, destination);
  }

  /// Only of the panels that this thread packed.
  std::optional<NonFiniteElement> nonFinite;
  QuantizationErrors errors;

private:
  void placeRow(int64_t row, int64_t column, std::byte *panel) {
    const std::byte *blocks = read(row);
    int64_t elementBytes =
        request.panel->n / Superblock::kLanes * format.bytes();
    std::byte *destination =
        panel + column / Superblock::kLanes * format.bytes();
    int64_t blockGroups = blockElements(request.dtype) / Superblock::kGroup;
    for (int64_t block = 0; block < blocksPerRow; ++block) {
      int64_t group = block * blockGroups;
      placer.place(blocks + block * blockBytes(request.dtype),
                   destination + group / format.groups * elementBytes,
                   column % Superblock::kLanes, group % format.groups);
    }
  }

  /// The blocks of a row; valid until the next call.
  const std::byte *read(int64_t row) {
    if (const std::byte *blocks = rows.blocks(row, request.dtype))
      return blocks;
    // What fills up the last block stays 0.
    rows.read(row, 1, reinterpret_cast<std::byte *>(numbers.data()),
              numbers.size());
    double error = quantizeBlocks(request.dtype, numbers, request.importance,
                                  BlockSearch::Best, quantized.data());
    if (request.errors) {
      errors.add(error, std::span(numbers.data(), request.columns));
      if (!request.importance.empty())
        addWeighted();
    }
    return quantized.data();
  }

  /// Of the row in `numbers` and `quantized`.
  void addWeighted() {
    std::vector<std::byte> plain(quantized.size());
    quantizeBlocks(request.dtype, numbers, {}, BlockSearch::Best, plain.data());
    std::vector<float> values(numbers.size());
    auto weightedError = [&](const std::vector<std::byte> &blocks) {
      dequantizeBlocks(request.dtype, blocks.data(), blocksPerRow,
                       values.data());
      double sum = 0;
      for (size_t i = 0; i < values.size(); ++i) {
        double difference = static_cast<double>(values[i]) - numbers[i];
        sum += request.importance[i] * difference * difference;
      }
      return sum;
    };
    errors.weightedErrors += weightedError(quantized);
    errors.plainWeightedErrors += weightedError(plain);
    for (size_t i = 0; i < numbers.size(); ++i)
      errors.weightedSquares +=
          static_cast<double>(request.importance[i]) * numbers[i] * numbers[i];
  }

  const PackRequest &request;
  Superblock format;
  BlockPlacer placer;
  RowReader rows;
  int64_t blocksPerRow;
  std::vector<float> numbers;
  std::vector<std::byte> quantized;
};

/// The earlier of two in the order of packing.
void keepFirst(std::optional<NonFiniteElement> &found,
               const std::optional<NonFiniteElement> &other) {
  auto place = [](const NonFiniteElement &element) {
    return std::tuple(element.source, element.row, element.column);
  };
  if (other && (!found || place(*other) < place(*found)))
    found = other;
}

} // namespace

void QuantizationErrors::add(double squaredError,
                             std::span<const float> values) {
  squaredErrors += squaredError;
  for (float value : values)
    squares += static_cast<double>(value) * value;
  elements += values.size();
}

void QuantizationErrors::add(const QuantizationErrors &other) {
  squaredErrors += other.squaredErrors;
  squares += other.squares;
  elements += other.elements;
  weightedErrors += other.weightedErrors;
  weightedSquares += other.weightedSquares;
  plainWeightedErrors += other.plainWeightedErrors;
}

Status tenon::packBlocks(const PackRequest &request, const ByteSink &sink,
                         std::optional<NonFiniteElement> *nonFinite) {
  const PanelLayout &layout = *request.panel;
  Superblock format = getSuperblock(request.dtype);
  assert(layout.k == format.columns() && layout.n % Superblock::kLanes == 0);
  RowReader rows(request, DType::F32, nullptr);
  int64_t superblocks = (request.columns + layout.k - 1) / layout.k;
  size_t panelBytes =
      superblocks * (layout.n / Superblock::kLanes) * format.bytes();
  int64_t half = rows.rows() / layout.interleave;
  int64_t part = layout.n / layout.interleave;
  int64_t panels = layout.panels(rows.rows());
  int64_t step = std::max<int64_t>(1, kPieceBytes / panelBytes);
  std::vector<std::byte> packed(std::min(step, panels) * panelBytes);
  // One for each thread.
  std::deque<PanelPacker> packers;
  while (packers.size() < std::min<size_t>(countUsableCpus(), panels))
    packers.emplace_back(request);
  for (int64_t first = 0; first < panels; first += step) {
    int64_t count = std::min(step, panels - first);
    parallelFor(count, packers.size(), [&](unsigned thread, int64_t i) {
      std::byte *panel = packed.data() + i * panelBytes;
      std::memset(panel, 0, panelBytes);
      packers[thread].pack(first + i, panel);
    });
    if (Status status = sink({packed.data(), count * panelBytes}); !status)
      return status;
    for (int64_t i = 0; i < layout.interleave; ++i)
      rows.release(i * half + first * part,
                   std::min(i * half + (first + count) * part, (i + 1) * half));
  }
  for (const PanelPacker &packer : packers) {
    if (nonFinite)
      keepFirst(*nonFinite, packer.nonFinite);
    if (request.errors)
      request.errors->add(packer.errors);
  }
  return Status::success();
}
