//===- TenonOptimizerOps.td - steps of other optimizers -----*- tablegen -*-===//
//
// Beside tenon.update (AdamW): a step that one memory of moments is enough for,
// of which SGD and Lion are two sets of numbers, and the two halves of Muon's.
// Generated apart from the other operations: few files need them.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_DIALECT_TENON_IR_TENONOPTIMIZEROPS_TD
#define TENON_DIALECT_TENON_IR_TENONOPTIMIZEROPS_TD

include "tenon/Dialect/Tenon/IR/TenonOps.td"

//===----------------------------------------------------------------------===//
// Weights
//===----------------------------------------------------------------------===//

def Tenon_MomentumUpdateOp : Tenon_Op<"momentum_update", [MemoryEffects<[MemRead, MemWrite]>,
    DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "one step of SGD or of Lion for a weight, in all of its layers";
  let description = [{
    A step along a sum of the gradient and of what is remembered of those
    before, or along its signs, from ten numbers:

    | place | number                          | SGD, momentum mu | with Nesterov's | Lion        |
    |-------|---------------------------------|------------------|-----------------|-------------|
    | 0     | `scale`: 1 / targets            |                  |                 |             |
    | 1     | `clip`: the largest norm; 0: any |                 |                 |             |
    | 2     | `keep` of the weight            | 1                | 1               | 1 - rate wd |
    | 3     | `coupled` decay                 | wd               | wd              | 0           |
    | 4, 5  | `a`, `b` of the direction       | mu, 1            | mu², 1 + mu     | beta1, 1 - beta1 |
    | 6, 7  | `p`, `q` of what is remembered  | mu, 1            | mu, 1           | beta2, 1 - beta2 |
    | 8     | `rate`                          |                  |                 |             |
    | 9     | above 0: the signs count alone  | 0                | 0               | 1           |

    ```
    g = scale g min(1, clip / (norm + 1e-6))
    g = g + coupled w                 (with `decay` only)
    c = a m + b g
    m = p m + q g
    w = keep w - rate d               (keep: with `decay` only)
    g = 0, for the next step
    ```

    where d is c, or its sign, 0 for 0. The steps are those of `torch.optim.SGD`
    (without dampening) and of arXiv:2302.06675, algorithm 2.

    Example:
    ```mlir
    tenon.momentum_update @block.wq by %numbers norm %n {decay} : tensor<10xf32>, tensor<1x1xf32>
    ```
  }];
  let arguments = (ins FlatSymbolRefAttr:$weight, AnyRankedTensor:$numbers, AnyRankedTensor:$norm,
                       UnitAttr:$decay);
  let assemblyFormat = "$weight `by` $numbers `norm` $norm attr-dict `:` type($numbers) `,` type($norm)";
  let hasVerifier = 1;
}

def Tenon_MuonDirectionOp : Tenon_Op<"muon_direction", [MemoryEffects<[MemRead, MemWrite]>,
    DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "what Muon orthogonalizes for a matrix of one layer";
  let description = [{
    The first half of a step of Muon (Jordan et al., 2024; `torch.optim.Muon`),
    from ten numbers:

    | place | number                                          |
    |-------|-------------------------------------------------|
    | 0     | `scale`: 1 / the targets of the step            |
    | 1     | `clip`: the largest norm; 0: any                |
    | 2     | `keep`: 1 - rate * weight decay                 |
    | 3     | `rest`: 1 - momentum                            |
    | 4     | `lean`: `rest` with Nesterov's momentum, else 0 |
    | 5     | `rate`                                          |
    | 6-9   | 0                                               |

    ```
    g = scale g min(1, clip / (norm + 1e-6))
    m = m + rest (g - m)
    u = m - lean (m - g)
    g = 0, for the next step
    ```

    Example:
    ```mlir
    %u = tenon.muon_direction @block.wq[%i] by %numbers norm %n : tensor<10xf32>, tensor<1x1xf32> -> tensor<64x64xf32>
    ```
  }];
  let arguments = (ins FlatSymbolRefAttr:$weight, Optional<Index>:$layer, AnyRankedTensor:$numbers,
                       AnyRankedTensor:$norm);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = "$weight (`[` $layer^ `]`)? `by` $numbers `norm` $norm attr-dict `:` type($numbers) `,` type($norm) `->` type($result)";
  let hasVerifier = 1;
}

