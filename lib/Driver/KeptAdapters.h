//===- KeptAdapters.h - adapters that an executable chooses from -*- C++
//-*-===//

#ifndef TENON_LIB_DRIVER_KEPTADAPTERS_H
#define TENON_LIB_DRIVER_KEPTADAPTERS_H

#include "Adapters.h"
#include "mlir/IR/BuiltinOps.h"
#include "tenon/Driver/WeightsWriter.h"
#include "tenon/Runtime/PayloadWriter.h"

namespace tenon {

/// The adapters of `--adapter NAME=DIRECTORY`. The model has places for one,
/// which are zeros; the executable has a section for each adapter
/// (Runtime/KeptAdapters.h) with what belongs there.
class KeptAdapters {
public:
  /// Errors: as AdapterDirectory::open.
  static Expected<KeptAdapters> open(const AskedAdapters &asked);

  /// Makes the places, in an imported module. Errors: a module for which the
  /// model has none; what tenon-insert-adapters refuses.
  Status insert(mlir::ModuleOp module);
  /// Writes a section for each. Errors: matrices that do not fit.
  Status write(std::span<const PlannedWeight> plan, WeightsOptions options,
               runtime::PayloadWriter &writer);

private:
  struct Named {
    std::string name;
    AdapterDirectory directory;
  };
  std::vector<Named> adapters;
};

} // namespace tenon

#endif // TENON_LIB_DRIVER_KEPTADAPTERS_H
