//===- TrainingEmitters.h - kernels of learning -----------------*- C++ -*-===//

#ifndef TENON_LIB_CONVERSION_ROWSTOVECTOR_TRAININGEMITTERS_H
#define TENON_LIB_CONVERSION_ROWSTOVECTOR_TRAININGEMITTERS_H

#include "Emitters.h"
#include "tenon/Dialect/Tenon/IR/TenonFrozen.h"
#include "tenon/Dialect/Tenon/IR/TenonLearning.h"
#include "tenon/Dialect/Tenon/IR/TenonOptimizer.h"

namespace tenon::rows {

// Training.cpp
void emit(KernelBuilder &b, ActivationGradientOp op);
void emit(KernelBuilder &b, CrossEntropyOp op);
void emit(KernelBuilder &b, CrossEntropyGradientOp op);
void emit(KernelBuilder &b, AddGradientOp op);
void emit(KernelBuilder &b, EmbeddingGradientOp op);
// WeightProducts.cpp
void emit(KernelBuilder &b, WeightProductOp op);
void emit(KernelBuilder &b, WeightGradientOp op);
// AttentionGradient.cpp
void emit(KernelBuilder &b, AttentionGradientOp op);
// ShapeGradients.cpp
void emit(KernelBuilder &b, ZeroPadOp op);
void emit(KernelBuilder &b, SumHeadsOp op);
void emit(KernelBuilder &b, ZerosLikeOp op);
void emit(KernelBuilder &b, PadRowsOp op);
void emit(KernelBuilder &b, ClampGradientOp op);
void emit(KernelBuilder &b, ScoreBiasGradientOp op);
void emit(KernelBuilder &b, DistanceGatherGradientOp op);
// Optimizer.cpp
void emit(KernelBuilder &b, SumSquaresOp op);
void emit(KernelBuilder &b, NormOfSumsOp op);
void emit(KernelBuilder &b, AdamWOp op);
// UnpackPanels.cpp
void emit(KernelBuilder &b, UnpackPanelsOp op);
// OptimizerSteps.cpp
void emit(KernelBuilder &b, MomentumOp op);
void emit(KernelBuilder &b, LeanOp op);
void emit(KernelBuilder &b, StepAlongOp op);
/// What brings gradients to the mean over the targets, within the norm that a
/// step may have (`tenon.update`), in all lanes.
mlir::Value gradientScale(KernelBuilder &b, mlir::Value numbers,
                          mlir::Value norm);

} // namespace tenon::rows

#endif // TENON_LIB_CONVERSION_ROWSTOVECTOR_TRAININGEMITTERS_H
