//===- Micro.h - the micro dialect ------------------------------*- C++ -*-===//
//
// Operations on registers; MicroOps.td says what each computes.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_DIALECT_MICRO_IR_MICRO_H
#define TENON_DIALECT_MICRO_IR_MICRO_H

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "tenon/Dialect/Micro/IR/MicroDialect.h.inc"

#define GET_OP_CLASSES
#include "tenon/Dialect/Micro/IR/MicroOps.h.inc"

#endif // TENON_DIALECT_MICRO_IR_MICRO_H
