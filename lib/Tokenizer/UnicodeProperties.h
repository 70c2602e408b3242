//===- UnicodeProperties.h - sets of code points by name --------*- C++ -*-===//

#ifndef TENON_LIB_TOKENIZER_UNICODEPROPERTIES_H
#define TENON_LIB_TOKENIZER_UNICODEPROPERTIES_H

#include "CodePointSet.h"

#include <optional>
#include <string_view>

namespace tenon {

/// What \p{name} has: a general category, a script, a binary property (all of
/// them by their short or long names), a block ("In_…") or a POSIX class. As in
/// Oniguruma case, blanks, '-' and '_' in a name don't count.
std::optional<CodePointSet> unicodeProperty(std::string_view name);

/// What [[:name:]] has: those POSIX classes that Oniguruma knows, whose
/// punctuation includes symbols.
std::optional<CodePointSet> posixBracket(std::string_view name);

CodePointSet wordCharacters();    ///< Alphabetic, marks, digits and connectors
CodePointSet whiteSpace();        ///< White_Space
CodePointSet decimalDigits();     ///< Nd
CodePointSet hexadecimalDigits(); ///< 0-9 A-F a-f

} // namespace tenon

#endif // TENON_LIB_TOKENIZER_UNICODEPROPERTIES_H
