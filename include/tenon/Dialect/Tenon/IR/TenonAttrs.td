//===- TenonAttrs.td - attributes of the tenon dialect -----*- tablegen -*-===//

#ifndef TENON_DIALECT_TENON_IR_TENONATTRS_TD
#define TENON_DIALECT_TENON_IR_TENONATTRS_TD

include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/BuiltinAttributeInterfaces.td"
include "mlir/IR/EnumAttr.td"
include "mlir/IR/TensorEncoding.td"
include "tenon/Dialect/Tenon/IR/TenonDialect.td"

class Tenon_Attr<string name, string attrMnemonic, list<Trait> traits = []>
    : AttrDef<Tenon_Dialect, name, traits> {
  let mnemonic = attrMnemonic;
}

def Tenon_ActivationKind : I32EnumAttr<"ActivationKind", "an elementwise activation function", [
    I32EnumAttrCase<"Identity", 0, "identity">,
    I32EnumAttrCase<"Silu", 1, "silu">,
    I32EnumAttrCase<"Gelu", 2, "gelu">,
    I32EnumAttrCase<"GeluTanh", 3, "gelu_tanh">,
    I32EnumAttrCase<"Relu", 4, "relu">,
    I32EnumAttrCase<"Tanh", 5, "tanh">,
    I32EnumAttrCase<"Sigmoid", 6, "sigmoid">,
    I32EnumAttrCase<"QuickGelu", 7, "quick_gelu">,
    I32EnumAttrCase<"ReluSquared", 8, "relu_squared">,
    I32EnumAttrCase<"Mish", 9, "mish">,
    I32EnumAttrCase<"Exp", 10, "exp">,
    I32EnumAttrCase<"Log", 11, "log">,
    I32EnumAttrCase<"Sqrt", 12, "sqrt">]> {
  let cppNamespace = "::tenon";
  let genSpecializedAttr = 0;
}

def Tenon_ActivationKindAttr
    : EnumAttr<Tenon_Dialect, Tenon_ActivationKind, "activation_kind"> {
  let assemblyFormat = "`<` $value `>`";
}

def Tenon_Reduction : I32EnumAttr<"Reduction", "what a reduction gives", [
    I32EnumAttrCase<"Sum", 0, "sum">,
    I32EnumAttrCase<"Mean", 1, "mean">,
    I32EnumAttrCase<"Max", 2, "max">]> {
  let cppNamespace = "::tenon";
  let genSpecializedAttr = 0;
}

def Tenon_ReductionAttr : EnumAttr<Tenon_Dialect, Tenon_Reduction, "reduction"> {
  let assemblyFormat = "`<` $value `>`";
}

def Tenon_PanelAttr : Tenon_Attr<"Panel", "panel",
    [DeclareAttrInterfaceMethods<VerifiableTensorEncoding, ["verifyEncoding"]>]> {
  let summary = "weights of a linear packed in panels of output columns";
  let description = [{
    The encoding of a packed weight. The type keeps its logical shape `[N, K]`
    (with the layers before it, if stacked); memory holds
    `[ceil(N / n)][ceil(K / k)][n][k]`, zero padded, so that a micro-kernel
    reads one stream. A panel of n = 4, k = 2 of a matrix W:

    ```
    memory:   W[0,0] W[0,1]  W[1,0] W[1,1]  W[2,0] W[2,1]  W[3,0] W[3,1]
              W[0,2] W[0,3]  W[1,2] W[1,3]  W[2,2] W[2,3]  W[3,2] W[3,3]  ...
    ```

    `k` is 1, or 2 for bf16 pairs: the operands of `vdpbf16ps`, and 32 bits that
    other kernels widen to both numbers by a shift and a mask.
    Weights quantized in blocks (`!tenon.block`) lie in superblocks of k
    elements along K, `[ceil(N / n)][ceil(K / k)]` of them, each holding n
    columns (`!tenon.superblock`).
    `interleave` = 2 says that the rows come in two halves (gate, then up), and
    that a panel holds n/2 rows of the first half, then the n/2 rows of the
    second half at the same place, so that a gated epilogue has both in
    registers.

    Example: `tensor<5x64x64xbf16, #tenon.panel<n = 32, k = 2>>`
  }];
  let parameters = (ins "int64_t":$n, "int64_t":$k,
                        DefaultValuedParameter<"int64_t", "1">:$interleave);
  let assemblyFormat = "`<` struct(params) `>`";
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    /// The shape that a packed weight of logical shape [..., N, K] has in
    /// memory: [..., panels, K / k, n, k], or [..., panels, K / k] superblocks.
    ::llvm::SmallVector<int64_t> getPackedShape(::llvm::ArrayRef<int64_t> logicalShape,
                                                ::mlir::Type element) const;
    /// What one element of that shape is: the element, or a superblock.
    ::mlir::Type getPackedElement(::mlir::Type element) const;
  }];
}

