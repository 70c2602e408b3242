//===- Source.cpp - text of a model description and places in it ----------===//

#include "tenon/Language/Source.h"

#include <algorithm>

using namespace tenon::lang;

SourceFile::SourceFile(std::string name, std::string text) {
  include(std::move(name), std::move(text), {});
}

// A line break stands between two files, so that every file begins a line.
void SourceFile::include(std::string name, std::string text, SourceRange at) {
  if (!files.empty())
    content += '\n';
  auto begin = static_cast<uint32_t>(content.size());
  content += text;
  files.push_back({std::move(name),
                   {begin, static_cast<uint32_t>(content.size())},
                   static_cast<unsigned>(lineStarts.size() + 1),
                   at});
  lineStarts.push_back(begin);
  for (size_t line = content.find('\n', begin); line != std::string::npos;
       line = content.find('\n', line + 1))
    lineStarts.push_back(static_cast<uint32_t>(line + 1));
}

const SourceFile::File *SourceFile::includedBy(uint32_t offset) const {
  for (const File &file : files)
    if (file.includedAt.end > 0 && file.includedAt.begin == offset)
      return &file;
  return nullptr;
}

const SourceFile::File &SourceFile::fileAt(uint32_t offset) const {
  auto next = std::upper_bound(
      files.begin(), files.end(), offset,
      [](uint32_t at, const File &file) { return at < file.range.begin; });
  return *std::prev(next);
}

size_t SourceFile::lineIndex(uint32_t offset) const {
  auto next = std::upper_bound(lineStarts.begin(), lineStarts.end(), offset);
  return static_cast<size_t>(next - lineStarts.begin()) - 1;
}

LineColumn SourceFile::lineColumn(uint32_t offset) const {
  size_t index = lineIndex(offset);
  unsigned line = static_cast<unsigned>(index) + 2 - fileAt(offset).firstLine;
  return {line, offset - lineStarts[index] + 1};
}

std::string_view SourceFile::lineAt(uint32_t offset) const {
  size_t begin = lineStarts[lineIndex(offset)];
  size_t end = std::min(content.find('\n', begin), content.size());
  std::string_view result =
      std::string_view(content).substr(begin, end - begin);
  if (result.ends_with('\r'))
    result.remove_suffix(1);
  return result;
}
