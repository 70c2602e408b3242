//===- FuzzPayload.cpp - a damaged executable ----------------------------===//
//
// The input is the end of an executable: sections, metadata and the trailer.
// Checksums, which a mutation never gets right, are set right first; without a
// trailer the input is metadata, for which one is made. What is accepted keeps
// its sections within the file, and its metadata is stored and read again.
//
//===----------------------------------------------------------------------===//

#include "FuzzFile.h"

#include "tenon/Runtime/Payload.h"
#include "tenon/Support/Hash.h"

#include <cstring>

using namespace tenon;
using namespace tenon::runtime;

static std::span<const std::byte> bytesOf(const char *data, size_t size) {
  return std::as_bytes(std::span(data, size));
}

// Makes checksums of the trailer and of what it says is the metadata fit.
static void repair(std::string &file) {
  PayloadTrailer trailer{};
  size_t at = file.size() - sizeof trailer;
  std::memcpy(&trailer, file.data() + at, sizeof trailer);
  if (trailer.metadataOffset <= at &&
      trailer.metadataSize <= at - trailer.metadataOffset)
    trailer.metadataXxh3 =
        xxh3(bytesOf(file.data() + trailer.metadataOffset,
                     static_cast<size_t>(trailer.metadataSize)));
  trailer.xxh3 = xxh3(std::as_bytes(std::span(&trailer, 1))
                          .first(offsetof(PayloadTrailer, xxh3)));
  std::memcpy(file.data() + at, &trailer, sizeof trailer);
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  std::string file(reinterpret_cast<const char *>(data), size);
  if (size < sizeof(PayloadTrailer) || file.front() == '{') {
    PayloadTrailer trailer{};
    std::memcpy(trailer.magic, PayloadTrailer::kMagic, sizeof trailer.magic);
    trailer.version = PayloadTrailer::kVersion;
    trailer.payloadStart = 0;
    trailer.metadataOffset = kPayloadAlignment;
    trailer.metadataSize = size;
    trailer.fileSize = kPayloadAlignment + size + sizeof trailer;
    file.insert(0, kPayloadAlignment, '\0');
    file.append(reinterpret_cast<const char *>(&trailer), sizeof trailer);
  }
  repair(file);
  fuzz::File written(file.data(), file.size());
  auto payload = Payload::open(written.path(), "program");
  if (!payload)
    return 0;
  for (const SectionInfo &section : payload->metadata().sections) {
    auto region = payload->map(section.name);
    if (region && region->size() != section.size)
      std::abort();
    (void)payload->verify(section.name);
  }
  std::string text = payload->metadata().serialize();
  auto again = Metadata::parse(text, "program");
  if (!again || again->serialize() != text)
    std::abort();
  return 0;
}
