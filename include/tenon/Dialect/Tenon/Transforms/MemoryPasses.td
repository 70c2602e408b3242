//===- MemoryPasses.td - from tensors to tiles in memory ---*- tablegen -*-===//

#ifndef TENON_DIALECT_TENON_TRANSFORMS_MEMORYPASSES_TD
#define TENON_DIALECT_TENON_TRANSFORMS_MEMORYPASSES_TD

include "mlir/Pass/PassBase.td"

def TenonSelectTiles : Pass<"tenon-select-tiles", "::mlir::ModuleOp"> {
  let summary = "choose tile sizes from the target";
  let description = [{
    Writes a `tile` on every compute operation, and a `plan` on linears and
    attentions, from `tenon.target`, its tuning and the operation's shapes;
    `tenon-apply-tiles` and the kernels obey them. What is already there is kept,
    so that a choice can be overridden by hand. The models of the choices are in
    lib/Dialect/Tenon/Memory/SelectTiles.cpp and SelectPlan.cpp.

    `tenon.tuned` on the module holds plans that were measured (`tenonc --tune`),
    by kernel (tenon/Dialect/Tenon/Transforms/KernelPlans.h): they go before the
    models' choice, and the attribute is taken away.

    Before:
    ```mlir
    %y = tenon.linear %x, %w : (tensor<?x64xf32>, tensor<128x64xf32, #tenon.panel<n = 32, k = 1>>) -> tensor<?x128xf32>
    %z = tenon.rms_norm %y, %g {eps = 1.0e-5 : f32} : (tensor<?x128xf32>, tensor<128xf32>) -> tensor<?x128xf32>
    ```
    After, for vectors of 512 bits and 32 registers:
    ```mlir
    %y = tenon.linear %x, %w {plan = #tenon.plan<stream_rows = 4>, tile = #tenon.tile<rows = 8, columns = 32>} : ...
    %z = tenon.rms_norm %y, %g {eps = 1.0e-5 : f32, tile = #tenon.tile<group = 32>} : ...
    ```
  }];
  let dependentDialects = ["::tenon::TenonDialect"];
  let options = [
    Option<"linearRows", "linear-rows", "int64_t", /*default=*/"0",
           "Rows of a linear's register tile where it has many rows; 0 leaves it to the model">,
    Option<"decodePanels", "decode-panels", "int64_t", /*default=*/"0",
           "Panels that one task of a one-row linear reads; 0 leaves it to the model">,
  ];
  let statistics = [
    Statistic<"numChosen", "chosen", "Number of tiles chosen">,
    Statistic<"numKept", "kept", "Number of tiles that were there and are kept">,
    Statistic<"numTuned", "tuned", "Number of plans that were measured">,
  ];
}

def TenonBufferize : Pass<"tenon-bufferize", "::mlir::ModuleOp"> {
  let summary = "entry points on memory instead of tensors";
  let description = [{
    Assigns `offset` and `stride` (bytes, 64-byte aligned) to every weight that
    is read, and rewrites every entry point to the fixed arguments

    `(%weights, %arena, %cache, inputs..., %output, %num_tokens, %position, %num_rows)`.

    Every compute operation takes its buffer form and writes into a fresh
    `memref.alloc`, or in place when that is legal: the operation allows it
    (`ComputeOpInterface::canWriteInPlace`) and nobody reads the old value
    later. A loop-carried value is one buffer that the loop updates; the
    producer of a returned value writes into `%output`. Weights, slices, rows
    and heads are views: head tensors `[H, T, D]` lie token by token. Attention
    works on blocks of `%cache`, or of scratch if there is no cache.

    Before:
    ```mlir
    func.func @decode(%tokens: tensor<1xi32>, %pos: index) -> tensor<1x64xf32> {
      %w = tenon.weight_ref @embed : tensor<512x64xf32>
      %x = tenon.embedding %tokens, %w : (tensor<1xi32>, tensor<512x64xf32>) -> tensor<1x64xf32>
      return %x : tensor<1x64xf32>
    }
    ```
    After:
    ```mlir
    func.func @decode(%weights: memref<131072xi8>, %arena: memref<?xi8>, %cache: memref<0xi8>,
        %tokens: memref<1xi32>, %output: memref<1x64xf32>, %num_tokens: index, %position: index, %num_rows: index) {
      %w = memref.view %weights[%c0][] : memref<131072xi8> to memref<512x64xf32>
      tenon.embedding %tokens, %w into %output {tenon.label = "embedding embed"} : (...) -> ()
      return
    }
    ```
  }];
  let dependentDialects = ["::tenon::TenonDialect", "::mlir::memref::MemRefDialect", "::mlir::scf::SCFDialect",
                           "::mlir::func::FuncDialect", "::mlir::arith::ArithDialect"];
  let statistics = [
    Statistic<"numAllocated", "allocated", "Number of values that got a buffer of their own">,
    Statistic<"numInPlace", "in-place", "Number of values written over an operand">,
    Statistic<"numDirect", "direct", "Number of values written straight to a loop's buffer or the output">,
    Statistic<"numCopied", "copied", "Number of values that had to be copied">,
    Statistic<"numErased", "erased", "Number of weights erased: nobody reads them">,
  ];
}

