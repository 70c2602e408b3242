//===- Unicode.cpp - classes and mappings of code points -----------------===//

#include "Unicode.h"

#include "UnicodeTables.h"

#include "tenon/Support/Utf8.h"

#include <cstdint>

using namespace tenon;

bool tenon::isWhiteSpace(char32_t c) {
  return (c >= 0x9 && c <= 0xd) || c == 0x20 || c == 0x85 || c == 0xa0 ||
         c == 0x1680 || (c >= 0x2000 && c <= 0x200a) || c == 0x2028 ||
         c == 0x2029 || c == 0x202f || c == 0x205f || c == 0x3000;
}

bool tenon::isWordCharacter(char32_t c) {
  if (c < 0x80)
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
           (c >= 'a' && c <= 'z') || c == '_';
  switch (categoryOf(c)) {
  case Category::Lu:
  case Category::Ll:
  case Category::Lt:
  case Category::Lm:
  case Category::Lo:
  case Category::Mn:
  case Category::Mc:
  case Category::Me:
  case Category::Nd:
  case Category::Nl:
  case Category::Pc:
    return true;
  default:
    return c == 0x200c || c == 0x200d || (c >= 0x24b6 && c <= 0x24e9) ||
           (c >= 0x1f130 && c <= 0x1f149) || (c >= 0x1f150 && c <= 0x1f169) ||
           (c >= 0x1f170 && c <= 0x1f189);
  }
}

bool tenon::isNonspacingMark(char32_t c) {
  return c >= 0x300 && categoryOf(c) == Category::Mn;
}

bool tenon::isMark(char32_t c) {
  if (c < 0x300)
    return false;
  Category category = categoryOf(c);
  return category == Category::Mn || category == Category::Mc ||
         category == Category::Me;
}

bool tenon::isControl(char32_t c) {
  if (c < 0x80)
    return c < 0x20 || c == 0x7f;
  Category category = categoryOf(c);
  return category == Category::Cc || category == Category::Cf ||
         category == Category::Co || category == Category::Cs;
}

bool tenon::isChineseCharacter(char32_t c) {
  return (c >= 0x4e00 && c <= 0x9fff) || (c >= 0x3400 && c <= 0x4dbf) ||
         (c >= 0x20000 && c <= 0x2a6df) || (c >= 0x2a700 && c <= 0x2b73f) ||
         (c >= 0x2b740 && c <= 0x2b81f) || (c >= 0x2b920 && c <= 0x2ceaf) ||
         (c >= 0xf900 && c <= 0xfaff) || (c >= 0x2f800 && c <= 0x2fa1f);
}

void tenon::appendLowercase(std::string &out, char32_t c) {
  if (c < 0x80) {
    out += static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
    return;
  }
  Mapping lower = lowerCaseOf(c);
  if (lower.utf16.empty())
    appendUtf8(out, c);
  forEachCodePoint(lower.utf16, [&](char32_t to) { appendUtf8(out, to); });
}

size_t tenon::whiteSpaceAtStart(std::string_view text) {
  size_t at = 0;
  while (at < text.size()) {
    Utf8Step step = decodeUtf8(text, at);
    if (step.kind != Utf8Step::Valid || !isWhiteSpace(step.codePoint))
      break;
    at += step.length;
  }
  return at;
}

size_t tenon::whiteSpaceAtEnd(std::string_view text) {
  size_t end = text.size();
  while (end > 0) {
    size_t start = end - 1;
    while (start > 0 && end - start < 4 &&
           (static_cast<uint8_t>(text[start]) & 0xc0) == 0x80)
      --start;
    Utf8Step step = decodeUtf8(text, start);
    if (step.kind != Utf8Step::Valid || step.length != end - start ||
        !isWhiteSpace(step.codePoint))
      break;
    end = start;
  }
  return text.size() - end;
}
