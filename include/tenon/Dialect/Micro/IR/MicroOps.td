//===- MicroOps.td - what kernels do beyond arith and vector *- tablegen -*-===//
//
// The few operations that make kernels fast and that arith, math and vector do
// not have, each with its formula and the order of its additions. Emitters write
// these and know no instruction; tenon-micro-to-x86 and tenon-micro-to-arm replace
// those for which their tables have one, tenon-micro-to-vector says in arith and
// vector alone what each means, bit by bit.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_DIALECT_MICRO_IR_MICROOPS_TD
#define TENON_DIALECT_MICRO_IR_MICROOPS_TD

include "mlir/IR/OpBase.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def Micro_Dialect : Dialect {
  let name = "micro";
  let cppNamespace = "::tenon::micro";
  let summary = "operations on registers that CPUs have instructions for";
  let description = [{
    Vectors of one dimension, as wide as a register of the target. A *lane* is 32
    bits wide: i32 and f32 elements are one, 16-bit elements two, bytes four a
    lane. Vectors of more dimensions are arrays of registers, for loops marked
    `micro.unroll`; `tenon-unroll` makes values of both.
  }];
  let extraClassDeclaration = [{
    /// A loop whose trips `tenon-unroll` writes out has this unit attribute.
    static constexpr ::llvm::StringLiteral getUnrollAttrName() {
      return "micro.unroll";
    }
  }];
}

class Micro_Op<string mnemonic, list<Trait> traits = []>
    : Op<Micro_Dialect, mnemonic, traits>;

class Micro_VectorOf<list<Type> elements> : FixedVectorOfRankAndType<[1], elements>;
def Micro_Bytes : Micro_VectorOf<[I8]>;
def Micro_Words : Micro_VectorOf<[I16]>;
def Micro_Lanes : Micro_VectorOf<[I32]>;
def Micro_Floats : Micro_VectorOf<[F32]>;
def Micro_Pairs : Micro_VectorOf<[BF16]>;
def Micro_Numbers : AnyTypeOf<[F32, Micro_Floats], "f32 or a vector of it">;

def Micro_Dot4I8Op : Micro_Op<"dot4_i8", [Pure, AllTypesMatch<["sum", "result"]>, AllTypesMatch<["lhs", "rhs"]>]> {
  let summary = "adds four products of unsigned and signed bytes to every lane";
  let description = [{
    `result[i] = sum[i] + lhs[4i] rhs[4i] + ... + lhs[4i+3] rhs[4i+3]`, lhs
    unsigned, rhs signed, exact in 32 bits (which wrap). Additions of integers:
    no order shows.

    Example:
    ```mlir
    %t = micro.dot4_i8 %s, %w, %x : vector<16xi32>, vector<64xi8>
    ```
  }];
  let arguments = (ins Micro_Lanes:$sum, Micro_Bytes:$lhs, Micro_Bytes:$rhs);
  let results = (outs Micro_Lanes:$result);
  let assemblyFormat = "$sum `,` $lhs `,` $rhs attr-dict `:` type($sum) `,` type($lhs)";
  let hasVerifier = 1;
}

def Micro_Dot4S8Op : Micro_Op<"dot4_s8", [Pure, AllTypesMatch<["sum", "result"]>, AllTypesMatch<["lhs", "rhs"]>]> {
  let summary = "adds four products of signed bytes to every lane";
  let description = [{
    `result[i] = sum[i] + lhs[4i] rhs[4i] + ... + lhs[4i+3] rhs[4i+3]`, both
    signed, exact in 32 bits (which wrap). For targets that multiply bytes of
    different signs not at all, or later than these.

    Example:
    ```mlir
    %t = micro.dot4_s8 %s, %w, %x : vector<4xi32>, vector<16xi8>
    ```
  }];
  let arguments = (ins Micro_Lanes:$sum, Micro_Bytes:$lhs, Micro_Bytes:$rhs);
  let results = (outs Micro_Lanes:$result);
  let assemblyFormat = "$sum `,` $lhs `,` $rhs attr-dict `:` type($sum) `,` type($lhs)";
  let hasVerifier = 1;
}

