//===- AttentionKernel.cpp - what attention kernels share -----------------===//

#include "AttentionKernel.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

#include <limits>

using namespace mlir;
using namespace tenon;
using namespace tenon::attention;

AttentionKernel::AttentionKernel(KernelBuilder &b, BlockAttentionOp op)
    : b(b), op(op), query(op.getQuery()), keys(op.getKeys()),
      values(op.getValues()), out(op.getOut()),
      scale(op.getScale().convertToDouble() * 1.44269504088896340736) {
  auto queryType = cast<MemRefType>(query.getType());
  heads = queryType.getDimSize(0);
  headDim = queryType.getDimSize(2);
  groups = cast<MemRefType>(keys.getType()).getDimSize(0);
}

AttentionKernel::KeyRange AttentionKernel::keyRange(Value first, Value last) {
  KeyRange range{b.index(0), op.getLength()};
  if (op.getCausal())
    range.end = minIndex(range.end, b.addIndex(last, 1));
  if (op.getWindow()) {
    Value begin = b.addIndex(first, 1 - int64_t(*op.getWindow()));
    begin = arith::MaxSIOp::create(b, begin, b.index(0));
    range.begin = arith::AndIOp::create(b, begin, b.index(-kKeyBlock));
  }
  return range;
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
