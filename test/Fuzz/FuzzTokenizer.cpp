//===- FuzzTokenizer.cpp - a stranger's tokenizer.json -------------------===//
//
// The input is a tokenizer.json, a NUL and a text. Whatever both are, reading,
// encoding and decoding end without a fault, and what was read can be written
// and read again.
//
//===----------------------------------------------------------------------===//

#include "tenon/Tokenizer/Tokenizer.h"

#include <cstdlib>

using namespace tenon;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  std::string_view input(reinterpret_cast<const char *>(data), size);
  size_t end = input.find('\0');
  std::string_view text =
      end == input.npos ? "A test: naïve 漢字 🙂" : input.substr(end + 1);
  auto tokenizer =
      Tokenizer::fromTokenizerJson(input.substr(0, end), "tokenizer.json");
  if (!tokenizer)
    return 0;
  auto tokens = (*tokenizer)->encode(text);
  if (!tokens)
    return 0;
  std::string bytes = (*tokenizer)->serialize();
  auto copy = Tokenizer::deserialize(
      std::as_bytes(std::span<const char>(bytes.data(), bytes.size())));
  if (!copy)
    std::abort();
  auto again = (*copy)->encode(text);
  if (!again || *again != *tokens)
    std::abort();
  (void)(*copy)->decode(*tokens);
  (void)(*copy)->decode(*tokens, /*skipSpecial=*/false);
  return 0;
}
