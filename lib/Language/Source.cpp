//===- Source.cpp - text of a model description and places in it ----------===//

#include "tenon/Language/Source.h"

#include <algorithm>

using namespace tenon::lang;

SourceFile::SourceFile(std::string name, std::string text)
    : fileName(std::move(name)), content(std::move(text)) {
  lineStarts.push_back(0);
  for (size_t at = content.find('\n'); at != std::string::npos;
       at = content.find('\n', at + 1))
    lineStarts.push_back(static_cast<uint32_t>(at + 1));
}

LineColumn SourceFile::lineColumn(uint32_t offset) const {
  auto next = std::upper_bound(lineStarts.begin(), lineStarts.end(), offset);
  unsigned line = static_cast<unsigned>(next - lineStarts.begin());
  return {line, offset - lineStarts[line - 1] + 1};
}

std::string_view SourceFile::line(unsigned number) const {
  size_t begin = lineStarts[number - 1];
  size_t end =
      number < lineStarts.size() ? lineStarts[number] - 1 : content.size();
  std::string_view result =
      std::string_view(content).substr(begin, end - begin);
  if (result.ends_with('\r'))
    result.remove_suffix(1);
  return result;
}