def Tenon_SourceAttr : Tenon_Attr<"Source", "source"> {
  let summary = "where rows of a weight come from in the checkpoint";
  let description = [{
    A checkpoint tensor by its name, in which `{i}` stands for the layer. Its
    element type and shape are those of the file. `transposed`: the file holds
    the matrix as [in, out] (Conv1D), the weight is [out, in].

    `heads` = H, `first`, `count`: the file's rows are those of H heads in turn,
    of which the weight has the rows first .. first + count - 1 of each head
    only; `transposed`, each head's part is, so that the weight has H times the
    file's columns as rows, of `count` columns.

    Example: `#tenon.source<"h.{i}.attn.c_attn.weight", tensor<768x2304xf32>, transposed>`,
    `#tenon.source<"kv_b_proj.weight", tensor<1024x512xf32>, heads = 4, first = 0, count = 128, transposed>`
  }];
  let parameters = (ins StringRefParameter<"name or template">:$name,
                        "::mlir::RankedTensorType":$type,
                        DefaultValuedParameter<"bool", "false">:$transposed,
                        DefaultValuedParameter<"int64_t", "0">:$heads,
                        DefaultValuedParameter<"int64_t", "0">:$first,
                        DefaultValuedParameter<"int64_t", "0">:$count);
  let builders = [AttrBuilder<(ins "::llvm::StringRef":$name, "::mlir::RankedTensorType":$type,
                                   "bool":$transposed), [{
    return $_get($_ctxt, name, type, transposed, 0, 0, 0);
  }]>];
  let hasCustomAssemblyFormat = 1;
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    /// Whether the weight has a part of each head's rows.
    bool isOfHeads() const { return getHeads() > 0; }
    /// The shape of the weight that it gives; the file's, in order.
    ::llvm::SmallVector<int64_t> getWeightShape() const;
  }];
}

def Tenon_RopeTableAttr : Tenon_Attr<"RopeTable", "rope_table"> {
  let summary = "a computed weight: cosines and sines of rotary positions";
  let description = [{
    Row p of the table `[context, 2 F]` is
    `cos(p f_0) ... cos(p f_{F-1}), sin(p f_0) ... sin(p f_{F-1})`, each times
    `scale`. Every scaling scheme (linear, llama3, yarn, longrope) is a choice
    of the frequencies f and of the scale (RoFormer, arXiv:2104.09864).

    Example: `#tenon.rope_table<frequencies = [1.0, 0.1], scale = 1.0>`
  }];
  let parameters = (ins "::mlir::DenseF64ArrayAttr":$frequencies, "::mlir::FloatAttr":$scale);
  let hasCustomAssemblyFormat = 1;
  let extraClassDeclaration = [{ double getScaleValue() const { return getScale().getValueAsDouble(); } }];
}

