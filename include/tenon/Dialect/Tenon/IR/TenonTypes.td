//===- TenonTypes.td - types of the tenon dialect ----------*- tablegen -*-===//

#ifndef TENON_DIALECT_TENON_IR_TENONTYPES_TD
#define TENON_DIALECT_TENON_IR_TENONTYPES_TD

include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/BuiltinTypeInterfaces.td"
include "tenon/Dialect/Tenon/IR/TenonDialect.td"

def Tenon_KVCacheType : TypeDef<Tenon_Dialect, "KVCache"> {
  let mnemonic = "kv_cache";
  let summary = "the keys and values of the tokens seen so far";
  let description = [{
    A handle to `layers` key and value matrices of `heads` heads, `capacity`
    tokens (a multiple of 128) and `head_dim` components; values have
    `value_size` of them where that is another number. Memory holds, for each
    layer, the keys in blocks of 16 tokens, transposed, so that decode has
    keys in the lanes, then the values in rows. The precision is the element:

    | `element`     | keys                                      | values                          |
    |---------------|-------------------------------------------|---------------------------------|
    | `f32`, `f16`  | `[heads][capacity / 16][head_dim][16]`    | `[heads][capacity][value_size]` |
    | `i8`          | `[heads][capacity / 16]` of `!tenon.int8_tokens<head_dim, transposed>` | `[heads][capacity / 16]` of `!tenon.int8_tokens<value_size>` |
    | `bf16`        | `[heads][capacity / 16][ceil(head_dim / 2)][16][2]` | `[heads][capacity / 2][value_size][2]` |

    Elements of bf16 lie in the pairs that dot products of bf16 take. A cache of
    several `sequences` is as many caches of one, one after the other.

    A `ring` holds the last `capacity` tokens only, the one at position p in
    place p modulo the capacity: enough for attention to a window, if it has
    room for the window and the tokens of one call besides. Blocks of 128 keys
    stay whole and in their order, so that results have the bits of a cache of
    all tokens (I5).

    Example: `!tenon.kv_cache<layers = 5, heads = 4, capacity = 512, head_dim = 8, element = f16>`
  }];
  let parameters = (ins "int64_t":$layers, "int64_t":$heads, "int64_t":$capacity,
                        "int64_t":$head_dim, "::mlir::Type":$element,
                        DefaultValuedParameter<"int64_t", "1">:$sequences,
                        DefaultValuedParameter<"int64_t", "0">:$value_size,
                        DefaultValuedParameter<"bool", "false">:$ring);
  let assemblyFormat = "`<` struct(params) `>`";
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    /// Tokens in one transposed block of keys.
    static constexpr int64_t kBlock = 16;
    /// Keys whose part of an attention is computed apart, at its multiples;
    /// the parts are combined in order.
    static constexpr int64_t kSplit = 512;
    /// Components of a value.
    int64_t getValueDim() const { return getValueSize() ? getValueSize() : getHeadDim(); }
    /// One layer's keys and values in memory.
    ::mlir::MemRefType getKeysType() const;
    ::mlir::MemRefType getValuesType() const;
    /// Bytes of one layer's keys, and of both.
    int64_t getKeysBytes() const;
    int64_t getLayerBytes() const;
    /// This cache for so many sequences.
    KVCacheType withSequences(int64_t count) const;
    /// Bytes of one sequence's cache.
    int64_t getSequenceBytes() const { return getLayers() * getLayerBytes(); }
    /// Bytes of the whole cache.
    int64_t getBytes() const { return getSequences() * getSequenceBytes(); }
  }];
}

class Tenon_BlockSchemeType<string name> : TypeDef<Tenon_Dialect, name, [MemRefElementTypeInterface]> {
  let genVerifyDecl = 1;
}

def Tenon_BlockType : Tenon_BlockSchemeType<"Block"> {
  let mnemonic = "block";
  let summary = "the element of a weight that is quantized in blocks";
  let description = [{
    A number that shares a scale with its neighbours along K, in one of GGML's
    block formats (`ggml-common.h`): `q4_0`, `q4_1`, `q5_0`, `q5_1`, `q8_0`,
    `q2_k`, `q3_k`, `q4_k`, `q5_k`, `q6_k`, `iq4_nl`, `iq4_xs`, `mxfp4`,
    `tq1_0`, `tq2_0`, or in one of the compiler's own with a scale for a row:
    `q8_channel`, `q7_channel`. The precision of a weight is in its type.

    Example: `tensor<2048x8192x!tenon.block<q4_0>>`
  }];
  let parameters = (ins "::tenon::DType":$scheme);
  let hasCustomAssemblyFormat = 1;
  let extraClassDeclaration = [{
    ::tenon::Superblock getSuperblock() const { return ::tenon::getSuperblock(getScheme()); }
  }];
}

