//===- FuzzSentencePiece.cpp - a stranger's tokenizer.model --------------===//
//
// The input is a SentencePiece model; a text is encoded and decoded with it.
//
//===----------------------------------------------------------------------===//

#include "Tokenizer/SentencePieceModel.h"

#include "tenon/Tokenizer/Tokenizer.h"

using namespace tenon;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  Expected<GgufVocabulary> vocabulary = readSentencePieceModel(
      {reinterpret_cast<const char *>(data), size}, "tokenizer.model");
  if (!vocabulary)
    return 0;
  auto tokenizer = Tokenizer::fromGguf(*vocabulary, "tokenizer.model");
  if (!tokenizer)
    return 0;
  if (auto tokens = (*tokenizer)->encode("  A test:\tnaïve 漢字 ﬁ 🙂"))
    (void)(*tokenizer)->decode(*tokens);
  return 0;
}
