//===- ByteAlphabet.cpp - GPT-2's spelling of bytes ----------------------===//

#include "ByteAlphabet.h"

#include "tenon/Support/Utf8.h"

#include <array>

using namespace tenon;

static constexpr bool printsInLatin1(unsigned byte) {
  return (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) ||
         (byte >= 0xae && byte <= 0xff);
}

static constexpr auto toAlphabet = [] {
  std::array<char32_t, 256> table{};
  char32_t next = 0x100;
  for (unsigned byte = 0; byte < 256; ++byte)
    table[byte] = printsInLatin1(byte) ? byte : next++;
  return table;
}();

// The greatest letter is U+0143.
static constexpr auto fromAlphabet = [] {
  std::array<int16_t, 0x144> table{};
  table.fill(-1);
  for (unsigned byte = 0; byte < 256; ++byte)
    table[toAlphabet[byte]] = static_cast<int16_t>(byte);
  return table;
}();

char32_t tenon::byteToAlphabet(uint8_t byte) { return toAlphabet[byte]; }

std::optional<std::string> tenon::alphabetToBytes(std::string_view text) {
  std::string bytes;
  for (size_t at = 0; at < text.size();) {
    Utf8Step step = decodeUtf8(text, at);
    if (step.kind != Utf8Step::Valid || step.codePoint >= fromAlphabet.size() ||
        fromAlphabet[step.codePoint] < 0)
      return std::nullopt;
    bytes += static_cast<char>(fromAlphabet[step.codePoint]);
    at += step.length;
  }
  return bytes;
}
