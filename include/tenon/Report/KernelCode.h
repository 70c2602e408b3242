//===- KernelCode.h - machine code that knows its places --------*- C++ -*-===//
#ifndef TENON_REPORT_KERNELCODE_H
#define TENON_REPORT_KERNELCODE_H

#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/StringRef.h"

#include <string>
#include <vector>

namespace tenon {

/// A function of the generated code.
struct KernelCode {
  std::string symbol;
  std::vector<std::string> lines; ///< labels and instructions
  /// For each line: an index into the table of `numberPlaces`, 0 for none.
  std::vector<unsigned> places;
};

/// An assembler knows one line of one file for an instruction, where an
/// operation that was fused comes from several lines. Hence each operation of
/// a module of the llvm dialect gets the location `places:N`, N an index into
/// the table that is returned: the lines of the description (`source`),
/// ascending. Entry 0 is empty. Functions get scopes, so that LLVM keeps it.
/// The table may grow over several modules.
void numberPlaces(mlir::ModuleOp module, llvm::StringRef source,
                  std::vector<std::vector<unsigned>> &table);

/// Gives an LLVM-dialect module's operations locations of one line each, the
/// first that they lead to, and its functions scopes, so that line tables of
/// the object lead to the description.
void keepFirstPlaces(mlir::ModuleOp module);

} // namespace tenon

#endif // TENON_REPORT_KERNELCODE_H
