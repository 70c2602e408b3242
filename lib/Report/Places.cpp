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
