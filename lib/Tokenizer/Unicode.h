//===- Unicode.h - classes and mappings of code points ----------*- C++ -*-===//

#ifndef TENON_LIB_TOKENIZER_UNICODE_H
#define TENON_LIB_TOKENIZER_UNICODE_H

#include <string>
#include <string_view>

namespace tenon {

/// Unicode's White_Space property.
bool isWhiteSpace(char32_t c);
/// \w of Rust's regex crate: Alphabetic, marks, decimal digits, connectors and
/// joiners.
bool isWordCharacter(char32_t c);
/// Nonspacing marks (Mn).
bool isNonspacingMark(char32_t c);
/// Marks of all kinds (M).
bool isMark(char32_t c);
/// Controls, formats, surrogates and private code points (C but for Cn: an
/// unassigned code point may be a new emoji).
bool isControl(char32_t c);
/// The ideographs that BERT takes for words, after its tokenization.py.
bool isChineseCharacter(char32_t c);
/// Appends the lower case of one code point, without context.
void appendLowercase(std::string &out, char32_t c);

/// A Unicode normalization form; invalid UTF-8 stays as it is.
enum class UnicodeForm { NFC, NFD, NFKC, NFKD };
std::string toUnicodeForm(std::string_view text, UnicodeForm form);

/// White space at both ends of a text.
size_t whiteSpaceAtStart(std::string_view text);
size_t whiteSpaceAtEnd(std::string_view text);

} // namespace tenon

#endif // TENON_LIB_TOKENIZER_UNICODE_H
