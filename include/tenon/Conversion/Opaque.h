//===- Opaque.h - values that LLVM knows nothing of -------------*- C++ -*-===//

#ifndef TENON_CONVERSION_OPAQUE_H
#define TENON_CONVERSION_OPAQUE_H

#include "tenon/Conversion/KernelBuilder.h"

namespace tenon {

/// The same value, of which LLVM knows nothing and which it computes anew in
/// each iteration of a loop: inline assembly without an instruction. For an
/// index, an integer of 64 bits or a register's vector.
mlir::Value makeOpaque(KernelBuilder &b, mlir::Value value);

} // namespace tenon

#endif // TENON_CONVERSION_OPAQUE_H
