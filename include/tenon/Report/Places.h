//===- Places.h - where a location leads to ---------------------*- C++ -*-===//
#ifndef TENON_REPORT_PLACES_H
#define TENON_REPORT_PLACES_H

#include "mlir/IR/Location.h"
#include "llvm/ADT/SmallVector.h"

#include <string>

namespace tenon {

/// A place in a file: line and column from 1.
struct Place {
  std::string file;
  unsigned line = 0, column = 0;

  auto operator<=>(const Place &) const = default;
};

/// All places that a location leads to, fused ones in their order, each once.
/// A location that is only known by name has none.
llvm::SmallVector<Place, 2> getPlaces(mlir::Location location);

} // namespace tenon

#endif // TENON_REPORT_PLACES_H
