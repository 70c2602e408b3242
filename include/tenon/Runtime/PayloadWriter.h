//===- PayloadWriter.h - appends a payload to a linked executable
//----------===//
//
// For the compiler driver. Sections are streamed, so that memory stays near one
// weight (invariant I6); the output appears at its path only when finish()
// succeeds.
//
//   auto writer = PayloadWriter::create(elf, "stories");
//   writer->beginSection("weights");
//   uint64_t offset = writer->align(64).. writer->write(bytes);
//   writer->beginSection("tokenizer"); writer->write(…);
//   writer->finish(metadata);
//
//===----------------------------------------------------------------------===//
#ifndef TENON_RUNTIME_PAYLOADWRITER_H
#define TENON_RUNTIME_PAYLOADWRITER_H

#include "tenon/Runtime/Metadata.h"
#include "tenon/Support/AtomicFile.h"
#include "tenon/Support/Error.h"
#include "tenon/Support/Hash.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace tenon::runtime {

class PayloadWriter {
public:
  /// Starts `outputPath` (mode 0755) with a copy of an ELF executable.
  static Expected<PayloadWriter> create(std::span<const std::byte> elf,
                                        const std::string &outputPath);
  static Expected<PayloadWriter> create(const std::string &elfPath,
                                        const std::string &outputPath);

  /// Ends the section before, if any. Names are unique.
  Status beginSection(const std::string &name);
  Status write(std::span<const std::byte> bytes);
  /// Writes zeros up to a multiple of `alignment` (a power of two up to 4096).
  Status align(uint64_t alignment);
  /// Bytes written to the current section.
  uint64_t sectionSize() const { return section.size; }

  /// Writes metadata, with its sections replaced by those written, and the
  /// trailer; then the file takes its name.
  Status finish(Metadata metadata);

private:
  explicit PayloadWriter(AtomicFile file) : file(std::move(file)) {}
  void endSection();

  AtomicFile file;
  uint64_t payloadStart = 0;
  bool inSection = false;
  SectionInfo section;
  StreamingHash hash;
  std::vector<SectionInfo> sections;
};

} // namespace tenon::runtime

#endif // TENON_RUNTIME_PAYLOADWRITER_H
