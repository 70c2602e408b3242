//===- TenonBufferOps.td - the memory level ----------------*- tablegen -*-===//
//
// Operations that exist on memrefs only: attention on cache blocks, and the
// dispatch of tiles over the workers.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_DIALECT_TENON_IR_TENONBUFFEROPS_TD
#define TENON_DIALECT_TENON_IR_TENONBUFFEROPS_TD

include "mlir/Interfaces/ControlFlowInterfaces.td"
include "mlir/Interfaces/ViewLikeInterface.td"
include "tenon/Dialect/Tenon/IR/TenonFusedOps.td"
include "tenon/Dialect/Tenon/IR/TenonNumberOps.td"

def Tenon_AppendKVOp : Tenon_Op<"append_kv", [DeclareOpInterfaceMethods<MemoryEffectsOpInterface>]> {
  let summary = "keys and values written to cache blocks";
  let description = [{
    `keys[g, (p+t) / 16, d, (p+t) % 16] = key[g, t, d]`,
    `values[g, p+t, d] = value[g, t, d]`, p the position, rounded to what the
    blocks hold: f16 to nearest even (what passes its range, to its ends), int8
    by token and head (`!tenon.int8_tokens`), bf16 in pairs (`!tenon.kv_cache`
    has the shapes). In a `ring` the place is p+t modulo S.

    Example:
    ```mlir
    tenon.append_kv %k, %v, %keys, %values at %pos
      : memref<4x?x8xf32, strided<[8, 128, 1], offset: ?>>, memref<4x?x8xf32, strided<[8, 128, 1], offset: ?>>,
        memref<4x32x8x16xf32>, memref<4x512x8xf32>
    ```
  }];
  let arguments = (ins AnyStridedMemRef:$key, AnyStridedMemRef:$value, AnyStridedMemRef:$keys,
                       AnyStridedMemRef:$values, Index:$position, UnitAttr:$ring,
                       OptionalAttr<Tenon_TileAttr>:$tile);
  let assemblyFormat = [{
    $key `,` $value `,` $keys `,` $values `at` $position attr-dict
    `:` type($key) `,` type($value) `,` type($keys) `,` type($values)
  }];
  let hasVerifier = 1;
}

def Tenon_BlockAttentionOp : Tenon_Op<"block_attention", [AttrSizedOperandSegments,
    DeclareOpInterfaceMethods<MemoryEffectsOpInterface>]> {
  let summary = "attention on cache blocks";
  let description = [{
    `tenon.attention` of queries `[H, T, D]` at positions position + t on keys
    in transposed blocks `[G, S/16, D, 16]` and values `[G, S, D]`, of which
    `length` tokens are present (position + T for a causal call). Blocks of other
    precisions have the shapes that `!tenon.kv_cache` says. Kernels read a bias
    for all keys of a block and all queries of a tile, so that it must reach
    (`getBiasReach`).

    If there can be more than 512 keys, those between two multiples of 512 make
    a part of their own, with its own maximum, and the parts are combined in
    order: what `tenon.partial_attention` and `tenon.combine_attention` compute,
    bit by bit. In a `ring` the key of position p is in place p modulo S, which
    has room for the window.

    Example:
    ```mlir
    tenon.block_attention %q, %keys, %values at %pos length %len into %o {causal, scale = 0.35 : f32}
      : memref<8x?x8xf32, strided<[8, 64, 1], offset: ?>>, memref<4x32x8x16xf32>, memref<4x512x8xf32>,
        memref<8x?x8xf32, strided<[8, 64, 1], offset: ?>>
    ```
  }];
  let arguments = (ins AnyStridedMemRef:$query, AnyStridedMemRef:$keys, AnyStridedMemRef:$values,
                       Index:$position, Index:$length, Optional<AnyStridedMemRef>:$valid,
                       Optional<AnyStridedMemRef>:$bias, Optional<AnyStridedMemRef>:$sink,
                       AnyStridedMemRef:$out, F32Attr:$scale, OptionalAttr<F32Attr>:$cap,
                       OptionalAttr<F32Attr>:$bias_scale, UnitAttr:$bias_by_key, UnitAttr:$causal,
                       OptionalAttr<I64Attr>:$window, OptionalAttr<I64Attr>:$band, UnitAttr:$ring,
                       OptionalAttr<Tenon_TileAttr>:$tile, OptionalAttr<Tenon_AttentionPlanAttr>:$plan);
  let assemblyFormat = [{
    $query `,` $keys `,` $values `at` $position `length` $length
    (`valid` `(` $valid^ `:` type($valid) `)`)? (`bias` `(` $bias^ `:` type($bias) `)`)?
    (`sink` `(` $sink^ `:` type($sink) `)`)? `into` $out attr-dict
    `:` type($query) `,` type($keys) `,` type($values) `,` type($out)
  }];
  let hasVerifier = 1;
}

