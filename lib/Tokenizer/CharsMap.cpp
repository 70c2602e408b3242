//===- CharsMap.cpp - SentencePiece's compiled normalization -------------===//

#include "CharsMap.h"

#include "tenon/Support/Utf8.h"

#include <cstring>

using namespace tenon;

static constexpr std::string_view kRules = "the normalizer's compiled rules";
// Hugging Face looks up graphemes of fewer bytes as a whole.
static constexpr size_t kLongGrapheme = 6;

static uint32_t readU32(std::string_view bytes, size_t at) {
  uint32_t value;
  std::memcpy(&value, bytes.data() + at, 4); // little-endian, as this machine
  return value;
}

bool CharsMap::isWellFormed(std::string_view rules) {
  if (rules.empty())
    return true;
  if (rules.size() < 4)
    return false;
  uint32_t size = readU32(rules, 0);
  return size % 4 == 0 && size <= rules.size() - 4;
}

Expected<CharsMap> CharsMap::create(std::string_view rules, bool graphemes) {
  CharsMap map;
  if (!rules.empty()) {
    uint32_t size = readU32(rules, 0);
    map.trie = rules.substr(4, size);
    map.replacements = rules.substr(4 + size);
  }
  if (graphemes) {
    Expected<Regex> regex = Regex::compile("\\X");
    if (!regex)
      return regex.takeError();
    map.grapheme = *std::move(regex);
  }
  return map;
}

uint32_t CharsMap::unit(uint64_t at) const {
  return at < units() ? readU32(trie, at * 4) : 0;
}

static uint64_t offsetOf(uint32_t unit) {
  return uint64_t(unit >> 10) << ((unit & (1u << 9)) >> 6);
}

std::optional<CharsMap::Match> CharsMap::find(std::string_view text,
                                              bool longest) const {
  std::optional<Match> found;
  if (units() == 0)
    return found;
  uint64_t node = offsetOf(unit(0));
  for (size_t i = 0; i < text.size(); ++i) {
    uint8_t byte = static_cast<uint8_t>(text[i]);
    node ^= byte;
    uint32_t here = unit(node);
    if (byte == 0 || (here & ((1u << 31) | 0xff)) != byte)
      break;
    node ^= offsetOf(here);
    if ((here >> 8 & 1) == 0)
      continue;
    uint32_t at = unit(node) & ((1u << 31) - 1);
    if (at > replacements.size())
      break;
    std::string_view to = replacements.substr(at);
    found = Match{i + 1, to.substr(0, to.find('\0'))};
    if (!longest)
      break;
  }
  return found;
}

std::string CharsMap::byLongest(std::string_view text,
                                WorkBudget &budget) const {
  std::string out;
  out.reserve(text.size());
  for (size_t at = 0; at < text.size() && !budget.failed();) {
    if (std::optional<Match> match = find(text.substr(at), true)) {
      out += match->replacement;
      at += match->length;
      budget.spend(match->length / 8, kRules);
      budget.fits(out.size(), kRules);
      continue;
    }
    Utf8Step step = decodeUtf8(text, at);
    out += text.substr(at, step.length);
    at += step.length;
  }
  return out;
}

std::string CharsMap::byGraphemes(std::string_view text,
                                  WorkBudget &budget) const {
  std::string out;
  out.reserve(text.size());
  auto append = [&](std::string_view part) {
    std::optional<Match> match = find(part, false);
    out += match ? match->replacement : part;
  };
  for (TextSpan span : grapheme->findAll(text, budget)) {
    std::string_view part = text.substr(span.begin, span.end - span.begin);
    if (!budget.fits(out.size(), kRules))
      break;
    if (part.size() < kLongGrapheme && find(part, false)) {
      append(part);
      continue;
    }
    for (size_t at = 0; at < part.size();) {
      Utf8Step step = decodeUtf8(part, at);
      append(part.substr(at, step.length));
      at += step.length;
    }
  }
  return out;
}

std::string CharsMap::apply(std::string_view text, WorkBudget &budget) const {
  return grapheme ? byGraphemes(text, budget) : byLongest(text, budget);
}
