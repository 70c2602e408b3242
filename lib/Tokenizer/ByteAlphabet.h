//===- ByteAlphabet.h - GPT-2's spelling of bytes ---------------*- C++ -*-===//
//
// GPT-2's vocabulary spells each byte as a printable code point: bytes that
// print in Latin-1 as themselves, the other 68 as U+0100 and up, in order
// (bytes_to_unicode in its encoder.py). A blank is "Ġ".
//
//===----------------------------------------------------------------------===//

#ifndef TENON_LIB_TOKENIZER_BYTEALPHABET_H
#define TENON_LIB_TOKENIZER_BYTEALPHABET_H

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tenon {

/// The code point that spells a byte.
char32_t byteToAlphabet(uint8_t byte);

/// The bytes that a text spells; nullopt when one of its code points is not in
/// the alphabet.
std::optional<std::string> alphabetToBytes(std::string_view text);

} // namespace tenon

#endif // TENON_LIB_TOKENIZER_BYTEALPHABET_H
