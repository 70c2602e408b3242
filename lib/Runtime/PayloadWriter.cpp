//===- PayloadWriter.cpp - appends a payload to a linked executable -------===//
#include "tenon/Runtime/PayloadWriter.h"

#include "tenon/Runtime/Payload.h"
#include "tenon/Support/MappedFile.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cstring>

using namespace tenon;
using namespace tenon::runtime;

Expected<PayloadWriter> PayloadWriter::create(std::span<const std::byte> elf,
                                              const std::string &outputPath) {
  Expected<AtomicFile> file = AtomicFile::create(outputPath, 0755);
  if (!file)
    return file.takeError();
  PayloadWriter writer(std::move(*file));
  if (Status status = writer.file.write(elf); !status)
    return status.takeError();
  if (Status status = writer.file.pad(kPayloadAlignment); !status)
    return status.takeError();
  writer.payloadStart = writer.file.offset();
  return writer;
}

Expected<PayloadWriter> PayloadWriter::create(const std::string &elfPath,
                                              const std::string &outputPath) {
  Expected<MappedFile> elf = MappedFile::open(elfPath);
  if (!elf)
    return elf.takeError();
  return create(elf->bytes(), outputPath);
}

void PayloadWriter::endSection() {
  if (!inSection)
    return;
  section.xxh3 = hash.digest();
  sections.push_back(std::move(section));
  section = {};
  inSection = false;
}

Status PayloadWriter::beginSection(const std::string &name) {
  endSection();
  if (Status status = file.pad(kPayloadAlignment); !status)
    return status;
  section.name = name;
  section.offset = file.offset();
  section.size = 0;
  hash = StreamingHash();
  inSection = true;
  return {};
}

Status PayloadWriter::write(std::span<const std::byte> bytes) {
  assert(inSection && "write() outside of a section");
  hash.update(bytes);
  section.size += bytes.size();
  return file.write(bytes);
}

Status PayloadWriter::align(uint64_t alignment) {
  static constexpr std::array<std::byte, kPayloadAlignment> zeros{};
  assert(alignment <= zeros.size() && (alignment & (alignment - 1)) == 0);
  uint64_t padding = -section.size & (alignment - 1);
  return write(std::span(zeros).first(padding));
}

Status PayloadWriter::finish(Metadata metadata) {
  endSection();
  if (Status status = file.pad(kPayloadAlignment); !status)
    return status;
  metadata.sections = sections;
  std::string json = metadata.serialize();

  PayloadTrailer trailer{};
  std::memcpy(trailer.magic, PayloadTrailer::kMagic, sizeof trailer.magic);
  trailer.version = PayloadTrailer::kVersion;
  trailer.metadataOffset = file.offset();
  trailer.metadataSize = json.size();
  trailer.metadataXxh3 = xxh3(std::as_bytes(std::span(json)));
  trailer.payloadStart = payloadStart;
  trailer.fileSize = file.offset() + json.size() + sizeof trailer;
  auto trailerBytes = std::as_bytes(std::span(&trailer, 1));
  trailer.xxh3 = xxh3(trailerBytes.first(offsetof(PayloadTrailer, xxh3)));

  if (Status status = file.write(json); !status)
    return status;
  if (Status status = file.write(trailerBytes); !status)
    return status;
  return file.commit();
}
