//===- Places.h - where a location leads to ---------------------*- C++ -*-===//
#ifndef TENON_REPORT_PLACES_H
#define TENON_REPORT_PLACES_H

#include "mlir/IR/Location.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/SmallVector.h"

#include <map>
#include <string>
#include <vector>

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

/// The files of a description by their names in locations: how many lines
/// stand before each in the text of all that a report shows.
using SourceLines = std::map<std::string, unsigned>;

/// Lists of lines of a description that locations lead to, each numbered once:
/// many operations share few of them.
class PlaceTable {
public:
  /// Places in other files than those of `source` don't count.
  explicit PlaceTable(SourceLines source) : source(std::move(source)) {}

  /// The number of the list that a location leads to; 0 is the empty one.
  unsigned number(mlir::Location location);
  /// The number of what two lists have together.
  unsigned unite(unsigned a, unsigned b);
  /// Each ascending, by number.
  const std::vector<std::vector<unsigned>> &lists() const { return all; }
  std::vector<std::vector<unsigned>> takeLists() { return std::move(all); }

private:
  unsigned number(std::vector<unsigned> lines);

  SourceLines source;
  std::vector<std::vector<unsigned>> all = {{}};
  std::map<std::vector<unsigned>, unsigned> numbers = {{{}, 0}};
  llvm::DenseMap<mlir::Attribute, unsigned> known;
  llvm::DenseMap<std::pair<unsigned, unsigned>, unsigned> unions;
};

} // namespace tenon

#endif // TENON_REPORT_PLACES_H
