//===- TenonTrainingOps.td - what learning computes ---------*- tablegen -*-===//
//
// What tenon-differentiate writes where the other operations have no word for
// it: gradients of a few operations, gradients of weights in memory, values
// kept for the way back, and the step of the optimizer. Generated apart from
// the other operations: few files need them.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_DIALECT_TENON_IR_TENONTRAININGOPS_TD
#define TENON_DIALECT_TENON_IR_TENONTRAININGOPS_TD

include "mlir/Interfaces/ControlFlowInterfaces.td"
include "tenon/Dialect/Tenon/IR/TenonOps.td"

//===----------------------------------------------------------------------===//
// Tensors
//===----------------------------------------------------------------------===//

def Tenon_ZeroPadOp : Tenon_ComputeOp<"zero_pad", [DeclareOpInterfaceMethods<Tenon_ComputeOpInterface, ["getOut"]>]> {
  let summary = "a range of the last dimension, zeros beside it";
  let description = [{
    `y[..., j] = x[..., j - offset]` where there is such an element, else 0: the
    gradient of `tenon.slice`. The result's type gives the size.

    Example:
    ```mlir
    %y = tenon.zero_pad %x {offset = 64 : i64} : (tensor<?x32xf32>) -> tensor<?x128xf32>
    ```
  }];
  let arguments = (ins Tenon_Array:$input, Optional<AnyStridedMemRef>:$out, I64Attr:$offset,
                       OptionalAttr<Tenon_TileAttr>:$tile);
  let assemblyFormat = "$input (`into` $out^)? attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

def Tenon_SumHeadsOp : Tenon_ComputeOp<"sum_heads", [DeclareOpInterfaceMethods<Tenon_ComputeOpInterface, ["getOut"]>]> {
  let summary = "the sums of neighbouring heads";
  let description = [{
    `y[g, t, d] = sum_i x[g n + i, t, d]` over i < n, the heads of x for each of
    y, in order: the gradient of keys and values that heads share
    (arXiv:2305.13245).

    Example:
    ```mlir
    %y = tenon.sum_heads %x : (tensor<8x?x16xf32>) -> tensor<4x?x16xf32>
    ```
  }];
  let arguments = (ins Tenon_Array:$input, Optional<AnyStridedMemRef>:$out,
                       OptionalAttr<Tenon_TileAttr>:$tile);
  let assemblyFormat = "$input (`into` $out^)? attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

def Tenon_ActivationGradientOp : Tenon_ComputeOp<"activation_gradient", [DeclareOpInterfaceMethods<Tenon_ComputeOpInterface, ["getOut", "canWriteInPlace"]>]> {
  let summary = "the gradient of an activation function";
  let description = [{
    `dx = dy f'(x)` for the function f that `tenon.activation` of this kind
    computes. At 0 the derivative of `relu` is 0.

    Example:
    ```mlir
    %dx = tenon.activation_gradient %dy, %x {kind = #tenon.activation_kind<silu>}
      : (tensor<?x64xf32>, tensor<?x64xf32>) -> tensor<?x64xf32>
    ```
  }];
  let arguments = (ins Tenon_Array:$gradient, Tenon_Array:$input, Optional<AnyStridedMemRef>:$out,
                       Tenon_ActivationKindAttr:$kind, OptionalAttr<Tenon_TileAttr>:$tile);
  let assemblyFormat = "$gradient `,` $input (`into` $out^)? attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

def Tenon_CrossEntropyOp : Tenon_ComputeOp<"cross_entropy", [DeclareOpInterfaceMethods<Tenon_ComputeOpInterface, ["getOut"]>]> {
  let summary = "how unexpected each target is";
  let description = [{
    `y[t, 0] = log sum_v e^(x[t, v]) - x[t, targets[t]]`, in nats; 0 where the
    target is negative: none is asked for there.

    Example:
    ```mlir
    %l = tenon.cross_entropy %logits, %targets : (tensor<?x97xf32>, tensor<?xi32>) -> tensor<?x1xf32>
    ```
  }];
  let arguments = (ins Tenon_Array:$logits, Tenon_Array:$targets, Optional<AnyStridedMemRef>:$out,
                       OptionalAttr<Tenon_TileAttr>:$tile);
  let assemblyFormat = "$logits `,` $targets (`into` $out^)? attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

def Tenon_CrossEntropyGradientOp : Tenon_ComputeOp<"cross_entropy_gradient", [DeclareOpInterfaceMethods<Tenon_ComputeOpInterface, ["getOut", "canWriteInPlace"]>]> {
  let summary = "the gradient of the sum of cross entropies";
  let description = [{
    `dx[t, v] = softmax(x[t])[v] - (v == targets[t])`; zeros where the target is
    negative.

    Example:
    ```mlir
    %d = tenon.cross_entropy_gradient %logits, %targets : (tensor<?x97xf32>, tensor<?xi32>) -> tensor<?x97xf32>
    ```
  }];
  let arguments = (ins Tenon_Array:$logits, Tenon_Array:$targets, Optional<AnyStridedMemRef>:$out,
                       OptionalAttr<Tenon_TileAttr>:$tile);
  let assemblyFormat = "$logits `,` $targets (`into` $out^)? attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

def Tenon_ZerosLikeOp : Tenon_ComputeOp<"zeros_like", [DeclareOpInterfaceMethods<Tenon_ComputeOpInterface, ["getOut"]>]> {
  let summary = "zeros of a shape";
  let description = [{
    `y = 0`, of the shape of x: what a sum begins with.

    Example: `%y = tenon.zeros_like %x : (tensor<?x64xf32>) -> tensor<?x64xf32>`
  }];
  let arguments = (ins Tenon_Array:$input, Optional<AnyStridedMemRef>:$out,
                       OptionalAttr<Tenon_TileAttr>:$tile);
  let assemblyFormat = "$input (`into` $out^)? attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

def Tenon_ClampGradientOp : Tenon_ComputeOp<"clamp_gradient", [DeclareOpInterfaceMethods<Tenon_ComputeOpInterface, ["getOut", "canWriteInPlace"]>]> {
  let summary = "the gradient of clamp";
  let description = [{
    `dx = dy` where `low <= x <= high`, else 0; a bound that is absent bounds
    nothing.

    Example:
    ```mlir
    %dx = tenon.clamp_gradient %dy, %x {low = -7.0 : f32, high = 7.0 : f32}
      : (tensor<?x64xf32>, tensor<?x64xf32>) -> tensor<?x64xf32>
    ```
  }];
  let arguments = (ins Tenon_Array:$gradient, Tenon_Array:$input, Optional<AnyStridedMemRef>:$out,
                       OptionalAttr<F32Attr>:$low, OptionalAttr<F32Attr>:$high,
                       OptionalAttr<Tenon_TileAttr>:$tile);
  let assemblyFormat = "$gradient `,` $input (`into` $out^)? attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

def Tenon_ScoreBiasGradientOp : Tenon_ComputeOp<"score_bias_gradient", [DeclareOpInterfaceMethods<Tenon_ComputeOpInterface, ["getOut"]>]> {
  let summary = "the gradient of a bias on distances";
  let description = [{
    `db[h, R + d] = sum_t dy[h, t, t + d]` for a bias `[H, 2 R + 1]` of
    `tenon.score_bias`, over the t for which there are such scores, in order.

    Example:
    ```mlir
    %db = tenon.score_bias_gradient %dy : (tensor<8x?x?xf32>) -> tensor<8x577xf32>
    ```
  }];
  let arguments = (ins Tenon_Array:$gradient, Optional<AnyStridedMemRef>:$out,
                       OptionalAttr<Tenon_TileAttr>:$tile);
  let assemblyFormat = "$gradient (`into` $out^)? attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

def Tenon_DistanceGatherGradientOp : Tenon_ComputeOp<"distance_gather_gradient", [DeclareOpInterfaceMethods<Tenon_ComputeOpInterface, ["getOut"]>]> {
  let summary = "the gradient of scores gathered by distance";
  let description = [{
    `dx[h, t, n] = sum_s dy[h, t, s]` over the s with `index[R + s - t] = n`, in
    order: the gradient of `tenon.distance_gather`.

    Example:
    ```mlir
    %dx = tenon.distance_gather_gradient %dy, %i : (tensor<8x?x?xf32>, tensor<1089xi32>) -> tensor<8x?x512xf32>
    ```
  }];
  let arguments = (ins Tenon_Array:$gradient, Tenon_Array:$index, Optional<AnyStridedMemRef>:$out,
                       OptionalAttr<Tenon_TileAttr>:$tile);
  let assemblyFormat = "$gradient `,` $index (`into` $out^)? attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

def Tenon_PadRowsOp : Tenon_ComputeOp<"pad_rows", [DeclareOpInterfaceMethods<Tenon_ComputeOpInterface, ["getOut"]>]> {
  let summary = "a range of rows, zeros beside it";
  let description = [{
    `y[t, :] = x[t - offset, :]` where there is such a row, else 0: the gradient
    of `tenon.rows`. A negative offset counts from the end, as `tenon.last_rows`
    does: with -1 and one row of x, that is the last of y. `like` has as many rows
    as the result; its numbers are not read.

    Example:
    ```mlir
    %y = tenon.pad_rows %x, %like {offset = 0 : i64} : (tensor<1x64xf32>, tensor<?x64xf32>) -> tensor<?x64xf32>
    ```
  }];
  let arguments = (ins Tenon_Array:$input, Tenon_Array:$like, Optional<AnyStridedMemRef>:$out,
                       I64Attr:$offset, OptionalAttr<Tenon_TileAttr>:$tile);
  let assemblyFormat = "$input `,` $like (`into` $out^)? attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

def Tenon_MixtureGradientOp : Tenon_Op<"mixture_gradient", [SingleBlock, RecursiveMemoryEffects]> {
  let summary = "the gradients of a mixture of experts";
  let description = [{
    For `y[t] = sum_e gates[t, e] f_e(inputs[t])` (`tenon.mixture`), gradients of
    the inputs and, last, of the gates, from that of y. The body sees, for each
    expert, the rows of the inputs whose gate isn't 0, those gates, the same rows
    of the gradient, and the expert's number. It gives what comes back to each of
    the inputs, which is added up over experts, e ascending, and to the gates,
    which is theirs; gates that are 0 get 0. To weights it adds itself.

    Example:
    ```mlir
    %dx, %dg = tenon.mixture_gradient %x gates(%g) gradient(%dy) top 2 of 8 {
    ^bb0(%rows: tensor<?x64xf32>, %gate: tensor<?x1xf32>, %d: tensor<?x64xf32>, %e: index):
      ...
      tenon.mixture_gradient_yield %drows, %dgate : tensor<?x64xf32>, tensor<?x1xf32>
    } : (tensor<?x64xf32>, tensor<?x8xf32>, tensor<?x64xf32>) -> (tensor<?x64xf32>, tensor<?x8xf32>)
    ```
  }];
  let arguments = (ins Variadic<AnyRankedTensor>:$inputs, AnyRankedTensor:$gates,
                       AnyRankedTensor:$gradient, I64Attr:$top, I64Attr:$experts);
  let results = (outs Variadic<AnyRankedTensor>:$results);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = [{
    $inputs `gates` `(` $gates `)` `gradient` `(` $gradient `)` `top` $top `of` $experts $body attr-dict
    `:` functional-type(operands, results)
  }];
  let extraClassDeclaration = [{
    /// Of the body: the rows of each input.
    ::llvm::ArrayRef<::mlir::BlockArgument> getRows() { return getBody().front().getArguments().take_front(getInputs().size()); }
    ::mlir::Value getGateRows() { return getBody().front().getArguments()[getInputs().size()]; }
    ::mlir::Value getGradientRows() { return getBody().front().getArguments()[getInputs().size() + 1]; }
    /// The number of the expert at hand, in the body.
    ::mlir::Value getExpert() { return getBody().front().getArguments().back(); }
  }];
  let hasVerifier = 1;
  let hasRegionVerifier = 1;
}

def Tenon_MixtureGradientYieldOp : Tenon_Op<"mixture_gradient_yield", [Pure, ReturnLike, Terminator, HasParent<"MixtureGradientOp">]> {
  let summary = "what comes back through an expert";
  let description = [{ Example: `tenon.mixture_gradient_yield %dx, %dg : tensor<?x64xf32>, tensor<?x1xf32>` }];
  let arguments = (ins Variadic<AnyRankedTensor>:$values);
  let assemblyFormat = "$values attr-dict `:` type($values)";
}

def Tenon_SqueezeOp : Tenon_ViewOp<"squeeze"> {
  let summary = "without leading dimensions of 1";
  let description = [{
    `y[i] = x[0, ..., 0, i]`: a view.

    Example: `%y = tenon.squeeze %x : tensor<1x64xf32> -> tensor<64xf32>`
  }];
  let arguments = (ins AnyRankedTensor:$input);
}

//===----------------------------------------------------------------------===//
// Gradients of weights: memory, at every level
//===----------------------------------------------------------------------===//

def Tenon_GradientOp : Tenon_Op<"gradient", [Pure, DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "the gradient of a weight, of one layer if stacked";
  let description = [{
    Memory of the weight's shape, in which what the weight contributes to the
    loss is summed up: over its uses, over the sequences of a step. It lies in
    the memory of gradients where the weight lies in that of weights.

    Example: `%g = tenon.gradient @block.wq[%i] : memref<64x64xf32>`
  }];
  let arguments = (ins FlatSymbolRefAttr:$weight, Optional<Index>:$layer);
  let results = (outs AnyStridedMemRef:$result);
  let assemblyFormat = "$weight (`[` $layer^ `]`)? attr-dict `:` type($result)";
}

/// Reads arrays and adds to a gradient; on tensors or memrefs alike.
class Tenon_GradientSumOp<string mnemonic> : Tenon_Op<mnemonic, [MemoryEffects<[MemRead, MemWrite]>]> {
  let hasVerifier = 1;
}

def Tenon_AddGradientOp : Tenon_GradientSumOp<"add_gradient"> {
  let summary = "adds to a gradient";
  let description = [{
    `g += x`

    Example: `tenon.add_gradient %x into %g : tensor<64xf32>, memref<64xf32>`
  }];
  let arguments = (ins Tenon_Array:$input, AnyStridedMemRef:$into);
  let assemblyFormat = "$input `into` $into attr-dict `:` type($input) `,` type($into)";
}

def Tenon_WeightGradientOp : Tenon_GradientSumOp<"weight_gradient"> {
  let summary = "adds to the gradient of a linear's weight";
  let description = [{
    `g[n, k] += sum_t dy[t, n] x[t, k]` for `y = x Wᵀ`: the sum over t is one
    chain of multiply-adds in order that begins with g (I5).

    Example:
    ```mlir
    tenon.weight_gradient %dy, %x into %g : tensor<?x128xf32>, tensor<?x64xf32>, memref<128x64xf32>
    ```
  }];
  let arguments = (ins Tenon_Array:$gradient, Tenon_Array:$input, AnyStridedMemRef:$into);
  let assemblyFormat = "$gradient `,` $input `into` $into attr-dict `:` type($gradient) `,` type($input) `,` type($into)";
}

def Tenon_EmbeddingGradientOp : Tenon_GradientSumOp<"embedding_gradient"> {
  let summary = "adds to the gradient of a table";
  let description = [{
    `g[ids[t], :] += dy[t, :]`, for t in order, but for the tokens whose id is
    `frozen`. Tasks are ranges of columns, so that no two of them write one place.

    Example:
    ```mlir
    tenon.embedding_gradient %ids, %dy into %g : tensor<?xi32>, tensor<?x64xf32>, memref<512x64xf32>
    ```
  }];
  let arguments = (ins Tenon_Array:$ids, Tenon_Array:$gradient, AnyStridedMemRef:$into,
                       OptionalAttr<I64Attr>:$frozen);
  let assemblyFormat = "$ids `,` $gradient `into` $into attr-dict `:` type($ids) `,` type($gradient) `,` type($into)";
}

//===----------------------------------------------------------------------===//
// Values kept for the way back
//===----------------------------------------------------------------------===//

def Tenon_StashOp : Tenon_Op<"stash", [MemoryEffects<[MemAlloc]>]> {
  let summary = "room for a value of each trip of a loop";
  let description = [{
    Memory `[trips, ...]` for values of the other dimensions; where they are
    dynamic, they are the number of the input's tokens.

    Example: `%s = tenon.stash %x : tensor<?x64xf32> -> memref<5x?x256xf32>`
  }];
  let arguments = (ins AnyRankedTensor:$like);
  let results = (outs AnyStridedMemRef:$result);
  let assemblyFormat = "$like attr-dict `:` type($like) `->` type($result)";
  let hasVerifier = 1;
}

def Tenon_KeepOp : Tenon_Op<"keep", [MemoryEffects<[MemWrite]>]> {
  let summary = "keeps a value of a trip";
  let description = [{ Example: `tenon.keep %x in %s[%i] : tensor<?x64xf32>, memref<5x?x64xf32>` }];
  let arguments = (ins AnyRankedTensor:$value, AnyStridedMemRef:$stash, Index:$trip);
  let assemblyFormat = "$value `in` $stash `[` $trip `]` attr-dict `:` type($value) `,` type($stash)";
  let hasVerifier = 1;
}

def Tenon_KeptOp : Tenon_Op<"kept", [MemoryEffects<[MemRead]>]> {
  let summary = "the value that was kept of a trip";
  let description = [{
    A view of the stash.

    Example: `%x = tenon.kept %s[%i] : memref<5x?x64xf32> -> tensor<?x64xf32>`
  }];
  let arguments = (ins AnyStridedMemRef:$stash, Index:$trip);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = "$stash `[` $trip `]` attr-dict `:` type($stash) `->` type($result)";
  let hasVerifier = 1;
}

//===----------------------------------------------------------------------===//
// The step
//===----------------------------------------------------------------------===//

def Tenon_GradientNormOp : Tenon_Op<"gradient_norm", [MemoryEffects<[MemRead]>]> {
  let summary = "the norm of all gradients";
  let description = [{
    `y = scale sqrt(sum g²)` over all gradients; `scale` is the first of the step's
    numbers (`tenon.update`).

    Example: `%n = tenon.gradient_norm %numbers : tensor<10xf32> -> tensor<1x1xf32>`
  }];
  let arguments = (ins AnyRankedTensor:$numbers);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = "$numbers attr-dict `:` type($numbers) `->` type($result)";
  let hasVerifier = 1;
}

def Tenon_UpdateOp : Tenon_Op<"update", [MemoryEffects<[MemRead, MemWrite]>,
    DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "one step of AdamW for a weight, in all of its layers";
  let description = [{
    The step of `torch.optim.AdamW` (arXiv:1711.05101), with decoupled weight
    decay, from ten numbers:

    | place | number                                        |
    |-------|-----------------------------------------------|
    | 0     | `scale`: 1 / the targets of the step          |
    | 1     | `clip`: the largest norm; 0: any              |
    | 2     | `keep`: 1 - rate * weight decay               |
    | 3, 4  | `beta1`, `1 - beta1`                          |
    | 5, 6  | `beta2`, `1 - beta2`                          |
    | 7     | `rate / (1 - beta1^step)`                     |
    | 8     | `sqrt(1 - beta2^step)`                        |
    | 9     | `epsilon`                                     |

    ```
    g = scale g min(1, clip / (norm + 1e-6))
    w = keep w                        (with `decay` only)
    m = beta1 m + (1 - beta1) g
    v = beta2 v + (1 - beta2) g²
    w = w - number7 m / (sqrt(v) / number8 + epsilon)
    g = 0, for the next step
    ```

    Example: `tenon.update @block.wq by %numbers norm %n {decay} : tensor<10xf32>, tensor<1x1xf32>`
  }];
  let arguments = (ins FlatSymbolRefAttr:$weight, AnyRankedTensor:$numbers, AnyRankedTensor:$norm,
                       UnitAttr:$decay);
  let assemblyFormat = "$weight `by` $numbers `norm` $norm attr-dict `:` type($numbers) `,` type($norm)";
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    /// How many numbers a step takes.
    static constexpr int64_t kNumbers = 10;
  }];
}

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

def Tenon_SumSquaresOp : Tenon_Op<"sum_squares", [DeclareOpInterfaceMethods<MemoryEffectsOpInterface>]> {
  let summary = "the sums of squares of blocks";
  let description = [{
    `y[b] = sum_i x[4096 b + i]²` over a block of 4096 elements, in the order of
    a sum over a row (`tenon.reduce`); the last block may be shorter.

    Example: `tenon.sum_squares %g into %s : memref<10000xf32>, memref<3xf32>`
  }];
  let arguments = (ins AnyStridedMemRef:$input, AnyStridedMemRef:$out);
  let assemblyFormat = "$input `into` $out attr-dict `:` type($input) `,` type($out)";
  let hasVerifier = 1;
  let extraClassDeclaration = [{ static constexpr int64_t kBlock = 4096; }];
}

def Tenon_NormOfSumsOp : Tenon_Op<"norm_of_sums", [DeclareOpInterfaceMethods<MemoryEffectsOpInterface>]> {
  let summary = "the norm from the sums of squares of blocks";
  let description = [{
    `y[0, 0] = numbers[0] sqrt(sum_b x[b])`; the sum is in order, in f64.

    Example:
    ```mlir
    tenon.norm_of_sums %s, %numbers into %n : memref<3xf32>, memref<10xf32>, memref<1x1xf32>
    ```
  }];
  let arguments = (ins AnyStridedMemRef:$input, AnyStridedMemRef:$numbers, AnyStridedMemRef:$out);
  let assemblyFormat = "$input `,` $numbers `into` $out attr-dict `:` type($input) `,` type($numbers) `,` type($out)";
  let hasVerifier = 1;
}

def Tenon_AdamWOp : Tenon_Op<"adamw", [DeclareOpInterfaceMethods<MemoryEffectsOpInterface>]> {
  let summary = "a step of AdamW in memory";
  let description = [{
    What `tenon.update` says, on the elements of a weight, its gradient and its
    two moments.

    Example:
    ```mlir
    tenon.adamw %w, %g, %m, %v by %numbers norm %n {decay}
      : memref<320xf32>, memref<320xf32>, memref<320xf32>, memref<320xf32>, memref<10xf32>, memref<1x1xf32>
    ```
  }];
  let arguments = (ins AnyStridedMemRef:$weight, AnyStridedMemRef:$gradient,
                       AnyStridedMemRef:$first, AnyStridedMemRef:$second,
                       AnyStridedMemRef:$numbers, AnyStridedMemRef:$norm, UnitAttr:$decay);
  let assemblyFormat = [{
    $weight `,` $gradient `,` $first `,` $second `by` $numbers `norm` $norm attr-dict
    `:` type(operands)
  }];
  let hasVerifier = 1;
}

#endif // TENON_DIALECT_TENON_IR_TENONTRAININGOPS_TD
