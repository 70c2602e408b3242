//===- tenon-opt.cpp - runs passes on IR ----------------------------------===//
//
// mlir-opt with the tenon dialect: takes IR of any stage to any later one.
//
//===----------------------------------------------------------------------===//

#include "mlir/Tools/mlir-opt/MlirOptMain.h"
#include "tenon/Dialect/Tenon/IR/PassStatistic.h"
#include "tenon/Driver/Registration.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/raw_ostream.h"

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  tenon::registerAllDialects(registry);
  tenon::registerAllPasses();
  llvm::cl::opt<bool> statistics(
      "tenon-statistics",
      llvm::cl::desc("Print what Tenon's passes did and declined"));
  llvm::LogicalResult result =
      mlir::MlirOptMain(argc, argv, "Tenon's optimizer driver\n", registry);
  if (statistics)
    tenon::printPassStatistics(llvm::errs());
  return mlir::asMainReturnCode(result);
}
