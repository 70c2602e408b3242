//===- Characters.cpp - characters as Python's str sees them --------------===//

#include "Characters.h"

#include "tenon/Support/Utf8.h"

using namespace tenon;
using namespace tenon::templates;

bool tenon::templates::isSpace(char32_t c) {
  return (c >= 0x09 && c <= 0x0d) || (c >= 0x1c && c <= 0x20) || c == 0x85 ||
         c == 0xa0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200a) ||
         c == 0x2028 || c == 0x2029 || c == 0x202f || c == 0x205f ||
         c == 0x3000;
}

size_t tenon::templates::characterStart(std::string_view text, size_t at) {
  size_t start = at;
  while (start > 0 && at - start < 3 &&
         (static_cast<unsigned char>(text[start]) & 0xc0) == 0x80)
    --start;
  // Bytes that form no character stand for themselves.
  Utf8Step step = decodeUtf8(text, start);
  return start + step.length > at ? start : at;
}

size_t tenon::templates::spacesAtStart(std::string_view text) {
  size_t at = 0;
  while (at < text.size()) {
    Utf8Step step = decodeUtf8(text, at);
    if (step.kind != Utf8Step::Valid || !isSpace(step.codePoint))
      break;
    at += step.length;
  }
  return at;
}

size_t tenon::templates::spacesAtEnd(std::string_view text) {
  size_t end = text.size();
  while (end > 0) {
    size_t start = characterStart(text, end - 1);
    Utf8Step step = decodeUtf8(text, start);
    if (step.kind != Utf8Step::Valid || !isSpace(step.codePoint))
      break;
    end = start;
  }
  return text.size() - end;
}

size_t tenon::templates::countCharacters(std::string_view text) {
  size_t count = 0;
  for (size_t at = 0; at < text.size(); ++count)
    at += decodeUtf8(text, at).length;
  return count;
}
