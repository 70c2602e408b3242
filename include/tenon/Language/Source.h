//===- Source.h - text of a model description and places in it --*- C++ -*-===//
//
// A SourceFile owns the text of one .tenon file and turns byte offsets into
// lines and columns. Offsets are 32 bits: descriptions above
// SourceFile::kMaxSize bytes are refused before they are read.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_LANGUAGE_SOURCE_H
#define TENON_LANGUAGE_SOURCE_H

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tenon::lang {

/// A half-open range of bytes [begin, end) in a SourceFile.
struct SourceRange {
  uint32_t begin = 0;
  uint32_t end = 0;
};

/// A place as people count: both from 1, columns in bytes.
struct LineColumn {
  unsigned line = 1;
  unsigned column = 1;
};

class SourceFile {
public:
  /// The largest description that is accepted, in bytes (16 MiB). The largest
  /// built-in family has 6 KB.
  static constexpr size_t kMaxSize = size_t(16) << 20;

  SourceFile(std::string name, std::string text);

  const std::string &name() const { return fileName; }
  std::string_view text() const { return content; }

  /// The line and column of a byte offset; O(log lines).
  LineColumn lineColumn(uint32_t offset) const;

  /// The bytes of a line (counted from 1) without its line break.
  std::string_view line(unsigned number) const;

private:
  std::string fileName;
  std::string content;
  std::vector<uint32_t> lineStarts;
};

} // namespace tenon::lang

#endif // TENON_LANGUAGE_SOURCE_H
