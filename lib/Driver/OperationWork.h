//===- OperationWork.h - what operations compute and read -------*- C++ -*-===//
#ifndef TENON_LIB_DRIVER_OPERATIONWORK_H
#define TENON_LIB_DRIVER_OPERATIONWORK_H

#include "mlir/IR/BuiltinOps.h"
#include "tenon/Runtime/Metadata.h"
#include "llvm/ADT/StringMap.h"

namespace tenon {

/// What linears and attentions of a module compute and read, gathered at
/// Stage::Packed, where types say how weights are stored and how activations
/// are rounded; found again by the label that bufferization gives them.
class OperationWork {
public:
  OperationWork() = default;
  explicit OperationWork(mlir::ModuleOp packed);

  /// Gives each operation of a variant its work, in their order, which is that
  /// of the module. Where a function has more or fewer operations of a label
  /// than were gathered, they get none, unless all that were gathered are the
  /// same.
  void addTo(std::vector<runtime::OperationInfo> &operations) const;

private:
  /// By function and label, in the module's order.
  llvm::StringMap<llvm::StringMap<std::vector<runtime::WorkInfo>>> found;
};

} // namespace tenon

#endif // TENON_LIB_DRIVER_OPERATIONWORK_H
