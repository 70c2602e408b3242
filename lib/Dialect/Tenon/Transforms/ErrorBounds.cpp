//===- ErrorBounds.cpp - how exact passes on tensors are ------------------===//

#include "tenon/Dialect/Tenon/Transforms/ErrorBounds.h"
#include "tenon/Dialect/Tenon/IR/TenonDialect.h"
#include "llvm/ADT/StringSwitch.h"

using namespace mlir;
using namespace tenon;

namespace {

/// Operations are arranged in another way; sums are the same up to f64.
constexpr double kExact = 1e-9;
/// Constants are multiplied, and rounded to f32 again: 6e-8 of a score, of
/// which random models were seen to make 2e-6 of their results.
constexpr double kConstants = 1e-5;

// By the precision of what is held. What a pass does besides rounding is held
// to kExact, so that these need only catch what no rounding is: NaN, overflow,
// the scale of another block. Eight bits change logits of trained models by one
// or two parts in a hundred, those of small random ones by a sixth at most;
// four bits those by as much as they are.
constexpr double kOfHalf = 0.05, kOfBytes = 0.5, kOfNibbles = 2;

double roundingOf(Type element) {
  if (auto block = dyn_cast<BlockType>(element)) {
    DType scheme = block.getScheme();
    return scheme == DType::Q8_0 || scheme == DType::Q8_CHANNEL ? kOfBytes
                                                                : kOfNibbles;
  }
  if (auto groups = dyn_cast<Int8GroupType>(element))
    return groups.getResidual() ? kOfHalf : kOfBytes;
  if (element.isInteger(8))
    return kOfBytes;
  return element.isF16() || element.isBF16() ? kOfHalf : 0;
}

/// Of the cache that functions take.
double cacheRounding(ModuleOp module) {
  double most = 0;
  module.walk([&](Block *block) {
    for (Type type : block->getArgumentTypes())
      if (auto cache = dyn_cast<KVCacheType>(type))
        most = std::max(most, roundingOf(cache.getElement()));
  });
  return most;
}

double weightRounding(ModuleOp module) {
  double most = 0;
  for (auto weight : module.getOps<WeightOp>())
    most = std::max(most, roundingOf(weight.getTensorType().getElementType()));
  return most;
}

/// Of values between operations.
double valueRounding(ModuleOp module) {
  double most = 0;
  module.walk([&](Operation *op) {
    if (isa<WeightRefOp>(op))
      return;
    for (Type type : op->getResultTypes())
      if (auto tensor = dyn_cast<RankedTensorType>(type))
        most = std::max(most, roundingOf(tensor.getElementType()));
  });
  return most;
}

} // namespace

std::optional<ErrorBound> tenon::getErrorBound(StringRef pass, ModuleOp after) {
  enum Kind { Exact, Constants, Cache, Weights, Values, Unknown };
  Kind kind =
      llvm::StringSwitch<Kind>(pass)
          .Cases({"cse", "tenon-fuse-linear", "tenon-fuse-ffn",
                  "tenon-fuse-qkv", "tenon-differentiate",
                  "tenon-lower-linears"},
                 Exact)
          .Cases({"canonicalize", "tenon-fuse-attention", "tenon-fold-scales"},
                 Constants)
          .Case("tenon-incremental", Cache)
          .Cases({"tenon-quantize-weights", "tenon-quantize-frozen"}, Weights)
          .Case("tenon-pack-weights", Values)
          .Default(Unknown);
  switch (kind) {
  case Exact:
    return ErrorBound{kExact, 0};
  case Constants:
    return ErrorBound{kConstants, 0};
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
