//===- TenonWindowOps.td - windows of signals and images ---*- tablegen -*-===//
//
// What makes rows of numbers that are no text. Generated apart from the other
// operations: few files need them.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_DIALECT_TENON_IR_TENONWINDOWOPS_TD
#define TENON_DIALECT_TENON_IR_TENONWINDOWOPS_TD

include "tenon/Dialect/Tenon/IR/TenonOps.td"

def Tenon_UnfoldOp : Tenon_SegmentedComputeOp<"unfold", [DeclareOpInterfaceMethods<Tenon_ComputeOpInterface, ["getOut"]>]> {
  let summary = "the windows of a signal or an image, a row each";
  let description = [{
    Of signals `x[c, s]`: `y[t, c K + k] = x[c, t stride + k - padding]`, 0 where
    that is before the signal or behind it. K is `size`.

    Of images `x[c, v, h]`, whose windows are squares and follow each other line
    by line, W in each: `y[v W + h, (c K + i) K + k] =
    x[c, v stride + i - padding, h stride + k - padding]`.

    A dimension of S has `(S + 2 padding - K) / stride + 1` windows, rounded
    down. S may be dynamic, of signals, if that is S again. Columns stand as in
    a convolution's weight `[out, c, i, k]`, so that a linear of that weight,
    with a row for each output, is the convolution. `at`: the first window that
    is computed, 0 if absent.

    Example:
    ```mlir
    %y = tenon.unfold %x {size = 3 : i64, stride = 2 : i64, padding = 1 : i64} : (tensor<80x3000xf32>) -> tensor<1500x240xf32>
    ```
  }];
  let arguments = (ins Tenon_Array:$input, Optional<Index>:$first, Optional<AnyStridedMemRef>:$out,
                       I64Attr:$size, I64Attr:$stride, I64Attr:$padding,
                       OptionalAttr<Tenon_TileAttr>:$tile);
  let assemblyFormat = [{
    $input (`at` $first^)? (`into` $out^)? attr-dict `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    /// How many windows there are along a dimension of this extent; nothing if
    /// there are none, or the numbers are out of range.
    static std::optional<int64_t> countWindows(int64_t extent, int64_t size,
                                               int64_t stride, int64_t padding);
  }];
}

def Tenon_ConcatRowsOp : Tenon_Op<"concat_rows", [Pure]> {
  let summary = "rows one below the other";
  let description = [{
    `y[t, :] = a[t, :]` for t < A, the rows of `a`, and `b[t - A, :]` from there
    on. In memory, two copies.

    Example:
    ```mlir
    %y = tenon.concat_rows %class, %x : tensor<1x64xf32>, tensor<196x64xf32> -> tensor<197x64xf32>
    ```
  }];
  let arguments = (ins AnyRankedTensor:$lhs, AnyRankedTensor:$rhs);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = "$lhs `,` $rhs attr-dict `:` type($lhs) `,` type($rhs) `->` type($result)";
  let hasVerifier = 1;
}

#endif // TENON_DIALECT_TENON_IR_TENONWINDOWOPS_TD