def Tenon_MuonUpdateOp : Tenon_Op<"muon_update", [MemoryEffects<[MemRead, MemWrite]>,
    DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "a step of Muon along an orthogonalized direction";
  let description = [{
    The second half of a step: `w = keep w - rate factor x`, with the numbers
    that `tenon.muon_direction` lists; the matrix decays. `factor` makes the
    step as long as one of AdamW is, so that both may share a rate
    (arXiv:2502.16982).

    Example:
    ```mlir
    tenon.muon_update @block.wq[%i] along %x by %numbers {factor = 1.6 : f32} : tensor<64x64xf32>, tensor<10xf32>
    ```
  }];
  let arguments = (ins FlatSymbolRefAttr:$weight, Optional<Index>:$layer, AnyRankedTensor:$direction,
                       AnyRankedTensor:$numbers, F32Attr:$factor);
  let assemblyFormat = "$weight (`[` $layer^ `]`)? `along` $direction `by` $numbers attr-dict `:` type($direction) `,` type($numbers)";
  let hasVerifier = 1;
}

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

def Tenon_MomentumOp : Tenon_Op<"momentum", [DeclareOpInterfaceMethods<MemoryEffectsOpInterface>]> {
  let summary = "a step of SGD or Lion in memory";
  let description = [{
    What `tenon.momentum_update` says, on the elements of a weight, its gradient
    and what is remembered.

    Example:
    ```mlir
    tenon.momentum %w, %g, %m by %numbers norm %n {decay}
      : memref<320xf32>, memref<320xf32>, memref<320xf32>, memref<10xf32>, memref<1x1xf32>
    ```
  }];
  let arguments = (ins AnyStridedMemRef:$weight, AnyStridedMemRef:$gradient, AnyStridedMemRef:$first,
                       AnyStridedMemRef:$numbers, AnyStridedMemRef:$norm, UnitAttr:$decay);
  let assemblyFormat = "$weight `,` $gradient `,` $first `by` $numbers `norm` $norm attr-dict `:` type(operands)";
  let hasVerifier = 1;
}

def Tenon_LeanOp : Tenon_Op<"lean", [DeclareOpInterfaceMethods<MemoryEffectsOpInterface>]> {
  let summary = "the first half of a step of Muon in memory";
  let description = [{
    What `tenon.muon_direction` says, on rows of a gradient and of what is
    remembered of a matrix.

    Example:
    ```mlir
    tenon.lean %g, %m by %numbers norm %n into %u
      : memref<64x32xf32>, memref<64x32xf32>, memref<10xf32>, memref<1x1xf32>, memref<64x32xf32>
    ```
  }];
  let arguments = (ins AnyStridedMemRef:$gradient, AnyStridedMemRef:$first, AnyStridedMemRef:$numbers,
                       AnyStridedMemRef:$norm, AnyStridedMemRef:$out);
  let assemblyFormat = "$gradient `,` $first `by` $numbers `norm` $norm `into` $out attr-dict `:` type(operands)";
  let hasVerifier = 1;
}

def Tenon_StepAlongOp : Tenon_Op<"step_along", [DeclareOpInterfaceMethods<MemoryEffectsOpInterface>]> {
  let summary = "the second half of a step of Muon in memory";
  let description = [{
    What `tenon.muon_update` says, on rows of a matrix.

    Example:
    ```mlir
    tenon.step_along %w, %x by %numbers {factor = 1.6 : f32}
      : memref<64x32xf32>, memref<64x32xf32>, memref<10xf32>
    ```
  }];
  let arguments = (ins AnyStridedMemRef:$weight, AnyStridedMemRef:$direction, AnyStridedMemRef:$numbers,
                       F32Attr:$factor);
  let assemblyFormat = "$weight `,` $direction `by` $numbers attr-dict `:` type(operands)";
  let hasVerifier = 1;
}

#endif // TENON_DIALECT_TENON_IR_TENONOPTIMIZEROPS_TD
