//===- Opaque.cpp - values that LLVM knows nothing of ---------------------===//

#include "tenon/Conversion/Opaque.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

using namespace mlir;
using namespace tenon;

/// A register of vectors, by LLVM's letters. x86: "v" names all 32 of AVX-512,
/// "x" the 16 of others; AArch64: "w" all 32.
static StringRef vectorConstraints(TargetAttr target) {
  if (target && target.isAArch64())
    return "=w,0";
  return target && target.has("avx512vl") ? "=v,0" : "=x,0";
}

Value tenon::makeOpaque(KernelBuilder &b, Value value) {
  Type type = value.getType();
  Type i64 = b.getI64Type();
  if (type.isIndex())
    value = arith::IndexCastOp::create(b, i64, value);
  StringRef constraints = "=r,0";
  if (isa<VectorType>(type))
    constraints = vectorConstraints(b.getTarget());
  auto same = LLVM::InlineAsmOp::create(
      b, b.getLoc(), value.getType(), value, /*asm_string=*/"", constraints,
      /*has_side_effects=*/true, /*is_align_stack=*/false,
      LLVM::TailCallKind::None, /*asm_dialect=*/LLVM::AsmDialectAttr(),
      /*operand_attrs=*/ArrayAttr());
  if (type.isIndex())
    return arith::IndexCastOp::create(b, type, same.getRes());
  return same.getRes();
}
