//===- Adapters.h - weights that learn beside frozen ones -------*- C++ -*-===//

#ifndef TENON_DIALECT_TENON_IR_ADAPTERS_H
#define TENON_DIALECT_TENON_IR_ADAPTERS_H

#include "llvm/ADT/StringRef.h"

namespace tenon {

/// A unit attribute of weights that don't learn (tenon-insert-adapters): they
/// have no gradient, and neither have the values that only they are behind.
inline constexpr llvm::StringLiteral kFrozenAttrName = "tenon.frozen";

/// On an embedding: the id whose row has no gradient from it, an integer.
inline constexpr llvm::StringLiteral kFrozenRowAttrName = "tenon.frozen_row";

/// On a weight from a GGUF file: the name that it has in Hugging Face's
/// checkpoints, by which adapters are called, with "{i}" as in sources.
inline constexpr llvm::StringLiteral kModuleAttrName = "tenon.module";

/// Of weights that no checkpoint has: what they begin with, by name.
inline constexpr llvm::StringLiteral kInitialAttrName = "tenon.initial";
inline constexpr llvm::StringLiteral kInitialZeros = "zeros";
/// Normal, with the variance 1 / (3 columns) of PyTorch's linears.
inline constexpr llvm::StringLiteral kInitialNormal = "normal";
inline constexpr llvm::StringLiteral kInitialOnes = "ones";
/// Normal, with the standard deviation that follows, as in "deviation 0.02".
inline constexpr llvm::StringLiteral kInitialDeviation = "deviation ";

} // namespace tenon

#endif // TENON_DIALECT_TENON_IR_ADAPTERS_H
