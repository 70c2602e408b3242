//===- Strings.cpp - building texts for people ---------------------------===//

#include "tenon/Support/Strings.h"

#include "tenon/Support/Utf8.h"

#include <charconv>

using namespace tenon;

std::string tenon::quoteName(std::string_view name, size_t limit) {
  static const char digits[] = "0123456789abcdef";
  std::string out = "'";
  size_t at = 0;
  while (at < name.size() && at < limit) {
    Utf8Step step = decodeUtf8(name, at);
    bool control = step.codePoint < 0x20 ||
                   (step.codePoint >= 0x7f && step.codePoint < 0xa0);
    if (step.kind == Utf8Step::Valid && !control) {
      out += name.substr(at, step.length);
    } else {
      for (char c : name.substr(at, step.length)) {
        out += "\\x";
        out += digits[static_cast<unsigned char>(c) >> 4];
        out += digits[static_cast<unsigned char>(c) & 15];
      }
    }
    at += step.length;
  }
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
