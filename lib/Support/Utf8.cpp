//===- Utf8.cpp - UTF-8, valid or not ------------------------------------===//

#include "tenon/Support/Utf8.h"

using namespace tenon;

static constexpr char32_t replacement = 0xfffd;

Utf8Step tenon::decodeUtf8(std::string_view text, size_t offset) {
  auto byteAt = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
  uint8_t lead = byteAt(offset);
  if (lead < 0x80)
    return {Utf8Step::Valid, lead, 1};

  // How many bytes follow, and the range of the first of them (table 3-7).
  unsigned follow;
  char32_t codePoint;
  uint8_t low = 0x80, high = 0xbf;
  if (lead >= 0xc2 && lead <= 0xdf) {
    follow = 1;
    codePoint = lead & 0x1f;
  } else if (lead >= 0xe0 && lead <= 0xef) {
    follow = 2;
    codePoint = lead & 0x0f;
    if (lead == 0xe0)
      low = 0xa0;
    if (lead == 0xed)
      high = 0x9f;
  } else if (lead >= 0xf0 && lead <= 0xf4) {
    follow = 3;
    codePoint = lead & 0x07;
    if (lead == 0xf0)
      low = 0x90;
    if (lead == 0xf4)
      high = 0x8f;
  } else {
    return {Utf8Step::Invalid, replacement, 1};
  }

  for (unsigned i = 1; i <= follow; ++i) {
    if (offset + i >= text.size())
      return {Utf8Step::Truncated, replacement, i};
    uint8_t next = byteAt(offset + i);
    if (next < low || next > high)
      return {Utf8Step::Invalid, replacement, i};
    codePoint = (codePoint << 6) | (next & 0x3f);
    low = 0x80;
    high = 0xbf;
  }
  return {Utf8Step::Valid, codePoint, follow + 1};
}

void tenon::appendUtf8(std::string &out, char32_t c) {
  if (c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
    c = replacement;
  if (c < 0x80) {
    out += static_cast<char>(c);
  } else if (c < 0x800) {
    out += static_cast<char>(0xc0 | (c >> 6));
    out += static_cast<char>(0x80 | (c & 0x3f));
  } else if (c < 0x10000) {
    out += static_cast<char>(0xe0 | (c >> 12));
    out += static_cast<char>(0x80 | ((c >> 6) & 0x3f));
    out += static_cast<char>(0x80 | (c & 0x3f));
  } else {
    out += static_cast<char>(0xf0 | (c >> 18));
    out += static_cast<char>(0x80 | ((c >> 12) & 0x3f));
    out += static_cast<char>(0x80 | ((c >> 6) & 0x3f));
    out += static_cast<char>(0x80 | (c & 0x3f));
  }
}

bool tenon::isValidUtf8(std::string_view text) {
  for (size_t at = 0; at < text.size();) {
    Utf8Step step = decodeUtf8(text, at);
    if (step.kind != Utf8Step::Valid)
      return false;
    at += step.length;
  }
  return true;
}

std::string tenon::replaceInvalidUtf8(std::string_view text) {
  Utf8Stream stream;
  std::string out = stream.push(text);
  out += stream.flush();
  return out;
}

std::string Utf8Stream::push(std::string_view bytes) {
  std::string joined;
  if (!pending.empty()) {
    joined = std::move(pending);
    joined += bytes;
    bytes = joined;
    pending.clear();
  }
  std::string out;
  out.reserve(bytes.size());
  for (size_t at = 0; at < bytes.size();) {
    Utf8Step step = decodeUtf8(bytes, at);
    if (step.kind == Utf8Step::Truncated) {
      pending = bytes.substr(at);
      break;
    }
    if (step.kind == Utf8Step::Valid)
      out += bytes.substr(at, step.length);
    else
      appendUtf8(out, replacement);
    at += step.length;
  }
  return out;
}

std::string Utf8Stream::flush() {
  std::string out;
  if (!pending.empty())
    appendUtf8(out, replacement);
  pending.clear();
  return out;
}
