//===- Payload.h - what is appended to a compiled executable
//---------------===//
//
//   ELF ‖ zeros to 4096 ‖ sections, each at a multiple of 4096
//       ‖ metadata (JSON) ‖ trailer (the last 64 bytes)
//
// Sections are "weights", "tokenizer" and "chat". Everything is little-endian. All
// errors are CorruptPayload, name the section, and say where in the file.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_RUNTIME_PAYLOAD_H
#define TENON_RUNTIME_PAYLOAD_H

#include "tenon/Runtime/Memory.h"
#include "tenon/Runtime/Metadata.h"
#include "tenon/Support/Error.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tenon::runtime {

struct PayloadTrailer {
  static constexpr char kMagic[9] = "TENONPAY";
  static constexpr uint32_t kVersion = 1;

  char magic[8];
  uint32_t version;
  uint32_t reserved; ///< 0
  uint64_t metadataOffset;
  uint64_t metadataSize;
  uint64_t metadataXxh3;
  uint64_t payloadStart; ///< of the first section
  uint64_t fileSize;     ///< of the whole file, this trailer included
  uint64_t xxh3;         ///< of the 56 bytes before
};
static_assert(sizeof(PayloadTrailer) == 64);

constexpr uint64_t kPayloadAlignment = 4096;

/// A file with a payload, open for reading.
class Payload {
public:
  /// Opens and verifies trailer, metadata and the bounds of all sections.
  /// `path` may be a link such as /proc/self/exe; errors say `displayName`.
  static Expected<Payload> open(const std::string &path,
                                const std::string &displayName);
  /// Of the running program.
  static Expected<Payload> openSelf();

  Payload(Payload &&other) noexcept;
  Payload &operator=(Payload &&other) noexcept;
  ~Payload();

  const Metadata &metadata() const { return meta; }
  const std::string &name() const { return displayName; }
  uint64_t fileSize() const { return size; }

  /// Maps a section read-only, without verifying it. An absent or empty
  /// section gives an empty region.
  Expected<Region> map(std::string_view section) const;

  /// The section in memory of its own, in huge pages if the system has them.
  Expected<Region> load(std::string_view section) const;

  /// Reads the section and compares its hash.
  Status verify(std::string_view section) const;
  Status verifyAll() const;

private:
  Payload() = default;
  Status readMetadata();
  Status checkSections() const;
  Status readInto(uint64_t offset, std::span<std::byte> bytes) const;
  Expected<std::vector<std::byte>> read(uint64_t offset, uint64_t size) const;
  Error error(uint64_t offset, std::string_view section,
              std::string_view what) const;

  int file = -1;
  uint64_t size = 0;
  uint64_t payloadStart = 0;
  uint64_t metadataOffset = 0;
  std::string displayName;
  Metadata meta;
};

} // namespace tenon::runtime

#endif // TENON_RUNTIME_PAYLOAD_H
