//===- AttentionKernel.cpp - what attention kernels share -----------------===//

#include "AttentionKernel.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

#include <limits>

using namespace mlir;
using namespace tenon;
using namespace tenon::attention;

static double toDouble(std::optional<llvm::APFloat> number, double otherwise) {
  return number ? number->convertToDouble() : otherwise;
}

static int64_t keyBlockOf(TileAttr tile) {
  return tile ? tile.getColumns() : kDefaultKeyBlock;
}

AttentionCall::AttentionCall(BlockAttentionOp op)
    : query(op.getQuery()), keys(op.getKeys()), values(op.getValues()),
      position(op.getPosition()), length(op.getLength()), valid(op.getValid()),
      bias(op.getBias()), sink(op.getSink()),
      scale(op.getScale().convertToDouble()), cap(toDouble(op.getCap(), 0)),
      biasScale(toDouble(op.getBiasScale(), 1)), isBiasByKey(op.getBiasByKey()),
      isCausal(op.getCausal()), window(op.getWindow()), band(op.getBand()),
      isRing(op.getRing()), keyBlock(keyBlockOf(op.getTileAttr())),
      plan(AttentionPlan::of(op.getPlan())) {}

AttentionCall::AttentionCall(KernelBuilder &b, PartialAttentionOp op)
    : query(op.getQuery()), keys(op.getKeys()), values(op.getValues()),
      position(op.getPosition()), length(b.addIndex(op.getPosition(), 1)),
      bias(op.getBias()), scale(op.getScale().convertToDouble()),
      cap(toDouble(op.getCap(), 0)), biasScale(toDouble(op.getBiasScale(), 1)),
      isBiasByKey(op.getBiasByKey()), isCausal(true), window(op.getWindow()),
      isRing(op.getRing()), keyBlock(keyBlockOf(op.getTileAttr())),
      plan(AttentionPlan::of(op.getPlan())) {}

KeyRange attention::getKeyRange(KernelBuilder &b, int64_t keyBlock, Value first,
                                Value last, Value length, bool isCausal,
                                std::optional<int64_t> window,
                                std::optional<int64_t> band) {
  KeyRange range{b.index(0), length};
  if (isCausal)
    range.end = arith::MinSIOp::create(b, range.end, b.addIndex(last, 1));
  if (band)
    range.end =
        arith::MinSIOp::create(b, range.end, b.addIndex(last, *band + 1));
  if (window || band) {
    Value begin = b.addIndex(first, window ? 1 - *window : -*band);
    begin = arith::MaxSIOp::create(b, begin, b.index(0));
    range.begin = arith::AndIOp::create(b, begin, b.index(-keyBlock));
  }
  return range;
}

KernelBuilder::Values attention::startState(KernelBuilder &b, Value sink,
                                            Value head) {
  if (!sink)
    return {b.splat(kStartMaximum), b.splat(0.0)};
  Value score = b.mul(b.loadScalar(sink, head), b.f32(kLog2E));
  return {b.splat(score), b.splat(1.0)};
}

// The first part meets a maximum far below its own: `before` is 0 and `part` 1,
// so that one part is its own total, bit by bit.
Junction::Junction(KernelBuilder &b, Value before, Value ofPart)
    : maximum(b.max(before, ofPart)),
      before(b.exp2OfNegative(b.sub(before, maximum))),
      part(b.exp2OfNegative(b.sub(ofPart, maximum))) {}

Value Junction::join(KernelBuilder &b, Value total, Value ofPart) const {
  return b.fma(total, before, b.mul(ofPart, part));
}

AttentionKernel::AttentionKernel(KernelBuilder &b, AttentionCall call)
    : b(b), call(call), cache(b, call.keys, call.values),
      scale(call.scale * kLog2E * (call.cap > 0 ? 2 / call.cap : 1)) {
  heads = cast<MemRefType>(call.query.getType()).getDimSize(0);
  groups = cache.shape().heads;
  keyDim = cast<MemRefType>(call.query.getType()).getDimSize(2);
  valueDim = cache.shape().valueDim;
  keyBlock = call.keyBlock;
}

