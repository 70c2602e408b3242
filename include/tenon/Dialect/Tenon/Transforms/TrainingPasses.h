//===- TrainingPasses.h - passes that make a model learn --------*- C++ -*-===//

#ifndef TENON_DIALECT_TENON_TRANSFORMS_TRAININGPASSES_H
#define TENON_DIALECT_TENON_TRANSFORMS_TRAININGPASSES_H

#include "mlir/Pass/Pass.h"
#include "tenon/Dialect/Tenon/IR/PassStatistic.h"
#include "tenon/Dialect/Tenon/IR/TenonDialect.h"

namespace mlir {
class OpPassManager;
} // namespace mlir

namespace tenon {

/// What the way back through a loop computes again: what is cheap, or all of a
/// layer.
enum class RecomputePolicy { Cheap, Layer };

#define GEN_PASS_DECL
#include "tenon/Dialect/Tenon/Transforms/TrainingPasses.h.inc"
#define GEN_PASS_REGISTRATION
#include "tenon/Dialect/Tenon/Transforms/TrainingPasses.h.inc"

/// From a model that computes to one that learns: differentiate.
void buildDifferentiatePipeline(mlir::OpPassManager &manager);
/// Registers it as --tenon-differentiate-pipeline.
void registerTrainingPipelines();

} // namespace tenon

#endif // TENON_DIALECT_TENON_TRANSFORMS_TRAININGPASSES_H
