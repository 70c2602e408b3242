//===- LoweringPasses.td - from dispatches to LLVM ---------*- tablegen -*-===//

#ifndef TENON_CONVERSION_LOWERINGPASSES_TD
#define TENON_CONVERSION_LOWERINGPASSES_TD

include "mlir/Pass/PassBase.td"

def TenonCheckBounds : Pass<"tenon-check-bounds", "::mlir::ModuleOp"> {
  let summary = "kernels stop before they leave their memory";
  let description = [{
    For `tenonc --check-bounds`, between kernels and LLVM: before every load,
    store, part and view, indices are compared with the sizes of the memref, and
    the last element of a vector with how far its memory reaches, where rows
    follow each other; lanes that a mask holds back don't count. What
    constants prove costs nothing. Outside of it the runtime's
    `tenon_out_of_bounds` prints the operation, the kernel and the place in the
    description, and aborts: it is a mistake of the compiler.

    Before:
    ```mlir
    %v = vector.load %m[%i] : memref<100xf32>, vector<8xf32>
    ```
    After:
    ```mlir
    %outside = ... // %i < 0, %i + 1 > 100, %i + 8 > 100
    scf.if %outside {
      %text = llvm.mlir.addressof @out_of_bounds : !llvm.ptr
      func.call @tenon_out_of_bounds(%text) : (!llvm.ptr) -> ()
    }
    %v = vector.load %m[%i] : memref<100xf32>, vector<8xf32>
    ```
  }];
  let dependentDialects = ["::mlir::func::FuncDialect", "::mlir::scf::SCFDialect", "::mlir::arith::ArithDialect",
                           "::mlir::memref::MemRefDialect", "::mlir::vector::VectorDialect",
                           "::mlir::LLVM::LLVMDialect"];
  let statistics = [
    Statistic<"numChecked", "checked", "Number of accesses with a check">,
    Statistic<"numProved", "proved", "Number of accesses that constants prove">,
  ];
}

def TenonOutlineDispatches : Pass<"tenon-outline-dispatches", "::mlir::ModuleOp"> {
  let summary = "the body of every dispatch becomes a kernel function";
  let description = [{
    Sinks views, constants and index arithmetic into a dispatch, and moves it to
    a pair of private functions: `kernel_<entry>_<label>`, which has the
    runtime's signature and unpacks the context, and the function of its tasks,
    whose memory arguments are distinct (`llvm.noalias`). In its place stands a
    call of `tenon_dispatch` with the number of the operation in
    `tenon.operations`, an attribute of the module that names every operation
    for a profile. What a kernel captures, pointers and indices only, lies in a
    struct on the stack. Kernels with equal bodies are one. Those of entry
    points that learn are marked `tenon-unroll-sums`: LLVM then unrolls fewer of
    their loops.

    A prologue becomes one more kernel on the same context, which calls the
    functions of its steps; the call is then one of `tenon_dispatch_after`. Its
    number in `tenon.operations` is the one before that of the dispatch.

    Before:
    ```mlir
    %x = memref.view %arena[%c0][%num_tokens] : memref<8192xi8> to memref<?x64xf32>
    tenon.dispatch %t of %count grain 1 label "scale" { ... %x ... }
    ```
    After:
    ```mlir
    func.func private @kernel_forward_scale(%ctx: !llvm.ptr, %begin: i64, %end: i64) {
      %p = llvm.load (field 0 of %ctx) : !llvm.ptr
      %arena = builtin.unrealized_conversion_cast %p : !llvm.ptr to memref<8192xi8>
      %x = memref.view %arena[%c0][] : memref<8192xi8> to memref<8192xi8>
      call @kernel_forward_scale_tasks(%x, ..., %begin, %end)
      return
    }
    // In the entry point:
    llvm.store %pointer_to_arena, (field 0 of %ctx)
    call @tenon_dispatch(%op, %kernel, %ctx, %count, %grain)
    ```
  }];
  let dependentDialects = ["::mlir::func::FuncDialect", "::mlir::scf::SCFDialect", "::mlir::arith::ArithDialect",
                           "::mlir::memref::MemRefDialect", "::mlir::LLVM::LLVMDialect"];
  let statistics = [
    Statistic<"numOutlined", "outlined", "Number of dispatches outlined">,
    Statistic<"numPrologues", "prologues", "Number of prologues outlined">,
    Statistic<"numShared", "shared", "Number of dispatches that use the kernel of another">,
  ];
}

def TenonToLLVM : Pass<"tenon-to-llvm", "::mlir::ModuleOp"> {
  let summary = "lower everything to the LLVM dialect";
  let description = [{
    One conversion from vector, scf, memref, arith, math, func, index and ub to
    LLVM, with bare pointers for memrefs. Every entry point gets an exported
    wrapper `tenon_entry_<name>` of the runtime's signature
    `void(const TenonFrame *)` (include/tenon/Runtime/Abi.h); all else is
    internal. Weights' declarations go away: they have done their work.

    Before:
    ```mlir
    func.func @decode(%weights: memref<4096xi8>, ...) attributes {tenon.entry} { ... }
    ```
    After:
    ```mlir
    llvm.func internal @decode(%weights: !llvm.ptr, ...) { ... }
    llvm.func @tenon_entry_decode(%frame: !llvm.ptr) {
      %weights = llvm.load %frame : !llvm.ptr -> !llvm.ptr
      ...
      llvm.call @decode(%weights, ...)
      llvm.return
    }
    ```
  }];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect", "::mlir::cf::ControlFlowDialect",
                           "::mlir::affine::AffineDialect", "::mlir::arith::ArithDialect",
                           "::mlir::math::MathDialect", "::mlir::memref::MemRefDialect",
                           "::mlir::vector::VectorDialect", "::mlir::scf::SCFDialect"];
  let statistics = [
    Statistic<"numEntries", "entries", "Number of entry points wrapped">,
    Statistic<"numFunctions", "functions", "Number of functions lowered">,
  ];
}

#endif // TENON_CONVERSION_LOWERINGPASSES_TD
