//===- TenonWindows.h - windows of signals and images -----------*- C++ -*-===//
//
// Operations of the tenon dialect that few files need; TenonWindowOps.td
// documents them.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_DIALECT_TENON_IR_TENONWINDOWS_H
#define TENON_DIALECT_TENON_IR_TENONWINDOWS_H

#include "tenon/Dialect/Tenon/IR/TenonDialect.h"

#define GET_OP_CLASSES
#include "tenon/Dialect/Tenon/IR/TenonWindowOps.h.inc"

#endif // TENON_DIALECT_TENON_IR_TENONWINDOWS_H
