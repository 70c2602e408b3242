//===- PackBlocks.cpp - weights in superblocks ----------------------------===//
//
// Rows in blocks of the wanted type are repacked, bit-exact; rows of numbers
// are quantized first.
//
//===----------------------------------------------------------------------===//

#include "RowReader.h"
#include "tenon/Checkpoint/Blocks.h"
#include "tenon/Support/Superblock.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cassert>
#include <cstring>

using namespace tenon;

static_assert(std::endian::native == std::endian::little);

namespace {

/// Puts blocks of one row in their places among superblocks of 16 columns.
class BlockPlacer {
public:
  explicit BlockPlacer(DType type)
      : type(type), format(getSuperblock(type)),
        groupsPerBlock(blockElements(type) / Superblock::kGroup) {
    for (int i = 0; i < 16; ++i)
      stepOfValue[static_cast<uint8_t>(kIQ4Values[i] + 128)] = i;
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
    uint32_t mask = kOnes * ((1u << format.bits) - 1);
    placePlane(words, 0, mask, format.bits,
               destination + group * format.valueBytes(), lane);
    if (format.highBits) {
      uint32_t high = kOnes * ((1u << format.highBits) - 1);
      placePlane(words, format.bits, high, format.highBits,
                 destination + format.highOffset() + group * format.highBytes(),
                 lane);
    }
  }

  /// Bits [from, from + bits) of each byte, to the chunks of a plane.
  static void placePlane(const std::array<uint32_t, Superblock::kChunks> &words,
                         int64_t from, uint32_t mask, int64_t bits,
                         std::byte *plane, int64_t lane) {
    int64_t perByte = 8 / bits, chunks = Superblock::kChunks / perByte;
    for (int64_t chunk = 0; chunk < chunks; ++chunk) {
      uint32_t word = 0;
      for (int64_t i = 0; i < perByte; ++i) {
        // Nibbles: the low ones are the first chunks, the high ones the rest.
        int64_t v = bits == 4 ? chunk + i * chunks : chunk * perByte + i;
        word |= ((words[v] >> from) & mask) << (i * bits);
      }
      store(plane + chunk * Superblock::kChunkBytes + 4 * lane, word);
    }
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
        store(destination + format.minimumOffset() + place, minimum);
      store(destination + format.scaleOffset() + place, scale);
    }
  }

  DType type;
  Superblock format;
  int64_t groupsPerBlock;
  std::array<uint8_t, 256> stepOfValue = {};
  BlockValues values;
};

/// Rows of the sources as blocks of one type.
class BlockReader {
public:
  BlockReader(const PackRequest &request,
              std::optional<NonFiniteElement> *nonFinite)
      : request(request), rows(request, DType::F32, nonFinite),
        blocksPerRow((request.columns + blockElements(request.dtype) - 1) /
                     blockElements(request.dtype)),
        numbers(blocksPerRow * blockElements(request.dtype)),
        quantized(blocksPerRow * blockBytes(request.dtype)) {}

  RowReader &getRows() { return rows; }
  int64_t count() const { return blocksPerRow; }

  /// The blocks of a row; valid until the next call.
  const std::byte *read(int64_t row) {
    if (const std::byte *blocks = rows.blocks(row, request.dtype))
      return blocks;
    // What fills up the last block stays 0.
    rows.read(row, 1, reinterpret_cast<std::byte *>(numbers.data()),
              numbers.size());
    double error = quantizeBlocks(request.dtype, numbers, request.importance,
                                  BlockSearch::Best, quantized.data());
    if (request.errors)
      request.errors->add(error, std::span(numbers.data(), request.columns));
    return quantized.data();
  }

private:
  const PackRequest &request;
  RowReader rows;
  int64_t blocksPerRow;
  std::vector<float> numbers;
  std::vector<std::byte> quantized;
};

} // namespace

void QuantizationErrors::add(double squaredError,
                             std::span<const float> values) {
  squaredErrors += squaredError;
  for (float value : values)
    squares += static_cast<double>(value) * value;
  elements += values.size();
}

Status tenon::packBlocks(const PackRequest &request, const ByteSink &sink,
                         std::optional<NonFiniteElement> *nonFinite) {
  const PanelLayout &panel = *request.panel;
  Superblock format = getSuperblock(request.dtype);
  assert(panel.k == format.columns() && panel.n % Superblock::kLanes == 0);
  BlockReader reader(request, nonFinite);
  BlockPlacer placer(request.dtype);
  RowReader &rows = reader.getRows();

  int64_t superblocks = (request.columns + panel.k - 1) / panel.k;
  int64_t blockGroups = blockElements(request.dtype) / Superblock::kGroup;
  size_t elementBytes = panel.n / Superblock::kLanes * format.bytes();
  size_t panelBytes = superblocks * elementBytes;
  int64_t half = rows.rows() / panel.interleave;
  int64_t part = panel.n / panel.interleave;
  int64_t panels = panel.panels(rows.rows());
  int64_t step = std::max<int64_t>(1, kPieceBytes / panelBytes);
  std::vector<std::byte> packed(std::min(step, panels) * panelBytes);
  for (int64_t first = 0; first < panels; first += step) {
    int64_t count = std::min(step, panels - first);
    std::fill(packed.begin(), packed.end(), std::byte(0));
    for (int64_t p = first; p < first + count; ++p)
      for (int64_t i = 0; i < panel.interleave; ++i) {
        int64_t valid = std::min(part, half - p * part);
        for (int64_t r = 0; r < valid; ++r) {
          const std::byte *blocks = reader.read(i * half + p * part + r);
          int64_t column = i * part + r;
          std::byte *destination = packed.data() + (p - first) * panelBytes +
                                   column / Superblock::kLanes * format.bytes();
          for (int64_t block = 0; block < reader.count(); ++block) {
            int64_t group = block * blockGroups;
            placer.place(blocks + block * blockBytes(request.dtype),
                         destination + group / format.groups * elementBytes,
                         column % Superblock::kLanes, group % format.groups);
          }
        }
      }
    if (Status status = sink({packed.data(), count * panelBytes}); !status)
      return status;
    for (int64_t i = 0; i < panel.interleave; ++i)
      rows.release(i * half + first * part,
                   std::min(i * half + (first + count) * part, (i + 1) * half));
  }
  return Status::success();
}
