//===- CacheClasses.cpp - which cache an attention has, and where ---------===//

#include "CacheClasses.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace tenon;

static bool isCached(AttentionOp op, const BindingTimes &times) {
  return times.kindOf(op) != AttentionKind::Source;
}

int64_t CacheLimits::ringOf(std::optional<int64_t> window) const {
  // Of fewer tokens kernels make one part, which is less work, and which adds a
  // sink up in another order than parts do.
  if (context <= KVCacheType::kSplit)
    return 0;
  if (!window || chunk <= 0 || context - chunk <= *window)
    return 0;
  int64_t tokens = llvm::alignTo(*window + chunk, kCacheGranularity);
  return tokens < context ? tokens : 0;
}

FailureOr<CacheClasses> CacheClasses::find(func::FuncOp function,
                                           const BindingTimes &times,
                                           const CacheLimits &limits) {
  CacheClasses result;
  function.walk([&](AttentionOp op) {
    if (!isCached(op, times))
      return;
    CacheKey key{cast<RankedTensorType>(op.getKey().getType()),
                 cast<RankedTensorType>(op.getValue().getType()),
                 times.kindOf(op) == AttentionKind::Cross,
                 limits.ringOf(op.getWindow())};
    auto *found = llvm::find_if(
        result.all, [&](const Class &known) { return known.key == key; });
    unsigned number = found - result.all.begin();
    if (found == result.all.end())
      result.all.push_back({key, op, 0});
    result.places[op] = {number, 0};
    result.ops.push_back(op);
  });
  SmallVector<int64_t> next(result.all.size(), 0);
  if (failed(result.number(function.getBody().front(), times, next)))
    return failure();
  for (auto [known, layers] : llvm::zip_equal(result.all, next))
    known.layers = layers;
  return result;
}

LogicalResult CacheClasses::number(Block &block, const BindingTimes &times,
                                   SmallVector<int64_t> &next) {
  for (Operation &op : block) {
    if (auto attention = dyn_cast<AttentionOp>(op)) {
      if (isCached(attention, times)) {
        Place &place = places[&op];
        place.ordinal = next[place.number]++;
      }
      continue;
    }
    bool hasAttention = op.walk([&](AttentionOp inner) {
                            return isCached(inner, times)
                                       ? WalkResult::interrupt()
                                       : WalkResult::advance();
                          }).wasInterrupted();
    if (!hasAttention)
      continue;
    auto loop = dyn_cast<scf::ForOp>(op);
    if (!loop)
      return op.emitError("attention inside of '")
             << op.getName() << "' has no fixed place in the cache; only loops "
             << "with constant bounds may hold it";
    APInt lower, upper, step;
    if (!matchPattern(loop.getLowerBound(), m_ConstantInt(&lower)) ||
        !matchPattern(loop.getUpperBound(), m_ConstantInt(&upper)) ||
        !matchPattern(loop.getStep(), m_ConstantInt(&step)) ||
        !step.isStrictlyPositive())
      return loop.emitError("loop around attention must have constant bounds "
                            "for the size of the cache to be known");
    SmallVector<int64_t> perIteration(next.size(), 0);
    if (failed(number(*loop.getBody(), times, perIteration)))
      return failure();
    int64_t trips = std::max<int64_t>(
        0, llvm::divideCeilSigned(upper.getSExtValue() - lower.getSExtValue(),
                                  step.getSExtValue()));
    loops[&op] = {next, perIteration, lower.getSExtValue(),
                  step.getSExtValue()};
    for (auto [count, layers] : llvm::zip_equal(next, perIteration))
      count += layers * trips;
  }
  return success();
}

Value CacheClasses::materializeLayer(OpBuilder &builder, AttentionOp op) const {
  Location loc = op.getLoc();
  auto constant = [&](int64_t value) -> Value {
    return arith::ConstantIndexOp::create(builder, loc, value);
  };
  Place place = places.lookup(op);
  int64_t offset = place.ordinal;
  Value index;
  for (auto loop = op->getParentOfType<scf::ForOp>(); loop;
       loop = loop->getParentOfType<scf::ForOp>()) {
    Loop info = loops.lookup(loop);
    offset += info.first[place.number];
    Value iteration = loop.getInductionVar();
    if (info.lower != 0)
      iteration =
          arith::SubIOp::create(builder, loc, iteration, constant(info.lower));
    if (info.step != 1)
      iteration =
          arith::DivUIOp::create(builder, loc, iteration, constant(info.step));
    if (info.perIteration[place.number] != 1)
      iteration = arith::MulIOp::create(
          builder, loc, iteration, constant(info.perIteration[place.number]));
    index = index ? arith::AddIOp::create(builder, loc, index, iteration)
                  : iteration;
  }
  if (!index)
    return constant(offset);
  if (offset == 0)
    return index;
  return arith::AddIOp::create(builder, loc, index, constant(offset));
}
