//===- VerifyShapes.h - what the verifiers share ----------------*- C++ -*-===//
//
// Extents are those of ShapedType: ShapedType::kDynamic if not known. Modules
// are written by hand, too, so no verifier divides by an extent unchecked.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_LIB_DIALECT_TENON_IR_VERIFYSHAPES_H
#define TENON_LIB_DIALECT_TENON_IR_VERIFYSHAPES_H

#include "tenon/Dialect/Tenon/IR/TenonDialect.h"

namespace tenon::detail {

/// True if two extents can be equal.
inline bool compatible(int64_t a, int64_t b) {
  return mlir::ShapedType::isDynamic(a) || mlir::ShapedType::isDynamic(b) ||
         a == b;
}

/// True if so many heads share so many groups of keys and values evenly: both
/// are known, neither is 0.
inline bool sharesHeads(int64_t heads, int64_t groups) {
  return heads > 0 && groups > 0 && heads % groups == 0;
}

/// Checks the window of a causal mask, in tokens: it counts back from the
/// query, which needs an order.
mlir::LogicalResult verifyWindow(mlir::Operation *op,
                                 std::optional<int64_t> window, bool causal);

} // namespace tenon::detail

#endif // TENON_LIB_DIALECT_TENON_IR_VERIFYSHAPES_H
