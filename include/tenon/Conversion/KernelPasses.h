//===- KernelPasses.h - micro-kernels ---------------------------*- C++ -*-===//
//
// The conversions of the hot operations, linear and attention, to vectors.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_CONVERSION_KERNELPASSES_H
#define TENON_CONVERSION_KERNELPASSES_H

#include "mlir/Pass/Pass.h"
#include "tenon/Dialect/Tenon/IR/PassStatistic.h"

namespace tenon {

#define GEN_PASS_DECL
#include "tenon/Conversion/KernelPasses.h.inc"
#define GEN_PASS_REGISTRATION
#include "tenon/Conversion/KernelPasses.h.inc"

} // namespace tenon

#endif // TENON_CONVERSION_KERNELPASSES_H
