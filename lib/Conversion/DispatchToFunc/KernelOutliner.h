//===- KernelOutliner.h - one dispatch to functions -------------*- C++ -*-===//

#ifndef TENON_LIB_CONVERSION_DISPATCHTOFUNC_KERNELOUTLINER_H
#define TENON_LIB_CONVERSION_DISPATCHTOFUNC_KERNELOUTLINER_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/IRMapping.h"
#include "tenon/Dialect/Tenon/IR/TenonDialect.h"

namespace tenon {

/// Functions with equal bodies, ignoring names and locations, are one.
class FunctionPool {
public:
  /// Returns an equal function that was added before and erases `func`, or
  /// adds `func` and returns it.
  mlir::func::FuncOp unique(mlir::func::FuncOp func);

private:
  llvm::DenseMap<size_t, llvm::SmallVector<mlir::func::FuncOp>> functions;
};

/// Moves the body of one dispatch to two functions.
///
/// What the body uses from outside is of three kinds. *Roots* are memrefs that
/// the entry point takes; *scalars* are indices that are known only when the
/// dispatch runs (T, a position, a layer); both are fields of the context.
/// Everything else is computed from them and is computed again inside.
///
/// The *tasks* function gets each view of a root as an argument of its own, so
/// that `llvm.noalias` can be said of it: views of one arena that are alive in
/// one operation are disjoint (tenon-plan-arena), as are weights and the keys
/// and values of a cache. The *kernel* has the runtime's signature, and calls
/// the tasks function with the addresses of the views.
class KernelOutliner {
public:
  KernelOutliner(DispatchOp dispatch, int64_t maxChunk);

  /// The function of the tasks, from the body of the dispatch.
  mlir::func::FuncOp createTasks(mlir::StringRef name);
  /// The function for the runtime, which calls `tasks`.
  mlir::func::FuncOp createKernel(mlir::StringRef name,
                                  mlir::func::FuncOp tasks);

  /// The context's fields: roots, then scalars.
  llvm::ArrayRef<mlir::Value> getRoots() const { return roots.getArrayRef(); }
  llvm::ArrayRef<mlir::Value> getScalars() const {
    return scalars.getArrayRef();
  }
  mlir::Type getContextType();

private:
  void collect(mlir::Value value);
  void collectScalars(mlir::Value value);
  mlir::MemRefType bytesOf(mlir::memref::ViewOp view) const;
  /// Makes `value` available at the builder from what `mapping` has.
  mlir::Value materialize(mlir::Value value, mlir::OpBuilder &builder,
                          mlir::IRMapping &mapping);

  DispatchOp dispatch;
  int64_t maxChunk;
  llvm::SetVector<mlir::Value> used;    // by the body, defined outside
  llvm::SetVector<mlir::Value> views;   // results of memref.view of a root
  llvm::SetVector<mlir::Value> whole;   // roots that are used themselves
  llvm::SetVector<mlir::Value> roots;   // roots of views, and `whole`
  llvm::SetVector<mlir::Value> scalars; // captured indices
  llvm::DenseSet<mlir::Value> visited;
};

} // namespace tenon

#endif // TENON_LIB_CONVERSION_DISPATCHTOFUNC_KERNELOUTLINER_H