def TenonPlanArena : Pass<"tenon-plan-arena", "::mlir::ModuleOp"> {
  let summary = "one arena for all buffers";
  let description = [{
    Gives every `memref.alloc` of an entry point a fixed place in `%arena`, so
    that buffers whose lifetimes don't meet share memory. A buffer lives from
    its first use to its last; a use inside a loop counts as a use by the whole
    loop if the buffer comes from outside. Sizes take T at its bound,
    `tenon.max_chunk`. Places are 64-byte aligned and are given by first fit, to
    the largest buffers first. The module gets `tenon.arena_bytes`.

    Before:
    ```mlir
    %a = memref.alloc(%num_tokens) : memref<?x64xf32>
    ```
    After:
    ```mlir
    %a = memref.view %arena[%c4096][%num_tokens] : memref<8192xi8> to memref<?x64xf32>
    ```
  }];
  let dependentDialects = ["::mlir::memref::MemRefDialect", "::mlir::arith::ArithDialect"];
  let options = [
    Option<"reuse", "reuse", "bool", /*default=*/"true",
           "Let buffers share memory; without, each has its own, to find a wrong lifetime">,
  ];
  let statistics = [
    Statistic<"numPlaced", "placed", "Number of buffers placed">,
    Statistic<"bytesBefore", "bytes-before", "Bytes of all buffers, without reuse">,
    Statistic<"bytesAfter", "bytes-after", "Bytes of the arena">,
  ];
}

def TenonApplyTiles : Pass<"tenon-apply-tiles", "::mlir::ModuleOp"> {
  let summary = "cut operations into tasks";
  let description = [{
    Every compute operation in buffer form becomes a `tenon.dispatch` whose
    tasks run the same operation on views: `group` panels of a linear's weight,
    `group` rows of a row-wise operation, a head and `rows` queries of
    attention. Shapes stay static except the number of rows; where the last task
    of a linear is smaller, it is a clone of its own.

    Before:
    ```mlir
    tenon.scale %x into %y {factor = 2.0 : f32, tile = #tenon.tile<group = 16>} : (memref<?x64xf32>, memref<?x64xf32>) -> ()
    ```
    After:
    ```mlir
    %count = arith.ceildivui %rows, %c16 : index
    tenon.dispatch %t of %count grain 1 label "scale" {
      %r = arith.muli %t, %c16 : index
      %n = arith.minui (%rows - %r), %c16 : index
      %a = memref.subview %x[%r, 0] [%n, 64] [1, 1] : ...
      %b = memref.subview %y[%r, 0] [%n, 64] [1, 1] : ...
      tenon.scale %a into %b {factor = 2.0 : f32, tile = #tenon.tile<group = 16>} : ...
    }
    ```
  }];
  let dependentDialects = ["::tenon::TenonDialect", "::mlir::memref::MemRefDialect", "::mlir::scf::SCFDialect",
                           "::mlir::arith::ArithDialect"];
  let statistics = [
    Statistic<"numTiled", "tiled", "Number of operations cut into tasks">,
    Statistic<"numWhole", "whole", "Number of operations that stay one task">,
  ];
}

