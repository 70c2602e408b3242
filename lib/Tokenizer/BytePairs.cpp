//===- BytePairs.cpp - byte-pair encoding --------------------------------===//

#include "BytePairs.h"

#include "tenon/Support/Strings.h"
#include "tenon/Support/Utf8.h"

#include <algorithm>

using namespace tenon;

// Positions are 32 bits wide; a longer piece is cut here.
static constexpr size_t maxPiece = size_t(1) << 30;

BytePairs::BytePairs(const TokenizerModel &model, const PieceIndex &index)
    : model(model), index(index), merges(model.merges) {
  byteToken.fill(-1);
  for (unsigned byte = 0; byte < 256; ++byte) {
    char c = static_cast<char>(byte);
    bool isSymbol = model.byteLevel || byte < 0x80;
    single[byte] = isSymbol ? index.find({&c, 1}) : -1;
  }
  for (size_t id = 0; id < model.kinds.size(); ++id)
    if (model.kinds[id] == TokenKind::Byte)
      byteToken[*byteOfToken(model.pieces[id])] = static_cast<int32_t>(id);
}

void BytePairs::addSymbols(std::string_view piece, Scratch &scratch) const {
  bool lastWasUnknown = false;
  bool hasAffixes = !model.continuingPrefix.empty() || !model.endSuffix.empty();
  auto add = [&](int32_t id) {
    int32_t position = static_cast<int32_t>(scratch.symbols.size());
    scratch.symbols.push_back({id, position - 1, position + 1});
  };
  for (size_t at = 0; at < piece.size();) {
    uint8_t byte = static_cast<uint8_t>(piece[at]);
    unsigned length = 1;
    int32_t id = single[byte];
    if (!model.byteLevel && byte >= 0x80) {
      Utf8Step step = decodeUtf8(piece, at);
      length = step.length;
      if (step.kind == Utf8Step::Valid)
        id = index.find(piece.substr(at, length));
    }
    std::string_view symbol = piece.substr(at, length);
    std::string affixed;
    if (hasAffixes) {
      affixed =
          strCat(at > 0 ? model.continuingPrefix : std::string(), symbol,
                 at + length == piece.size() ? model.endSuffix : std::string());
      symbol = affixed;
      id = index.find(symbol);
    }
    at += length;
    if (id >= 0) {
      add(id);
      lastWasUnknown = false;
      continue;
    }
    if (model.byteFallback &&
        std::all_of(symbol.begin(), symbol.end(), [&](char c) {
          return byteToken[static_cast<uint8_t>(c)] >= 0;
        })) {
      for (char c : symbol)
        add(byteToken[static_cast<uint8_t>(c)]);
      lastWasUnknown = false;
      continue;
    }
    if (model.unknown >= 0 && !(model.fuseUnknown && lastWasUnknown))
      add(model.unknown);
    lastWasUnknown = true;
  }
  if (!scratch.symbols.empty())
    scratch.symbols.back().next = -1;
}

// The queue's order: the smallest rank, then the leftmost, comes out first.
static bool comesLater(const BytePairs::Scratch::Candidate &a,
                       const BytePairs::Scratch::Candidate &b) {
  return a.rank != b.rank ? a.rank > b.rank : a.left > b.left;
}

void BytePairs::consider(int32_t left, int32_t right, Scratch &scratch) const {
  if (left < 0 || right < 0)
    return;
  int32_t leftId = scratch.symbols[left].id;
  int32_t rightId = scratch.symbols[right].id;
  const MergeRule *rule = merges.find(static_cast<uint32_t>(leftId),
                                      static_cast<uint32_t>(rightId));
  if (!rule)
    return;
  scratch.queue.push_back({rule->rank, left, right, leftId, rightId,
                           static_cast<int32_t>(rule->result)});
  std::push_heap(scratch.queue.begin(), scratch.queue.end(), comesLater);
}

void BytePairs::encode(std::string_view piece, std::vector<int32_t> &tokens,
                       Scratch &scratch) const {
  for (; piece.size() > maxPiece; piece.remove_prefix(maxPiece))
    encode(piece.substr(0, maxPiece), tokens, scratch);
  if (model.ignoreMerges) {
    if (int32_t id = index.find(piece); id >= 0) {
      tokens.push_back(id);
      return;
    }
  }

  scratch.symbols.clear();
  scratch.queue.clear();
  addSymbols(piece, scratch);
  std::vector<Scratch::Symbol> &symbols = scratch.symbols;
  for (size_t i = 1; i < symbols.size(); ++i)
    consider(static_cast<int32_t>(i - 1), static_cast<int32_t>(i), scratch);

  while (!scratch.queue.empty()) {
    std::pop_heap(scratch.queue.begin(), scratch.queue.end(), comesLater);
    Scratch::Candidate best = scratch.queue.back();
    scratch.queue.pop_back();
    Scratch::Symbol &left = symbols[best.left];
    Scratch::Symbol &right = symbols[best.right];
    // One of the two has merged with something else since.
    if (left.id != best.leftId || right.id != best.rightId ||
        left.next != best.right)
      continue;
    left.id = best.result;
    left.next = right.next;
    right.id = -1;
    if (left.next >= 0)
      symbols[left.next].previous = best.left;
    consider(left.previous, best.left, scratch);
    consider(best.left, left.next, scratch);
  }
  for (const Scratch::Symbol &symbol : symbols)
    if (symbol.id >= 0)
      tokens.push_back(symbol.id);
}
