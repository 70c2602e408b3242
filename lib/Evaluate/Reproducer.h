//===- Reproducer.h - less IR that shows the same fault ---------*- C++ -*-===//

#ifndef TENON_LIB_EVALUATE_REPRODUCER_H
#define TENON_LIB_EVALUATE_REPRODUCER_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "llvm/ADT/STLFunctionalExtras.h"

namespace tenon {

/// Takes away from a module what a fault does not need: functions, loops (one
/// trip of the body takes their place), operations after the one that is wrong
/// (whose value is returned) and before it (whose values become arguments),
/// weights. `fails` says whether a module still shows the fault; it may change
/// what it is given. The result does, if the module did. Asks no more than
/// `mostQuestions` times.
mlir::OwningOpRef<mlir::ModuleOp>
reduceModule(mlir::ModuleOp module,
             llvm::function_ref<bool(mlir::ModuleOp)> fails,
             unsigned mostQuestions);

} // namespace tenon

#endif // TENON_LIB_EVALUATE_REPRODUCER_H
