//===- UnicodeTables.h - the Unicode Character Database ---------*- C++ -*-===//
//
// What tokenizers need of the database, in one version for all machines. The
// tables in Unicode/*.inc are made by Unicode/generate.py.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_LIB_TOKENIZER_UNICODETABLES_H
#define TENON_LIB_TOKENIZER_UNICODETABLES_H

#include "CodePointSet.h"

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace tenon {

/// General_Category, in the tables' order.
enum class Category : uint8_t {
  Cn,
  Cc,
  Cf,
  Co,
  Cs,
  Ll,
  Lm,
  Lo,
  Lt,
  Lu,
  Mc,
  Me,
  Mn,
  Nd,
  Nl,
  No,
  Pc,
  Pd,
  Pe,
  Pf,
  Pi,
  Po,
  Ps,
  Sc,
  Sk,
  Sm,
  So,
  Zl,
  Zp,
  Zs,
};

Category categoryOf(char32_t c);
/// Canonical_Combining_Class.
uint8_t combiningClassOf(char32_t c);

/// The code points whose category begins with `name`: "L", "Lu".
std::optional<CodePointSet> categorySet(std::string_view name);
/// A script by its index in scriptNames(); those of a block or of a
/// Grapheme_Cluster_Break likewise.
CodePointSet scriptSet(size_t index);
CodePointSet blockSet(size_t index);
CodePointSet graphemeBreakSet(size_t index);
/// "Latin" and "Latn"; the first is of unassigned code points.
std::span<const std::string_view> scriptNames();
std::span<const std::string_view> scriptShortNames();
std::span<const std::string_view> blockNames();
std::span<const std::string_view> graphemeBreakNames();
/// The script's index of a code point.
size_t scriptOf(char32_t c);
/// A binary property of PropList.txt or emoji-data.txt, by its long name.
std::optional<CodePointSet> propertySet(std::string_view name);
std::span<const std::string_view> propertyNames();

/// What a code point becomes; empty: itself.
struct Mapping {
  std::span<const uint16_t> utf16;
  bool compatible = false; ///< of a decomposition: not a canonical one
};
Mapping decompositionOf(char32_t c);
Mapping lowerCaseOf(char32_t c);
/// Where the simple case folding isn't the lower case.
Mapping caseFoldingOf(char32_t c);
/// Code points that fold to several.
std::vector<std::pair<char32_t, Mapping>> allFullCaseFoldings();

/// A mapping's code points.
template <class Function>
void forEachCodePoint(std::span<const uint16_t> utf16, Function function) {
  for (size_t i = 0; i < utf16.size(); ++i) {
    char32_t c = utf16[i];
    if (c >= 0xd800 && c < 0xdc00 && i + 1 < utf16.size())
      c = 0x10000 + ((c - 0xd800) << 10) + (utf16[++i] - 0xdc00);
    function(c);
  }
}

/// Every code point with a mapping, in order.
std::vector<std::pair<char32_t, Mapping>> allDecompositions();
std::vector<std::pair<char32_t, Mapping>> allLowerCases();
std::vector<std::pair<char32_t, Mapping>> allCaseFoldings();

} // namespace tenon

#endif // TENON_LIB_TOKENIZER_UNICODETABLES_H
