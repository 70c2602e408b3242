//===- Strings.h - building texts for people ---------------------*- C++
//-*-===//

#ifndef TENON_SUPPORT_STRINGS_H
#define TENON_SUPPORT_STRINGS_H

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

namespace tenon {

namespace detail {
inline void appendTo(std::string &out, std::string_view text) { out += text; }
inline void appendTo(std::string &out, char c) { out += c; }
template <class T>
requires std::is_integral_v<T>
void appendTo(std::string &out, T value) { out += std::to_string(value); }
} // namespace detail

/// The arguments (strings, characters, integers) one after the other.
template <class... Args> std::string strCat(const Args &...args) {
  std::string out;
  (detail::appendTo(out, args), ...);
  return out;
}

/// A name from an untrusted file, fit for a terminal: in single quotes, control
/// characters and invalid UTF-8 as \xNN, cut after `limit` bytes.
std::string quoteName(std::string_view name, size_t limit = 120);

/// A whole message, fit for a terminal: line breaks and tabs stay; other
/// control characters, invalid UTF-8 and what changes the direction of text
/// become \xNN or \u{NNNN}, so that a string from a file can't steer a
/// terminal. Every message goes through it on its way out.
std::string printable(std::string_view message);

/// "[2, 3, 4]".
std::string shapeText(std::span<const int64_t> shape);

/// "0x1f".
std::string hexText(uint64_t value);

} // namespace tenon

#endif // TENON_SUPPORT_STRINGS_H
