//===- PassStatistic.h - what passes did and declined -----------*- C++ -*-===//
//
// A pass statistic that counts in every build. LLVM's own are compiled out of
// release builds of LLVM, among them the distribution's, and
// -mlir-pass-statistics prints nothing there. TableGen declares statistics as
// usual; tenon_pass_tablegen (lib/cmake/AddTenon.cmake) makes them of this
// type, and `tenon-opt --tenon-statistics` prints them.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_DIALECT_TENON_IR_PASSSTATISTIC_H
#define TENON_DIALECT_TENON_IR_PASSSTATISTIC_H

#include <cstdint>

namespace llvm {
class raw_ostream;
} // namespace llvm

namespace mlir {
class Pass;
} // namespace mlir

namespace tenon {

/// A counter of a pass. Counts go to one table for the whole process, by the
/// pass's argument and the statistic's name; safe from several threads.
class PassStatistic {
public:
  PassStatistic(mlir::Pass *owner, const char *name, const char *description)
      : owner(owner), name(name), description(description) {}

  PassStatistic &operator+=(uint64_t count);
  PassStatistic &operator++() { return *this += 1; }

private:
  mlir::Pass *owner;
  const char *name;
  const char *description;
};

/// Prints what all passes counted so far, sorted, without those that are zero:
/// `tenon-fuse-linear: 3 biases - Number of biases taken into a linear`.
void printPassStatistics(llvm::raw_ostream &os);

} // namespace tenon

#endif // TENON_DIALECT_TENON_IR_PASSSTATISTIC_H
