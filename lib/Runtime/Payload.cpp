//===- Payload.cpp - what is appended to a compiled executable ------------===//
#include "tenon/Runtime/Payload.h"

#include "tenon/Runtime/Interrupt.h"
#include "tenon/Support/Hash.h"
#include "tenon/Support/Strings.h"

#include <algorithm>
#include <cerrno>
#include <cinttypes>
#include <cstdio>
#include <cstring>
#include <utility>

#include <elf.h>
#include <fcntl.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace tenon;
using namespace tenon::runtime;

namespace {

/// Where the file would end if it held an ELF executable only, from its
/// headers; 0 if it isn't one. Tells a stripped file from a damaged one.
uint64_t elfEnd(int file) {
  Elf64_Ehdr header;
  if (pread(file, &header, sizeof header, 0) != sizeof header ||
      std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0)
    return 0;
  uint64_t end = header.e_shoff + uint64_t(header.e_shnum) * header.e_shentsize;
  for (int i = 0; i < header.e_phnum; ++i) {
    Elf64_Phdr segment;
    off_t at = header.e_phoff + uint64_t(i) * sizeof segment;
    if (pread(file, &segment, sizeof segment, at) == sizeof segment)
      end = std::max<uint64_t>(end, segment.p_offset + segment.p_filesz);
  }
  return end;
}

std::string hashMismatch(uint64_t found, uint64_t expected) {
  return strCat("its checksum is ", hexText(found), ", expected ",
                hexText(expected),
                ": the file was changed after it was compiled");
}

/// What a file that can't be read is worth, unless it is the system that lacks
/// something.
Error failedCall(std::string_view file, std::string_view action, int number) {
  Error error = systemError(file, action, number);
  if (error.code != ExitCode::OutOfResource)
    error.code = ExitCode::CorruptPayload;
  return error;
}

} // namespace

Payload::Payload(Payload &&other) noexcept
    : file(std::exchange(other.file, -1)), size(other.size),
      payloadStart(other.payloadStart), metadataOffset(other.metadataOffset),
      displayName(std::move(other.displayName)), meta(std::move(other.meta)) {}

Payload &Payload::operator=(Payload &&other) noexcept {
  std::swap(file, other.file);
  size = other.size;
  payloadStart = other.payloadStart;
  metadataOffset = other.metadataOffset;
  displayName = std::move(other.displayName);
  meta = std::move(other.meta);
  return *this;
}

Payload::~Payload() {
  if (file >= 0)
    close(file);
}

Error Payload::error(uint64_t offset, std::string_view section,
                     std::string_view what) const {
  return errorAtOffset(displayName, offset,
                       strCat("section '", section, "': ", what),
                       ExitCode::CorruptPayload);
}

Status Payload::readInto(uint64_t offset, std::span<std::byte> bytes) const {
  // A read can't be interrupted; pieces can.
  constexpr size_t piece = size_t(16) << 20;
  while (!bytes.empty()) {
    if (interrupted())
      return interruption();
    ssize_t got = pread(file, bytes.data(), std::min(piece, bytes.size()),
                        static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR)
      continue;
    if (got < 0)
      return failedCall(displayName, strCat("read at +", hexText(offset)),
                        errno);
    if (got == 0)
      return errorAtOffset(displayName, offset,
                           "can't read: the file ends here",
                           ExitCode::CorruptPayload);
    offset += got;
    bytes = bytes.subspan(got);
  }
  return {};
}

Expected<std::vector<std::byte>> Payload::read(uint64_t offset,
                                               uint64_t count) const {
  std::vector<std::byte> bytes(count);
  if (Status status = readInto(offset, bytes); !status)
    return status.takeError();
  return bytes;
}

Expected<Payload> Payload::open(const std::string &path,
                                const std::string &displayName) {
  Payload payload;
  payload.displayName = displayName;
  payload.file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  struct stat info;
  if (payload.file < 0 || fstat(payload.file, &info) != 0)
    return failedCall(displayName, "open", errno);
  payload.size = static_cast<uint64_t>(info.st_size);
  if (Status status = payload.readMetadata(); !status)
    return status.takeError();
  if (Status status = payload.checkSections(); !status)
    return status.takeError();
  return payload;
}

/// The file that this function was mapped from: where the dynamic loader was
/// run with the program as its argument, that isn't /proc/self/exe.
static std::string mappedFile() {
  std::FILE *maps = std::fopen("/proc/self/maps", "re");
  if (!maps)
    return {};
  std::string path;
  char line[4096 + 128];
  auto here = reinterpret_cast<uintptr_t>(&mappedFile);
  while (path.empty() && std::fgets(line, sizeof line, maps)) {
    uintptr_t begin = 0, end = 0;
    if (std::sscanf(line, "%" SCNxPTR "-%" SCNxPTR, &begin, &end) == 2 &&
        begin <= here && here < end)
      if (const char *name = std::strchr(line, '/'))
        path = std::string(name, std::strcspn(name, "\n"));
  }
  std::fclose(maps);
  return path;
}

Expected<Payload> Payload::openSelf() {
  char name[4096];
  ssize_t length = readlink("/proc/self/exe", name, sizeof name);
  if (length > 0 && length < static_cast<ssize_t>(sizeof name)) {
    std::string program(name, length);
    std::string mapped = mappedFile();
    if (!mapped.empty() && mapped != program)
      return open(mapped, mapped);
    return open("/proc/self/exe", program);
  }
  // Without /proc, the name that the kernel was given.
  auto *given = reinterpret_cast<const char *>(getauxval(AT_EXECFN));
  std::string path = given ? given : "/proc/self/exe";
  return open(path, path);
}