def Tenon_RelativeBucketsAttr : Tenon_Attr<"RelativeBuckets", "relative_buckets"> {
  let summary = "a computed weight: biases of scores by bucketed distance";
  let description = [{
    Row h of the weight `[H, 2 R + 1]` holds, at R + d, `table[bucket(d), h]`, d
    the position of a key less that of its query. `source` is the table
    `[B, H]`, whose buckets are those of T5 (arXiv:1910.10683): half of them for
    keys after the query unless `past`; of the rest, those of half the distances
    one by one, the others in logarithmic steps up to `max_distance`, computed
    in f32 as the checkpoints' own code does.

    Example:
    `#tenon.relative_buckets<source = <"bias.weight", tensor<32x8xf32>>, max_distance = 128, past = true>`
  }];
  let parameters = (ins "::tenon::SourceAttr":$source, "int64_t":$max_distance,
                        DefaultValuedParameter<"bool", "false">:$past);
  let assemblyFormat = "`<` struct(params) `>`";
  let genVerifyDecl = 1;
}

def Tenon_DistanceIndexAttr : Tenon_Attr<"DistanceIndex", "distance_index"> {
  let summary = "a computed weight: the column that a distance has";
  let description = [{
    The weight, i32 `[2 R + 1]`, holds at R + d the column of the key d after its
    query (before it, if negative): `b(e) + span` within `[0, 2 span)`, where e is
    -d, or d if `ahead`. With a `max_distance` M > 0, b(e) = e up to span / 2, and
    in logarithmic steps beyond, `ceil(log(2 e / span) / log(2 (M - 1) / span)
    (span / 2 - 1)) + span / 2`, odd in e (DeBERTa v2, arXiv:2006.03654; computed
    in f32 as Transformers does). Without, b(e) = e.

    Example: `#tenon.distance_index<span = 256, max_distance = 512, ahead = true>`
  }];
  let parameters = (ins "int64_t":$span, DefaultValuedParameter<"int64_t", "0">:$max_distance,
                        DefaultValuedParameter<"bool", "false">:$ahead);
  let assemblyFormat = "`<` struct(params) `>`";
  let genVerifyDecl = 1;
}

def Tenon_AlibiAttr : Tenon_Attr<"Alibi", "alibi"> {
  let summary = "a computed weight: biases of scores linear in the distance";
  let description = [{
    Row h of the weight `[H, 2 R + 1]` holds `-m_h |d|` at R + d, with the slopes
    `m_h = 2^(-max_bias h / N)`, h = 1 .. N, for H = N heads, a power of two; for
    others the slopes of N, the next lower power, then every other one of 2 N
    (arXiv:2108.12409). `max_bias` is 8 there.

    With `bfloat16` the weight is `[H, S]` and holds `m_h s` for the key at
    position s: slope, position and product rounded to bf16, as the code has it
    that Falcon was trained with.

    Example: `#tenon.alibi<max_bias = 8.0>`
  }];
  let parameters = (ins "::mlir::FloatAttr":$max_bias,
                        DefaultValuedParameter<"bool", "false">:$bfloat16);
  let hasCustomAssemblyFormat = 1;
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{ double getMaxBiasValue() const { return getMaxBias().getValueAsDouble(); } }];
}

def Tenon_SinusoidTableAttr : Tenon_Attr<"SinusoidTable", "sinusoid_table"> {
  let summary = "a computed weight: sines and cosines of positions";
  let description = [{
    Row p of the table `[positions, 2 F]` is `sin(p f_0) ... sin(p f_{F-1}),
    cos(p f_0) ... cos(p f_{F-1})`, or, `interleaved`, `sin(p f_0), cos(p f_0),
    sin(p f_1), ...` (arXiv:1706.03762).

    Example: `#tenon.sinusoid_table<frequencies = [1.0, 0.01], interleaved = false>`
  }];
  let parameters = (ins "::mlir::DenseF64ArrayAttr":$frequencies, "bool":$interleaved);
  let hasCustomAssemblyFormat = 1;
}

