//===- TenonOps.td - primitive operations ------------------*- tablegen -*-===//
//
// The mathematics of a Transformer as a description writes it. The fused
// operations are in TenonFusedOps.td, those of the memory level in
// TenonBufferOps.td.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_DIALECT_TENON_IR_TENONOPS_TD
#define TENON_DIALECT_TENON_IR_TENONOPS_TD

include "mlir/Interfaces/SideEffectInterfaces.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/IR/SymbolInterfaces.td"
include "tenon/Dialect/Tenon/IR/TenonPlanAttrs.td"
include "tenon/Dialect/Tenon/IR/TenonTypes.td"
include "tenon/Dialect/Tenon/IR/TenonInterfaces.td"

def Tenon_Array : AnyTypeOf<[AnyRankedTensor, AnyStridedMemRef], "tensor or memref">;

/// Where tokens stand in their sequence: the place of the first one, whose
/// neighbours follow it, or (i32) that of each, which are then tokens of
/// different sequences.
def Tenon_Position : AnyTypeOf<[Index, 1DTensorOf<[I32]>, StridedMemRefRankOf<[I32], [1]>],
    "index, or one i32 for each token">;
def Tenon_TensorPosition : AnyTypeOf<[Index, 1DTensorOf<[I32]>], "index, or one i32 for each token">;

/// A compute operation: tensor form or buffer form; `out` is its last operand.
class Tenon_ComputeOp<string mnemonic, list<Trait> traits = []>
    : Tenon_Op<mnemonic, !listconcat(traits,
        [DeclareOpInterfaceMethods<MemoryEffectsOpInterface>])> {
  let results = (outs Optional<AnyRankedTensor>:$result);
  let extraClassDefinition = [{
    void $cppClass::getEffects(::llvm::SmallVectorImpl<
        ::mlir::SideEffects::EffectInstance<::mlir::MemoryEffects::Effect>> &effects) {
      ::tenon::detail::getComputeEffects(getOperation(), effects);
    }
  }];
}

/// A compute operation with optional operands besides `out`.
class Tenon_SegmentedComputeOp<string mnemonic, list<Trait> traits = []>
    : Tenon_ComputeOp<mnemonic, !listconcat(traits, [AttrSizedOperandSegments])>;

//===----------------------------------------------------------------------===//
// Weights
//===----------------------------------------------------------------------===//

