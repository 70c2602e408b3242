//===- Values.cpp - what several passes ask of values ---------------------===//

#include "Values.h"
#include "mlir/IR/Matchers.h"
#include <cmath>

using namespace mlir;
using namespace tenon;

/// The element of a constant whose elements are all the same.
static std::optional<double> matchSplat(Value value) {
  DenseElementsAttr attr;
  if (!matchPattern(value, m_Constant(&attr)) || !attr.isSplat() ||
      !isa<FloatType>(attr.getElementType()))
    return std::nullopt;
  return attr.getSplatValue<APFloat>().convertToDouble();
}

std::optional<ScaledValue> tenon::matchScale(Value value) {
  Operation *op = value.getDefiningOp();
  if (auto scale = dyn_cast_or_null<ScaleOp>(op))
    return ScaledValue{scale.getInput(), scale.getFactor().convertToDouble()};
  // A broadcast of the scaled operand would change its shape.
  auto sameType = [&](Value operand) {
    return operand.getType() == value.getType();
  };
  if (auto mul = dyn_cast_or_null<MulOp>(op)) {
    if (auto factor = matchSplat(mul.getRhs());
        factor && sameType(mul.getLhs()))
      return ScaledValue{mul.getLhs(), *factor};
    if (auto factor = matchSplat(mul.getLhs());
        factor && sameType(mul.getRhs()))
      return ScaledValue{mul.getRhs(), *factor};
  }
  if (auto div = dyn_cast_or_null<DivOp>(op))
    if (auto divisor = matchSplat(div.getRhs());
        divisor && *divisor != 0 && sameType(div.getLhs()))
      return ScaledValue{div.getLhs(), 1.0 / *divisor};
  return std::nullopt;
}

bool tenon::isMasked(Value scores) {
  while (true) {
    if (isa_and_nonnull<CausalMaskOp, PaddingMaskOp, BandMaskOp>(
            scores.getDefiningOp()))
      return true;
    if (auto biased = scores.getDefiningOp<ScoreBiasOp>()) {
      scores = biased.getInput();
      continue;
    }
    std::optional<ScaledValue> scaled = matchScale(scores);
    if (!scaled)
      return false;
    scores = scaled->value;
  }
}

bool tenon::isPowerOfTwo(double factor) {
  int exponent;
  return std::isfinite(factor) &&
         std::abs(std::frexp(factor, &exponent)) == 0.5;
}