def Tenon_TargetAttr : Tenon_Attr<"Target", "target"> {
  let summary = "the CPU that kernels are generated for";
  let description = [{
    The only way in which transforms see the target: the width of a vector
    register in bits, the number of such registers, the extensions of the
    instruction set that kernels may use, by LLVM's names of features, and the
    sizes of the caches in bytes. `tuning`: the numbers of its
    micro-architecture (`#tenon.tuning`); without it those of the entry
    "generic". `triple` says for which architecture code is made. Set on the
    module as `tenon.target`.

    Tables of instructions (lib/Conversion/MicroToX86/Instructions.def, and that
    of MicroToArm) name the extensions that each row needs. Vectors of x86 with
    256 bits need "avx2", those with 512 "avx512f", "avx512bw", "avx512dq" and
    "avx512vl".

    Example:
    ```mlir
    #tenon.target<cpu = "haswell", features = "", vector_bits = 256, registers = 16,
                  l1 = 32768, l2 = 262144, l3 = 8388608,
                  extensions = ["ssse3", "avx2", "fma", "f16c"]>
    ```
  }];
  let parameters = (ins StringRefParameter<"LLVM's name of the CPU">:$cpu,
                        StringRefParameter<"LLVM's feature string">:$features,
                        "int64_t":$vector_bits, "int64_t":$registers,
                        "int64_t":$l1, "int64_t":$l2, "int64_t":$l3,
                        OptionalParameter<"::tenon::TuningAttr">:$tuning,
                        StringRefParameter<"LLVM's triple", [{"x86_64-unknown-linux-gnu"}]>:$triple,
                        OptionalParameter<"::mlir::ArrayAttr">:$extensions);
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    bool isX86() const { return getTriple().starts_with("x86_64-"); }
    bool isAArch64() const { return getTriple().starts_with("aarch64-"); }
    /// Whether `extensions` has the name.
    bool has(::llvm::StringRef extension) const;
    /// Whether it has all names of a list, "avx512vnni,avx512vl".
    bool hasAll(::llvm::StringRef extensions) const;
    /// Whether an instruction multiplies and adds with one rounding.
    bool hasFma() const { return isAArch64() || has("fma"); }
    /// Whether an instruction adds four products of unsigned and signed bytes
    /// to every 32 bits of a vector, exactly (VNNI's vpdpbusd).
    bool hasByteDot() const;
    /// Whether one adds two products of bf16 to every f32 of a vector, rounded
    /// as micro.dot2_bf16 is. Not AArch64's: BFMLAL multiplies no faster than
    /// the multiply-add of f32, BFDOT rounds otherwise.
    bool hasBf16Dot() const {
      return getVectorBits() == 512 && has("avx512bf16");
    }
  }];
  let assemblyFormat = "`<` struct(params) `>`";
}

def Tenon_TileAttr : Tenon_Attr<"Tile", "tile"> {
  let summary = "the tile sizes chosen for an operation";
  let description = [{
    Written by `tenon-select-tiles`, applied by `tenon-apply-tiles` and read by
    the micro-kernel emitters; can be overridden by hand. How the kernel of a
    linear or an attention computes its tiles is said by its `plan`.

    * linear: the register tile is `rows` x `columns` outputs; one task of a
      dispatch computes `group` panels of the weight for all rows.
    * attention: `rows` queries form a tile; `columns` keys form a block (16,
      32, 64 or 128), after which the running maximum is corrected. It must be
      the same for all kernels of a model, which decides about the last bits
      (I5); 128 where there is no tile.
    * row-wise operations: one task computes `group` rows.
  }];
  let parameters = (ins DefaultValuedParameter<"int64_t", "1">:$rows,
                        DefaultValuedParameter<"int64_t", "1">:$columns,
                        DefaultValuedParameter<"int64_t", "1">:$group);
  let genVerifyDecl = 1;
  let assemblyFormat = "`<` struct(params) `>`";
}

#endif // TENON_DIALECT_TENON_IR_TENONATTRS_TD
