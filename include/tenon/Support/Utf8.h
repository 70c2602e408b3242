//===- Utf8.h - UTF-8, valid or not ------------------------------*- C++
//-*-===//
//
// Decoding after the Unicode Standard's table 3-7 (no overlong forms, no
// surrogates, nothing above U+10FFFF). Where bytes are invalid, the "maximal
// subpart" practice of section 3.9 decides how many of them one U+FFFD stands
// for, as WHATWG and Python do.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_SUPPORT_UTF8_H
#define TENON_SUPPORT_UTF8_H

#include <cstdint>
#include <string>
#include <string_view>

namespace tenon {

/// One step of decoding.
struct Utf8Step {
  enum Kind {
    Valid,     ///< `codePoint` was read from `length` bytes
    Invalid,   ///< `length` bytes (at least 1) form no code point
    Truncated, ///< the text ends inside of a code point, after `length` bytes
  };
  Kind kind;
  char32_t codePoint; ///< U+FFFD unless valid
  unsigned length;
};

/// Reads at `offset`, which must lie inside of `text`.
Utf8Step decodeUtf8(std::string_view text, size_t offset);

/// Appends a code point; surrogates and values above U+10FFFF become U+FFFD.
void appendUtf8(std::string &out, char32_t codePoint);

bool isValidUtf8(std::string_view text);

/// The text with invalid bytes replaced by U+FFFD.
std::string replaceInvalidUtf8(std::string_view text);

/// Cuts a stream of bytes at code points: what comes out is valid UTF-8
/// whatever goes in, each invalid part replaced by U+FFFD.
class Utf8Stream {
public:
  /// The code points that are complete now; up to 3 bytes are kept back.
  std::string push(std::string_view bytes);
  /// What was kept back (then U+FFFD, as it is incomplete).
  std::string flush();

private:
  std::string pending;
};

} // namespace tenon

#endif // TENON_SUPPORT_UTF8_H
