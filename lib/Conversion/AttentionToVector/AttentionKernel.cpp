//===- AttentionKernel.cpp - what attention kernels share -----------------===//

#include "AttentionKernel.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

#include <limits>

using namespace mlir;
using namespace tenon;
using namespace tenon::attention;

AttentionCall::AttentionCall(BlockAttentionOp op)
    : query(op.getQuery()), keys(op.getKeys()), values(op.getValues()),
      position(op.getPosition()), length(op.getLength()), valid(op.getValid()),
      scale(op.getScale().convertToDouble()), isCausal(op.getCausal()),
      window(op.getWindow()) {}

AttentionCall::AttentionCall(KernelBuilder &b, PartialAttentionOp op)
    : query(op.getQuery()), keys(op.getKeys()), values(op.getValues()),
      position(op.getPosition()), length(b.addIndex(op.getPosition(), 1)),
      scale(op.getScale().convertToDouble()), isCausal(true),
      window(op.getWindow()) {}

KeyRange attention::getKeyRange(KernelBuilder &b, Value first, Value last,
                                Value length, bool isCausal,
                                std::optional<int64_t> window) {
  KeyRange range{b.index(0), length};
  if (isCausal)
    range.end = arith::MinSIOp::create(b, range.end, b.addIndex(last, 1));
  if (window) {
    Value begin = b.addIndex(first, 1 - *window);
    begin = arith::MaxSIOp::create(b, begin, b.index(0));
    range.begin = arith::AndIOp::create(b, begin, b.index(-kKeyBlock));
  }
  return range;
}

// The first part meets a maximum far below its own: `before` is 0 and `part` 1,
// so that one part is its own total, bit by bit.
Junction::Junction(KernelBuilder &b, Value before, Value ofPart)
    : maximum(b.max(before, ofPart)), before(b.exp2(b.sub(before, maximum))),
      part(b.exp2(b.sub(ofPart, maximum))) {}

Value Junction::join(KernelBuilder &b, Value total, Value ofPart) const {
  return b.fma(total, before, b.mul(ofPart, part));
}

AttentionKernel::AttentionKernel(KernelBuilder &b, AttentionCall call)
    : b(b), call(call), cache(b, call.keys, call.values),
      scale(call.scale * 1.44269504088896340736) {
  heads = cast<MemRefType>(call.query.getType()).getDimSize(0);
  groups = cache.shape().heads;
  headDim = cache.shape().headDim;
}

KeyRange AttentionKernel::keyRange(Value first, Value last) {
  return getKeyRange(b, first, last, call.length, call.isCausal, call.window);
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

Value AttentionKernel::blockCount(const KeyRange &range, Value block) {
  return minIndex(arith::SubIOp::create(b, range.end, block),
                  b.index(kKeyBlock));
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

Value AttentionKernel::maskScores(Value mask, Value scores) {
  if (!mask)
    return scores;
  return arith::SelectOp::create(
      b, mask, scores, b.splat(-std::numeric_limits<double>::infinity()));
}