KeyRange AttentionKernel::keyRange(Value first, Value last) {
  return getKeyRange(b, keyBlock, first, last, call.length, call.isCausal,
                     call.window, call.band);
}

KeyRange AttentionKernel::splitRange(const KeyRange &range, Value split) {
  return {arith::MaxSIOp::create(b, range.begin, split),
          minIndex(range.end, b.addIndex(split, kSplit))};
}

KernelBuilder::Values
AttentionKernel::forEachSplit(const KeyRange &range, ValueRange inits,
                              function_ref<Values(KeyRange, ValueRange)> body) {
  Value first = arith::AndIOp::create(b, range.begin, b.index(-kSplit));
  return b.loop(first, range.end, kSplit, inits,
                [&](Value split, ValueRange carried) {
                  return body(splitRange(range, split), carried);
                });
}

// Blocks begin at multiples of their size, which the capacity is one of, too.
Value AttentionKernel::placeOf(Value block) {
  if (!call.isRing)
    return block;
  return arith::RemUIOp::create(b, block, b.index(cache.shape().capacity));
}

Value AttentionKernel::blockCount(const KeyRange &range, Value block) {
  return minIndex(arith::SubIOp::create(b, range.end, block),
                  b.index(keyBlock));
}

Value AttentionKernel::scratch(ArrayRef<int64_t> shape) {
  return memref::AllocaOp::create(b, MemRefType::get(shape, b.getF32Type()),
                                  ValueRange{}, b.getI64IntegerAttr(64));
}

// memref.alloca_scope would say this, but takes no control flow inside once scf
// is lowered. A dispatch runs its body in a loop: without a scope the stack
// would grow with every task.
void AttentionKernel::scoped(function_ref<void()> body) {
  Value top =
      LLVM::StackSaveOp::create(b, LLVM::LLVMPointerType::get(b.getContext()));
  body();
  LLVM::StackRestoreOp::create(b, top);
}

Value AttentionKernel::minIndex(Value a, Value c) {
  return arith::MinSIOp::create(b, a, c);
}

Value AttentionKernel::toI32(Value index) {
  return arith::IndexCastOp::create(b, b.getI32Type(), index);
}

Value AttentionKernel::sequence(Value start) {
  SmallVector<int32_t> lanes;
  for (int64_t i = 0; i < b.lanes(); ++i)
    lanes.push_back(i);
  Value iota = arith::ConstantOp::create(
      b, DenseElementsAttr::get(b.vectorType(b.getI32Type()),
                                ArrayRef<int32_t>(lanes)));
  return arith::AddIOp::create(b, b.splat(toI32(start)), iota);
}

Value AttentionKernel::compare(arith::CmpIPredicate predicate, Value a,
                               Value c) {
  return arith::CmpIOp::create(b, predicate, a, c);
}

Value AttentionKernel::both(Value a, Value c) {
  if (!a || !c)
    return a ? a : c;
  return arith::AndIOp::create(b, a, c);
}

// c tanh(s / c) = c - 2 c / (1 + e^(2 s / c)), whose rounding is one of c,
// wherever s is.
Value AttentionKernel::chainScores(Value products, Value bias) {
  Value scores = products;
  if (call.cap > 0) {
    double cap = call.cap * kLog2E;
    // Beyond this the quotient is nothing beside c; powers stay finite.
    Value e = b.exp2(b.min(products, b.splat(100.0)));
    scores =
        b.sub(b.splat(cap), b.div(b.splat(2 * cap), b.add(e, b.splat(1.0))));
  }
  if (bias)
    scores = b.fma(bias, b.splat(call.biasScale * kLog2E), scores);
  return scores;
}

Value AttentionKernel::biasPlace(Value key, Value query) {
  if (call.isBiasByKey)
    return key;
  int64_t reach = cast<MemRefType>(call.bias.getType()).getDimSize(1) / 2;
  return b.addIndex(arith::SubIOp::create(b, key, query), reach);
}

Value AttentionKernel::maskScores(Value mask, Value scores) {
  if (!mask)
    return scores;
  return arith::SelectOp::create(
      b, mask, scores, b.splat(-std::numeric_limits<double>::infinity()));
}
