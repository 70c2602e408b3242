//===- ErrorBounds.cpp - how exact passes on tensors are ------------------===//

#include "tenon/Dialect/Tenon/Transforms/ErrorBounds.h"
#include "tenon/Dialect/Tenon/IR/TenonDialect.h"
#include "llvm/ADT/StringSwitch.h"

using namespace mlir;
using namespace tenon;

namespace {

/// Operations are arranged in another way and products are the same: sums of
/// up to 2^13 of them in another order differ by 2^13 x 2^-53 of the sum of
/// their magnitudes (Higham, Accuracy and Stability of Numerical Algorithms,
/// 2002, section 4.2).
constexpr double kExact = 1e-12;
/// Two constants become one, which is rounded to f32 twice: 2 x 2^-24 of a
/// score. Scores of up to 32 then change probabilities by exp(2^-18) - 1.
constexpr double kConstants = 3.8e-6;

// To f16 and bf16: half of the last of 11 and of 8 bits of each number. To
// eight bits: half of one of the 127 steps that the greatest of a group is;
// with a residual, the same of what is left. To four: half of one of its 8
// steps. Fewer bits than four come from files, and are not rounded here.
constexpr Rounding kToF16 = {0x1p-11, 1}, kToBF16 = {0x1p-8, 1};
constexpr double kOfBytes = 1. / 254, kOfNibbles = 1. / 16;
constexpr Rounding kToBytes = {kOfBytes, 32}, kToChannels = {kOfBytes, 0};
constexpr Rounding kToShortChannels = {1. / 126, 0}; // 63 steps, or 64
constexpr Rounding kToResiduals = {kOfBytes * kOfBytes, 32};
constexpr Rounding kToNibbles = {kOfNibbles, 32};

Rounding roundingOf(Type element) {
  if (auto block = dyn_cast<BlockType>(element)) {
    DType scheme = block.getScheme();
    return scheme == DType::Q8_CHANNEL   ? kToChannels
           : scheme == DType::Q7_CHANNEL ? kToShortChannels
           : scheme == DType::Q8_0       ? kToBytes
                                         : kToNibbles;
  }
  if (auto groups = dyn_cast<Int8GroupType>(element))
    return groups.getResidual()    ? kToResiduals
           : groups.getBits() == 7 ? kToShortChannels
                                   : kToBytes;
  // A row of a cache has a scale.
  if (element.isInteger(8))
    return kToChannels;
  return element.isF16() ? kToF16 : element.isBF16() ? kToBF16 : Rounding();
}

void keepGreatest(Rounding &most, Type element) {
  Rounding rounding = roundingOf(element);
  if (rounding.size > most.size)
    most = rounding;
}

/// Of the cache that functions take.
Rounding cacheRounding(ModuleOp module) {
  Rounding most;
  module.walk([&](Block *block) {
    for (Type type : block->getArgumentTypes())
      if (auto cache = dyn_cast<KVCacheType>(type))
        keepGreatest(most, cache.getElement());
  });
  return most;
}

Rounding weightRounding(ModuleOp module) {
  Rounding most;
  for (auto weight : module.getOps<WeightOp>())
    keepGreatest(most, weight.getTensorType().getElementType());
  return most;
}

/// Of values between operations.
Rounding valueRounding(ModuleOp module) {
  Rounding most;
  module.walk([&](Operation *op) {
    if (isa<WeightRefOp>(op))
      return;
    for (Type type : op->getResultTypes())
      if (auto tensor = dyn_cast<RankedTensorType>(type))
        keepGreatest(most, tensor.getElementType());
  });
  return most;
}

} // namespace

std::optional<ErrorBound> tenon::getErrorBound(StringRef pass, ModuleOp after) {
  enum Kind { Exact, Constants, Cache, Weights, Values, Unknown };
  Kind kind =
      llvm::StringSwitch<Kind>(pass)
          .Cases({"cse", "tenon-absorb-latent", "tenon-fuse-linear",
                  "tenon-fuse-ffn", "tenon-fuse-qkv", "tenon-batch-texts",
                  "tenon-differentiate", "tenon-lower-linears"},
                 Exact)
          .Cases({"canonicalize", "tenon-fuse-attention", "tenon-fold-scales"},
                 Constants)
          .Case("tenon-incremental", Cache)
          .Cases({"tenon-quantize-weights", "tenon-quantize-frozen"}, Weights)
          .Case("tenon-pack-weights", Values)
          .Default(Unknown);
  switch (kind) {
  case Exact:
    return ErrorBound{kExact};
  case Constants:
    return ErrorBound{kConstants};
  case Cache:
    return ErrorBound{kExact, cacheRounding(after)};
  case Weights:
    return ErrorBound{kExact, weightRounding(after)};
  case Values:
    return ErrorBound{kExact, valueRounding(after)};
  case Unknown:
    return std::nullopt;
  }
  llvm_unreachable("unknown kind");
}
