//===- TenonFusedOps.cpp - what the fusion passes find --------------------===//

#include "VerifyShapes.h"

#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace tenon;
using tenon::detail::compatible;

LogicalResult tenon::detail::verifyWindow(Operation *op,
                                          std::optional<int64_t> window,
                                          bool causal) {
  if (window && *window <= 0)
    return op->emitOpError("window must be positive, found ") << *window;
  if (window && !causal)
    return op->emitOpError("has a window, but is not causal");
  return success();
}

LogicalResult AttentionOp::verify() {
  auto q = cast<ShapedType>(getQuery().getType());
  auto k = cast<ShapedType>(getKey().getType());
  auto v = cast<ShapedType>(getValue().getType());
  ShapedType o = cast<ComputeOpInterface>(getOperation()).getOutputType();
  if (q.getRank() != 3 || k.getRank() != 3 || v.getRank() != 3 ||
      o.getRank() != 3)
    return emitOpError("query, key, value and result must have rank 3");
  if (k.getDimSize(0) != v.getDimSize(0) ||
      !compatible(k.getDimSize(1), v.getDimSize(1)))
    return emitOpError() << "key " << k << " and value " << v
                         << " have different heads or lengths";
  if (q.getDimSize(2) != k.getDimSize(2))
    return emitOpError() << "query " << q << " and key " << k
                         << " have different head sizes";
  if (!detail::sharesHeads(q.getDimSize(0), k.getDimSize(0)))
    return emitOpError() << "heads of query " << q
                         << " are no multiple of those of key " << k;
  if (o.getDimSize(0) != q.getDimSize(0) ||
      !compatible(o.getDimSize(1), q.getDimSize(1)) ||
      o.getDimSize(2) != v.getDimSize(2))
    return emitOpError() << "result " << o << " does not fit query " << q
                         << " and value " << v;
  if (getValid()) {
    auto valid = cast<ShapedType>(getValid().getType());
    if (valid.getRank() != 1 ||
        !compatible(valid.getDimSize(0), k.getDimSize(1)))
      return emitOpError() << "valid " << valid
                           << " must have an element for each key of " << k;
  }
  return detail::verifyChain(*this, detail::ScoreChain::of(*this, getQuery()));
}

LogicalResult FfnOp::verify() {
  auto input = cast<ShapedType>(getInput().getType());
  auto up = cast<ShapedType>(getUp().getType());
  auto down = cast<ShapedType>(getDown().getType());
  if (input.getRank() != 2 || up.getRank() != 2 || down.getRank() != 2)
    return emitOpError("input, up and down must have rank 2");
  if (up.getDimSize(1) != input.getDimSize(1) ||
      down.getDimSize(1) != up.getDimSize(0))
    return emitOpError() << "input " << input << ", up " << up << " and down "
                         << down << " do not fit";
  if (getGate() && getGate().getType() != getUp().getType())
    return emitOpError() << "gate " << getGate().getType()
                         << " must have the type of up " << up;
  if (getGateBias() && !getGate())
    return emitOpError("has a gate bias without a gate");
  ShapedType output = cast<ComputeOpInterface>(getOperation()).getOutputType();
  if (output.getRank() != 2 ||
      !compatible(output.getDimSize(0), input.getDimSize(0)) ||
      output.getDimSize(1) != down.getDimSize(0))
    return emitOpError() << "result " << output << " does not fit input "
                         << input << " and down " << down;
  auto expectBias = [&](Value bias, int64_t size,
                        StringRef what) -> LogicalResult {
    auto type = bias ? cast<ShapedType>(bias.getType()) : ShapedType();
    if (bias && (type.getRank() != 1 || type.getDimSize(0) != size))
      return emitOpError() << what << " must have " << size
                           << " elements, found " << type;
    return success();
  };
  if (failed(expectBias(getUpBias(), up.getDimSize(0), "up bias")) ||
      failed(expectBias(getGateBias(), up.getDimSize(0), "gate bias")) ||
      failed(expectBias(getDownBias(), down.getDimSize(0), "down bias")))
    return failure();
  if (getResidual() && failed(verifyCompatibleShape(
                           cast<ShapedType>(getResidual().getType()).getShape(),
                           output.getShape())))
    return emitOpError() << "residual " << getResidual().getType()
                         << " must have the shape of the result " << output;
  return success();
}

/// Checks that tokens [H, T, D] with these positions have places in a cache:
/// those of one sequence, or one of each sequence.
static LogicalResult verifyCachePlaces(Operation *op, RankedTensorType tokens,
                                       KVCacheType cache, Value position) {
  auto positions = dyn_cast<RankedTensorType>(position.getType());
  if (!positions) {
    if (cache.getSequences() == 1)
      return success();
    return op->emitOpError() << "needs a position for each row: the cache has "
                             << cache.getSequences() << " sequences";
  }
  if (tokens.getDimSize(1) == cache.getSequences() &&
      positions.getDimSize(0) == cache.getSequences())
    return success();
  return op->emitOpError() << "of " << tokens << " at " << positions
                           << " must have a token and a position for each of "
                           << cache.getSequences() << " sequences";
}

LogicalResult CacheAppendOp::verify() {
  KVCacheType cache = getCache().getType();
  for (auto [value, dim] : {std::pair(getKey(), cache.getHeadDim()),
                            std::pair(getValue(), cache.getValueDim())}) {
    auto type = cast<RankedTensorType>(value.getType());
    if (type.getRank() != 3 || type.getDimSize(0) != cache.getHeads() ||
        type.getDimSize(2) != dim)
      return emitOpError() << "of " << type << " does not fit " << cache;
    if (failed(verifyCachePlaces(*this, type, cache, getPosition())))
      return failure();
  }
  return success();
}

LogicalResult CachedAttentionOp::verify() {
  KVCacheType cache = getCache().getType();
  auto query = cast<RankedTensorType>(getQuery().getType());
  if (query.getRank() != 3 || query.getDimSize(2) != cache.getHeadDim() ||
      !detail::sharesHeads(query.getDimSize(0), cache.getHeads()) ||
      query.getShape().drop_back() != getType().getShape().drop_back() ||
      getType().getShape().back() != cache.getValueDim())
    return emitOpError() << "of " << query << " to " << getType()
                         << " does not fit " << cache;
  if (failed(verifyCachePlaces(*this, query, cache, getPosition())))
    return failure();
  if (cache.getRing() && (!getCausal() || !getWindow() ||
                          int64_t(*getWindow()) > cache.getCapacity()))
    return emitOpError() << "to " << cache
                         << " must be causal, with a window that fits it";
  return detail::verifyChain(*this, detail::ScoreChain::of(*this, getQuery()));
}
