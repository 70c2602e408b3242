//===- FuzzRegex.cpp - a stranger's regular expression -------------------===//
//
// The input is a pattern, a NUL and a text. Matches are in order, inside of the
// text, and never within a code point.
//
//===----------------------------------------------------------------------===//

#include "Tokenizer/Regex.h"

#include "tenon/Support/Utf8.h"

#include <cstdlib>

using namespace tenon;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  std::string_view input(reinterpret_cast<const char *>(data), size);
  size_t end = input.find('\0');
  std::string_view text =
      end == input.npos ? "aab 12 ß漢\n" : input.substr(end + 1);
  Expected<Regex> regex = Regex::compile(input.substr(0, end));
  if (!regex)
    return 0;
  WorkBudget budget(text.size());
  size_t last = 0;
  bool valid = isValidUtf8(text);
  for (TextSpan span : regex->findAll(text, budget)) {
    if (span.begin < last || span.end < span.begin || span.end > text.size())
      std::abort();
    auto splits = [&](size_t at) {
      return at < text.size() &&
             (static_cast<uint8_t>(text[at]) & 0xc0) == 0x80;
    };
    if (valid && (splits(span.begin) || splits(span.end)))
      std::abort();
    last = span.end;
  }
  return 0;
}