def Micro_Dot2I8Op : Micro_Op<"dot2_i8", [Pure, AllTypesMatch<["lhs", "rhs"]>]> {
  let summary = "adds two products of unsigned and signed bytes in 16 bits";
  let description = [{
    `result[i] = lhs[2i] rhs[2i] + lhs[2i+1] rhs[2i+1]`, lhs unsigned, rhs
    signed. The sum must fit 16 bits: what it is otherwise depends on the target
    (x86 saturates it). `chainLength` in tenon/Dialect/Tenon/IR/ByteProducts.h
    says how many results can be added up before even those don't fit.

    Example:
    ```mlir
    %p = micro.dot2_i8 %w, %x : vector<32xi8> -> vector<16xi16>
    ```
  }];
  let arguments = (ins Micro_Bytes:$lhs, Micro_Bytes:$rhs);
  let results = (outs Micro_Words:$result);
  let assemblyFormat = "$lhs `,` $rhs attr-dict `:` type($lhs) `->` type($result)";
  let hasVerifier = 1;
}

def Micro_Dot2I16Op : Micro_Op<"dot2_i16", [Pure, AllTypesMatch<["sum", "result"]>, AllTypesMatch<["lhs", "rhs"]>]> {
  let summary = "adds two products of signed 16-bit numbers to every lane";
  let description = [{
    `result[i] = sum[i] + lhs[2i] rhs[2i] + lhs[2i+1] rhs[2i+1]`, exact in 32
    bits (which wrap).

    Example:
    ```mlir
    %t = micro.dot2_i16 %s, %a, %b : vector<8xi32>, vector<16xi16>
    ```
  }];
  let arguments = (ins Micro_Lanes:$sum, Micro_Words:$lhs, Micro_Words:$rhs);
  let results = (outs Micro_Lanes:$result);
  let assemblyFormat = "$sum `,` $lhs `,` $rhs attr-dict `:` type($sum) `,` type($lhs)";
  let hasVerifier = 1;
}

def Micro_Dot2BF16Op : Micro_Op<"dot2_bf16", [Pure, AllTypesMatch<["sum", "result"]>, AllTypesMatch<["lhs", "rhs"]>]> {
  let summary = "adds two products of bf16 to every lane, in f32";
  let description = [{
    `result[i] = (sum[i] + lhs[2i+1] rhs[2i+1]) + lhs[2i] rhs[2i]`, in this order:
    products of bf16 are exact in f32, each addition is rounded to nearest even.
    x86 takes numbers below the least normal one for 0.

    Example:
    ```mlir
    %t = micro.dot2_bf16 %s, %a, %b : vector<16xf32>, vector<32xbf16>
    ```
  }];
  let arguments = (ins Micro_Floats:$sum, Micro_Pairs:$lhs, Micro_Pairs:$rhs);
  let results = (outs Micro_Floats:$result);
  let assemblyFormat = "$sum `,` $lhs `,` $rhs attr-dict `:` type($sum) `,` type($lhs)";
  let hasVerifier = 1;
}

def Micro_LookupOp : Micro_Op<"lookup", [Pure, AllTypesMatch<["indices", "result"]>]> {
  let summary = "bytes of a table of 16";
  let description = [{
    `result[i] = table[indices[i]]`; indices are below 16.

    Example:
    ```mlir
    %v = micro.lookup %i in [0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12] : vector<64xi8>
    ```
  }];
  let arguments = (ins Micro_Bytes:$indices, DenseI8ArrayAttr:$table);
  let results = (outs Micro_Bytes:$result);
  let assemblyFormat = "$indices `in` $table attr-dict `:` type($indices)";
  let hasVerifier = 1;
}

def Micro_RoundOp : Micro_Op<"round", [Pure]> {
  let summary = "the nearest integer";
  let description = [{
    The integer nearest to x, of two the even one, for |x| < 2^22. A scalar or a
    vector.

    Example:
    ```mlir
    %n = micro.round %x : vector<16xf32> -> vector<16xi32>
    ```
  }];
  let arguments = (ins Micro_Numbers:$input);
  let results = (outs AnyTypeOf<[I32, Micro_Lanes]>:$result);
  let assemblyFormat = "$input attr-dict `:` type($input) `->` type($result)";
  let hasVerifier = 1;
}

def Micro_ScaleOp : Micro_Op<"scale", [Pure, AllTypesMatch<["input", "exponent", "result"]>]> {
  let summary = "multiplies by a power of two";
  let description = [{
    `result = x 2^n`, n an integral number in [-252, 254] as f32; rounded once
    to nearest even where the result is below the least normal number. A scalar
    or a vector. `normal` promises that x and the result are normal numbers, for
    CPUs where n is then added to the exponent's bits; elements for which it does
    not hold are anything.

    Example:
    ```mlir
    %y = micro.scale %x, %n : vector<16xf32>
    ```
  }];
  let arguments = (ins Micro_Numbers:$input, Micro_Numbers:$exponent,
                       UnitAttr:$normal);
  let results = (outs Micro_Numbers:$result);
  let assemblyFormat = "$input `,` $exponent attr-dict `:` type($input)";
}

