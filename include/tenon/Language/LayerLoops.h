//===- LayerLoops.h - loops over layers of several kinds --------*- C++ -*-===//
//
// Layers that differ in nothing that their body computes are of one kind. What
// a model's configuration says of each layer is a sequence of kinds; this finds
// the loops in it, so that code grows with the kinds and not with the layers.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_LANGUAGE_LAYERLOOPS_H
#define TENON_LANGUAGE_LAYERLOOPS_H

#include <cstdint>
#include <span>
#include <vector>

namespace tenon::lang {

/// `trips` times what `parts` do one after another, or, without parts, so many
/// layers of one kind.
struct LayerLoop {
  int64_t trips = 1;
  unsigned kind = 0;
  std::vector<LayerLoop> parts;

  bool isLeaf() const { return parts.empty(); }
  /// Layers that one trip takes.
  int64_t layersPerTrip() const;
  int64_t layers() const { return trips * layersPerTrip(); }
};

/// The loops that go through `kinds` in order: from the front, the stretch
/// whose repetitions reach farthest (of those the shortest) becomes a loop, and
/// so on inside of it. Five local layers before each global one, at last two
/// local ones: {10, {{5, local}, {1, global}}}, {2, local}.
std::vector<LayerLoop> findLayerLoops(std::span<const unsigned> kinds);

/// The bodies that the loops hold.
int64_t countBodies(std::span<const LayerLoop> loops);

} // namespace tenon::lang

#endif // TENON_LANGUAGE_LAYERLOOPS_H
