//===- Unigram.cpp - the likeliest cut of a text -------------------------===//

#include "Unigram.h"

#include "tenon/Support/Utf8.h"

#include <algorithm>
#include <cmath>

using namespace tenon;

static constexpr double kUnknownPenalty = 10.0;
// Positions are 32 bits wide; a longer text is cut here.
static constexpr size_t kLongest = size_t(1) << 30;
static constexpr std::string_view kVocabulary = "the vocabulary";

Unigram::Unigram(const TokenizerModel &model) : model(model) {
  fromRoot.fill(-1);
  byteToken.fill(-1);
  nodes.emplace_back();
  if (model.algorithm != TokenizerModel::Algorithm::Unigram)
    return;
  double least = INFINITY;
  for (size_t id = 0; id < model.pieces.size(); ++id) {
    if (model.kinds[id] == TokenKind::Byte)
      byteToken[*byteOfToken(model.pieces[id])] = static_cast<int32_t>(id);
    if (!std::isfinite(model.scores[id]))
      continue; // no piece of a text
    least = std::min(least, model.scores[id]);
    if (!model.pieces[id].empty())
      insert(model.pieces[id], static_cast<int32_t>(id));
  }
  unknownScore = (std::isfinite(least) ? least : 0) - kUnknownPenalty;
}

int32_t Unigram::child(int32_t node, uint8_t byte) const {
  if (node == 0)
    return fromRoot[byte];
  int32_t at = nodes[node].firstChild;
  while (at >= 0 && nodes[at].byte != byte)
    at = nodes[at].sibling;
  return at;
}

void Unigram::insert(std::string_view piece, int32_t token) {
  int32_t node = 0;
  for (char c : piece) {
    uint8_t byte = static_cast<uint8_t>(c);
    int32_t next = child(node, byte);
    if (next < 0) {
      next = static_cast<int32_t>(nodes.size());
      Node &made = nodes.emplace_back();
      made.byte = byte;
      made.sibling = nodes[node].firstChild;
      nodes[node].firstChild = next;
      if (node == 0)
        fromRoot[byte] = next;
    }
    node = next;
  }
  nodes[node].token = token;
}

void Unigram::appendUnknown(std::string_view text,
                            std::vector<int32_t> &tokens) const {
  if (model.byteFallback && std::all_of(text.begin(), text.end(), [&](char c) {
        return byteToken[static_cast<uint8_t>(c)] >= 0;
      })) {
    for (char c : text)
      tokens.push_back(byteToken[static_cast<uint8_t>(c)]);
    return;
  }
  if (model.unknown >= 0)
    tokens.push_back(model.unknown);
}

void Unigram::encode(std::string_view text, std::vector<int32_t> &tokens,
                     WorkBudget &budget) const {
  for (; text.size() > kLongest; text.remove_prefix(kLongest))
    encode(text.substr(0, kLongest), tokens, budget);
  std::vector<Best> best(text.size() + 1);
  best[0].start = 0;
  for (size_t at = 0; at < text.size();) {
    Utf8Step step = decodeUtf8(text, at);
    double here = best[at].score;
    auto offer = [&](size_t end, double score, int32_t token) {
      Best &there = best[end];
      if (there.start == UINT32_MAX || score > there.score)
        there = {score, token, static_cast<uint32_t>(at)};
    };
    bool hasSingle = false;
    size_t end = at;
    for (int32_t node = 0; end < text.size();) {
      node = child(node, static_cast<uint8_t>(text[end]));
      if (node < 0)
        break;
      ++end;
      int32_t token = nodes[node].token;
      if (token < 0)
        continue;
      offer(end, here + model.scores[token], token);
      hasSingle |= end == at + step.length;
    }
    if (!hasSingle)
      offer(at + step.length, here + unknownScore, -1);
    if (!budget.spend(end - at, kVocabulary))
      return;
    at += step.length;
  }

  // From the end; unknown code points in a row are one token.
  std::vector<std::pair<uint32_t, uint32_t>> cuts;
  for (size_t at = text.size(); at > 0; at = best[at].start)
    cuts.push_back({best[at].start, static_cast<uint32_t>(at)});
  for (size_t i = cuts.size(); i-- > 0;) {
    auto [begin, end] = cuts[i];
    int32_t token = best[end].token;
    bool isUnknown = token < 0 || token == model.unknown;
    if (!isUnknown) {
      tokens.push_back(token);
      continue;
    }
    while (i > 0) {
      int32_t next = best[cuts[i - 1].second].token;
      if (next >= 0 && next != model.unknown)
        break;
      end = cuts[--i].second;
    }
    appendUnknown(text.substr(begin, end - begin), tokens);
  }
}