Status Payload::readMetadata() {
  PayloadTrailer trailer;
  if (size < sizeof trailer)
    return error(0, "trailer",
                 "the file has only " + std::to_string(size) + " bytes");
  uint64_t at = size - sizeof trailer;
  auto bytes = read(at, sizeof trailer);
  if (!bytes)
    return bytes.takeError();
  std::memcpy(&trailer, bytes->data(), sizeof trailer);
  if (std::memcmp(trailer.magic, PayloadTrailer::kMagic, 8) != 0) {
    uint64_t end = elfEnd(file);
    if (end && size < end + kPayloadAlignment)
      return error(size, "trailer",
                   "nothing follows the program: its weights were removed, as "
                   "`strip` does; compile the model again, and don't strip the "
                   "result");
    return error(at, "trailer",
                 "no '" + std::string(PayloadTrailer::kMagic) +
                     "' in the last 64 bytes: the file was cut short or "
                     "changed after it was compiled");
  }
  uint64_t hash = xxh3(std::span(*bytes).first(offsetof(PayloadTrailer, xxh3)));
  if (hash != trailer.xxh3)
    return error(at, "trailer", hashMismatch(hash, trailer.xxh3));
  if (trailer.version != PayloadTrailer::kVersion)
    return error(at, "trailer",
                 "version " + std::to_string(trailer.version) + ", expected " +
                     std::to_string(PayloadTrailer::kVersion));
  if (trailer.fileSize != size)
    return error(at, "trailer",
                 "the file has " + std::to_string(size) + " bytes, expected " +
                     std::to_string(trailer.fileSize));
  if (trailer.metadataSize > at ||
      trailer.metadataOffset != at - trailer.metadataSize ||
      trailer.payloadStart > trailer.metadataOffset)
    return error(at, "trailer", "its offsets don't fit the file");
  payloadStart = trailer.payloadStart;
  metadataOffset = trailer.metadataOffset;

  auto json = read(metadataOffset, trailer.metadataSize);
  if (!json)
    return json.takeError();
  if (uint64_t found = xxh3(*json); found != trailer.metadataXxh3)
    return error(metadataOffset, "metadata",
                 hashMismatch(found, trailer.metadataXxh3));
  auto parsed = Metadata::parse(
      {reinterpret_cast<const char *>(json->data()), json->size()},
      displayName);
  if (!parsed)
    return parsed.takeError();
  meta = std::move(*parsed);
  return {};
}

Status Payload::checkSections() const {
  uint64_t end = payloadStart;
  for (const SectionInfo &section : meta.sections) {
    if (section.offset < end || section.offset % kPayloadAlignment != 0 ||
        section.offset > metadataOffset ||
        section.size > metadataOffset - section.offset)
      return error(section.offset, section.name,
                   std::to_string(section.size) +
                       " bytes here don't fit between the program and the "
                       "metadata");
    end = section.offset + section.size;
  }
  uint64_t weightsSize = 0;
  if (const SectionInfo *weights = meta.section("weights"))
    weightsSize = weights->size;
  for (const WeightInfo &weight : meta.weights)
    if (weight.offset > weightsSize ||
        weight.size > weightsSize - weight.offset)
      return error(metadataOffset, "metadata",
                   "weight '" + weight.name + "' leaves the section 'weights'");
  return {};
}

Expected<Region> Payload::map(std::string_view name) const {
  const SectionInfo *section = meta.section(name);
  if (!section)
    return Region();
  auto region = Region::mapFile(file, section->offset, section->size, name);
  if (region && region->size())
    region->guard = GuardedMapping(region->data(), region->size(), displayName,
                                   section->offset, ExitCode::CorruptPayload);
  return region;
}

Expected<Region> Payload::load(std::string_view name) const {
  const SectionInfo *section = meta.section(name);
  if (!section)
    return Region();
  auto mib = [](uint64_t bytes) { return bytes / (1 << 20) + 1; };
  auto available = availableMemory();
  auto region =
      available && section->size > *available
          ? outOfMemory(name, section->size, ENOMEM)
          : Region::allocate(section->size, Region::Kind::Scratch, name);
  if (!region)
    return withNote(
        region.takeError(),
        strCat("a copy of ", name, " was asked for",
               available ? strCat(", ", mib(*available), " MiB are available")
                         : std::string(),
               "; --weights-memory=map reads the file's pages"));
  if (Status status =
          readInto(section->offset, {region->data(), section->size});
      !status)
    return status.takeError();
  return region;
}

Status Payload::verify(std::string_view name) const {
  const SectionInfo *section = meta.section(name);
  if (!section)
    return {};
  auto region = map(name);
  if (!region)
    return region.takeError();
  StreamingHash hash;
  hash.update(region->span());
  uint64_t found = hash.digest();
  if (found == section->xxh3)
    return {};
  if (name == "weights")
    for (const WeightInfo &weight : meta.weights) {
      auto bytes = region->span().subspan(weight.offset, weight.size);
      if (weight.xxh3 && xxh3(bytes) != *weight.xxh3)
        return error(section->offset + weight.offset, name,
                     "weight '" + weight.name +
                         "': " + hashMismatch(xxh3(bytes), *weight.xxh3));
    }
  return error(section->offset, name, hashMismatch(found, section->xxh3));
}

Status Payload::verifyAll() const {
  for (const SectionInfo &section : meta.sections)
    if (Status status = verify(section.name); !status)
      return status;
  return {};
}
