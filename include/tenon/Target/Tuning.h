//===- Tuning.h - the table of tuning entries -------------------*- C++ -*-===//

#ifndef TENON_TARGET_TUNING_H
#define TENON_TARGET_TUNING_H

#include "tenon/Dialect/Tenon/IR/Tuning.h"
#include "tenon/Support/Error.h"

#include <string_view>
#include <vector>

namespace tenon {

/// A micro-architecture's numbers, where they differ from those of the entry
/// "generic", or were measured.
struct TuningEntry {
  std::string_view name; ///< as in #tenon.tuning
  std::string_view cpus; ///< LLVM's names, separated by blanks
  struct Number {
    std::string_view field;
    int64_t Tuning::*member;
    int64_t value;
    std::string_view source; ///< where it was measured, or that it was not
  };
  std::vector<Number> numbers;
};

/// All entries, "generic" first.
const std::vector<TuningEntry> &getTuningTable();

/// The numbers for a CPU by LLVM's name: those of "generic", and over them
/// those of the entry that has the CPU, or else of the entry `otherwise`.
TuningAttr getTuning(mlir::MLIRContext *context, llvm::StringRef cpu,
                     llvm::StringRef otherwise = "generic");

/// The target with numbers of its tuning replaced: "prefetch_distance=2048,
/// short_panels=1" in the names and ranges of #tenon.tuning.
///
/// Errors (BadUsage): no such number, no value, one out of range.
Expected<TargetAttr> overrideTuning(TargetAttr target, llvm::StringRef numbers);

} // namespace tenon

#endif // TENON_TARGET_TUNING_H