def Tenon_MixedType : TypeDef<Tenon_Dialect, "Mixed"> {
  let mnemonic = "mixed";
  let summary = "the element of a stacked weight whose layers differ in precision";
  let description = [{
    Says the precision of every layer in order, with a count where neighbours
    agree. `tenon-pack-weights` splits such a weight into one for each precision,
    and the linears that read it into an `scf.if` on the layer.

    Example: `tensor<6x2048x2048x!tenon.mixed<q6_k * 2, q4_k * 3, q6_k>>`
  }];
  let parameters = (ins ArrayRefParameter<"::tenon::DType">:$layers);
  let hasCustomAssemblyFormat = 1;
  let genVerifyDecl = 1;
}

def Tenon_SuperblockType : Tenon_BlockSchemeType<"Superblock"> {
  let mnemonic = "superblock";
  let summary = "a piece of a weight packed for kernels of bytes";
  let description = [{
    What memory holds of a packed `!tenon.block` weight: `columns` output columns
    (a multiple of 16) of 64 or 256 elements along K with their scales, in the
    layout of `tenon/Support/Superblock.h`.

    Example: `memref<64x32x!tenon.superblock<q4_0, 32>>`
  }];
  let parameters = (ins "::tenon::DType":$scheme, "int64_t":$columns);
  let hasCustomAssemblyFormat = 1;
  let extraClassDeclaration = [{
    ::tenon::Superblock getSuperblock() const { return ::tenon::getSuperblock(getScheme()); }
    int64_t getBytes() const { return getColumns() / ::tenon::Superblock::kLanes * getSuperblock().bytes(); }
  }];
}

def Tenon_Int8GroupType : TypeDef<Tenon_Dialect, "Int8Group", [MemRefElementTypeInterface]> {
  let mnemonic = "int8_group";
  let summary = "32 neighbouring activations in 8 bits, or 16";
  let description = [{
    `x = scale * q` with q in [-127, 127] and `scale = max|x| / 127`, and the
    sums of q that zero points and minimums of weights multiply: 64 bytes
    (`Int8Group` in `tenon/Support/Superblock.h`). With `per_token`, the scale is
    that of the largest magnitude in the row, for weights that are quantized per
    output channel (`q8_channel`). In 7 bits, q is in [-64, 64] and
    `scale = max|x| / 64`, for weights of as many bits (`q7_channel`). With
    `residual`, what q leaves is kept in 8
    more bits, 128 times as fine: `x = scale * (128 q + r)` with r in [-64, 63],
    in 128 bytes (`Int8ResidualGroup`).

    Example: `tensor<?x64x!tenon.int8_group>`, rows of 2048 activations;
    `tensor<?x64x!tenon.int8_group<per_token>>`,
    `tensor<?x64x!tenon.int8_group<per_token, 7>>`,
    `tensor<?x64x!tenon.int8_group<residual>>`
  }];
  let parameters = (ins DefaultValuedParameter<"bool", "false">:$per_token,
                        DefaultValuedParameter<"bool", "false">:$residual,
                        DefaultValuedParameter<"int64_t", "8">:$bits);
  let hasCustomAssemblyFormat = 1;
  let extraClassDeclaration = [{
    /// The largest magnitude of q.
    int64_t getMost() const { return getBits() == 7 ? 64 : 127; }
    int64_t getBytes() const {
      return getResidual() ? sizeof(::tenon::Int8ResidualGroup) : sizeof(::tenon::Int8Group);
    }
  }];
}

def Tenon_Int8TokensType : TypeDef<Tenon_Dialect, "Int8Tokens", [MemRefElementTypeInterface]> {
  let mnemonic = "int8_tokens";
  let summary = "keys or values of 16 tokens in 8 bits";
  let description = [{
    What a cache of int8 holds of one head: for each of 16 tokens, `head_dim`
    integers q in [-127, 127] and a scale, with `x = scale * q` and
    `scale = max|x| / 127`. Memory has the integers, `[16][head_dim]`, or
    `[head_dim][16]` if transposed (keys), then the 16 scales in f32.

    All components of a token share its scale, so that a score is one sum of
    products and one scale, and a probability is scaled once for all components.

    Example: `memref<4x32x!tenon.int8_tokens<64, transposed>>`
  }];
  let parameters = (ins "int64_t":$head_dim, "bool":$transposed);
  let hasCustomAssemblyFormat = 1;
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    /// Where the scales begin.
    int64_t getScaleOffset() const { return KVCacheType::kBlock * getHeadDim(); }
    int64_t getBytes() const {
      return getScaleOffset() + KVCacheType::kBlock * int64_t(sizeof(float));
    }
  }];
}

#endif // TENON_DIALECT_TENON_IR_TENONTYPES_TD
