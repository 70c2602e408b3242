//===- TenonFusedOps.td - what the fusion passes find ------*- tablegen -*-===//

#ifndef TENON_DIALECT_TENON_IR_TENONFUSEDOPS_TD
#define TENON_DIALECT_TENON_IR_TENONFUSEDOPS_TD

include "tenon/Dialect/Tenon/IR/TenonOps.td"

def Tenon_AttentionOp : Tenon_SegmentedComputeOp<"attention", [DeclareOpInterfaceMethods<Tenon_ComputeOpInterface, ["getOut"]>]> {
  let summary = "scaled dot-product attention";
  let description = [{
    `o = softmax(scale q kᵀ + mask) v` for q `[H, T, D]`, k `[G, S, D]` and
    v `[G, S, D]`, head h of q using head `h / (H/G)` of k and v
    (arXiv:1706.03762, arXiv:2305.13245). `causal` hides keys after the query,
    `window` those more than window-1 before it, `band` those more than that to
    either side, `valid` (i32 `[S]`) those that are 0 there. Between the product
    and the mask stands a chain that is there in part or not at all:

    * `cap` = c: `c tanh(scale q kᵀ / c)` instead of `scale q kᵀ`;
    * a `bias` `[H, 2 R + 1]`: `bias_scale bias[h, R + s - t]` is added for the
      query at t and the key at s, or `bias_scale bias[h, s]` of a bias `[H, S]` if
      it is `bias_by_key`. `bias_scale` is 1 if absent. R is
      `getBiasReach(context)`, so that kernels can read past both ends;
    * a `sink` `[H]`: one more score of each head (`tenon.softmax`).

    Computed with an online softmax over blocks of 128 keys at
    fixed places (arXiv:2205.14135), so that the result does not depend on how
    queries are grouped.

    Example:
    ```mlir
    %o = tenon.attention %q, %k, %v {causal, scale = 0.35 : f32}
      : (tensor<8x?x8xf32>, tensor<4x?x8xf32>, tensor<4x?x8xf32>) -> tensor<8x?x8xf32>
    %o2 = tenon.attention %q, %k, %v bias(%b) sink(%w) {cap = 50.0 : f32, causal, scale = 0.35 : f32}
      : (tensor<8x?x8xf32>, tensor<4x?x8xf32>, tensor<4x?x8xf32>, tensor<8x1089xf32>, tensor<8xf32>) -> tensor<8x?x8xf32>
    ```
  }];
  let arguments = (ins Tenon_Array:$query, Tenon_Array:$key, Tenon_Array:$value,
                       Optional<Tenon_Array>:$valid, Optional<Tenon_Array>:$bias,
                       Optional<Tenon_Array>:$sink, Optional<AnyStridedMemRef>:$out,
                       F32Attr:$scale, OptionalAttr<F32Attr>:$cap, OptionalAttr<F32Attr>:$bias_scale,
                       UnitAttr:$bias_by_key, UnitAttr:$causal, OptionalAttr<I64Attr>:$window,
                       OptionalAttr<I64Attr>:$band, OptionalAttr<Tenon_TileAttr>:$tile,
                       OptionalAttr<Tenon_AttentionPlanAttr>:$plan);
  let assemblyFormat = [{
    $query `,` $key `,` $value (`valid` `(` $valid^ `)`)? (`bias` `(` $bias^ `)`)?
    (`sink` `(` $sink^ `)`)? (`into` $out^)? attr-dict
    `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

def Tenon_FfnOp : Tenon_SegmentedComputeOp<"ffn", [DeclareOpInterfaceMethods<Tenon_ComputeOpInterface, ["getOut"]>]> {
  let summary = "feed-forward network";
  let description = [{
    Plain: `y = act(x Uᵀ + b_U) Dᵀ + b_D + r`. Gated, with a gate G:
    `y = (act(x Gᵀ + b_G) * (x Uᵀ + b_U)) Dᵀ + b_D + r` (arXiv:2002.05202).
    U and G are `[F, C]`, D is `[C, F]`.

    Example:
    ```mlir
    %y = tenon.ffn %x, %up, %down gate(%gate) residual(%r) {activation = #tenon.activation_kind<silu>}
      : (tensor<?x64xf32>, tensor<172x64xf32>, tensor<64x172xf32>, tensor<172x64xf32>, tensor<?x64xf32>) -> tensor<?x64xf32>
    ```
  }];
  let arguments = (ins Tenon_Array:$input, Tenon_Array:$up, Tenon_Array:$down,
                       Optional<Tenon_Array>:$gate, Optional<Tenon_Array>:$up_bias,
                       Optional<Tenon_Array>:$gate_bias, Optional<Tenon_Array>:$down_bias,
                       Optional<Tenon_Array>:$residual, Optional<AnyStridedMemRef>:$out,
                       Tenon_ActivationKindAttr:$activation);
  let assemblyFormat = [{
    $input `,` $up `,` $down (`gate` `(` $gate^ `)`)? (`up_bias` `(` $up_bias^ `)`)?
    (`gate_bias` `(` $gate_bias^ `)`)? (`down_bias` `(` $down_bias^ `)`)?
    (`residual` `(` $residual^ `)`)? (`into` $out^)? attr-dict
    `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

def Tenon_CacheAppendOp : Tenon_Op<"cache_append", [MemoryEffects<[MemWrite]>]> {
  let summary = "keys and values written to the cache";
  let description = [{
    Writes the keys and values of the call's tokens, `[G, T, D]` each, to a
    layer of the cache at positions position .. position + T - 1. With a
    position for each row, token t is one of sequence t of the cache.

    Example:
    ```mlir
    tenon.cache_append %k, %v, %cache[%i] at %pos
      : tensor<4x?x8xf32>, tensor<4x?x8xf32>, !tenon.kv_cache<layers = 5, heads = 4, capacity = 512, head_dim = 8, element = f32>
    tenon.cache_append %k2, %v2, %cache2[%i] at rows(%positions : tensor<2xi32>)
      : tensor<4x2x8xf32>, tensor<4x2x8xf32>,
        !tenon.kv_cache<layers = 5, heads = 4, capacity = 512, head_dim = 8, element = f32, sequences = 2>
    ```
  }];
  let arguments = (ins AnyRankedTensor:$key, AnyRankedTensor:$value, Tenon_KVCacheType:$cache,
                       Index:$layer, Tenon_TensorPosition:$position);
  let assemblyFormat = [{
    $key `,` $value `,` $cache `[` $layer `]` `at` custom<Position>($position, type($position)) attr-dict
    `:` type($key) `,` type($value) `,` type($cache)
  }];
  let hasVerifier = 1;
}

def Tenon_CachedAttentionOp : Tenon_Op<"cached_attention", [MemoryEffects<[MemRead]>, AttrSizedOperandSegments]> {
  let summary = "attention to the keys and values in the cache";
  let description = [{
    As `tenon.attention` with the keys and values of positions
    0 .. position + T - 1 of a layer of the cache; query t is at position + t.
    With a position for each row, query t is at positions[t] of sequence t of
    the cache, and sees that sequence only. Caps, biases, bands and sinks are
    those of `tenon.attention`; a bias is of absolute positions, so that nothing
    of it is cached. Without `causal` the cache is complete: queries, which have
    no place in it, see its first `position` keys (those of a source).

    Example:
    ```mlir
    %o = tenon.cached_attention %q, %cache[%i] at %pos {causal, scale = 0.35 : f32}
      : (tensor<8x?x8xf32>, !tenon.kv_cache<layers = 5, heads = 4, capacity = 512, head_dim = 8, element = f32>) -> tensor<8x?x8xf32>
    ```
  }];
  let arguments = (ins AnyRankedTensor:$query, Tenon_KVCacheType:$cache, Index:$layer,
                       Tenon_TensorPosition:$position, Optional<AnyRankedTensor>:$bias,
                       Optional<AnyRankedTensor>:$sink, F32Attr:$scale, OptionalAttr<F32Attr>:$cap,
                       OptionalAttr<F32Attr>:$bias_scale, UnitAttr:$bias_by_key, UnitAttr:$causal,
                       OptionalAttr<I64Attr>:$window, OptionalAttr<I64Attr>:$band,
                       OptionalAttr<Tenon_TileAttr>:$tile, OptionalAttr<Tenon_AttentionPlanAttr>:$plan);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = [{
    $query `,` $cache `[` $layer `]` `at` custom<Position>($position, type($position))
    (`bias` `(` $bias^ `:` type($bias) `)`)? (`sink` `(` $sink^ `:` type($sink) `)`)? attr-dict
    `:` `(` type($query) `,` type($cache) `)` `->` type($result)
  }];
  let hasVerifier = 1;
}

#endif // TENON_DIALECT_TENON_IR_TENONFUSEDOPS_TD
