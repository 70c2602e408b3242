//===- GgufTokenizer.h - the vocabulary in a GGUF file ----------*- C++ -*-===//

#ifndef TENON_CHECKPOINT_GGUFTOKENIZER_H
#define TENON_CHECKPOINT_GGUFTOKENIZER_H

#include "tenon/Checkpoint/Gguf.h"
#include "tenon/Tokenizer/GgufVocabulary.h"

namespace tenon {

/// The tokenizer.ggml.* keys; texts are views into the file. Errors: a key of
/// another kind than expected, or no tokenizer.ggml.model or tokens.
Expected<GgufVocabulary> readGgufVocabulary(const GgufCheckpoint &checkpoint);

} // namespace tenon

#endif // TENON_CHECKPOINT_GGUFTOKENIZER_H
