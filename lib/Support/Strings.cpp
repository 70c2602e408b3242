//===- Strings.cpp - building texts for people ---------------------------===//

#include "tenon/Support/Strings.h"

#include "tenon/Support/Utf8.h"

#include <charconv>

using namespace tenon;

// Characters that order text from right to left or hide how it is ordered
// (Unicode's Bidi_Control), and its line separators.
static bool reorders(char32_t c) {
  return c == 0x61c || c == 0x200e || c == 0x200f ||
         (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
}

// Appends the character at `at` as a terminal may get it and returns its length
// in the text.
static size_t appendPrintable(std::string &out, std::string_view text,
                              size_t at, bool keepLines) {
  Utf8Step step = decodeUtf8(text, at);
  char32_t c = step.codePoint;
  bool control = c < 0x20 || (c >= 0x7f && c < 0xa0);
  if (keepLines && (c == '\n' || c == '\t'))
    control = false;
  if (step.kind != Utf8Step::Valid || control) {
    static const char digits[] = "0123456789abcdef";
    for (char byte : text.substr(at, step.length)) {
      out += "\\x";
      out += digits[static_cast<unsigned char>(byte) >> 4];
      out += digits[static_cast<unsigned char>(byte) & 15];
    }
  } else if (reorders(c)) {
    out += "\\u{" + hexText(c).substr(2) + '}';
  } else {
    out += text.substr(at, step.length);
  }
  return step.length;
}

std::string tenon::printable(std::string_view message) {
  std::string out;
  out.reserve(message.size());
  for (size_t at = 0; at < message.size();)
    at += appendPrintable(out, message, at, /*keepLines=*/true);
  return out;
}

std::string tenon::quoteName(std::string_view name, size_t limit) {
  std::string out = "'";
  size_t at = 0;
  while (at < name.size() && at < limit)
    at += appendPrintable(out, name, at, /*keepLines=*/false);
  if (at < name.size())
    out += "…";
  out += '\'';
  return out;
}

std::string tenon::shapeText(std::span<const int64_t> shape) {
  std::string out = "[";
  for (size_t i = 0; i < shape.size(); ++i) {
    if (i)
      out += ", ";
    out += std::to_string(shape[i]);
  }
  out += ']';
  return out;
}

std::string tenon::hexText(uint64_t value) {
  char buffer[16];
  auto result = std::to_chars(buffer, buffer + sizeof(buffer), value, 16);
  return "0x" + std::string(buffer, result.ptr);
}
