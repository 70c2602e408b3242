//===- RowsPasses.td - row-wise operations to vectors ------*- tablegen -*-===//

#ifndef TENON_CONVERSION_ROWSPASSES_TD
#define TENON_CONVERSION_ROWSPASSES_TD

include "mlir/Pass/PassBase.td"

def TenonRowsToVector : Pass<"tenon-rows-to-vector", "::mlir::ModuleOp"> {
  let summary = "lower row-wise operations in buffer form to vector kernels";
  let description = [{
    Embedding, positions, norms, rotary positions, elementwise operations,
    softmax, masks, casts, copies and unfused matrix products become loops over
    rows with vectors along the last dimension; the tail of a row is masked.
    Sums over a row are of a fixed order that depends on the row's length and
    the vector width only (I5).

    Before:
    ```mlir
    tenon.scale %x into %y {factor = 2.0 : f32} : (memref<?x20xf32>, memref<?x20xf32>) -> ()
    ```
    After, for vectors of 512 bits:
    ```mlir
    scf.for %t = %c0 to %n step %c1 {
      %a = vector.load %x[%t, %c0] : memref<?x20xf32>, vector<16xf32>
      %b = arith.mulf %a, %factor : vector<16xf32>
      vector.store %b, %y[%t, %c0] : memref<?x20xf32>, vector<16xf32>
      %c = vector.maskedload %x[%t, %c16], %four, %zero ...
      ...
    }
    ```
  }];
  let dependentDialects = ["::tenon::micro::MicroDialect", "::mlir::arith::ArithDialect", "::mlir::math::MathDialect",
                           "::mlir::memref::MemRefDialect", "::mlir::scf::SCFDialect",
                           "::mlir::vector::VectorDialect", "::mlir::LLVM::LLVMDialect"];
  let statistics = [
    Statistic<"numLowered", "lowered", "Number of operations lowered to vector kernels">,
  ];
}

#endif // TENON_CONVERSION_ROWSPASSES_TD
