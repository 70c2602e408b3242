//===- TunedPlans.h - measured plans in a compilation -----------*- C++ -*-===//
#ifndef TENON_LIB_DRIVER_TUNEDPLANS_H
#define TENON_LIB_DRIVER_TUNEDPLANS_H

#include "tenon/Driver/Options.h"
#include "tenon/Tune/Database.h"

namespace tenon {

/// The database of plans that a compilation reads, and with --tune adds to.
class TunedPlans {
public:
  /// Reads the database that the options name, or the default one; nothing for
  /// a model that learns, whose kernels are others.
  ///
  /// Errors: those of tune::Database::read; --tune without a place to keep
  /// anything; `targets`, of which this CPU can run none.
  Status open(const CompileOptions &options, llvm::ArrayRef<TargetAttr> targets,
              mlir::MLIRContext &context);

  /// With --tune searches plans for the kernels of a module at stage "packed"
  /// first. Then hands what is in the database for it to the passes.
  Status use(mlir::ModuleOp module);

private:
  Status search(mlir::ModuleOp module);

  const CompileOptions *options = nullptr;
  mlir::MLIRContext *context = nullptr;
  std::string path;
  tune::Database database;
  int64_t numTuned = 0; ///< targets that are searched for
};

} // namespace tenon

#endif // TENON_LIB_DRIVER_TUNEDPLANS_H