//===----------------------------------------------------------------------===//
// Arrays of registers
//===----------------------------------------------------------------------===//

def Micro_GetOp : Micro_Op<"get", [Pure]> {
  let summary = "a register of an array";
  let description = [{
    The register at a place of an array of registers, which is a vector of two
    or more dimensions, of which the last is a register. The place is known when
    loops marked `micro.unroll` are unrolled.

    Example:
    ```mlir
    %s = micro.get %sums[%row, %v] : vector<6x2x16xf32> -> vector<16xf32>
    ```
  }];
  let arguments = (ins AnyVectorOfNonZeroRank:$array, Variadic<Index>:$place);
  let results = (outs AnyVectorOfNonZeroRank:$result);
  let assemblyFormat = "$array `[` $place `]` attr-dict `:` type($array) `->` type($result)";
  let hasVerifier = 1;
  let hasFolder = 1;
}

def Micro_PickOp : Micro_Op<"pick", [Pure]> {
  let summary = "one of several indices";
  let description = [{
    Value `number` of those that follow; the number is known when loops marked
    `micro.unroll` are unrolled.

    Example:
    ```mlir
    %row = micro.pick %r of %first, %second, %third
    ```
  }];
  let arguments = (ins Index:$number, Variadic<Index>:$values);
  let results = (outs Index:$result);
  let assemblyFormat = "$number `of` $values attr-dict";
  let hasFolder = 1;
}

def Micro_SetOp : Micro_Op<"set", [Pure, AllTypesMatch<["array", "result"]>]> {
  let summary = "an array with another register at a place";
  let description = [{
    Example:
    ```mlir
    %next = micro.set %t, %sums[%row, %v] : vector<16xf32> into vector<6x2x16xf32>
    ```
  }];
  let arguments = (ins AnyVectorOfNonZeroRank:$value, AnyVectorOfNonZeroRank:$array, Variadic<Index>:$place);
  let results = (outs AnyVectorOfNonZeroRank:$result);
  let assemblyFormat = "$value `,` $array `[` $place `]` attr-dict `:` type($value) `into` type($array)";
  let hasVerifier = 1;
}

//===----------------------------------------------------------------------===//
// Packed tiles
//===----------------------------------------------------------------------===//

class Micro_WeightOp<string mnemonic, dag more, list<Trait> traits = []>
    : Micro_Op<mnemonic, traits> {
  defvar places = (ins Arg<AnyMemRef, "[panels, superblocks]", [MemRead]>:$weight, Index:$panel, Index:$superblock);
  let arguments = !con(places, more);
}

def Micro_UnpackOp : Micro_WeightOp<"unpack", (ins Index:$group, Index:$vector, Index:$chunk, I64Attr:$up)> {
  let summary = "integers of a chunk of a packed tile";
  let description = [{
    Of a panel's superblock and its group of 32 along K the stored integers
    `4 chunk ... 4 chunk + 3` of each column of a vector, unsigned bytes that
    lie side by side, times 2^`up`: the operand of `micro.dot4_i8`. A column's
    number is `lanes * vector` and more. Where the bits are is what the type
    of the superblock says (tenon/Support/Superblock.h); a table's index is
    looked up, plus 128 to be unsigned.

    Example, 16 lanes:
    ```mlir
    %w = micro.unpack %weight[%panel, %superblock, %group, %vector], %chunk up 0
      : memref<4x8x!tenon.superblock<32 x Q4_0>>, vector<64xi8>
    ```
  }];
  let results = (outs Micro_Bytes:$result);
  let assemblyFormat = "$weight `[` $panel `,` $superblock `,` $group `,` $vector `]` `,` $chunk `up` $up attr-dict `:` type($weight) `,` type($result)";
}

