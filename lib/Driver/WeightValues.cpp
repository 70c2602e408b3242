//===- WeightValues.cpp - a weight's numbers for an evaluation ------------===//

#include "tenon/Driver/WeightValues.h"
#include "tenon/Checkpoint/Blocks.h"
#include "tenon/Driver/WeightsWriter.h"
#include "llvm/Support/MathExtras.h"

#include <cstring>

using namespace mlir;
using namespace tenon;

/// The plain type that a weight is read in, before its blocks are made.
static Type readingType(Type element, bool rounds) {
  if (element.isInteger(32) ||
      (rounds && (element.isF16() || element.isBF16())))
    return element;
  return Float32Type::get(element.getContext());
}

static double readNumber(Type element, const std::byte *place) {
  if (element.isInteger(32)) {
    int32_t number;
    std::memcpy(&number, place, sizeof(number));
    return number;
  }
  float number;
  DType type = element.isF32()   ? DType::F32
               : element.isF16() ? DType::F16
                                 : DType::BF16;
  convertElements(type, place, DType::F32,
                  reinterpret_cast<std::byte *>(&number), 1);
  return number;
}

/// Whether the checkpoint holds these blocks itself.
static bool holdsBlocks(const Checkpoint *checkpoint,
                        const PlannedWeight &weight, SourceAttr source,
                        int64_t place, DType scheme) {
  const TensorInfo *info =
      checkpoint ? checkpoint->find(getTensorName(weight, source, place))
                 : nullptr;
  return info && info->dtype == scheme;
}

/// Rows of numbers as the blocks that they are stored in say them.
static void passThroughBlocks(DType scheme, MutableArrayRef<double> rows,
                              int64_t columns) {
  int64_t blocks = llvm::divideCeil(columns, blockElements(scheme));
  std::vector<float> row(blocks * blockElements(scheme));
  std::vector<std::byte> quantized(blocks * blockBytes(scheme));
  for (; !rows.empty(); rows = rows.drop_front(columns)) {
    for (int64_t i = 0; i < columns; ++i)
      row[i] = static_cast<float>(rows[i]);
    // What fills up the last block is 0.
    std::fill(row.begin() + columns, row.end(), 0.0f);
    quantizeBlocks(scheme, row, {}, BlockSearch::Best, quantized.data());
    dequantizeBlocks(scheme, quantized.data(), blocks, row.data());
    std::copy_n(row.begin(), columns, rows.begin());
  }
}

static FailureOr<NumberArray> readWeight(WeightOp op, int64_t place,
                                         const Checkpoint *checkpoint,
                                         uint64_t seed, bool rounds) {
  PlannedWeight weight = describeWeight(op);
  RankedTensorType type = weight.layerType;
  Type element = readingType(type.getElementType(), rounds);
  weight.layerType = RankedTensorType::get(type.getShape(), element);
  WeightsOptions options;
  options.checkpoint = checkpoint;
  options.seed = seed;
  std::vector<std::byte> bytes;
  Status status = writeWeightLayer(
      weight, place, options, [&](std::span<const std::byte> piece) {
        bytes.insert(bytes.end(), piece.begin(), piece.end());
        return Status::success();
      });
  if (!status)
    return op.emitError() << "the weight can't be read: "
                          << status.error().message;
  NumberArray numbers(type.getShape());
  size_t width = element.getIntOrFloatBitWidth() / 8;
  if (bytes.size() != numbers.values.size() * width)
    return op.emitError("the weight's sources have other sizes than its type");
  for (auto [i, number] : llvm::enumerate(numbers.values))
    number = readNumber(element, bytes.data() + i * width);

  auto block = dyn_cast<BlockType>(type.getElementType());
  if (!block || !rounds)
    return numbers;
  DType scheme = block.getScheme();
  MutableArrayRef<double> rest = numbers.values;
  for (Attribute attribute : weight.sources) {
    auto source = cast<SourceAttr>(attribute);
    size_t own = 1;
    for (int64_t size : source.getWeightShape())
      own *= size;
    own = std::min(own, rest.size());
    if (!holdsBlocks(checkpoint, weight, source, place, scheme)) {
      if (scheme != DType::Q8_0 && scheme != DType::Q4_0 &&
          scheme != DType::Q8_CHANNEL && scheme != DType::Q7_CHANNEL)
        return op.emitError("numbers of ")
               << source << " cannot be quantized to " << name(scheme);
      passThroughBlocks(scheme, rest.take_front(own), type.getShape().back());
    }
    rest = rest.drop_front(own);
  }
  return numbers;
}

WeightReader tenon::readWeightsOf(const Checkpoint *checkpoint, uint64_t seed,
                                  bool rounds) {
  return [=](WeightOp op, int64_t place) {
    return readWeight(op, place, checkpoint, seed, rounds);
  };
}
