//===- TenonMixtureOps.td - mixtures of experts ------------*- tablegen -*-===//
//
// What a layer inside of a layer becomes (arXiv:1701.06538), and the memory
// level's operations for it. Generated apart from the other operations: few
// files need them.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_DIALECT_TENON_IR_TENONMIXTUREOPS_TD
#define TENON_DIALECT_TENON_IR_TENONMIXTUREOPS_TD

include "mlir/Interfaces/ControlFlowInterfaces.td"
include "tenon/Dialect/Tenon/IR/TenonOps.td"

//===----------------------------------------------------------------------===//
// Tensors
//===----------------------------------------------------------------------===//

def Tenon_TopKOp : Tenon_SegmentedComputeOp<"top_k", [DeclareOpInterfaceMethods<Tenon_ComputeOpInterface, ["getOut"]>]> {
  let summary = "the greatest of a row, the others zero";
  let description = [{
    `y[t, e] = x[t, e]` where `by[t, e]` (x, if there is none) is one of the `k`
    greatest of the row, else 0. Of equal ones the first comes first; what is
    not a number is never taken.

    With `groups` of neighbouring columns, a group's score is the sum of its
    `best` greatest; only the `keep` groups with the greatest scores take part
    (DeepSeek's group-limited choice, arXiv:2405.04434,
    arXiv:2412.19437).

    Example:
    ```mlir
    %g = tenon.top_k %p {k = 2 : i64} : (tensor<?x8xf32>) -> tensor<?x8xf32>
    %h = tenon.top_k %s by(%b) {k = 4 : i64, groups = 4 : i64, keep = 2 : i64, best = 2 : i64}
      : (tensor<?x32xf32>, tensor<?x32xf32>) -> tensor<?x32xf32>
    ```
  }];
  let arguments = (ins Tenon_Array:$input, Optional<Tenon_Array>:$by,
                       Optional<AnyStridedMemRef>:$out, I64Attr:$k,
                       DefaultValuedAttr<I64Attr, "1">:$groups,
                       DefaultValuedAttr<I64Attr, "1">:$keep,
                       DefaultValuedAttr<I64Attr, "1">:$best,
                       OptionalAttr<Tenon_TileAttr>:$tile);
  let assemblyFormat = [{
    $input (`by` `(` $by^ `)`)? (`into` $out^)? attr-dict `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

def Tenon_MixtureOp : Tenon_Op<"mixture", [SingleBlock, RecursiveMemoryEffects]> {
  let summary = "the weighted sum of what experts make of rows";
  let description = [{
    `y[t] = sum_e gates[t, e] body(inputs, e)[t]`, e ascending from 0. Rows whose
    gate is 0 are left out: the body sees, for each expert, the rows of the
    inputs whose gate isn't, and the expert's number. Each row of its result must
    follow from the same row of its arguments. At most `top` gates of a row are
    not 0.

    Weights of experts are stacked over layers and experts, i E + e, with
    `tenon.experts` = E on the `tenon.weight`.

    Example:
    ```mlir
    %y = tenon.mixture %x gates(%g) top 2 of 8 {
    ^bb0(%rows: tensor<?x64xf32>, %e: index):
      %n = arith.addi %first, %e : index
      %w = tenon.weight_ref @block.expert.w[%n] : tensor<64x64xf32>
      %o = tenon.linear %rows, %w : (tensor<?x64xf32>, tensor<64x64xf32>) -> tensor<?x64xf32>
      tenon.mixture_yield %o : tensor<?x64xf32>
    } : (tensor<?x64xf32>, tensor<?x8xf32>) -> tensor<?x64xf32>
    ```
  }];
  let arguments = (ins Variadic<AnyRankedTensor>:$inputs, AnyRankedTensor:$gates,
                       I64Attr:$top, I64Attr:$experts);
  let results = (outs AnyRankedTensor:$result);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = [{
    $inputs `gates` `(` $gates `)` `top` $top `of` $experts $body attr-dict
    `:` functional-type(operands, results)
  }];
  let extraClassDeclaration = [{
    /// The number of the expert at hand, in the body.
    ::mlir::Value getExpert() { return getBody().front().getArguments().back(); }
  }];
  let hasVerifier = 1;
  let hasRegionVerifier = 1;
}

def Tenon_MixtureYieldOp : Tenon_Op<"mixture_yield", [Pure, ReturnLike, Terminator, HasParent<"MixtureOp">]> {
  let summary = "what an expert makes of its rows";
  let description = [{ Example: `tenon.mixture_yield %o : tensor<?x64xf32>` }];
  let arguments = (ins AnyRankedTensor:$value);
  let assemblyFormat = "$value attr-dict `:` type($value)";
}

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

def Tenon_RouteOp : Tenon_Op<"route", [DeclareOpInterfaceMethods<MemoryEffectsOpInterface>]> {
  let summary = "the rows that each expert sees";
  let description = [{
    A counting sort of the pairs (row, expert) whose gate isn't 0, by expert, then
    by row: pair n is row `rows[n]` with the gate `weights[n]`; those of expert e
    are `offsets[e] .. offsets[e + 1] - 1`. Of a row the first `top` count.

    Example:
    ```mlir
    tenon.route %gates into %rows, %weights, %offsets top 2
      : memref<?x8xf32>, memref<1024xi32>, memref<1024xf32>, memref<9xindex>
    ```
  }];
  let arguments = (ins AnyStridedMemRef:$gates, AnyStridedMemRef:$rows, AnyStridedMemRef:$weights,
                       AnyStridedMemRef:$offsets, I64Attr:$top);
  let assemblyFormat = [{
    $gates `into` $rows `,` $weights `,` $offsets `top` $top attr-dict
    `:` type($gates) `,` type($rows) `,` type($weights) `,` type($offsets)
  }];
  let hasVerifier = 1;
}

def Tenon_ScatterAddOp : Tenon_Op<"scatter_add", [DeclareOpInterfaceMethods<MemoryEffectsOpInterface>]> {
  let summary = "weighted rows added where they belong";
  let description = [{
    `out[rows[n], :] += weights[n] * input[n, :]`, weights 1 if absent; the rows
    are distinct.

    Example:
    ```mlir
    tenon.scatter_add %y at %rows, %weights into %out
      : memref<?x64xf32>, memref<?xi32>, memref<?xf32>, memref<?x64xf32>
    ```
  }];
  let arguments = (ins AnyStridedMemRef:$input, AnyStridedMemRef:$rows, Optional<AnyStridedMemRef>:$weights,
                       AnyStridedMemRef:$out, OptionalAttr<Tenon_TileAttr>:$tile);
  let assemblyFormat = [{
    $input `at` $rows (`,` $weights^)? `into` $out attr-dict `:` type(operands)
  }];
  let hasVerifier = 1;
}

def Tenon_ClearOp : Tenon_Op<"clear", [DeclareOpInterfaceMethods<MemoryEffectsOpInterface>]> {
  let summary = "zeros";
  let description = [{
    `out[...] = 0`

    Example: `tenon.clear %y : memref<?x64xf32>`
  }];
  let arguments = (ins AnyStridedMemRef:$out, OptionalAttr<Tenon_TileAttr>:$tile);
  let assemblyFormat = "$out attr-dict `:` type($out)";
}

#endif // TENON_DIALECT_TENON_IR_TENONMIXTUREOPS_TD
