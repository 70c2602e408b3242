//===- WeightLayout.h - places in the weights and the cache -----*- C++ -*-===//

#ifndef TENON_LIB_DIALECT_TENON_MEMORY_WEIGHTLAYOUT_H
#define TENON_LIB_DIALECT_TENON_MEMORY_WEIGHTLAYOUT_H

#include "mlir/IR/BuiltinOps.h"
#include "tenon/Dialect/Tenon/IR/TenonDialect.h"

namespace tenon {

/// The bytes of `shape` with elements of type `element`, dynamic extents taken
/// at `bound`; nullopt if the product wraps or passes 2^62.
std::optional<int64_t> checkedBytes(llvm::ArrayRef<int64_t> shape,
                                    mlir::Type element, int64_t bound = 0);

/// `bytes` rounded up to kMemoryAlignment, or nullopt.
std::optional<int64_t> checkedAlign(std::optional<int64_t> bytes);
/// a * b and a + b, or nullopt when an operand is or the result passes 2^62.
std::optional<int64_t> checkedMultiply(std::optional<int64_t> a,
                                       std::optional<int64_t> b);
std::optional<int64_t> checkedAdd(std::optional<int64_t> a,
                                  std::optional<int64_t> b);

/// Assigns offset and stride to every tenon.weight of the module, in the order
/// of the module, and returns the bytes of all. Places that are there already
/// are kept if all weights have one.
mlir::FailureOr<int64_t> assignWeightPlaces(mlir::ModuleOp module);

/// The physical memref type of a weight's layer: packed, if it has a panel.
mlir::MemRefType getWeightMemRef(mlir::RankedTensorType layerType);

} // namespace tenon

#endif // TENON_LIB_DIALECT_TENON_MEMORY_WEIGHTLAYOUT_H
