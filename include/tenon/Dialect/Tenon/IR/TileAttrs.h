//===- TileAttrs.h - what tenon-select-tiles says beside a tile -*- C++ -*-===//

#ifndef TENON_DIALECT_TENON_IR_TILEATTRS_H
#define TENON_DIALECT_TENON_IR_TILEATTRS_H

#include "llvm/ADT/StringRef.h"

namespace tenon {

/// On a linear of many rows, an integer: elements along K that several tiles of
/// rows pass before the next ones, so that weights and activations are in the
/// first cache while they do; sums are in memory in between. They are the same
/// chains, whatever the number. Without it a tile passes all of K.
inline constexpr llvm::StringLiteral kDepthBlockAttrName = "tenon.depth_block";

} // namespace tenon

#endif // TENON_DIALECT_TENON_IR_TILEATTRS_H
