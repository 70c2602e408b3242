//===- EntryAttrs.h - what arguments of entry points say --------*- C++ -*-===//

#ifndef TENON_DIALECT_TENON_IR_ENTRYATTRS_H
#define TENON_DIALECT_TENON_IR_ENTRYATTRS_H

#include "llvm/ADT/StringRef.h"

namespace tenon {

/// On an argument of an entry point: it is of another length than the result,
/// the text that a decoder's tokens attend to; on a cache: of its keys and
/// values.
inline constexpr llvm::StringLiteral kSourceAttrName = "tenon.source";

/// The names of arguments that say how many tokens of the source there are: of
/// one sequence, or of each of several.
inline constexpr llvm::StringLiteral kSourceLengthName = "source_length";
inline constexpr llvm::StringLiteral kSourceLengthsName = "source_lengths";

} // namespace tenon

#endif // TENON_DIALECT_TENON_IR_ENTRYATTRS_H
