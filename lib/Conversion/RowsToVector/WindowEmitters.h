//===- WindowEmitters.h - kernels of windows --------------------*- C++ -*-===//

#ifndef TENON_LIB_CONVERSION_ROWSTOVECTOR_WINDOWEMITTERS_H
#define TENON_LIB_CONVERSION_ROWSTOVECTOR_WINDOWEMITTERS_H

#include "Emitters.h"
#include "tenon/Dialect/Tenon/IR/TenonWindows.h"

namespace tenon::rows {

// Windows.cpp
void emit(KernelBuilder &b, UnfoldOp op);

} // namespace tenon::rows

#endif // TENON_LIB_CONVERSION_ROWSTOVECTOR_WINDOWEMITTERS_H
