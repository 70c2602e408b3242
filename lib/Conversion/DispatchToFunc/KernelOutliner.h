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

/// Moves the parts of one dispatch, which are the steps of its prologue and its
/// body, to functions.
///
/// What a part uses from outside is of three kinds. *Roots* are memrefs that
/// the entry point takes; *scalars* are indices that are known only when the
/// dispatch runs (T, a position, a layer); both are fields of the context,
/// which all parts share. Everything else is computed from them and is computed
/// again inside.
///
/// Each part gets a *tasks* function, which takes each view of a root as an
/// argument of its own, so that `llvm.noalias` can be said of it: views of one
/// arena that are alive in one operation are disjoint (tenon-plan-arena), as
/// are weights and the keys and values of a cache. A *kernel* has the runtime's
/// signature, and calls the tasks functions with the addresses of the views.
class KernelOutliner {
public:
  /// A step or the body.
  struct Part {
    mlir::Region *region;
    mlir::Location loc;
    llvm::StringRef label;
    bool isStep;
    llvm::SetVector<mlir::Value> used;    // defined outside
    llvm::SetVector<mlir::Value> views;   // results of memref.view of a root
    llvm::SetVector<mlir::Value> whole;   // roots that are used themselves
    llvm::SetVector<mlir::Value> roots;   // roots of views, and `whole`
    llvm::SetVector<mlir::Value> scalars; // captured indices, integers
    llvm::DenseSet<mlir::Value> visited;
    mlir::func::FuncOp tasks; // set by the caller from createTasks
  };

  KernelOutliner(DispatchOp dispatch, int64_t maxChunk);

  llvm::MutableArrayRef<Part> getSteps() {
    return llvm::MutableArrayRef(parts).drop_back();
  }
  Part &getBody() { return parts.back(); }

  /// The function of a part's tasks, from its region: (views, roots, scalars),
  /// and for the body the range of its tasks.
  mlir::func::FuncOp createTasks(Part &part, mlir::StringRef name);
  /// The function for the runtime, which calls the functions of the parts.
  mlir::func::FuncOp createKernel(llvm::ArrayRef<Part> parts,
                                  mlir::StringRef name);

  /// The context's fields: roots, then scalars.
  llvm::ArrayRef<mlir::Value> getRoots() const { return roots.getArrayRef(); }
  llvm::ArrayRef<mlir::Value> getScalars() const {
    return scalars.getArrayRef();
  }
  mlir::Type getContextType();

private:
  void addPart(mlir::Region &region, mlir::Location loc, llvm::StringRef label,
               bool isStep);
  static void collect(Part &part, mlir::Value value);
  static void collectScalars(Part &part, mlir::Value value);
  mlir::MemRefType bytesOf(mlir::memref::ViewOp view) const;
  /// Makes `value` available at the builder from what `mapping` has.
  mlir::Value materialize(mlir::Value value, mlir::OpBuilder &builder,
                          mlir::IRMapping &mapping);

  DispatchOp dispatch;
  int64_t maxChunk;
  llvm::SmallVector<Part, 1> parts;     // steps in order, then the body
  llvm::SetVector<mlir::Value> roots;   // of all parts
  llvm::SetVector<mlir::Value> scalars; // of all parts
};

} // namespace tenon

#endif // TENON_LIB_CONVERSION_DISPATCHTOFUNC_KERNELOUTLINER_H
