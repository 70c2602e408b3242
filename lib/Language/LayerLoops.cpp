//===- LayerLoops.cpp - loops over layers of several kinds ----------------===//

#include "tenon/Language/LayerLoops.h"

#include <algorithm>

using namespace tenon::lang;

int64_t LayerLoop::layersPerTrip() const {
  if (isLeaf())
    return 1;
  int64_t sum = 0;
  for (const LayerLoop &part : parts)
    sum += part.layers();
  return sum;
}

// How often the first `length` kinds follow one another.
static size_t repetitions(std::span<const unsigned> kinds, size_t length) {
  size_t end = length;
  while (end < kinds.size() && kinds[end] == kinds[end - length])
    ++end;
  return end / length;
}

std::vector<LayerLoop>
tenon::lang::findLayerLoops(std::span<const unsigned> kinds) {
  std::vector<LayerLoop> loops;
  while (!kinds.empty()) {
    size_t length = 1, trips = repetitions(kinds, 1);
    for (size_t next = 2; next <= kinds.size() / 2; ++next) {
      size_t count = repetitions(kinds, next);
      if (count > 1 && count * next > length * trips)
        length = next, trips = count;
    }
    LayerLoop loop{static_cast<int64_t>(trips), kinds.front(), {}};
    if (length > 1)
      loop.parts = findLayerLoops(kinds.first(length));
    loops.push_back(std::move(loop));
    kinds = kinds.subspan(length * trips);
  }
  return loops;
}

int64_t tenon::lang::countBodies(std::span<const LayerLoop> loops) {
  int64_t sum = 0;
  for (const LayerLoop &loop : loops)
    sum += loop.isLeaf() ? 1 : countBodies(loop.parts);
  return sum;
}
