//===- MixtureEmitters.h - kernels of mixtures of experts -------*- C++ -*-===//

#ifndef TENON_LIB_CONVERSION_ROWSTOVECTOR_MIXTUREEMITTERS_H
#define TENON_LIB_CONVERSION_ROWSTOVECTOR_MIXTUREEMITTERS_H

#include "Emitters.h"
#include "tenon/Dialect/Tenon/IR/TenonMixture.h"

namespace tenon::rows {

// Mixture.cpp
void emit(KernelBuilder &b, TopKOp op);
void emit(KernelBuilder &b, RouteOp op);
void emit(KernelBuilder &b, ScatterAddOp op);
void emit(KernelBuilder &b, ClearOp op);

} // namespace tenon::rows

#endif // TENON_LIB_CONVERSION_ROWSTOVECTOR_MIXTUREEMITTERS_H
