//===- JsonPlace.cpp - where a key is in a JSON text ----------------------===//
//
// The JSON library keeps no positions; messages about a configuration need one.
//
//===----------------------------------------------------------------------===//

#include "JsonPlace.h"

#include <vector>

using namespace tenon::lang;

std::optional<LineColumn> tenon::lang::findJsonKey(std::string_view text,
                                                   std::string_view path) {
  std::vector<std::string_view> keys;
  for (size_t begin = 0; begin <= path.size();) {
    size_t end = std::min(path.find('.', begin), path.size());
    keys.push_back(path.substr(begin, end - begin));
    begin = end + 1;
  }

  size_t depth = 0;   // of open objects and arrays
  size_t matched = 0; // keys that lead to the innermost object on the path
  LineColumn at;
  auto skipBlanks = [&](size_t i) {
    while (i < text.size() && (text[i] == ' ' || text[i] == '\t' ||
                               text[i] == '\n' || text[i] == '\r'))
      ++i;
    return i;
  };
  for (size_t i = 0, lineStart = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '\n') {
      ++at.line;
      lineStart = i + 1;
    } else if (c == '{' || c == '[') {
      ++depth;
    } else if (c == '}' || c == ']') {
      if (depth == matched + 1 && matched > 0)
        --matched;
      if (depth > 0)
        --depth;
    } else if (c == '"') {
      size_t begin = i + 1;
      for (++i; i < text.size() && text[i] != '"'; ++i)
        if (text[i] == '\\')
          ++i;
      size_t next = skipBlanks(i + 1);
      bool isKey = next < text.size() && text[next] == ':';
      if (!isKey || depth != matched + 1 || i > text.size() ||
          text.substr(begin, i - begin) != keys[matched])
        continue;
      if (matched + 1 == keys.size()) {
        at.column = static_cast<unsigned>(begin - lineStart);
        return at;
      }
      size_t value = skipBlanks(next + 1);
      if (value < text.size() && text[value] == '{')
        ++matched;
    }
  }
  return std::nullopt;
}
