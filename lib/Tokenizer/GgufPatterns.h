//===- GgufPatterns.h - the pre-tokenizers that GGUF names ------*- C++ -*-===//

#ifndef TENON_LIB_TOKENIZER_GGUFPATTERNS_H
#define TENON_LIB_TOKENIZER_GGUFPATTERNS_H

#include <span>
#include <string>
#include <string_view>

namespace tenon {

/// A value of tokenizer.ggml.pre: the patterns that cut a text one after the
/// other, matches and gaps both being pieces.
struct GgufPreTokenizer {
  std::string_view name;
  std::span<const std::string_view> patterns;
  bool ignoreMerges; ///< a piece that is a token needs no merging
  bool addBos;       ///< unless the file says otherwise
};

/// Null when the name isn't known. The empty name stands for "default".
const GgufPreTokenizer *findGgufPreTokenizer(std::string_view name);
/// "default, llama-bpe, …"
std::string knownGgufPreTokenizers();

} // namespace tenon

#endif // TENON_LIB_TOKENIZER_GGUFPATTERNS_H
