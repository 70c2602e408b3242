//===- RowsToVector.h - row-wise operations to vectors ----------*- C++ -*-===//

#ifndef TENON_CONVERSION_ROWSTOVECTOR_H
#define TENON_CONVERSION_ROWSTOVECTOR_H

#include "mlir/Pass/Pass.h"
#include "tenon/Dialect/Tenon/IR/PassStatistic.h"

namespace tenon {

#define GEN_PASS_DECL_TENONROWSTOVECTOR
#include "tenon/Conversion/RowsPasses.h.inc"

/// Registers --tenon-rows-to-vector.
#define GEN_PASS_REGISTRATION
#include "tenon/Conversion/RowsPasses.h.inc"

} // namespace tenon

#endif // TENON_CONVERSION_ROWSTOVECTOR_H
