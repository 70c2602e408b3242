//===- WordPiece.cpp - BERT's algorithm ----------------------------------===//

#include "WordPiece.h"

#include <algorithm>
#include <string>

using namespace tenon;

static bool startsCodePoint(char c) {
  return (static_cast<uint8_t>(c) & 0xc0) != 0x80;
}

void WordPiece::encode(std::string_view word, std::vector<int32_t> &tokens,
                       WorkBudget &budget) const {
  size_t before = tokens.size();
  auto giveUp = [&] {
    tokens.resize(before);
    if (model.unknown >= 0)
      tokens.push_back(model.unknown);
  };
  if (static_cast<size_t>(std::count_if(
          word.begin(), word.end(), startsCodePoint)) > model.maxCharsPerWord)
    return giveUp();

  std::string candidate;
  for (size_t start = 0; start < word.size();) {
    candidate = start ? model.continuingPrefix : std::string();
    size_t prefix = candidate.size();
    // Nothing longer than the longest piece needs to be tried.
    size_t length = std::min(word.size() - start, index.longest());
    candidate += word.substr(start, length);
    int32_t id = -1;
    for (; length > 0; --length) {
      bool atBoundary = start + length == word.size() ||
                        startsCodePoint(word[start + length]);
      if (!atBoundary)
        continue;
      candidate.resize(prefix + length);
      // Looking a text up takes time in proportion to it.
      if (!budget.spend(1 + length / 64, "the vocabulary"))
        return;
      id = index.find(candidate);
      if (id >= 0)
        break;
    }
    if (id < 0)
      return giveUp();
    tokens.push_back(id);
    start += length;
  }
}