def TenonFuseDispatches : Pass<"tenon-fuse-dispatches", "::mlir::ModuleOp"> {
  let summary = "operations of one task become steps before the next dispatch";
  let description = [{
    A dispatch of one task (in `@decode`: norms, rotary positions, the cache's
    new entry, casts, quantized activations) becomes a step in the prologue of
    the next dispatch of its block, if only operations without effects on memory
    stand between the two. So such an operation is done once, not per task, and
    a layer has few parallel regions: five in the llama family, for Q/K/V,
    attention, its output, gate and up, and down. Dispatches of a linear, of
    attention or of a product of matrices stay, however small, and so do those
    that have a task for every group of rows.

    Before:
    ```mlir
    tenon.dispatch %t of %c1 grain 1 label "rms_norm norm1" {
      tenon.rms_norm %x, %w into %h {eps = 1.0e-5 : f32} : ...
    }
    %view = memref.view %weights[%place][] : ...
    tenon.dispatch %t of %c8 grain 2 label "linear wq" {
      ... %h ...
    }
    ```
    After:
    ```mlir
    %view = memref.view %weights[%place][] : ...
    tenon.dispatch %t of %c8 grain 2 label "linear wq" prologue {
      tenon.step "rms_norm norm1" {
        tenon.rms_norm %x, %w into %h {eps = 1.0e-5 : f32} : ...
      }
    } {
      ... %h ...
    }
    ```
  }];
  let dependentDialects = ["::tenon::TenonDialect", "::mlir::arith::ArithDialect"];
  let statistics = [
    Statistic<"numMerged", "merged", "Number of dispatches that became steps of the next">,
    Statistic<"numNorms", "norms", "Number of norms among them">,
    Statistic<"numLeft", "left", "Number of small dispatches that nothing follows, or something else first">,
  ];
}

def TenonInsertCalibration : Pass<"tenon-insert-calibration", "::mlir::ModuleOp"> {
  let summary = "tells an observer the input of every linear";
  let description = [{
    For `tenonc --calibrate`, which wants to know how large the numbers are that
    a weight's columns are multiplied by. On memory, before operations are cut
    into tiles: before each `tenon.linear`, a call of the function
    `tenon_observe` with the place of its weight in the weights in bytes, the
    address of its input, the input's rows, the elements from one row to the
    next, and their bytes: 4, f32, or 2, bf16. Nothing is computed here, and the program
    computes what it did before.

    Before:
    ```mlir
    %w = memref.view %weights[%place][] : memref<4096xi8> to memref<1x64x32x1xf32>
    tenon.linear %x, %w into %y : memref<?x64xf32>, memref<1x64x32x1xf32>, memref<?x32xf32>
    ```
    After:
    ```mlir
    %w = memref.view %weights[%place][] : memref<4096xi8> to memref<1x64x32x1xf32>
    %p = memref.extract_aligned_pointer_as_index %x : memref<?x64xf32> -> index
    call @tenon_observe(%place, %p, %rows, %c64, %c4) : (index, index, index, index, index) -> ()
    tenon.linear %x, %w into %y : memref<?x64xf32>, memref<1x64x32x1xf32>, memref<?x32xf32>
    ```
  }];
  let dependentDialects = ["::tenon::TenonDialect", "::mlir::memref::MemRefDialect", "::mlir::func::FuncDialect",
                           "::mlir::arith::ArithDialect"];
  let statistics = [
    Statistic<"numObserved", "observed", "Number of linears that tell their input">,
    Statistic<"numDeclined", "declined", "Number of linears whose matrix is no weight, or whose input is neither f32 nor bf16">,
  ];
}

#endif // TENON_DIALECT_TENON_TRANSFORMS_MEMORYPASSES_TD
