//===- FuzzGguf.cpp - a stranger's GGUF file -----------------------------===//
//
// The input is a GGUF file: its metadata and tensors are read, every tensor's
// bytes are within the file, and a configuration and a tokenizer are made of
// it.
//
//===----------------------------------------------------------------------===//

#include "FuzzFile.h"

#include "tenon/Checkpoint/Gguf.h"
#include "tenon/Checkpoint/GgufTokenizer.h"
#include "tenon/Tokenizer/Tokenizer.h"

using namespace tenon;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  fuzz::File file(data, size);
  auto checkpoint = GgufCheckpoint::open(file.path());
  if (!checkpoint)
    return 0;
  unsigned sum = 0;
  for (const TensorInfo &tensor : (*checkpoint)->tensors()) {
    auto bytes = (*checkpoint)->bytes(tensor);
    if (bytes.size() != tensor.size ||
        (*checkpoint)->find(tensor.name) == nullptr)
      std::abort();
    if (!bytes.empty())
      sum += static_cast<unsigned>(bytes.front()) +
             static_cast<unsigned>(bytes.back());
  }
  volatile unsigned kept = sum;
  (void)kept;
  if (auto config = configFromGguf(**checkpoint))
    (void)(*checkpoint)->findUnread("llama.");
  auto vocabulary = readGgufVocabulary(**checkpoint);
  if (!vocabulary)
    return 0;
  if (auto tokenizer = Tokenizer::fromGguf(*vocabulary, "fuzz.gguf"))
    if (auto tokens = (*tokenizer)->encode("A test: na\xc3\xafve \xe6\xbc\xa2"))
      (void)(*tokenizer)->decode(*tokens);
  return 0;
}
