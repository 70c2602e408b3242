//===- TenonTexts.h - several texts in one call -----------------*- C++ -*-===//
//
// Operations of the tenon dialect that few files need; TenonTextOps.td
// documents them.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_DIALECT_TENON_IR_TENONTEXTS_H
#define TENON_DIALECT_TENON_IR_TENONTEXTS_H

#include "tenon/Dialect/Tenon/IR/TenonDialect.h"

#define GET_OP_CLASSES
#include "tenon/Dialect/Tenon/IR/TenonTextOps.h.inc"

namespace tenon {

/// The name and element of an entry point's argument that says where each of
/// several texts ends. As many as the call has texts.
inline constexpr llvm::StringLiteral kTextEndsName = "text_ends";

/// On an entry point that takes several texts and gives so many rows for each;
/// without it the result has the rows of their tokens.
inline constexpr llvm::StringLiteral kTextRowsAttrName = "tenon.text_rows";

} // namespace tenon

#endif // TENON_DIALECT_TENON_IR_TENONTEXTS_H
