//===- PrintPlace.h - a location as text ------------------------*- C++ -*-===//

#ifndef TENON_CONVERSION_PRINTPLACE_H
#define TENON_CONVERSION_PRINTPLACE_H

#include "mlir/IR/Location.h"
#include "llvm/ADT/Twine.h"

#include <string>

namespace tenon {

/// "file:line:col" of the first place in a location that has one; empty if none
/// has.
inline std::string printPlace(mlir::Location loc) {
  auto file = loc->findInstanceOf<mlir::FileLineColLoc>();
  if (!file)
    return {};
  return (file.getFilename().getValue() + ":" + llvm::Twine(file.getLine()) +
          ":" + llvm::Twine(file.getColumn()))
      .str();
}

} // namespace tenon

#endif // TENON_CONVERSION_PRINTPLACE_H
