//===- Decoder.h - from tokens to text --------------------------*- C++ -*-===//

#ifndef TENON_LIB_TOKENIZER_DECODER_H
#define TENON_LIB_TOKENIZER_DECODER_H

#include "tenon/Tokenizer/TokenizerModel.h"

#include <cstdint>
#include <span>
#include <string>

namespace tenon {

/// The bytes that a token contributes to a text. `isFirst`: it is the first
/// that does.
std::string decodeToken(const TokenizerModel &model, int32_t token,
                        bool isFirst);

/// Drops what the decoder takes away at the end of a whole text.
void finishDecodedText(const TokenizerModel &model, std::string &text);

} // namespace tenon

#endif // TENON_LIB_TOKENIZER_DECODER_H
