//===- Source.h - text of a model description and places in it --*- C++ -*-===//
//
// A SourceFile owns the text of one .tenon file, and behind it the texts of
// the files that it includes, and turns byte offsets into files, lines and
// columns. One space of offsets for all of them means that a range is a place
// wherever it was written. Offsets are 32 bits: descriptions above
// SourceFile::kMaxSize bytes are refused before they are read.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_LANGUAGE_SOURCE_H
#define TENON_LANGUAGE_SOURCE_H

#include <cstddef>
#include <cstdint>
#include <optional>
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
  /// The largest description that is accepted, in bytes (16 MiB), with all
  /// that it includes. The largest built-in family has 6 KB.
  static constexpr size_t kMaxSize = size_t(16) << 20;

  SourceFile(std::string name, std::string text);

  /// Of the file itself.
  const std::string &name() const { return files.front().name; }
  /// Of all files, itself first.
  std::string_view text() const { return content; }

  /// One of the files: itself, or a part that is included.
  struct File {
    std::string name;
    SourceRange range;      ///< of its text
    unsigned firstLine = 1; ///< among the lines of all files, from 1
    SourceRange includedAt; ///< the name in quotes; empty: itself
  };

  /// Adds the text of a file that is included, of which `at` is the name in
  /// quotes. Views of `text` are invalid afterwards; the sum of all sizes
  /// must not exceed kMaxSize.
  void include(std::string name, std::string text, SourceRange at);
  /// The file that is included by the name at an offset; null: none.
  const File *includedBy(uint32_t offset) const;

  /// All files, itself first, then parts in the order of their inclusion.
  const std::vector<File> &all() const { return files; }
  /// The file that an offset lies in; O(log files).
  const File &fileAt(uint32_t offset) const;
  /// Whether an offset lies in the file itself, not in one that it includes.
  bool isOwn(uint32_t offset) const {
    return offset <= files.front().range.end;
  }

  /// The line and column of a byte offset in its file; O(log lines).
  LineColumn lineColumn(uint32_t offset) const;

  /// The bytes of the line that an offset lies in, without its line break.
  std::string_view lineAt(uint32_t offset) const;

private:
  size_t lineIndex(uint32_t offset) const;

  std::string content;
  std::vector<File> files;
  std::vector<uint32_t> lineStarts;
};

} // namespace tenon::lang

#endif // TENON_LANGUAGE_SOURCE_H
