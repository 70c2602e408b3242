//===- TurnPasses.h - passes for processes that learn together --*- C++ -*-===//

#ifndef TENON_DIALECT_TENON_TRANSFORMS_TURNPASSES_H
#define TENON_DIALECT_TENON_TRANSFORMS_TURNPASSES_H

#include "mlir/Pass/Pass.h"
#include "tenon/Dialect/Tenon/IR/PassStatistic.h"
#include "tenon/Dialect/Tenon/IR/TenonDialect.h"

namespace tenon {

#define GEN_PASS_DECL
#include "tenon/Dialect/Tenon/Transforms/TurnPasses.h.inc"
#define GEN_PASS_REGISTRATION
#include "tenon/Dialect/Tenon/Transforms/TurnPasses.h.inc"

} // namespace tenon

#endif // TENON_DIALECT_TENON_TRANSFORMS_TURNPASSES_H
