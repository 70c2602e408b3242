//===- UnicodeForms.cpp - normalization forms ----------------------------===//
//
// Unicode Standard Annex 15: decompose, order the marks, compose.
//
//===----------------------------------------------------------------------===//

#include "Unicode.h"
#include "UnicodeTables.h"

#include "tenon/Support/Utf8.h"

#include <algorithm>
#include <unordered_map>
#include <vector>

using namespace tenon;

// Hangul syllables are composed by arithmetic (section 3.12 of the standard).
static constexpr char32_t kSBase = 0xac00, kLBase = 0x1100, kVBase = 0x1161,
                          kTBase = 0x11a7;
static constexpr char32_t kLCount = 19, kVCount = 21, kTCount = 28,
                          kSCount = kLCount * kVCount * kTCount;

namespace {
struct Symbol {
  char32_t c;
  uint8_t combining;
};
} // namespace

static uint64_t pairOf(char32_t first, char32_t second) {
  return uint64_t(first) << 32 | second;
}

// The primary composites.
static const std::unordered_map<uint64_t, char32_t> &compositions() {
  static const auto *table = [] {
    auto *made = new std::unordered_map<uint64_t, char32_t>();
    CodePointSet excluded = *propertySet("Full_Composition_Exclusion");
    for (const auto &[c, mapping] : allDecompositions()) {
      if (mapping.compatible || excluded.contains(c))
        continue;
      std::vector<char32_t> parts;
      forEachCodePoint(mapping.utf16,
                       [&](char32_t part) { parts.push_back(part); });
      if (parts.size() == 2)
        made->emplace(pairOf(parts[0], parts[1]), c);
    }
    return made;
  }();
  return *table;
}

static void decompose(char32_t c, bool compatible, std::vector<Symbol> &out) {
  if (c >= kSBase && c < kSBase + kSCount) {
    char32_t index = c - kSBase;
    out.push_back({kLBase + index / (kVCount * kTCount), 0});
    out.push_back({kVBase + index / kTCount % kVCount, 0});
    if (index % kTCount)
      out.push_back({kTBase + index % kTCount, 0});
    return;
  }
  Mapping mapping = c < 0xa0 ? Mapping() : decompositionOf(c);
  if (mapping.utf16.empty() || (mapping.compatible && !compatible))
    out.push_back({c, c < 0x300 ? uint8_t(0) : combiningClassOf(c)});
  else // no chain of the database is longer than a few
    forEachCodePoint(mapping.utf16,
                     [&](char32_t part) { decompose(part, compatible, out); });
}

// By class; marks of one class stay in their order.
static void orderMarks(std::vector<Symbol> &symbols) {
  std::vector<std::pair<size_t, Symbol>> marks;
  for (size_t i = 0; i < symbols.size();) {
    size_t end = i;
    while (end < symbols.size() && symbols[end].combining)
      ++end;
    if (end - i > 1) {
      marks.clear();
      for (size_t k = i; k < end; ++k)
        marks.push_back({size_t(symbols[k].combining) << 32 | k, symbols[k]});
      std::sort(marks.begin(), marks.end(),
                [](const auto &a, const auto &b) { return a.first < b.first; });
      for (size_t k = i; k < end; ++k)
        symbols[k] = marks[k - i].second;
    }
    i = end + 1;
  }
}

static char32_t composed(char32_t first, char32_t second) {
  if (first >= kLBase && first < kLBase + kLCount && second >= kVBase &&
      second < kVBase + kVCount)
    return kSBase + ((first - kLBase) * kVCount + second - kVBase) * kTCount;
  if (first >= kSBase && first < kSBase + kSCount &&
      (first - kSBase) % kTCount == 0 && second > kTBase &&
      second < kTBase + kTCount)
    return first + second - kTBase;
  auto found = compositions().find(pairOf(first, second));
  return found == compositions().end() ? 0 : found->second;
}

static void compose(std::vector<Symbol> &symbols) {
  size_t out = 0;
  constexpr size_t none = SIZE_MAX;
  size_t starter = none;
  for (size_t i = 0; i < symbols.size(); ++i) {
    Symbol symbol = symbols[i];
    // Blocked: something stands between that is no mark of a smaller class.
    bool adjacent = starter != none && out == starter + 1;
    bool open = starter != none &&
                (adjacent || (symbols[out - 1].combining &&
                              symbols[out - 1].combining < symbol.combining));
    if (open) {
      if (char32_t c = composed(symbols[starter].c, symbol.c)) {
        symbols[starter].c = c;
        continue;
      }
    }
    if (symbol.combining == 0)
      starter = out;
    symbols[out++] = symbol;
  }
  symbols.resize(out);
}

// The start of a stretch that nothing before it changes.
static bool isPlain(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return static_cast<uint8_t>(c) < 0x80; });
}

std::string tenon::toUnicodeForm(std::string_view text, UnicodeForm form) {
  if (isPlain(text))
    return std::string(text);
  bool compatible = form == UnicodeForm::NFKC || form == UnicodeForm::NFKD;
  bool composes = form == UnicodeForm::NFC || form == UnicodeForm::NFKC;
  std::string out;
  out.reserve(text.size());
  std::vector<Symbol> symbols;
  auto flush = [&] {
    orderMarks(symbols);
    if (composes)
      compose(symbols);
    for (const Symbol &symbol : symbols)
      appendUtf8(out, symbol.c);
    symbols.clear();
  };
  for (size_t at = 0; at < text.size();) {
    Utf8Step step = decodeUtf8(text, at);
    if (step.kind == Utf8Step::Valid) {
      // ASCII composes with what follows only, so a stretch may end before it.
      if (step.codePoint < 0x80)
        flush();
      decompose(step.codePoint, compatible, symbols);
    } else {
      flush();
      out += text.substr(at, step.length);
    }
    at += step.length;
  }
  flush();
  return out;
}
