//===- FakePayload.cpp - appends the fake module's payload ----------------===//
#include "FakeModule.h"

#include "tenon/Runtime/PayloadWriter.h"

using namespace tenon;
using namespace tenon::runtime;

Status fake::writeExecutable(const std::string &elf, const std::string &path,
                             const Metadata &metadata,
                             std::string_view tokenizer) {
  auto writer = PayloadWriter::create(elf, path);
  if (!writer)
    return writer.takeError();
  if (Status status = writer->beginSection("weights"); !status)
    return status;
  if (Status status = writer->write(std::as_bytes(std::span(&kWeight, 1)));
      !status)
    return status;
  if (!tokenizer.empty()) {
    if (Status status = writer->beginSection("tokenizer"); !status)
      return status;
    if (Status status = writer->write(std::as_bytes(std::span(tokenizer)));
        !status)
      return status;
  }
  return writer->finish(metadata);
}
