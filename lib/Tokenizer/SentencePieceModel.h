//===- SentencePieceModel.h - reading tokenizer.model -----------*- C++ -*-===//
//
// The protocol buffer that SentencePiece writes (sentencepiece_model.proto).
//
//===----------------------------------------------------------------------===//

#ifndef TENON_LIB_TOKENIZER_SENTENCEPIECEMODEL_H
#define TENON_LIB_TOKENIZER_SENTENCEPIECEMODEL_H

#include "tenon/Support/Error.h"
#include "tenon/Tokenizer/GgufVocabulary.h"

#include <string_view>

namespace tenon {

/// The vocabulary as GGUF would describe it; it refers to `bytes`. Neither adds
/// a token around a text unless something else says so.
Expected<GgufVocabulary> readSentencePieceModel(std::string_view bytes,
                                                std::string_view filename);

} // namespace tenon

#endif // TENON_LIB_TOKENIZER_SENTENCEPIECEMODEL_H
