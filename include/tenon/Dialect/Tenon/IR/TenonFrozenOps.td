//===- TenonFrozenOps.td - weights in blocks that don't learn -*- tablegen -*-===//
//
// What learns beside weights in blocks multiplies by the numbers that the
// blocks say, in both directions.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_DIALECT_TENON_IR_TENONFROZENOPS_TD
#define TENON_DIALECT_TENON_IR_TENONFROZENOPS_TD

include "tenon/Dialect/Tenon/IR/TenonOps.td"

def Tenon_DequantizeOp : Tenon_Op<"dequantize", [Pure]> {
  let summary = "the numbers of a weight in blocks";
  let description = [{
    `y[n, k]` is what the blocks of a packed weight say of that element, in f32:
    `scale * (u - zero)`, or `scale * u + minimum`, of its unsigned integer u.

    Example:
    ```mlir
    %y = tenon.dequantize %w : tensor<64x64x!tenon.block<q8_0>, #tenon.panel<n = 32, k = 64>> -> tensor<64x64xf32>
    ```
  }];
  let arguments = (ins AnyRankedTensor:$weight);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = "$weight attr-dict `:` type($weight) `->` type($result)";
  let hasVerifier = 1;
}

def Tenon_UnpackPanelsOp : Tenon_Op<"unpack_panels", [DeclareOpInterfaceMethods<MemoryEffectsOpInterface>]> {
  let summary = "rows of a weight in blocks as numbers";
  let description = [{
    `y[i, k] = w[n first + i, k]` with n the columns of a panel, which are rows
    of the weight: what `tenon.dequantize` says, in memory. A register has
    neighbouring rows of one k; squares of registers are transposed.

    Example: `tenon.unpack_panels %w from %first into %y : memref<2x1x!tenon.superblock<q8_0, 32>>, memref<32x64xf32>`
  }];
  let arguments = (ins AnyStridedMemRef:$weight, Index:$first, AnyStridedMemRef:$out);
  let assemblyFormat = "$weight `from` $first `into` $out attr-dict `:` type($weight) `,` type($out)";
  let hasVerifier = 1;
}

#endif // TENON_DIALECT_TENON_IR_TENONFROZENOPS_TD
