//===- MicroPasses.td - lowering of micro-operations -------*- tablegen -*-===//

#ifndef TENON_CONVERSION_MICROPASSES_TD
#define TENON_CONVERSION_MICROPASSES_TD

include "mlir/Pass/PassBase.td"

def TenonUnroll : Pass<"tenon-unroll", "::mlir::ModuleOp"> {
  let summary = "write out loops over registers";
  let description = [{
    Emitters write what they do to the registers of a tile as loops that are
    marked `micro.unroll`, over an *array of registers*: a vector of two or more
    dimensions, whose last one is a register. Each trip becomes code of its own,
    in order; each register of an array becomes a value, also where an array goes
    through other loops and branches. Indices that are known then are constants.

    Before:
    ```mlir
    %t = scf.for %r = %c0 to %c2 step %c1 iter_args(%a = %s) -> (vector<2x16xf32>) {
      %x = memref.load %input[%r, %k] : memref<2x64xf32>
      %v = vector.broadcast %x : f32 to vector<16xf32>
      %old = micro.get %a[%r] : vector<2x16xf32> -> vector<16xf32>
      %new = vector.fma %w, %v, %old : vector<16xf32>
      %next = micro.set %new, %a[%r] : vector<16xf32> into vector<2x16xf32>
      scf.yield %next : vector<2x16xf32>
    } {micro.unroll}
    ```
    After:
    ```mlir
    %x0 = memref.load %input[%c0, %k] : memref<2x64xf32>
    %v0 = vector.broadcast %x0 : f32 to vector<16xf32>
    %t0 = vector.fma %w, %v0, %s0 : vector<16xf32>
    %x1 = memref.load %input[%c1, %k] : memref<2x64xf32>
    %v1 = vector.broadcast %x1 : f32 to vector<16xf32>
    %t1 = vector.fma %w, %v1, %s1 : vector<16xf32>
    ```
    A marked loop whose bounds are not known, a place in an array that is not,
    and an operation on arrays that is none of `micro.get` and `set`, `scf.for`
    and `if`, constants, `vector.broadcast` and elementwise ones are errors.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::ub::UBDialect", "::mlir::vector::VectorDialect"];
  let statistics = [
    Statistic<"numUnrolled", "unrolled", "Number of loops unrolled">,
  ];
}

def TenonUnpackToVector : Pass<"tenon-unpack-to-vector", "::mlir::ModuleOp"> {
  let summary = "lower micro-operations that read memory";
  let description = [{
    Lowers `micro.unpack`, `micro.unpack_scale` and their like to loads, shifts
    and masks, and `micro.prefetch_weights` to prefetches, by the place that the
    type of a superblock gives to each chunk: after `tenon-unroll`, when chunks
    are constants. `micro.broadcast4` becomes a load and a broadcast.

    Before:
    ```mlir
    %v = micro.unpack %w[%panel, %superblock, %group, %c0], %c5 up 0
      : memref<4x8x!tenon.superblock<...>>, vector<64xi8>
    ```
    After, for 4 bits (chunk 5 is the upper half-bytes of line 1):
    ```mlir
    %line = vector.load %bytes[%panel, %superblock, %place] : memref<4x8x1152xi8>, vector<64xi8>
    %words = vector.bitcast %line : vector<64xi8> to vector<16xi32>
    %down = arith.shrui %words, %c4 : vector<16xi32>
    %low = vector.bitcast %down : vector<16xi32> to vector<64xi8>
    %v = arith.andi %low, %c15 : vector<64xi8>
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::memref::MemRefDialect", "::mlir::vector::VectorDialect",
                           "::tenon::TenonDialect", "::tenon::micro::MicroDialect"];
  let statistics = [
    Statistic<"numLowered", "lowered", "Number of operations lowered">,
  ];
}

def TenonMicroToX86 : Pass<"tenon-micro-to-x86", "::mlir::ModuleOp"> {
  let summary = "replace micro-operations by instructions of the target";
  let description = [{
    Replaces each micro-operation for which
    lib/Conversion/MicroToX86/Instructions.def names an instruction: of its
    width, on the extensions that `tenon.target` has. Four products of bytes
    without one of their own are two times two products of 16 bits. What is
    left (scalars, other widths, a module without a target) is for
    `tenon-micro-to-vector`. Does nothing for other architectures.

    Before, on vectors of 256 bits without VNNI:
    ```mlir
    %p = micro.dot2_i8 %w, %x : vector<32xi8> -> vector<16xi16>
    %t = micro.dot2_i16 %s, %p, %ones : vector<8xi32>, vector<16xi16>
    ```
    After:
    ```mlir
    %p = llvm.call_intrinsic "llvm.x86.avx2.pmadd.ub.sw"(%w, %x) : (vector<32xi8>, vector<32xi8>) -> vector<16xi16>
    %d = llvm.call_intrinsic "llvm.x86.avx2.pmadd.wd"(%p, %ones) : (vector<16xi16>, vector<16xi16>) -> vector<8xi32>
    %t = arith.addi %s, %d : vector<8xi32>
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::vector::VectorDialect",
                           "::mlir::LLVM::LLVMDialect"];
  let statistics = [
    Statistic<"numReplaced", "replaced", "Number of micro-operations that are instructions">,
    Statistic<"numLeft", "left", "Number of micro-operations left: no instruction on this target">,
  ];
}

def TenonMicroToArm : Pass<"tenon-micro-to-arm", "::mlir::ModuleOp"> {
  let summary = "replace micro-operations by instructions of AArch64";
  let description = [{
    As `tenon-micro-to-x86`, by the rows of
    lib/Conversion/MicroToArm/Instructions.def whose extensions `tenon.target`
    has. Does nothing for other architectures.

    Before, with dotprod:
    ```mlir
    %t = micro.dot4_s8 %s, %w, %x : vector<4xi32>, vector<16xi8>
    ```
    After:
    ```mlir
    %t = llvm.call_intrinsic "llvm.aarch64.neon.sdot"(%s, %w, %x) : (vector<4xi32>, vector<16xi8>, vector<16xi8>) -> vector<4xi32>
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::vector::VectorDialect",
                           "::mlir::LLVM::LLVMDialect"];
  let statistics = [
    Statistic<"numReplaced", "replaced", "Number of micro-operations that are instructions">,
    Statistic<"numLeft", "left", "Number of micro-operations left: no instruction on this target">,
  ];
}

def TenonMicroToVector : Pass<"tenon-micro-to-vector", "::mlir::ModuleOp"> {
  let summary = "lower micro-operations to arith and vector";
  let description = [{
    What each micro-operation means, for any target, with the bits that
    instructions give: slow, and what they are tested against.

    Before:
    ```mlir
    %n = micro.round %x : vector<4xf32> -> vector<4xi32>
    ```
    After (adding 1.5 * 2^23 leaves no place for a fraction):
    ```mlir
    %up = arith.addf %x, %magic : vector<4xf32>
    %whole = arith.subf %up, %magic : vector<4xf32>
    %n = arith.fptosi %whole : vector<4xf32> to vector<4xi32>
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::vector::VectorDialect"];
  let statistics = [
    Statistic<"numLowered", "lowered", "Number of micro-operations lowered">,
  ];
}

#endif // TENON_CONVERSION_MICROPASSES_TD
