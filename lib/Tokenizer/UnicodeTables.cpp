//===- UnicodeTables.cpp - the Unicode Character Database ----------------===//

#include "UnicodeTables.h"

#include <algorithm>

using namespace tenon;

#include "Unicode/Classes.inc"
#include "Unicode/Mappings.inc"
#include "Unicode/Scripts.inc"
#include "Unicode/Sets.inc"

namespace {

/// A value for each code point. Pages of 256 that are alike are one.
class ValueTable {
public:
  explicit ValueTable(std::span<const uint16_t> runs) {
    std::vector<uint8_t> page;
    std::vector<uint8_t> previous;
    for (size_t i = 0; i + 1 < runs.size(); i += 2) {
      for (size_t left = runs[i]; left > 0;) {
        size_t take = std::min(left, 256 - page.size());
        page.insert(page.end(), take, static_cast<uint8_t>(runs[i + 1]));
        left -= take;
        if (page.size() < 256)
          continue;
        if (page != previous)
          values.insert(values.end(), page.begin(), page.end());
        pages.push_back(static_cast<uint16_t>(values.size() / 256 - 1));
        previous.swap(page);
        page.clear();
      }
    }
  }
  uint8_t operator[](char32_t c) const {
    return c > kLastCodePoint ? 0 : values[pages[c >> 8] * 256 + (c & 0xff)];
  }

private:
  std::vector<uint16_t> pages;
  std::vector<uint8_t> values;
};

/// Finds the mapping of a code point.
class MappingTable {
public:
  explicit MappingTable(std::span<const uint16_t> data) {
    char32_t c = 0;
    for (size_t i = 0; i + 1 < data.size();) {
      c += data[i];
      size_t size = data[i + 1] & 0xff;
      entries.push_back({c, {data.subspan(i + 2, size), data[i + 1] > 0xff}});
      i += 2 + size;
    }
  }
  Mapping operator[](char32_t c) const {
    auto found = std::lower_bound(
        entries.begin(), entries.end(), c,
        [](const auto &entry, char32_t c) { return entry.first < c; });
    return found != entries.end() && found->first == c ? found->second
                                                       : Mapping();
  }
  const auto &all() const { return entries; }

private:
  std::vector<std::pair<char32_t, Mapping>> entries;
};

} // namespace

// Made at the first use: a program that asks for nothing pays nothing.
static const ValueTable &categories() {
  static const ValueTable table(kCategories);
  return table;
}
static const MappingTable &decompositions() {
  static const MappingTable table(kDecompositions);
  return table;
}
static const MappingTable &lowerCases() {
  static const MappingTable table(kLowerCase);
  return table;
}
static const MappingTable &caseFoldings() {
  static const MappingTable table(kCaseFoldings);
  return table;
}

Category tenon::categoryOf(char32_t c) {
  return static_cast<Category>(categories()[c]);
}

uint8_t tenon::combiningClassOf(char32_t c) {
  static const ValueTable table(kCombiningClasses);
  return table[c];
}

size_t tenon::scriptOf(char32_t c) {
  static const ValueTable table(kScripts);
  return table[c];
}

// The code points whose runs have a value that is wanted.
template <class Wanted>
static CodePointSet setOfRuns(std::span<const uint16_t> runs, Wanted wanted) {
  CodePointSet set;
  uint32_t at = 0;
  for (size_t i = 0; i + 1 < runs.size(); i += 2) {
    if (wanted(runs[i + 1]))
      set.add(at, at + runs[i] - 1);
    at += runs[i];
  }
  return set;
}

std::optional<CodePointSet> tenon::categorySet(std::string_view name) {
  uint32_t wanted = 0;
  for (size_t i = 0; i < std::size(kCategoryNames); ++i)
    if (kCategoryNames[i] == name ||
        (name.size() == 1 && kCategoryNames[i][0] == name[0]))
      wanted |= 1u << i;
  if (!wanted)
    return std::nullopt;
  return setOfRuns(kCategories,
                   [=](uint16_t value) { return wanted >> value & 1; });
}

CodePointSet tenon::scriptSet(size_t index) {
  return setOfRuns(kScripts, [=](uint16_t value) { return value == index; });
}

CodePointSet tenon::graphemeBreakSet(size_t index) {
  return setOfRuns(kGraphemeBreaks,
                   [=](uint16_t value) { return value == index; });
}

CodePointSet tenon::blockSet(size_t index) {
  uint32_t at = 0;
  for (size_t i = 0; i < index; ++i)
    at += kBlocks[2 * i] + kBlocks[2 * i + 1];
  uint32_t first = (at + kBlocks[2 * index]) << 4;
  return {first, first + (uint32_t(kBlocks[2 * index + 1]) << 4) - 1};
}

std::span<const std::string_view> tenon::scriptNames() { return kScriptNames; }
std::span<const std::string_view> tenon::scriptShortNames() {
  return kScriptShortNames;
}
std::span<const std::string_view> tenon::blockNames() { return kBlockNames; }
std::span<const std::string_view> tenon::graphemeBreakNames() {
  return kBreakNames;
}

std::span<const std::string_view> tenon::propertyNames() { return kSetNames; }

std::optional<CodePointSet> tenon::propertySet(std::string_view name) {
  size_t i = 0;
  for (std::string_view known : kSetNames) {
    CodePointSet set;
    uint32_t at = 0;
    for (; kSets[i] || kSets[i + 1]; i += 2) {
      at += kSets[i];
      if (known == name && kSets[i + 1])
        set.add(at, at + kSets[i + 1] - 1);
      at += kSets[i + 1];
    }
    i += 2;
    if (known == name)
      return set;
  }
  return std::nullopt;
}

Mapping tenon::decompositionOf(char32_t c) { return decompositions()[c]; }
Mapping tenon::lowerCaseOf(char32_t c) { return lowerCases()[c]; }
Mapping tenon::caseFoldingOf(char32_t c) { return caseFoldings()[c]; }

std::vector<std::pair<char32_t, Mapping>> tenon::allDecompositions() {
  return decompositions().all();
}
std::vector<std::pair<char32_t, Mapping>> tenon::allLowerCases() {
  return lowerCases().all();
}
std::vector<std::pair<char32_t, Mapping>> tenon::allCaseFoldings() {
  return caseFoldings().all();
}
std::vector<std::pair<char32_t, Mapping>> tenon::allFullCaseFoldings() {
  return MappingTable(kFullCaseFoldings).all();
}
