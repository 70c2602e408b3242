//===- Places.cpp - where a location leads to -----------------------------===//

#include "tenon/Report/Places.h"
#include "llvm/ADT/STLExtras.h"

using namespace mlir;
using namespace tenon;

llvm::SmallVector<Place, 2> tenon::getPlaces(Location location) {
  llvm::SmallVector<Place, 2> places;
  location->walk([&](Location part) {
    if (auto at = dyn_cast<FileLineColLoc>(part)) {
      Place place{at.getFilename().str(), at.getLine(), at.getColumn()};
      if (!llvm::is_contained(places, place))
        places.push_back(std::move(place));
    }
    return WalkResult::advance();
  });
  return places;
}

unsigned PlaceTable::number(std::vector<unsigned> lines) {
  llvm::sort(lines);
  lines.erase(llvm::unique(lines), lines.end());
  auto [it, isNew] = numbers.try_emplace(lines, all.size());
  if (isNew)
    all.push_back(std::move(lines));
  return it->second;
}

unsigned PlaceTable::number(Location location) {
  if (auto it = known.find(location); it != known.end())
    return it->second;
  std::vector<unsigned> lines;
  for (const Place &place : getPlaces(location))
    if (auto file = source.find(place.file); file != source.end())
      lines.push_back(file->second + place.line);
  return known[location] = number(std::move(lines));
}

unsigned PlaceTable::unite(unsigned a, unsigned b) {
  if (a == b || b == 0)
    return a;
  auto [it, isNew] = unions.try_emplace({a, b}, 0);
  if (isNew) {
    std::vector<unsigned> lines = all[a];
    lines.insert(lines.end(), all[b].begin(), all[b].end());
    it->second = number(std::move(lines));
  }
  return it->second;
}
