//===- Reporting.h - remarks and reports of a compilation -------*- C++ -*-===//
#ifndef TENON_LIB_DRIVER_REPORTING_H
#define TENON_LIB_DRIVER_REPORTING_H

#include "Frontend.h"
#include "mlir/Pass/PassManager.h"
#include "tenon/Driver/WeightsWriter.h"
#include "tenon/Report/Report.h"
#include "tenon/Target/CodeListing.h"

#include <optional>

namespace tenon {

/// Watches a compilation for --remarks, --remarks-output and --report. Does
/// nothing that changes what is compiled.
class Reporting {
public:
  static bool isAskedFor(const CompileOptions &options) {
    return options.remarks.any() || !options.remarksOutput.empty() ||
           !options.report.empty();
  }

  /// `source`: the description, whose files locations lead to.
  Reporting(const CompileOptions &options, mlir::MLIRContext &context,
            const lang::SourceFile &source);

  bool hasReport() const { return recorder.has_value(); }

  /// The profile to be shown, if there is one: before what takes long.
  Status readProfile(const LoadedModel &model);
  /// The imported module.
  void start(mlir::ModuleOp module);
  /// Before a pass manager runs on a module, which leads to a stage; after.
  void enter(mlir::PassManager &manager, mlir::ModuleOp module,
             llvm::StringRef stage);
  void leave(mlir::ModuleOp module);
  /// A module of the llvm dialect, before it is translated.
  void numberPlaces(mlir::ModuleOp module);
  void readListing(std::vector<ListedFunction> functions);
  /// What quantizing a weight changed, relative to it.
  void readError(const std::string &weight, double error) {
    errors[weight] = error;
  }

  /// Those asked for, on a stream.
  void printRemarks(llvm::raw_ostream &os) const;
  /// Writes the files asked for, each whole or not at all.
  Status write(const LoadedModel &model, llvm::ArrayRef<TargetAttr> targets,
               llvm::ArrayRef<PlannedWeight> weights);

private:
  const CompileOptions &options;
  std::optional<RemarkLog> log;
  std::optional<PassRecorder> recorder;
  Report report;
  PlaceTable kernelPlaces;
  std::map<std::string, double> errors;
};

} // namespace tenon

#endif // TENON_LIB_DRIVER_REPORTING_H
