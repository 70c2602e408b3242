//===- TenonTypes.td - types of the tenon dialect ----------*- tablegen -*-===//

#ifndef TENON_DIALECT_TENON_IR_TENONTYPES_TD
#define TENON_DIALECT_TENON_IR_TENONTYPES_TD

include "mlir/IR/AttrTypeBase.td"
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

#endif // TENON_DIALECT_TENON_IR_TENONTYPES_TD
