//===- Unicode.cpp - classes and mappings of code points -----------------===//

#include "Unicode.h"

#include "tenon/Support/Utf8.h"

#include <cstdint>
#include <cstdlib>
#include <utf8proc.h>

using namespace tenon;

bool tenon::isWhiteSpace(char32_t c) {
  return (c >= 0x9 && c <= 0xd) || c == 0x20 || c == 0x85 || c == 0xa0 ||
         c == 0x1680 || (c >= 0x2000 && c <= 0x200a) || c == 0x2028 ||
         c == 0x2029 || c == 0x202f || c == 0x205f || c == 0x3000;
}

static utf8proc_category_t categoryOf(char32_t c) {
  return utf8proc_category(static_cast<utf8proc_int32_t>(c));
}

bool tenon::isWordCharacter(char32_t c) {
  switch (categoryOf(c)) {
  case UTF8PROC_CATEGORY_LU:
  case UTF8PROC_CATEGORY_LL:
  case UTF8PROC_CATEGORY_LT:
  case UTF8PROC_CATEGORY_LM:
  case UTF8PROC_CATEGORY_LO:
  case UTF8PROC_CATEGORY_MN:
  case UTF8PROC_CATEGORY_MC:
  case UTF8PROC_CATEGORY_ME:
  case UTF8PROC_CATEGORY_ND:
  case UTF8PROC_CATEGORY_NL:
  case UTF8PROC_CATEGORY_PC:
    return true;
  default:
    return false;
  }
}

bool tenon::isNonspacingMark(char32_t c) {
  return categoryOf(c) == UTF8PROC_CATEGORY_MN;
}

bool tenon::isOther(char32_t c) {
  switch (categoryOf(c)) {
  case UTF8PROC_CATEGORY_CN:
  case UTF8PROC_CATEGORY_CC:
  case UTF8PROC_CATEGORY_CF:
  case UTF8PROC_CATEGORY_CS:
  case UTF8PROC_CATEGORY_CO:
    return true;
  default:
    return false;
  }
}

bool tenon::isChineseCharacter(char32_t c) {
  return (c >= 0x4e00 && c <= 0x9fff) || (c >= 0x3400 && c <= 0x4dbf) ||
         (c >= 0x20000 && c <= 0x2a6df) || (c >= 0x2a700 && c <= 0x2b73f) ||
         (c >= 0x2b740 && c <= 0x2b81f) || (c >= 0x2b920 && c <= 0x2ceaf) ||
         (c >= 0xf900 && c <= 0xfaff) || (c >= 0x2f800 && c <= 0x2fa1f);
}

void tenon::appendLowercase(std::string &out, char32_t c) {
  // The only code point whose full lower case has two (SpecialCasing.txt).
  if (c == 0x130) {
    out += "i\u0307";
    return;
  }
  appendUtf8(out, static_cast<char32_t>(
                      utf8proc_tolower(static_cast<utf8proc_int32_t>(c))));
}

static void appendForm(std::string &out, std::string_view text,
                       utf8proc_option_t options) {
  if (text.empty())
    return;
  utf8proc_uint8_t *mapped = nullptr;
  utf8proc_ssize_t size = utf8proc_map(
      reinterpret_cast<const utf8proc_uint8_t *>(text.data()),
      static_cast<utf8proc_ssize_t>(text.size()), &mapped, options);
  if (size >= 0)
    out.append(reinterpret_cast<const char *>(mapped),
               static_cast<size_t>(size));
  else
    out += text;
  free(mapped);
}

std::string tenon::toUnicodeForm(std::string_view text, UnicodeForm form) {
  int options = UTF8PROC_STABLE;
  if (form == UnicodeForm::NFC || form == UnicodeForm::NFKC)
    options |= UTF8PROC_COMPOSE;
  else
    options |= UTF8PROC_DECOMPOSE;
  if (form == UnicodeForm::NFKC || form == UnicodeForm::NFKD)
    options |= UTF8PROC_COMPAT;
  // Runs of valid UTF-8, one by one.
  std::string out;
  size_t start = 0;
  for (size_t at = 0; at < text.size();) {
    Utf8Step step = decodeUtf8(text, at);
    if (step.kind != Utf8Step::Valid) {
      appendForm(out, text.substr(start, at - start),
                 static_cast<utf8proc_option_t>(options));
      out += text.substr(at, step.length);
      start = at + step.length;
    }
    at += step.length;
  }
  appendForm(out, text.substr(start), static_cast<utf8proc_option_t>(options));
  return out;
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
