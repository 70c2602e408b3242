//===- AddedTokens.cpp - tokens that are found before all else -----------===//

#include "AddedTokens.h"

#include "Unicode.h"

#include "tenon/Support/Utf8.h"

using namespace tenon;

void AddedTokenFinder::add(std::string text, const AddedToken &token) {
  if (!text.empty())
    entries.push_back({std::move(text), token});
}

int32_t AddedTokenFinder::child(int32_t node, uint8_t byte) const {
  if (node == 0)
    return fromRoot[byte] ? fromRoot[byte] : -1;
  int32_t at = nodes[node].firstChild;
  while (at >= 0 && nodes[at].byte != byte)
    at = nodes[at].sibling;
  return at;
}

int32_t AddedTokenFinder::step(int32_t node, uint8_t byte) const {
  while (true) {
    if (int32_t next = child(node, byte); next >= 0)
      return next;
    if (node == 0)
      return 0;
    node = nodes[node].fail;
  }
}

void AddedTokenFinder::insert(int32_t entry) {
  const std::string &text = entries[entry].text;
  int32_t node = 0;
  for (size_t i = text.size(); i-- > 0;) {
    uint8_t byte = static_cast<uint8_t>(text[i]);
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
  // Of tokens that look the same the one with the greatest id counts.
  auto take = [&](int32_t &best) {
    if (best < 0 || entries[best].token.id < entries[entry].token.id)
      best = entry;
  };
  take(nodes[node].longest);
  if (!entries[entry].token.special)
    take(nodes[node].longestPlain);
}

void AddedTokenFinder::finish() {
  nodes.assign(1, {});
  fromRoot.fill(0);
  for (size_t i = 0; i < entries.size(); ++i)
    insert(static_cast<int32_t>(i));
  // Breadth first: a node's failure is shorter than the node.
  std::vector<int32_t> order{0};
  order.reserve(nodes.size());
  for (size_t i = 0; i < order.size(); ++i) {
    int32_t parent = order[i];
    for (int32_t at = nodes[parent].firstChild; at >= 0;
         at = nodes[at].sibling) {
      Node &node = nodes[at];
      if (parent != 0)
        node.fail = step(nodes[parent].fail, node.byte);
      if (node.longest < 0)
        node.longest = nodes[node.fail].longest;
      if (node.longestPlain < 0)
        node.longestPlain = nodes[node.fail].longestPlain;
      order.push_back(at);
    }
  }
}

// The longest token at each place that has one, from the text's end.
std::vector<AddedTokenFinder::Match>
AddedTokenFinder::matches(std::string_view text, bool skipSpecial,
                          std::string_view marks) const {
  std::vector<Match> found;
  int32_t node = 0;
  for (size_t at = text.size(); at-- > 0;) {
    node = step(node, static_cast<uint8_t>(text[at]));
    const Node &state = nodes[node];
    int32_t entry = skipSpecial ? state.longestPlain : state.longest;
    if (entry >= 0 && !marks.empty() && entries[entry].token.special &&
        marks.substr(at, entries[entry].text.size()).find_first_not_of('\0') !=
            marks.npos)
      entry = state.longestPlain;
    if (entry >= 0)
      found.push_back({at, entry});
  }
  return found;
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
AddedTokenFinder::split(std::string_view text, bool skipSpecial,
                        std::string_view marks) const {
  std::vector<Segment> segments;
  if (entries.empty()) {
    if (!text.empty())
      segments.push_back({text, -1});
    return segments;
  }
  std::vector<Match> found = matches(text, skipSpecial, marks);
  size_t done = 0; // everything before is in a segment
  size_t next = 0; // no token begins before
  for (size_t i = found.size(); i-- > 0;) {
    auto [begin, index] = found[i];
    if (begin < next)
      continue;
    const Entry &entry = entries[index];
    size_t end = next = begin + entry.text.size();
    if (entry.token.singleWord &&
        (endsWithWordCharacter(text.substr(0, begin)) ||
         startsWithWordCharacter(text.substr(end))))
      continue;
    if (entry.token.lstrip)
      begin -= whiteSpaceAtEnd(text.substr(done, begin - done));
    if (entry.token.rstrip)
      next = end += whiteSpaceAtStart(text.substr(end));
    if (done < begin)
      segments.push_back({text.substr(done, begin - done), -1});
    segments.push_back({text.substr(begin, end - begin), entry.token.id});
    done = end;
  }
  if (done < text.size())
    segments.push_back({text.substr(done), -1});
  return segments;
}
