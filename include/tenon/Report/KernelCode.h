//===- KernelCode.h - machine code that knows its places --------*- C++ -*-===//
#ifndef TENON_REPORT_KERNELCODE_H
#define TENON_REPORT_KERNELCODE_H

#include "mlir/IR/BuiltinOps.h"
#include "tenon/Report/Places.h"

#include <string>
#include <vector>

namespace tenon {

/// A function of the generated code.
struct KernelCode {
  std::string symbol;
  std::vector<std::string> lines; ///< labels and instructions
  /// For each line: a number of the table of `numberPlaces`, 0 for none.
  std::vector<unsigned> places;
};

/// An assembler knows one line of one file for an instruction, where an
/// operation that was fused comes from several lines. Hence each operation of
/// a module of the llvm dialect gets the location `places:N`, N the number of
/// its lines in a table. Functions get scopes, so that LLVM keeps it.
void numberPlaces(mlir::ModuleOp module, PlaceTable &table);

/// Gives an LLVM-dialect module's operations locations of one line each, the
/// first that they lead to, and its functions scopes, so that line tables of
/// the object lead to the description.
void keepFirstPlaces(mlir::ModuleOp module);

} // namespace tenon

#endif // TENON_REPORT_KERNELCODE_H
