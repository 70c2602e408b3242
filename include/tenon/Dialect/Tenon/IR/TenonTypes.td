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
    tokens (a multiple of 128) and `head_dim` components. Memory holds, for
    each layer, the keys `[heads][capacity / 16][head_dim][16]` (blocks of 16
    tokens, transposed, so that decode has keys in the lanes), then the values
    `[heads][capacity][head_dim]`.

    Example: `!tenon.kv_cache<layers = 5, heads = 4, capacity = 512, head_dim = 8, element = f32>`
  }];
  let parameters = (ins "int64_t":$layers, "int64_t":$heads, "int64_t":$capacity,
                        "int64_t":$head_dim, "::mlir::Type":$element);
  let assemblyFormat = "`<` struct(params) `>`";
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    /// Tokens in one transposed block of keys.
    static constexpr int64_t kBlock = 16;
    /// The physical shape of one layer's keys: [heads, capacity/16, head_dim, 16].
    ::llvm::SmallVector<int64_t> getKeyShape() const;
    /// The physical shape of one layer's values: [heads, capacity, head_dim].
    ::llvm::SmallVector<int64_t> getValueShape() const;
    /// Bytes of one layer's keys; the values take as many.
    int64_t getHalfLayerBytes() const;
    /// Bytes of the whole cache.
    int64_t getBytes() const { return 2 * getLayers() * getHalfLayerBytes(); }
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
    `q2_k`, `q3_k`, `q4_k`, `q5_k`, `q6_k`, `iq4_nl`. The precision of a weight is
    in its type.

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
  let summary = "32 neighbouring activations in 8 bits";
  let description = [{
    `x = scale * q` with q in [-127, 127] and `scale = max|x| / 127`, and the
    sums of q that zero points and minimums of weights multiply: 64 bytes
    (`Int8Group` in `tenon/Support/Superblock.h`).

    Example: `tensor<?x64x!tenon.int8_group>`, rows of 2048 activations
  }];
}

#endif // TENON_DIALECT_TENON_IR_TENONTYPES_TD
