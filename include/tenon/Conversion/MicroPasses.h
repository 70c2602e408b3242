//===- MicroPasses.h - lowering of micro-operations -------------*- C++ -*-===//

#ifndef TENON_CONVERSION_MICROPASSES_H
#define TENON_CONVERSION_MICROPASSES_H

#include "mlir/Pass/Pass.h"
#include "tenon/Dialect/Tenon/IR/PassStatistic.h"

namespace tenon {

#define GEN_PASS_DECL
#include "tenon/Conversion/MicroPasses.h.inc"
#define GEN_PASS_REGISTRATION
#include "tenon/Conversion/MicroPasses.h.inc"

} // namespace tenon

#endif // TENON_CONVERSION_MICROPASSES_H
