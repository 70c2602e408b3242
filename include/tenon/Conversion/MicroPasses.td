//===- MicroPasses.td - lowering of micro-operations -------*- tablegen -*-===//

#ifndef TENON_CONVERSION_MICROPASSES_TD
#define TENON_CONVERSION_MICROPASSES_TD

include "mlir/Pass/PassBase.td"

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
