//===- TenonNumberOps.td - numbers and reductions ----------*- tablegen -*-===//
//
// A tensor with a number, and sums, means and maximums of one dimension.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_DIALECT_TENON_IR_TENONNUMBEROPS_TD
#define TENON_DIALECT_TENON_IR_TENONNUMBEROPS_TD

include "tenon/Dialect/Tenon/IR/TenonOps.td"

def Tenon_ShiftOp : Tenon_UnaryOp<"shift"> {
  let summary = "adds a constant";
  let description = [{
    `y = x + amount`

    Example: `%y = tenon.shift %x {amount = 1.0 : f32} : (tensor<?x64xf32>) -> tensor<?x64xf32>`
  }];
  let arguments = (ins Tenon_Array:$input, Optional<AnyStridedMemRef>:$out, F32Attr:$amount,
                       OptionalAttr<Tenon_TileAttr>:$tile);
  let hasFolder = 1;
}

def Tenon_ReciprocalOp : Tenon_UnaryOp<"reciprocal"> {
  let summary = "divides a constant";
  let description = [{
    `y = numerator / x`

    Example: `%y = tenon.reciprocal %x {numerator = 1.0 : f32} : (tensor<?x64xf32>) -> tensor<?x64xf32>`
  }];
  let arguments = (ins Tenon_Array:$input, Optional<AnyStridedMemRef>:$out, F32Attr:$numerator,
                       OptionalAttr<Tenon_TileAttr>:$tile);
}

def Tenon_ClampOp : Tenon_UnaryOp<"clamp"> {
  let summary = "keeps numbers between two bounds";
  let description = [{
    `y = min(max(x, low), high)`; a bound that is absent bounds nothing.

    Example: `%y = tenon.clamp %x {low = -7.0 : f32, high = 7.0 : f32} : (tensor<?x64xf32>) -> tensor<?x64xf32>`
  }];
  let arguments = (ins Tenon_Array:$input, Optional<AnyStridedMemRef>:$out,
                       OptionalAttr<F32Attr>:$low, OptionalAttr<F32Attr>:$high,
                       OptionalAttr<Tenon_TileAttr>:$tile);
}

def Tenon_ReduceOp : Tenon_ComputeOp<"reduce", [DeclareOpInterfaceMethods<Tenon_ComputeOpInterface, ["getOut"]>]> {
  let summary = "the sum, mean or maximum over one dimension, which stays as 1";
  let description = [{
    `y[..., 0, ...] = sum_i x[..., i, ...]` over dimension `dim`, the mean
    (that sum divided by the number of its terms) or the maximum.

    The order of a sum is fixed (I5). Over the last dimension: vector i of the
    row goes to accumulator i % 4, then accumulators and lanes are added by
    halves. Over another: blocks of 32 terms in order, then the blocks in order.

    Example:
    ```mlir
    %y = tenon.reduce %x {kind = #tenon.reduction<mean>, dim = 0 : i64} : (tensor<?x64xf32>) -> tensor<1x64xf32>
    ```
  }];
  let arguments = (ins Tenon_Array:$input, Optional<AnyStridedMemRef>:$out,
                       Tenon_ReductionAttr:$kind, I64Attr:$dim, OptionalAttr<Tenon_TileAttr>:$tile);
  let assemblyFormat = "$input (`into` $out^)? attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

#endif // TENON_DIALECT_TENON_IR_TENONNUMBEROPS_TD
