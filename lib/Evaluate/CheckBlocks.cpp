//===- CheckBlocks.cpp - whether weights are rounded as well as can be ----===//

#include "CheckBlocks.h"
#include "llvm/Support/FormatVariadic.h"

#include <cmath>

using namespace mlir;
using namespace tenon;

namespace {

/// The integers of a format that numbers are quantized to, and how many numbers
/// share a scale.
struct Steps {
  double low, high;
  int64_t block; ///< 0: a row
};

} // namespace

static std::optional<Steps> stepsOf(DType scheme) {
  switch (scheme) {
  case DType::Q4_0:
    return Steps{-8, 7, 32};
  case DType::Q8_0:
    return Steps{-127, 127, 32};
  case DType::Q8_CHANNEL:
    return Steps{-127, 127, 0};
  case DType::Q7_CHANNEL:
    return Steps{-63, 63, 0};
  default: // only files have them
    return std::nullopt;
  }
}

/// The greatest root of the summed squares of errors that a block of these
/// numbers may have.
static double allowedError(ArrayRef<double> block, const Steps &steps) {
  double extreme = 0;
  for (double x : block)
    if (std::abs(x) > std::abs(extreme))
      extreme = x;
  double scale = extreme / steps.low, squares = 0, ofScale = 0;
  if (scale == 0)
    return 0;
  // The scale is a binary16: off by half of the last of its 11 bits, or half of
  // the least number, 2^-24.
  double off = std::max(std::abs(scale) * 0x1p-11, 0x1p-25);
  for (double x : block) {
    double q = std::clamp(std::nearbyint(x / scale), steps.low, steps.high);
    squares += (x - q * scale) * (x - q * scale);
    ofScale += q * q * off * off;
  }
  // Sums in f32 that choose among scales differ in their last bits.
  return (std::sqrt(squares) + std::sqrt(ofScale)) * (1 + 1e-5);
}

LogicalResult tenon::checkBlocks(ModuleOp before, ModuleOp after,
                                 const WeightReader &exact,
                                 const WeightReader &rounded,
                                 int64_t mostLayers, StringRef pass) {
  for (auto weight : after.getOps<WeightOp>()) {
    auto type = dyn_cast<BlockType>(weight.getTensorType().getElementType());
    auto plain = before.lookupSymbol<WeightOp>(weight.getSymName());
    if (!type || !plain ||
        isa<BlockType>(plain.getTensorType().getElementType()))
      continue;
    std::optional<Steps> steps = stepsOf(type.getScheme());
    if (!steps)
      continue;
    int64_t layers = std::min(weight.getNumLayers(), mostLayers);
    for (int64_t layer = 0; layer < layers; ++layer) {
      FailureOr<NumberArray> was = exact(plain, layer);
      FailureOr<NumberArray> is = rounded(weight, layer);
      if (failed(was) || failed(is))
        return failure();
      if (was->values.size() != is->values.size())
        return weight.emitError() << pass << " changes how many numbers @"
                                  << weight.getSymName() << " has";
      int64_t columns = was->columns();
      int64_t width = steps->block ? steps->block : columns;
      for (int64_t row = 0; row < was->rows(); ++row)
        for (int64_t k = 0; k < columns; k += width) {
          int64_t count = std::min(width, columns - k);
          ArrayRef<double> x(was->row(row) + k, count);
          if (!llvm::all_of(x, [](double v) { return std::isfinite(v); }))
            continue;
          double squares = 0;
          for (int64_t i = 0; i < count; ++i)
            squares += std::pow(is->row(row)[k + i] - x[i], 2);
          double allowed = allowedError(x, *steps);
          if (!(std::sqrt(squares) <= allowed))
            return weight.emitError(llvm::formatv(
                "{0} rounds @{1} worse than {2} can: {3} numbers of row {4} "
                "from column {5}, layer {6}, have an error of {7:e1} together, "
                "where {8:e1} is allowed",
                pass, weight.getSymName(), name(type.getScheme()), count, row,
                k, layer, std::sqrt(squares), allowed));
        }
    }
  }
  return success();
}
