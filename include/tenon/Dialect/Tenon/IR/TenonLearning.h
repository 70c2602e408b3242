//===- TenonLearning.h - large steps of learning ----------------*- C++ -*-===//
//
// Operations of the tenon dialect that few files need; TenonLearningOps.td
// documents them.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_DIALECT_TENON_IR_TENONLEARNING_H
#define TENON_DIALECT_TENON_IR_TENONLEARNING_H

#include "tenon/Dialect/Tenon/IR/TenonDialect.h"

#define GET_OP_CLASSES
#include "tenon/Dialect/Tenon/IR/TenonLearningOps.h.inc"

#endif // TENON_DIALECT_TENON_IR_TENONLEARNING_H