def Tenon_WeightOp : Tenon_Op<"weight", [Symbol]> {
  let summary = "a weight of the model";
  let description = [{
    Declares a weight and where it comes from: `#tenon.source`s whose rows are
    concatenated (fused Q/K/V), or one computed source (`#tenon.rope_table`,
    `#tenon.sinusoid_table`, `#tenon.relative_buckets`, `#tenon.alibi`,
    `#tenon.distance_index`).
    `stacked`: the first dimension counts the layers, and `{i}` in the sources'
    names stands for the layer. `offset` (bytes from the start of the weights)
    and `stride` (bytes from one layer to the next) are assigned when memory is
    planned. `layers`: the stack holds these layers of the model only, in this
    order; a reference's index counts them.

    Example:
    ```mlir
    tenon.weight @block.wq : tensor<5x64x64xf32> from [
      #tenon.source<"model.layers.{i}.self_attn.q_proj.weight", tensor<64x64xf32>>] stacked
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, TypeAttr:$type, ArrayAttr:$sources,
                       UnitAttr:$stacked, OptionalAttr<I64Attr>:$offset,
                       OptionalAttr<I64Attr>:$stride, OptionalAttr<DenseI64ArrayAttr>:$layers);
  let assemblyFormat = [{
    $sym_name `:` $type `from` $sources (`stacked` $stacked^)? attr-dict
  }];
  let extraClassDeclaration = [{
    ::mlir::RankedTensorType getTensorType() { return ::mlir::cast<::mlir::RankedTensorType>(getType()); }
    /// The type that a reference has: without the layers' dimension.
    ::mlir::RankedTensorType getLayerType();
    int64_t getNumLayers() { return getStacked() ? getTensorType().getDimSize(0) : 1; }
  }];
  let hasVerifier = 1;
}

def Tenon_WeightRefOp : Tenon_Op<"weight_ref", [Pure,
    DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "a weight's value, of one layer if stacked";
  let description = [{
    Example: `%w = tenon.weight_ref @block.wq[%i] : tensor<64x64xf32>`
  }];
  let arguments = (ins FlatSymbolRefAttr:$weight, Optional<Index>:$layer);
  let results = (outs Tenon_Array:$result);
  let assemblyFormat = "$weight (`[` $layer^ `]`)? attr-dict `:` type($result)";
}

//===----------------------------------------------------------------------===//
// Tokens and positions
//===----------------------------------------------------------------------===//

def Tenon_EmbeddingOp : Tenon_ComputeOp<"embedding", [DeclareOpInterfaceMethods<Tenon_ComputeOpInterface, ["getOut"]>]> {
  let summary = "rows of a table chosen by indices";
  let description = [{
    `y[t, :] = table[ids[t], :]`, converted to the result's element type. The
    table may be packed (`#tenon.panel`), as a tied head is.

    Example:
    ```mlir
    %y = tenon.embedding %ids, %table : (tensor<?xi32>, tensor<512x64xf32>) -> tensor<?x64xf32>
    ```
  }];
  let arguments = (ins Tenon_Array:$ids, Tenon_Array:$table,
                       Optional<AnyStridedMemRef>:$out, OptionalAttr<Tenon_TileAttr>:$tile);
  let assemblyFormat = "$ids `,` $table (`into` $out^)? attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

def Tenon_PositionsOp : Tenon_SegmentedComputeOp<"positions", [DeclareOpInterfaceMethods<Tenon_ComputeOpInterface, ["getOut"]>]> {
  let summary = "the position of each token";
  let description = [{
    `p[t] = position + t + offset`; position is 0 if absent (the whole
    sequence). `p[t] = position[t] + offset` where each token has its own.

    Example: `%p = tenon.positions %ids at %pos : (tensor<?xi32>, index) -> tensor<?xi32>`
  }];
  let arguments = (ins Tenon_Array:$ids, Optional<Tenon_Position>:$position,
                       Optional<AnyStridedMemRef>:$out, OptionalAttr<I64Attr>:$offset,
                       OptionalAttr<Tenon_TileAttr>:$tile);
  let assemblyFormat = "$ids (`at` $position^)? (`into` $out^)? attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

//===----------------------------------------------------------------------===//
// Products
//===----------------------------------------------------------------------===//

def Tenon_MatmulOp : Tenon_ComputeOp<"matmul", [DeclareOpInterfaceMethods<Tenon_ComputeOpInterface, ["getOut"]>]> {
  let summary = "matrix product, batched over heads";
  let description = [{
    `c[h, m, n] = sum_k a[h, m, k] b[h / g, k, n]`, where g is the number of
    heads of `a` for each head of `b` (grouped-query attention shares keys and
    values, arXiv:2305.13245); without heads, a plain product of matrices.

    Example:
    ```mlir
    %s = tenon.matmul %q, %kt : (tensor<8x?x8xf32>, tensor<4x8x?xf32>) -> tensor<8x?x?xf32>
    ```
  }];
  let arguments = (ins Tenon_Array:$lhs, Tenon_Array:$rhs,
                       Optional<AnyStridedMemRef>:$out, OptionalAttr<Tenon_TileAttr>:$tile);
  let assemblyFormat = "$lhs `,` $rhs (`into` $out^)? attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

def Tenon_TransposeOp : Tenon_Op<"transpose", [Pure]> {
  let summary = "the last two dimensions exchanged";
  let description = [{
    `y[..., j, i] = x[..., i, j]`

    Example: `%t = tenon.transpose %k : tensor<4x?x8xf32> -> tensor<4x8x?xf32>`
  }];
  let arguments = (ins AnyRankedTensor:$input);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = "$input attr-dict `:` type($input) `->` type($result)";
  let hasVerifier = 1;
  let hasFolder = 1;
}

def Tenon_LinearOp : Tenon_SegmentedComputeOp<"linear", [DeclareOpInterfaceMethods<Tenon_ComputeOpInterface, ["getOut", "canWriteInPlace"]>]> {
  let summary = "a linear map with its epilogue";
  let description = [{
    `y = act(x Wᵀ + b) + r` with x `[T, K]`, W `[N, K]`, b `[N]`, r `[T, N]`.
    With `gated`, W has its rows in two halves G (gate) and U (up) of N/2 rows
    each, b likewise, and `y = act(x Gᵀ + b_G) * (x Uᵀ + b_U) + r` has N/2
    columns (arXiv:2002.05202); in buffer form b may be `[2, N/2]`, its halves
    as rows, as a tile of a gated linear has it. With `groups` = G, x is
    `[T, G K]`, and the g-th part of W's rows, N/G of them, multiplies the g-th
    part of x's columns, K of them, as in a grouped convolution.

    Each output is one chain of fused multiply-adds over k in order, whatever
    the number of rows (invariant I5). A bf16 weight in pairs takes a bf16 input
    on a target with bf16 dot products, which add pairs of products in order,
    and an f32 one elsewhere, for multiply-adds of both in turn. A weight in
    superblocks takes an input `[T, G]` of int8 groups; the dot products of a
    group are exact, and are scaled and added group by group in order.

    Example:
    ```mlir
    %y = tenon.linear %x, %w bias(%b) residual(%r) {activation = #tenon.activation_kind<gelu>}
      : (tensor<?x64xf32>, tensor<128x64xf32>, tensor<128xf32>, tensor<?x128xf32>) -> tensor<?x128xf32>
    ```
  }];
  let arguments = (ins Tenon_Array:$input, Tenon_Array:$weight,
                       Optional<Tenon_Array>:$bias, Optional<Tenon_Array>:$residual,
                       Optional<AnyStridedMemRef>:$out,
                       DefaultValuedAttr<Tenon_ActivationKindAttr, "::tenon::ActivationKind::Identity">:$activation,
                       UnitAttr:$gated, OptionalAttr<Tenon_TileAttr>:$tile,
                       OptionalAttr<Tenon_PlanAttr>:$plan,
                       DefaultValuedAttr<ConfinedAttr<I64Attr, [IntPositive]>, "1">:$groups);
  let assemblyFormat = [{
    $input `,` $weight (`bias` `(` $bias^ `)`)? (`residual` `(` $residual^ `)`)?
    (`into` $out^)? attr-dict `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

//===----------------------------------------------------------------------===//
// Elementwise
//===----------------------------------------------------------------------===//

class Tenon_BinaryOp<string mnemonic, string symbol, string verb>
    : Tenon_ComputeOp<mnemonic, [DeclareOpInterfaceMethods<Tenon_ComputeOpInterface, ["getOut", "canWriteInPlace"]>]> {
  let summary = verb # " elementwise";
  let description = "`y = a " # symbol # [{ b`, elementwise. An operand of lower rank, or with a
    dimension of 1, is broadcast along the leading dimensions as in NumPy.

    Example:
    ```mlir
    %y = tenon.}] # mnemonic # [{ %a, %b : (tensor<?x64xf32>, tensor<64xf32>) -> tensor<?x64xf32>
    ```
  }];
  let arguments = (ins Tenon_Array:$lhs, Tenon_Array:$rhs,
                       Optional<AnyStridedMemRef>:$out, OptionalAttr<Tenon_TileAttr>:$tile);
  let assemblyFormat = "$lhs `,` $rhs (`into` $out^)? attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}
def Tenon_AddOp : Tenon_BinaryOp<"add", "+", "adds">;
def Tenon_SubOp : Tenon_BinaryOp<"sub", "-", "subtracts">;
def Tenon_MulOp : Tenon_BinaryOp<"mul", "*", "multiplies"> {
  let hasCanonicalizer = 1;
}
def Tenon_DivOp : Tenon_BinaryOp<"div", "/", "divides"> {
  let hasCanonicalizer = 1;
}

class Tenon_UnaryOp<string mnemonic, list<Trait> traits = []>
    : Tenon_ComputeOp<mnemonic, !listconcat(traits,
        [DeclareOpInterfaceMethods<Tenon_ComputeOpInterface, ["getOut", "canWriteInPlace"]>])> {
  let assemblyFormat = "$input (`into` $out^)? attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

def Tenon_ScaleOp : Tenon_UnaryOp<"scale"> {
  let summary = "multiplies by a constant";
  let description = [{
    `y = factor * x`

    Example: `%y = tenon.scale %x {factor = 0.125 : f32} : (tensor<?x64xf32>) -> tensor<?x64xf32>`
  }];
  let arguments = (ins Tenon_Array:$input, Optional<AnyStridedMemRef>:$out, F32Attr:$factor,
                       OptionalAttr<Tenon_TileAttr>:$tile);
  let hasFolder = 1;
  let hasCanonicalizer = 1;
}

def Tenon_ActivationOp : Tenon_UnaryOp<"activation"> {
  let summary = "an activation function";
  let description = [{
    `silu(x) = x / (1 + e^-x)`, `gelu(x) = x/2 (1 + erf(x/sqrt 2))`,
    `gelu_tanh(x) = x/2 (1 + tanh(sqrt(2/π)(x + 0.044715 x³)))` (arXiv:1606.08415),
    `quick_gelu(x) = x / (1 + e^(-1.702 x))`, `relu`, `relu_squared(x) = relu(x)²`
    (arXiv:2109.08668), `mish(x) = x tanh(log(1 + e^x))` (arXiv:1908.08681),
    `tanh`, `sigmoid`; and `exp`, `log`, `sqrt`.

    Example:
    ```mlir
    %y = tenon.activation %x {kind = #tenon.activation_kind<silu>} : (tensor<?x64xf32>) -> tensor<?x64xf32>
    ```
  }];
  let arguments = (ins Tenon_Array:$input, Optional<AnyStridedMemRef>:$out,
                       Tenon_ActivationKindAttr:$kind, OptionalAttr<Tenon_TileAttr>:$tile);
  let hasFolder = 1;
}

def Tenon_CastOp : Tenon_UnaryOp<"cast"> {
  let summary = "converts the element type, rounding to nearest even";
  let description = [{
    Example: `%y = tenon.cast %x : (tensor<?x64xf32>) -> tensor<?x64xbf16>`
  }];
  let arguments = (ins Tenon_Array:$input, Optional<AnyStridedMemRef>:$out,
                       OptionalAttr<Tenon_TileAttr>:$tile);
  let hasFolder = 1;
}

def Tenon_QuantizeOp : Tenon_ComputeOp<"quantize", [DeclareOpInterfaceMethods<Tenon_ComputeOpInterface, ["getOut"]>]> {
  let summary = "quantizes activations to 8 bits, dynamically";
  let description = [{
    Each group of 32 neighbours in a row becomes an int8 group: `scale = max|x| /
    127`, `q = round(x / scale)`, ties to even. Groups past the end of a row,
    which a linear with whole superblocks reads, are zero. What a group becomes
    depends on nothing else (I5).

    Example:
    ```mlir
    %q = tenon.quantize %x : (tensor<?x2048xf32>) -> tensor<?x64x!tenon.int8_group>
    ```
  }];
  let arguments = (ins Tenon_Array:$input, Optional<AnyStridedMemRef>:$out,
                       OptionalAttr<Tenon_TileAttr>:$tile);
  let assemblyFormat = "$input (`into` $out^)? attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

//===----------------------------------------------------------------------===//
// Rows: softmax, masks, norms
//===----------------------------------------------------------------------===//

def Tenon_SoftmaxOp : Tenon_SegmentedComputeOp<"softmax", [DeclareOpInterfaceMethods<Tenon_ComputeOpInterface, ["getOut", "canWriteInPlace"]>]> {
  let summary = "softmax of the last dimension";
  let description = [{
    `y_j = e^(x_j - m) / sum_i e^(x_i - m)`, m the row's maximum. A `sink` is one
    more score of each head, which takes part in m and in the sum, and gets no
    result (arXiv:2309.17453).

    Example:
    ```mlir
    %p = tenon.softmax %s : (tensor<8x?x?xf32>) -> tensor<8x?x?xf32>
    %p2 = tenon.softmax %s sink(%w) : (tensor<8x?x?xf32>, tensor<8xf32>) -> tensor<8x?x?xf32>
    ```
  }];
  let arguments = (ins Tenon_Array:$input, Optional<Tenon_Array>:$sink,
                       Optional<AnyStridedMemRef>:$out, OptionalAttr<Tenon_TileAttr>:$tile);
  let assemblyFormat = [{
    $input (`sink` `(` $sink^ `)`)? (`into` $out^)? attr-dict `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

def Tenon_CausalMaskOp : Tenon_UnaryOp<"causal_mask"> {
  let summary = "hides the future";
  let description = [{
    `y[h, t, s] = x[h, t, s]` if `s <= t` (and, with a window w, `s > t - w`),
    else minus infinity.

    Example: `%y = tenon.causal_mask %s {window = 4096 : i64} : (tensor<8x?x?xf32>) -> tensor<8x?x?xf32>`
  }];
  let arguments = (ins Tenon_Array:$input, Optional<AnyStridedMemRef>:$out,
                       OptionalAttr<I64Attr>:$window, OptionalAttr<Tenon_TileAttr>:$tile);
  let hasCanonicalizer = 1;
}

def Tenon_BandMaskOp : Tenon_UnaryOp<"band_mask"> {
  let summary = "hides what is far";
  let description = [{
    `y[h, t, s] = x[h, t, s]` if `|t - s| <= width`, else minus infinity.

    Example: `%y = tenon.band_mask %s {width = 64 : i64} : (tensor<8x?x?xf32>) -> tensor<8x?x?xf32>`
  }];
  let arguments = (ins Tenon_Array:$input, Optional<AnyStridedMemRef>:$out,
                       I64Attr:$width, OptionalAttr<Tenon_TileAttr>:$tile);
}

def Tenon_ScoreBiasOp : Tenon_ComputeOp<"score_bias", [DeclareOpInterfaceMethods<Tenon_ComputeOpInterface, ["getOut", "canWriteInPlace"]>]> {
  let summary = "adds what depends on the head and on the distance";
  let description = [{
    `y[h, t, s] = x[h, t, s] + bias[h, R + s - t]` with a bias `[H, 2 R + 1]`, for
    relative positions (arXiv:1803.02155, arXiv:1910.10683, arXiv:2108.12409).
    With `by_key`, `bias[h, s]` of a bias `[H, S]` is added.

    Example:
    ```mlir
    %y = tenon.score_bias %s, %b : (tensor<8x?x?xf32>, tensor<8x577xf32>) -> tensor<8x?x?xf32>
    ```
  }];
  let arguments = (ins Tenon_Array:$input, Tenon_Array:$bias, Optional<AnyStridedMemRef>:$out,
                       UnitAttr:$by_key, OptionalAttr<Tenon_TileAttr>:$tile);
  let assemblyFormat = "$input `,` $bias (`into` $out^)? attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

def Tenon_DistanceGatherOp : Tenon_ComputeOp<"distance_gather", [DeclareOpInterfaceMethods<Tenon_ComputeOpInterface, ["getOut"]>]> {
  let summary = "scores of distances at the places of keys";
  let description = [{
    `y[h, t, s] = x[h, t, index[R + s - t]]` for x `[H, T, N]` and an index of i32
    `[2 R + 1]`: what a query makes of each distance, for the terms of relative
    positions that depend on contents (arXiv:1803.02155, arXiv:2006.03654).

    Example:
    ```mlir
    %y = tenon.distance_gather %x, %i : (tensor<8x?x512xf32>, tensor<1089xi32>) -> tensor<8x?x?xf32>
    ```
  }];
  let arguments = (ins Tenon_Array:$input, Tenon_Array:$index, Optional<AnyStridedMemRef>:$out,
                       OptionalAttr<Tenon_TileAttr>:$tile);
  let assemblyFormat = "$input `,` $index (`into` $out^)? attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

def Tenon_PaddingMaskOp : Tenon_ComputeOp<"padding_mask", [DeclareOpInterfaceMethods<Tenon_ComputeOpInterface, ["getOut", "canWriteInPlace"]>]> {
  let summary = "hides padding tokens";
  let description = [{
    `y[h, t, s] = x[h, t, s]` if `valid[s] != 0`, else minus infinity.

    Example: `%y = tenon.padding_mask %s, %valid : (tensor<8x?x?xf32>, tensor<?xi32>) -> tensor<8x?x?xf32>`
  }];
  let arguments = (ins Tenon_Array:$input, Tenon_Array:$valid,
                       Optional<AnyStridedMemRef>:$out, OptionalAttr<Tenon_TileAttr>:$tile);
  let assemblyFormat = "$input `,` $valid (`into` $out^)? attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

def Tenon_RmsNormOp : Tenon_SegmentedComputeOp<"rms_norm", [DeclareOpInterfaceMethods<Tenon_ComputeOpInterface, ["getOut"]>]> {
  let summary = "root mean square norm of rows";
  let description = [{
    `y = x / sqrt(mean(x²) + eps) * w`, or `* (1 + w)` with `unit_offset`
    (arXiv:1910.07467); w is 1 if absent. The result may be bf16, or int8 groups.

    Example:
    ```mlir
    %y = tenon.rms_norm %x, %w {eps = 1.0e-5 : f32} : (tensor<?x64xf32>, tensor<64xf32>) -> tensor<?x64xf32>
    ```
  }];
  let arguments = (ins Tenon_Array:$input, Optional<Tenon_Array>:$weight,
                       Optional<AnyStridedMemRef>:$out, F32Attr:$eps, UnitAttr:$unit_offset,
                       OptionalAttr<Tenon_TileAttr>:$tile);
  let assemblyFormat = "$input (`,` $weight^)? (`into` $out^)? attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
  let hasCanonicalizer = 1;
}

def Tenon_LayerNormOp : Tenon_SegmentedComputeOp<"layer_norm", [DeclareOpInterfaceMethods<Tenon_ComputeOpInterface, ["getOut"]>]> {
  let summary = "layer norm of rows";
  let description = [{
    `y = (x - mean(x)) / sqrt(var(x) + eps) * w + b` (arXiv:1607.06450), or
    `* (1 + w)` with `unit_offset`; w is 1 and b is 0 if absent. The result may
    be bf16, or int8 groups.

    Example:
    ```mlir
    %y = tenon.layer_norm %x, %w bias(%b) {eps = 1.0e-5 : f32}
      : (tensor<?x64xf32>, tensor<64xf32>, tensor<64xf32>) -> tensor<?x64xf32>
    ```
  }];
  let arguments = (ins Tenon_Array:$input, Optional<Tenon_Array>:$weight,
                       Optional<Tenon_Array>:$bias, Optional<AnyStridedMemRef>:$out, F32Attr:$eps,
                       UnitAttr:$unit_offset, OptionalAttr<Tenon_TileAttr>:$tile);
  let hasCanonicalizer = 1;
  let assemblyFormat = [{
    $input (`,` $weight^)? (`bias` `(` $bias^ `)`)? (`into` $out^)? attr-dict `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

//===----------------------------------------------------------------------===//
// Heads and rotary positions
//===----------------------------------------------------------------------===//

def Tenon_RopeOp : Tenon_SegmentedComputeOp<"rope", [DeclareOpInterfaceMethods<Tenon_ComputeOpInterface, ["getOut"]>]> {
  let summary = "rotary position embedding";
  let description = [{
    With row p of the table holding F cosines c and F sines s,
    for j < F: `y_j = x_j c_j - x_{j+F} s_j`, `y_{j+F} = x_{j+F} c_j + x_j s_j`;
    components from 2F on are copied (arXiv:2104.09864, in the half-split order
    of Hugging Face checkpoints). `interleaved`: neighbours turn together,
    `x_{2j}` with `x_{2j+1}`, as the paper has them. p = position + t, or
    positions[t] where each token has its own; position is 0 if absent.

    Example:
    ```mlir
    %y = tenon.rope %x, %table at %pos : (tensor<8x?x8xf32>, tensor<512x8xf32>, index) -> tensor<8x?x8xf32>
    ```
  }];
  let arguments = (ins Tenon_Array:$input, Tenon_Array:$table, Optional<Tenon_Position>:$position,
                       Optional<AnyStridedMemRef>:$out, UnitAttr:$interleaved,
                       OptionalAttr<Tenon_TileAttr>:$tile);
  let assemblyFormat = [{
    $input `,` $table (`at` $position^)? (`into` $out^)? attr-dict `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

def Tenon_ConcatOp : Tenon_ComputeOp<"concat", [DeclareOpInterfaceMethods<Tenon_ComputeOpInterface, ["getOut"]>]> {
  let summary = "rows side by side";
  let description = [{
    `y[..., j] = a[..., j]` for j < A, the last extent of `a`, and `b[..., j - A]`
    from there on. Leading dimensions of 1 are broadcast.

    Example:
    ```mlir
    %k = tenon.concat %kn, %kr : (tensor<8x?x12xf32>, tensor<1x?x8xf32>) -> tensor<8x?x20xf32>
    ```
  }];
  let arguments = (ins Tenon_Array:$lhs, Tenon_Array:$rhs,
                       Optional<AnyStridedMemRef>:$out, OptionalAttr<Tenon_TileAttr>:$tile);
  let assemblyFormat = "$lhs `,` $rhs (`into` $out^)? attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

class Tenon_ViewOp<string mnemonic, list<Trait> traits = []>
    : Tenon_Op<mnemonic, !listconcat([Pure], traits)> {
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = "$input attr-dict `:` type($input) `->` type($result)";
  let hasVerifier = 1;
}

def Tenon_SplitHeadsOp : Tenon_ViewOp<"split_heads"> {
  let summary = "rows cut into heads";
  let description = [{
    `y[h, t, d] = x[t, h D + d]`. A view: head tensors lie token by token in memory.

    Example: `%q = tenon.split_heads %x {heads = 8 : i64} : tensor<?x64xf32> -> tensor<8x?x8xf32>`
  }];
  let arguments = (ins AnyRankedTensor:$input, I64Attr:$heads);
  let hasFolder = 1;
}

def Tenon_MergeHeadsOp : Tenon_ViewOp<"merge_heads"> {
  let summary = "heads joined to rows";
  let description = [{
    `y[t, h D + d] = x[h, t, d]`

    Example: `%y = tenon.merge_heads %o : tensor<8x?x8xf32> -> tensor<?x64xf32>`
  }];
  let arguments = (ins AnyRankedTensor:$input);
  let hasFolder = 1;
}

def Tenon_SliceOp : Tenon_ViewOp<"slice"> {
  let summary = "a range of the last dimension";
  let description = [{
    `y[..., j] = x[..., offset + j]`; the result's type gives the size.

    Example: `%k = tenon.slice %qkv {offset = 64 : i64} : tensor<?x128xf32> -> tensor<?x32xf32>`
  }];
  let arguments = (ins AnyRankedTensor:$input, I64Attr:$offset);
  let hasFolder = 1;
}

def Tenon_RowsOp : Tenon_ViewOp<"rows"> {
  let summary = "a range of rows";
  let description = [{
    `y[t, :] = x[offset + t, :]`; the result's type gives the static count.

    Example: `%first = tenon.rows %x {offset = 0 : i64} : tensor<?x64xf32> -> tensor<1x64xf32>`
  }];
  let arguments = (ins AnyRankedTensor:$input, I64Attr:$offset);
}

def Tenon_LastRowsOp : Tenon_Op<"last_rows", [Pure]> {
  let summary = "the last rows";
  let description = [{
    `y[t, :] = x[T - count + t, :]`, for a head that is wanted for the last
    tokens of a prompt only.

    Example: `%y = tenon.last_rows %x, %count : tensor<?x64xf32> -> tensor<?x64xf32>`
  }];
  let arguments = (ins AnyRankedTensor:$input, Index:$count);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = "$input `,` $count attr-dict `:` type($input) `->` type($result)";
  let hasVerifier = 1;
  let hasFolder = 1;
}

#endif // TENON_DIALECT_TENON_IR_TENONOPS_TD