def Tenon_PartialAttentionOp : Tenon_Op<"partial_attention", [
    DeclareOpInterfaceMethods<MemoryEffectsOpInterface>]> {
  let summary = "attention of one query to 512 keys and the next";
  let description = [{
    A causal `tenon.block_attention` of queries `[H, 1, D]`, split over the keys.
    Row `partials[h, s]` belongs to the keys of positions 512 (s + first) up to
    the next multiple: o[0 .. D), the sum of 2^(x - m) v over the scores x (which
    are in units of log 2); and in its last 16 elements m, the greatest score,
    and l, the sum of 2^(x - m). A row without a key that is seen has m = -1e30
    and zeros. A sink belongs to no part, but to `tenon.combine_attention`. Keys
    are where `tenon.block_attention` has them, in a `ring`, too.

    Example:
    ```mlir
    tenon.partial_attention %q, %keys, %values at %pos from %c0 into %p {scale = 0.35 : f32}
      : memref<8x1x8xf32>, memref<4x128x8x16xf16>, memref<4x2048x8xf16>, memref<8x4x32xf32>
    ```
  }];
  let arguments = (ins AnyStridedMemRef:$query, AnyStridedMemRef:$keys, AnyStridedMemRef:$values,
                       Index:$position, Index:$first, Optional<AnyStridedMemRef>:$bias,
                       AnyStridedMemRef:$partials, F32Attr:$scale, OptionalAttr<F32Attr>:$cap,
                       OptionalAttr<F32Attr>:$bias_scale, UnitAttr:$bias_by_key,
                       OptionalAttr<I64Attr>:$window, UnitAttr:$ring,
                       OptionalAttr<Tenon_TileAttr>:$tile,
                       OptionalAttr<Tenon_AttentionPlanAttr>:$plan);
  let assemblyFormat = [{
    $query `,` $keys `,` $values `at` $position `from` $first
    (`bias` `(` $bias^ `:` type($bias) `)`)? `into` $partials attr-dict
    `:` type($query) `,` type($keys) `,` type($values) `,` type($partials)
  }];
  let extraClassDeclaration = [{
    /// Elements after a row's components, rounded up to 16: m, l, and padding.
    static constexpr int64_t kState = 16;
    /// Elements of a row of partials.
    static int64_t getRowSize(int64_t valueDim) {
      return ::llvm::alignTo(valueDim, 16) + kState;
    }
  }];
  let hasVerifier = 1;
}

def Tenon_CombineAttentionOp : Tenon_Op<"combine_attention", [
    DeclareOpInterfaceMethods<MemoryEffectsOpInterface>]> {
  let summary = "the attention that parts over the keys make together";
  let description = [{
    Of the rows of `tenon.partial_attention` whose keys the query at this
    position sees, in order: `m' = max(m, m_s)`, `o = o 2^(m - m') + o_s 2^(m_s - m')`,
    l likewise, from m = -1e30, o = l = 0; then `out = o / l`. With a sink w the
    start is m = w, in units of log 2, and l = 1. Of a
    `ring`, the keys from 512 s on are row s modulo the number of rows.

    Example:
    ```mlir
    tenon.combine_attention %p at %pos into %o : memref<8x4x32xf32>, memref<8x1x8xf32>
    ```
  }];
  let arguments = (ins AnyStridedMemRef:$partials, Index:$position,
                       Optional<AnyStridedMemRef>:$sink, AnyStridedMemRef:$out,
                       OptionalAttr<I64Attr>:$window, UnitAttr:$ring);
  let assemblyFormat = [{
    $partials `at` $position (`sink` `(` $sink^ `:` type($sink) `)`)? `into` $out attr-dict `:` type($partials) `,` type($out)
  }];
  let hasVerifier = 1;
}

