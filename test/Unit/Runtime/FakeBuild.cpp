//===- FakeBuild.cpp - makes fake executables, as tenonc would ------------===//
//
//   fake-build decoder|encoder|sequences|untokenized|huge PROGRAM OUTPUT
//
//===----------------------------------------------------------------------===//
#include "FakeModule.h"
#include "FakeTokenizer.h"

#include <cstdio>
#include <string>

int main(int argc, char **argv) {
  if (argc != 4)
    return 2;
  std::string kind = argv[1];
  bool isEncoder = kind == "encoder";
  std::string tokenizer = fake::tokenizer(isEncoder);
  if (tokenizer.empty())
    return 1;
  if (kind == "untokenized")
    tokenizer.clear();
  tenon::runtime::Metadata metadata =
      isEncoder ? fake::encoder() : fake::decoder();
  if (kind == "sequences")
    metadata = fake::sequences(3);
  if (kind == "huge")
    metadata.memory.cache = uint64_t(1) << 42;
  tenon::Status status =
      fake::writeExecutable(argv[2], argv[3], metadata, tokenizer);
  if (!status)
    std::fprintf(stderr, "%s\n", status.error().message.c_str());
  return status ? 0 : 1;
}
