//===- AddedTokens.cpp - tokens that are found before all else -----------===//

#include "AddedTokens.h"

#include "Unicode.h"

#include "tenon/Support/Utf8.h"

#include <algorithm>
#include <tuple>

using namespace tenon;

void AddedTokenFinder::add(std::string text, const AddedToken &token) {
  if (!text.empty())
    entries.push_back({std::move(text), token});
}

void AddedTokenFinder::finish() {
  // Of tokens that look the same the one with the greatest id counts.
  std::sort(entries.begin(), entries.end(), [](const Entry &a, const Entry &b) {
    return std::tie(a.text, a.token.id) < std::tie(b.text, b.token.id);
  });
  for (const Entry &entry : entries)
    firstBytes.set(static_cast<uint8_t>(entry.text[0]));
}

// The sorted entries are a trie: those with a common prefix stand together, and
// each further byte narrows the range.
const AddedTokenFinder::Entry *
AddedTokenFinder::longestAt(std::string_view text, size_t at) const {
  if (!firstBytes.test(static_cast<uint8_t>(text[at])))
    return nullptr;
  const Entry *longest = nullptr;
  auto low = entries.begin(), high = entries.end();
  for (size_t depth = 0; low != high; ++depth) {
    // Entries that end here come first.
    while (low != high && low->text.size() == depth)
      longest = &*low++;
    if (at + depth >= text.size())
      break;
    uint8_t byte = static_cast<uint8_t>(text[at + depth]);
    auto byteOf = [&](const Entry &entry) {
      return static_cast<uint8_t>(entry.text[depth]);
    };
    low = std::lower_bound(low, high, byte, [&](const Entry &entry, uint8_t b) {
      return byteOf(entry) < b;
    });
    high =
        std::upper_bound(low, high, byte, [&](uint8_t b, const Entry &entry) {
          return b < byteOf(entry);
        });
  }
  return longest;
}

static bool endsWithWordCharacter(std::string_view text) {
  if (text.empty())
    return false;
  size_t start = text.size() - 1;
  while (start > 0 && text.size() - start < 4 &&
         (static_cast<uint8_t>(text[start]) & 0xc0) == 0x80)
    --start;
  Utf8Step step = decodeUtf8(text, start);
  return step.kind == Utf8Step::Valid && isWordCharacter(step.codePoint);
}

static bool startsWithWordCharacter(std::string_view text) {
  if (text.empty())
    return false;
  Utf8Step step = decodeUtf8(text, 0);
  return step.kind == Utf8Step::Valid && isWordCharacter(step.codePoint);
}

std::vector<AddedTokenFinder::Segment>
AddedTokenFinder::split(std::string_view text) const {
  std::vector<Segment> segments;
  size_t done = 0; // everything before is in a segment
  for (size_t at = 0; at < text.size() && !entries.empty();) {
    const Entry *entry = longestAt(text, at);
    if (!entry) {
      ++at;
      continue;
    }
    size_t begin = at, end = at + entry->text.size();
    if (entry->token.singleWord &&
        (endsWithWordCharacter(text.substr(0, begin)) ||
         startsWithWordCharacter(text.substr(end)))) {
      at = end;
      continue;
    }
    if (entry->token.lstrip)
      begin -= whiteSpaceAtEnd(text.substr(done, begin - done));
    if (entry->token.rstrip)
      end += whiteSpaceAtStart(text.substr(end));
    if (done < begin)
      segments.push_back({text.substr(done, begin - done), -1});
    segments.push_back({text.substr(begin, end - begin), entry->token.id});
    done = at = end;
  }
  if (done < text.size())
    segments.push_back({text.substr(done), -1});
  return segments;
}