def Tenon_ElementBytesOp : Tenon_Op<"element_bytes", [Pure,
    DeclareOpInterfaceMethods<ViewLikeOpInterface, ["getViewSource"]>]> {
  let summary = "the bytes of elements that kernels read themselves";
  let description = [{
    A view of a memref of superblocks, int8 groups or int8 tokens that has their
    bytes as one more, last dimension.

    Example:
    ```mlir
    %b = tenon.element_bytes %w : memref<64x32x!tenon.superblock<q4_0, 32>> -> memref<64x32x1152xi8>
    ```
  }];
  let arguments = (ins AnyStridedMemRef:$source);
  let results = (outs AnyStridedMemRef:$result);
  let assemblyFormat = "$source attr-dict `:` type($source) `->` type($result)";
  let hasVerifier = 1;
  let skipDefaultBuilders = 1;
  let builders = [OpBuilder<(ins "::mlir::Value":$source)>];
  let extraClassDeclaration = [{
    /// The type that the view of a memref of this type has.
    static ::mlir::MemRefType getResultType(::mlir::MemRefType source);
  }];
}

def Tenon_CopyOp : Tenon_Op<"copy", [DeclareOpInterfaceMethods<MemoryEffectsOpInterface>]> {
  let summary = "copies one array to another";
  let description = [{
    Example: `tenon.copy %a into %b : memref<?x64xf32>, memref<?x64xf32>`
  }];
  let arguments = (ins AnyStridedMemRef:$input, AnyStridedMemRef:$out, OptionalAttr<Tenon_TileAttr>:$tile);
  let assemblyFormat = "$input `into` $out attr-dict `:` type($input) `,` type($out)";
  let hasVerifier = 1;
}

def Tenon_DispatchOp : Tenon_Op<"dispatch", [SingleBlockImplicitTerminator<"::tenon::YieldOp">,
    RecursiveMemoryEffects]> {
  let summary = "independent tasks, spread over the workers";
  let description = [{
    Runs its body for every task `t` in `[0, count)`, in any order and on any
    worker; `grain` is the least number of tasks worth handing over. Tasks
    write disjoint places, and what a task computes does not depend on which
    worker runs it (I5). `label` names the operation in a profile.

    A `prologue` is a list of `tenon.step`, which run once, in order and on one
    thread, before the first task.

    Example:
    ```mlir
    tenon.dispatch %t of %count grain 1 label "linear qkv" prologue {
      tenon.step "rms_norm norm1" {
        ...
      }
    } {
      ...
    }
    ```
  }];
  let arguments = (ins Index:$count, ConfinedAttr<I64Attr, [IntPositive]>:$grain, StrAttr:$label);
  let regions = (region SizedRegion<1>:$body, MaxSizedRegion<1>:$prologue);
  let hasCustomAssemblyFormat = 1;
  let skipDefaultBuilders = 1;
  let builders = [OpBuilder<(ins "::mlir::Value":$count, "int64_t":$grain, "::llvm::StringRef":$label,
      CArg<"::llvm::function_ref<void(::mlir::OpBuilder &, ::mlir::Location, ::mlir::Value)>", "nullptr">:$body)>];
  let extraClassDeclaration = [{
    ::mlir::Value getTask() { return getBody().front().getArgument(0); }
    bool hasPrologue() { return !getPrologue().empty(); }
    /// The steps of the prologue, in order; none without a prologue.
    ::llvm::SmallVector<StepOp, 4> getSteps();
    /// The block of the prologue, made if there is none.
    ::mlir::Block &getOrCreatePrologue();
  }];
  let hasRegionVerifier = 1;
}

def Tenon_StepOp : Tenon_Op<"step", [SingleBlockImplicitTerminator<"::tenon::YieldOp">,
    RecursiveMemoryEffects, NoRegionArguments, HasParent<"DispatchOp">]> {
  let summary = "one operation of a dispatch's prologue";
  let description = [{
    Runs its body. A region of its own keeps what was one operation apart from
    its neighbours: within it, distinct views don't overlap; the label names it
    in a profile.

    Example:
    ```mlir
    tenon.step "rms_norm norm1" {
      tenon.rms_norm %x, %w into %y {eps = 1.0e-5 : f32} : (memref<1x64xf32>, memref<64xf32>, memref<1x64xf32>) -> ()
    }
    ```
  }];
  let arguments = (ins StrAttr:$label);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = "$label $body attr-dict";
}

def Tenon_YieldOp : Tenon_Op<"yield", [Pure, ReturnLike, Terminator, ParentOneOf<["DispatchOp", "StepOp"]>]> {
  let summary = "ends a dispatch's body, its prologue, or a step";
  let description = [{ Example: `tenon.yield` (implicit). }];
  let assemblyFormat = "attr-dict";
}

#endif // TENON_DIALECT_TENON_IR_TENONBUFFEROPS_TD
