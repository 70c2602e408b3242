//===- Adapters.h - weights that learn beside frozen ones -------*- C++ -*-===//

#ifndef TENON_DIALECT_TENON_IR_ADAPTERS_H
#define TENON_DIALECT_TENON_IR_ADAPTERS_H

#include "llvm/ADT/StringRef.h"

namespace tenon {

/// A unit attribute of weights that don't learn (tenon-insert-adapters): they
/// have no gradient, and neither have the values that only they are behind.
inline constexpr llvm::StringLiteral kFrozenAttrName = "tenon.frozen";

/// Of weights that no checkpoint has: what they begin with, by name.
inline constexpr llvm::StringLiteral kInitialAttrName = "tenon.initial";
inline constexpr llvm::StringLiteral kInitialZeros = "zeros";
/// Normal, with the variance 1 / (3 columns) of PyTorch's linears.
inline constexpr llvm::StringLiteral kInitialNormal = "normal";

} // namespace tenon

#endif // TENON_DIALECT_TENON_IR_ADAPTERS_H
