//===- MetadataBuilder.h - what the executable knows of itself --*- C++ -*-===//
#ifndef TENON_LIB_DRIVER_METADATABUILDER_H
#define TENON_LIB_DRIVER_METADATABUILDER_H

#include "Frontend.h"
#include "OperationWork.h"
#include "tenon/Driver/WeightsWriter.h"
#include "tenon/Runtime/Metadata.h"

namespace tenon {

/// Gathers metadata while the module passes through the stages, since each
/// knows something that later ones have forgotten.
class MetadataBuilder {
public:
  explicit MetadataBuilder(const LoadedModel &model);

  /// At Stage::Cached: entry points, vocabulary and width.
  void readEntries(mlir::ModuleOp module);
  /// At Stage::Tiled, for each variant: sizes of the memories, of which the
  /// arena is the largest of all. Error: a cache of another size, which is a
  /// fault of a pass.
  Status readMemory(mlir::ModuleOp module);
  /// At Stage::Packed, for each variant: what its operations compute and read.
  void readWork(mlir::ModuleOp module) { work = OperationWork(module); }
  /// At Stage::LLVM, in the order of the variants: operations of the profile.
  void addVariant(mlir::ModuleOp module, TargetAttr target);
  void setWeights(WeightsSummary summary);

  runtime::Metadata take() { return std::move(metadata); }

private:
  void readSpecialTokens(const LoadedModel &model);
  void readCaches(mlir::func::FuncOp function);

  const lang::BoundModel *bound;
  runtime::Metadata metadata;
  OperationWork work; ///< of the variant at hand
  bool hasMemory = false;
};

} // namespace tenon

#endif // TENON_LIB_DRIVER_METADATABUILDER_H
