//===- PieceIndex.cpp - from texts and pairs to ids ----------------------===//
//
// Linear probing at a load of at most one half. The tables hold indices only,
// so that a vocabulary of 128,000 pieces is ready in a few milliseconds.
//
//===----------------------------------------------------------------------===//

#include "PieceIndex.h"

#include "tenon/Support/Hash.h"

#include <algorithm>
#include <bit>

using namespace tenon;

static uint64_t hashOf(std::string_view text) {
  return xxh3(std::as_bytes(std::span(text)));
}

static uint64_t hashOf(uint32_t left, uint32_t right) {
  // Multiplication by 2^64 / phi; the high half has the best bits.
  uint64_t key = (static_cast<uint64_t>(left) << 32) | right;
  key *= 0x9e3779b97f4a7c15ull;
  return key ^ (key >> 32);
}

PieceIndex::PieceIndex(const TokenizerModel &model) : model(model) {
  size_t count = model.pieces.size();
  slots.resize(std::bit_ceil(2 * count + 2));
  mask = slots.size() - 1;
  auto insert = [&](uint32_t id) {
    std::string_view piece = model.pieces[id];
    longestPiece = std::max(longestPiece, piece.size());
    size_t at = hashOf(piece) & mask;
    for (; slots[at]; at = (at + 1) & mask)
      if (model.pieces[slots[at] - 1] == piece)
        return;
    slots[at] = id + 1;
  };
  auto isAdded = [&](uint32_t id) {
    return model.kinds[id] == TokenKind::Added ||
           model.kinds[id] == TokenKind::Special;
  };
  for (uint32_t id = 0; id < count; ++id)
    if (!isAdded(id) && model.kinds[id] != TokenKind::Unused)
      insert(id);
  for (uint32_t id = 0; id < count; ++id)
    if (isAdded(id))
      insert(id);
}

int32_t PieceIndex::find(std::string_view piece) const {
  for (size_t at = hashOf(piece) & mask; slots[at]; at = (at + 1) & mask)
    if (model.pieces[slots[at] - 1] == piece)
      return static_cast<int32_t>(slots[at] - 1);
  return -1;
}

MergeIndex::MergeIndex(const std::vector<MergeRule> &merges) : merges(merges) {
  slots.resize(std::bit_ceil(2 * merges.size() + 2));
  mask = slots.size() - 1;
  for (uint32_t i = 0; i < merges.size(); ++i) {
    const MergeRule &rule = merges[i];
    size_t at = hashOf(rule.left, rule.right) & mask;
    for (; slots[at]; at = (at + 1) & mask)
      if (const MergeRule &other = merges[slots[at] - 1];
          other.left == rule.left && other.right == rule.right)
        break;
    slots[at] = i + 1;
  }
}

const MergeRule *MergeIndex::find(uint32_t left, uint32_t right) const {
  for (size_t at = hashOf(left, right) & mask; slots[at]; at = (at + 1) & mask)
    if (const MergeRule &rule = merges[slots[at] - 1];
        rule.left == left && rule.right == right)
      return &rule;
  return nullptr;
}
