//===- WeightLayout.cpp - places in the weights and the cache -------------===//

#include "WeightLayout.h"
#include "tenon/Dialect/Tenon/Transforms/MemoryPasses.h"

using namespace mlir;
using namespace tenon;

/// Sizes stay well below the sign bit: sums of a few of them cannot wrap.
static constexpr int64_t kMostBytes = int64_t(1) << 62;

std::optional<int64_t> tenon::checkedMultiply(std::optional<int64_t> a,
                                              std::optional<int64_t> b) {
  int64_t product;
  if (!a || !b || *a < 0 || *b < 0 ||
      __builtin_mul_overflow(*a, *b, &product) || product > kMostBytes)
    return std::nullopt;
  return product;
}

std::optional<int64_t> tenon::checkedAdd(std::optional<int64_t> a,
                                         std::optional<int64_t> b) {
  int64_t sum;
  if (!a || !b || *a < 0 || *b < 0 || __builtin_add_overflow(*a, *b, &sum) ||
      sum > kMostBytes)
    return std::nullopt;
  return sum;
}

std::optional<int64_t> tenon::checkedAlign(std::optional<int64_t> bytes) {
  std::optional<int64_t> sum = checkedAdd(bytes, kMemoryAlignment - 1);
  if (!sum)
    return std::nullopt;
  return *sum - *sum % kMemoryAlignment;
}

std::optional<int64_t> tenon::checkedBytes(ArrayRef<int64_t> shape,
                                           Type element, int64_t bound) {
  std::optional<int64_t> bytes = getElementBytes(element);
  for (int64_t extent : shape)
    bytes =
        checkedMultiply(bytes, ShapedType::isDynamic(extent) ? bound : extent);
  return bytes;
}

MemRefType tenon::getWeightMemRef(RankedTensorType layerType) {
  SmallVector<int64_t> shape(layerType.getShape());
  Type element = layerType.getElementType();
  if (PanelAttr panel = getPanel(layerType)) {
    shape = panel.getPackedShape(shape, element);
    element = panel.getPackedElement(element);
  }
  return MemRefType::get(shape, element);
}

FailureOr<int64_t> tenon::assignWeightPlaces(ModuleOp module) {
  std::optional<int64_t> end = 0;
  Builder builder(module.getContext());
  auto weights = module.getOps<WeightOp>();
  bool placed = llvm::all_of(
      weights, [](WeightOp weight) { return bool(weight.getOffset()); });
  for (WeightOp weight : weights) {
    MemRefType layer = getWeightMemRef(weight.getLayerType());
    std::optional<int64_t> stride =
        checkedAlign(checkedBytes(layer.getShape(), layer.getElementType()));
    std::optional<int64_t> offset = end;
    if (placed) {
      offset = weight.getOffset();
      if (weight.getStride())
        stride = weight.getStride();
    }
    std::optional<int64_t> last =
        checkedAdd(offset, checkedMultiply(stride, weight.getNumLayers()));
    if (!last) {
      weight.emitOpError() << "of type " << weight.getTensorType()
                           << " passes the largest size, 2^62 bytes";
      return failure();
    }
    end = std::max(*end, *last);
    weight.setOffset(*offset);
    if (weight.getStacked())
      weight.setStride(*stride);
  }
  return *end;
}
