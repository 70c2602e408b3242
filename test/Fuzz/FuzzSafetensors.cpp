//===- FuzzSafetensors.cpp - a stranger's safetensors file ---------------===//
//
// The input is a header in JSON, a NUL and the data. The header's length,
// which a mutation hardly ever gets right, is put in front. An input that
// begins with NUL is the whole file behind it.
//
//===----------------------------------------------------------------------===//

#include "FuzzFile.h"

#include "tenon/Checkpoint/NonFinite.h"
#include "tenon/Checkpoint/Safetensors.h"

using namespace tenon;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  std::string bytes(reinterpret_cast<const char *>(data), size);
  if (size_t end = bytes.find('\0'); end == 0) {
    bytes.erase(0, 1);
  } else {
    uint64_t length = end == bytes.npos ? bytes.size() : end;
    if (end != bytes.npos)
      bytes.erase(end, 1);
    std::string front;
    for (unsigned i = 0; i < 8; ++i)
      front += static_cast<char>(length >> (8 * i));
    bytes.insert(0, front);
  }
  fuzz::File file(bytes.data(), bytes.size());
  auto checkpoint = openSafetensors(file.path());
  if (!checkpoint)
    return 0;
  for (const TensorInfo &tensor : (*checkpoint)->tensors()) {
    if ((*checkpoint)->bytes(tensor).size() != tensor.size ||
        (*checkpoint)->find(tensor.name) == nullptr)
      std::abort();
    (void)scanForNonFinite(tensor, (*checkpoint)->bytes(tensor));
  }
  return 0;
}
