//===- CaseFolding.cpp - what (?i) takes as equal ------------------------===//

#include "CaseFolding.h"

#include "UnicodeTables.h"

#include <map>

using namespace tenon;

char32_t tenon::simpleFolding(char32_t c) {
  if (c < 0x80)
    return c >= 'A' && c <= 'Z' ? c + 32 : c;
  Mapping mapping = caseFoldingOf(c);
  if (mapping.utf16.empty())
    mapping = lowerCaseOf(c);
  char32_t to = c;
  size_t count = 0;
  forEachCodePoint(mapping.utf16, [&](char32_t part) {
    to = part;
    ++count;
  });
  return count == 1 ? to : c;
}

// From what is folded to everything that folds to it.
static const std::map<char32_t, CodePointSet> &foldingClasses() {
  static const auto *classes = [] {
    auto *made = new std::map<char32_t, CodePointSet>();
    for (const auto &mappings : {allLowerCases(), allCaseFoldings()})
      for (const auto &[c, mapping] : mappings)
        if (char32_t to = simpleFolding(c); to != c) {
          CodePointSet &members = (*made)[to];
          members.add(to, to);
          members.add(c, c);
        }
    return made;
  }();
  return *classes;
}

CodePointSet tenon::closeOverCase(const CodePointSet &set) {
  if (set.parts().size() == 1 && set.parts()[0].first == set.parts()[0].last) {
    auto found = foldingClasses().find(simpleFolding(set.parts()[0].first));
    return found == foldingClasses().end() ? set : found->second;
  }
  CodePointSet closed = set;
  for (const auto &[to, members] : foldingClasses())
    if (!(set & members).empty())
      closed = closed | members;
  return closed;
}

const std::vector<LongFolding> &tenon::longFoldings() {
  static const auto *foldings = [] {
    auto *made = new std::vector<LongFolding>();
    for (const auto &[c, mapping] : allFullCaseFoldings()) {
      LongFolding folding{c, {}};
      forEachCodePoint(mapping.utf16,
                       [&](char32_t part) { folding.to += part; });
      made->push_back(std::move(folding));
    }
    return made;
  }();
  return *foldings;
}
