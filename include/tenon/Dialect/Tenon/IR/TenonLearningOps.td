//===- TenonLearningOps.td - large steps of learning --------*- tablegen -*-===//
//
// Where most of a training step goes: products with weights as they lie, which
// the optimizer writes and no pass packs.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_DIALECT_TENON_IR_TENONLEARNINGOPS_TD
#define TENON_DIALECT_TENON_IR_TENONLEARNINGOPS_TD

include "tenon/Dialect/Tenon/IR/TenonOps.td"

def Tenon_WeightProductOp : Tenon_ComputeOp<"weight_product", [DeclareOpInterfaceMethods<Tenon_ComputeOpInterface, ["getOut"]>]> {
  let summary = "rows times a plain weight, or times its transpose";
  let description = [{
    `y[t, n] = sum_k x[t, k] w[n, k]`, as a linear computes it, and with
    `flipped`, as its gradient goes back, `y[t, k] = sum_n x[t, n] w[n, k]`. The
    sum is one chain of multiply-adds in order that begins with 0, whatever the
    number of rows (I5).

    The weight is a matrix of a checkpoint as it lies, which an optimizer
    changes. A task has some columns of the result: it copies the panels of the
    weight that make them, 256 of the sum's terms at a time, and passes all rows
    by each panel. So the weight is read once for however many rows there are.
    `tile` has the rows and columns of a register tile, and the panels of a
    task.

    Example:
    ```mlir
    %y = tenon.weight_product %x, %w : (tensor<?x64xf32>, tensor<128x64xf32>) -> tensor<?x128xf32>
    %dx = tenon.weight_product %dy, %w {flipped} : (tensor<?x128xf32>, tensor<128x64xf32>) -> tensor<?x64xf32>
    ```
  }];
  let arguments = (ins Tenon_Array:$input, Tenon_Array:$weight, Optional<AnyStridedMemRef>:$out,
                       UnitAttr:$flipped, OptionalAttr<Tenon_TileAttr>:$tile);
  let assemblyFormat = "$input `,` $weight (`into` $out^)? attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

def Tenon_AttentionGradientOp : Tenon_Op<"attention_gradient", [DeclareOpInterfaceMethods<MemoryEffectsOpInterface>]> {
  let summary = "what goes back through attention";
  let description = [{
    For `o = tenon.attention q, k, v` with the same attributes, and without
    padding, bias or sink: the gradients of q, k and v from that of o, `d`. With
    the probabilities P of each query over the keys that it sees, computed again
    block by block (arXiv:2307.08691):

    ```
    dv = Pᵀ d
    s  = P (d vᵀ - rowsum(d o))        (under a cap times 1 - tanh²)
    dq = scale s k
    dk = scale sᵀ q
    ```

    dk and dv of a head are sums over the query heads that share it, in order. A
    task has a head of keys, so that no two add to one place (I5). Keys may be
    more or fewer than queries, as of another text, where nothing is causal.

    Example:
    ```mlir
    %dq, %dk, %dv = tenon.attention_gradient %q, %k, %v, %o, %d {causal, scale = 0.35 : f32}
      : (tensor<8x?x8xf32>, tensor<4x?x8xf32>, tensor<4x?x8xf32>, tensor<8x?x8xf32>, tensor<8x?x8xf32>)
      -> (tensor<8x?x8xf32>, tensor<4x?x8xf32>, tensor<4x?x8xf32>)
    ```
  }];
  let arguments = (ins Tenon_Array:$query, Tenon_Array:$key, Tenon_Array:$value, Tenon_Array:$output,
                       Tenon_Array:$gradient, Variadic<AnyStridedMemRef>:$outs, F32Attr:$scale,
                       OptionalAttr<F32Attr>:$cap, UnitAttr:$causal, OptionalAttr<I64Attr>:$window,
                       OptionalAttr<I64Attr>:$band);
  let results = (outs Variadic<AnyRankedTensor>:$results);
  let assemblyFormat = [{
    $query `,` $key `,` $value `,` $output `,` $gradient (`into` $outs^)? attr-dict
    `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

def Tenon_HeadLossOp : Tenon_Op<"head_loss", [DeclareOpInterfaceMethods<MemoryEffectsOpInterface>]> {
  let summary = "losses of a head, and what goes back through it";
  let description = [{
    For logits `z = x Wᵀ` the cross entropies of the targets
    (`tenon.cross_entropy`); with a second result the gradient of x of their sum,
    and with `into` that of W, which is added to:

    ```
    dz = softmax(z) - (v == target)
    dx = dz W,  g += dzᵀ x
    ```

    Logits are the largest thing of a small model. Here `rows` rows of them are
    there at a time, whatever the number of tokens: in memory the operation is a
    loop over blocks of rows, in order, so that sums over tokens have the order
    that they have without it (I5).

    Example:
    ```mlir
    %l, %dx = tenon.head_loss %x, %w, %t into %g {rows = 128 : i64}
      : (tensor<?x64xf32>, tensor<97x64xf32>, tensor<?xi32>, memref<97x64xf32>) -> (tensor<?x1xf32>, tensor<?x64xf32>)
    %l2 = tenon.head_loss %x, %w, %t {rows = 128 : i64} : (tensor<?x64xf32>, tensor<97x64xf32>, tensor<?xi32>) -> tensor<?x1xf32>
    ```
  }];
  let arguments = (ins AnyRankedTensor:$input, AnyRankedTensor:$weight, AnyRankedTensor:$targets,
                       Optional<AnyStridedMemRef>:$into, I64Attr:$rows);
  let results = (outs Variadic<AnyRankedTensor>:$results);
  let assemblyFormat = [{
    $input `,` $weight `,` $targets (`into` $into^)? attr-dict `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

#endif // TENON_DIALECT_TENON_IR_TENONLEARNINGOPS_TD