def Micro_UnpackScaleOp : Micro_WeightOp<"unpack_scale", (ins Index:$group, Index:$vector, I64Attr:$half)> {
  let summary = "scales of a group of a packed tile";
  let description = [{
    What the integers of the group, minus their zero point, are multiplied by,
    of each column of a vector: of half `half`, if halves of a group have their
    own. A scale of integers is `f32(integer) * factor`.

    Example:
    ```mlir
    %s = micro.unpack_scale %weight[%panel, %superblock, %group, %vector] half 0
      : memref<4x8x!tenon.superblock<32 x Q4_0>>, vector<16xf32>
    ```
  }];
  let results = (outs Micro_Floats:$result);
  let assemblyFormat = "$weight `[` $panel `,` $superblock `,` $group `,` $vector `]` `half` $half attr-dict `:` type($weight) `,` type($result)";
}

def Micro_UnpackMinimumOp : Micro_WeightOp<"unpack_minimum", (ins Index:$group, Index:$vector, I64Attr:$half)> {
  let summary = "minimums of a group of a packed tile";
  let description = [{
    What is added to scale times integer, of each column of a vector.

    Example: as `micro.unpack_scale`.
  }];
  let results = (outs Micro_Floats:$result);
  let assemblyFormat = "$weight `[` $panel `,` $superblock `,` $group `,` $vector `]` `half` $half attr-dict `:` type($weight) `,` type($result)";
}

def Micro_UnpackMinimumPairOp : Micro_WeightOp<"unpack_minimum_pair", (ins Index:$pair, Index:$vector)> {
  let summary = "integer minimums of two groups of a packed tile";
  let description = [{
    Of groups `2 pair` and `2 pair + 1` the integers of the minimums, side by
    side for each column of a vector: the operand of `micro.dot2_i16`.

    Example:
    ```mlir
    %m = micro.unpack_minimum_pair %weight[%panel, %superblock, %pair, %vector]
      : memref<4x2x!tenon.superblock<32 x Q4_K>>, vector<32xi16>
    ```
  }];
  let results = (outs Micro_Words:$result);
  let assemblyFormat = "$weight `[` $panel `,` $superblock `,` $pair `,` $vector `]` attr-dict `:` type($weight) `,` type($result)";
}

def Micro_UnpackMinimumFactorOp : Micro_WeightOp<"unpack_minimum_factor", (ins Index:$vector)> {
  let summary = "what multiplies the integer minimums of a packed tile";
  let description = [{
    Minus the f16 factor of a superblock's minimums, of each column of a vector.

    Example:
    ```mlir
    %f = micro.unpack_minimum_factor %weight[%panel, %superblock, %vector]
      : memref<4x2x!tenon.superblock<32 x Q4_K>>, vector<16xf32>
    ```
  }];
  let results = (outs Micro_Floats:$result);
  let assemblyFormat = "$weight `[` $panel `,` $superblock `,` $vector `]` attr-dict `:` type($weight) `,` type($result)";
}

def Micro_PrefetchWeightsOp : Micro_Op<"prefetch_weights"> {
  let summary = "asks for weights that come later";
  let description = [{
    Asks for lines of the superblock `distance` bytes or a little more behind
    this one, in the order of memory, for the first or the second cache. The
    lines of a group and of 16 columns are spread over its chunks and vectors:
    `part` is 8 times a vector's number plus a chunk's, of which only the place
    within 16 columns counts.

    Example:
    ```mlir
    micro.prefetch_weights %weight[%panel, %superblock, %group, %vector], %part {cache = 2 : i64, distance = 8192 : i64}
      : memref<4x8x!tenon.superblock<32 x Q4_0>>
    ```
  }];
  let arguments = (ins AnyMemRef:$weight, Index:$panel, Index:$superblock, Index:$group, Index:$vector, Index:$part,
                       I64Attr:$distance, I64Attr:$cache);
  let assemblyFormat = "$weight `[` $panel `,` $superblock `,` $group `,` $vector `]` `,` $part attr-dict `:` type($weight)";
}

def Micro_Broadcast4Op : Micro_Op<"broadcast4"> {
  let summary = "four bytes of memory in every lane";
  let description = [{
    The bytes from a place on, over and over: four activations for
    `micro.dot4_i8`, or the 32 bits of a field.

    Example:
    ```mlir
    %x = micro.broadcast4 %bytes[%row, %group, %offset] : memref<4x8x36xi8>, vector<64xi8>
    ```
  }];
  let arguments = (ins Arg<MemRefOf<[I8]>, "bytes", [MemRead]>:$bytes, Variadic<Index>:$indices);
  let results = (outs Micro_Bytes:$result);
  let assemblyFormat = "$bytes `[` $indices `]` attr-dict `:` type($bytes) `,` type($result)";
}

#endif // TENON_DIALECT_MICRO_IR_MICROOPS_TD
