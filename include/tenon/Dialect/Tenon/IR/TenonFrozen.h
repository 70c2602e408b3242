//===- TenonFrozen.h - weights in blocks that don't learn -------*- C++ -*-===//
//
// Operations of the tenon dialect that few files need; TenonFrozenOps.td
// documents them.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_DIALECT_TENON_IR_TENONFROZEN_H
#define TENON_DIALECT_TENON_IR_TENONFROZEN_H

#include "tenon/Dialect/Tenon/IR/TenonDialect.h"

#define GET_OP_CLASSES
#include "tenon/Dialect/Tenon/IR/TenonFrozenOps.h.inc"

#endif // TENON_DIALECT_TENON_IR_TENONFROZEN_H
