//===- CodePointSet.cpp - sets of code points ----------------------------===//

#include "CodePointSet.h"

#include <algorithm>

using namespace tenon;

void CodePointSet::add(uint32_t first, uint32_t last) {
  if (first > last)
    return;
  // The ranges that the new one touches become one.
  auto low = ranges.end();
  while (low != ranges.begin() && first <= std::prev(low)->last + 1)
    --low;
  auto high = low;
  while (high != ranges.end() && high->first <= last + 1) {
    first = std::min(first, high->first);
    last = std::max(last, high->last);
    ++high;
  }
  ranges.insert(ranges.erase(low, high), {first, last});
}

bool CodePointSet::contains(uint32_t c) const {
  auto after =
      std::upper_bound(ranges.begin(), ranges.end(), c,
                       [](uint32_t c, const Range &r) { return c < r.first; });
  return after != ranges.begin() && c <= std::prev(after)->last;
}

CodePointSet CodePointSet::complement() const {
  CodePointSet result;
  uint32_t next = 0;
  for (const Range &range : ranges) {
    if (next < range.first)
      result.ranges.push_back({next, range.first - 1});
    next = range.last + 1;
  }
  if (next <= kLastCodePoint)
    result.ranges.push_back({next, kLastCodePoint});
  return result;
}

CodePointSet CodePointSet::operator|(const CodePointSet &other) const {
  CodePointSet result;
  auto a = ranges.begin(), b = other.ranges.begin();
  while (a != ranges.end() || b != other.ranges.end()) {
    bool takeA =
        b == other.ranges.end() || (a != ranges.end() && a->first < b->first);
    const Range &next = takeA ? *a++ : *b++;
    result.add(next.first, next.last);
  }
  return result;
}

CodePointSet CodePointSet::operator&(const CodePointSet &other) const {
  CodePointSet result;
  auto a = ranges.begin(), b = other.ranges.begin();
  while (a != ranges.end() && b != other.ranges.end()) {
    uint32_t first = std::max(a->first, b->first);
    uint32_t last = std::min(a->last, b->last);
    if (first <= last)
      result.ranges.push_back({first, last});
    if (a->last < b->last)
      ++a;
    else
      ++b;
  }
  return result;
}

bool CodePointSet::operator<(const CodePointSet &other) const {
  return std::lexicographical_compare(
      ranges.begin(), ranges.end(), other.ranges.begin(), other.ranges.end(),
      [](const Range &a, const Range &b) {
        return a.first != b.first ? a.first < b.first : a.last < b.last;
      });
}
