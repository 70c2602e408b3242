//===- CodeListing.h - machine code as text with its lines ------*- C++ -*-===//
#ifndef TENON_TARGET_CODELISTING_H
#define TENON_TARGET_CODELISTING_H

#include <string>
#include <vector>

namespace tenon {

/// A function of an object as an assembler would print it.
struct ListedFunction {
  std::string symbol;
  std::vector<std::string> lines; ///< "label:" and "  instruction"
  /// For each line: the line of the location that the instruction comes from,
  /// 0 for labels and where there is none.
  std::vector<unsigned> places;
};

} // namespace tenon

#endif // TENON_TARGET_CODELISTING_H
