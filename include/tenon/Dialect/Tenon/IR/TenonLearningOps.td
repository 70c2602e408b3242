//===- TenonLearningOps.td - large steps of learning --------*- tablegen -*-===//
//
// Where most of a training step goes: products with weights as they lie, which
// the optimizer writes and no pass packs.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_DIALECT_TENON_IR_TENONLEARNINGOPS_TD
#define TENON_DIALECT_TENON_IR_TENONLEARNINGOPS_TD

include "tenon/Dialect/Tenon/IR/TenonOps.td"

def Tenon_WeightProductOp : Tenon_ComputeOp<"weight_product", [DeclareOpInterfaceMethods<Tenon_ComputeOpInterface, ["getOut"]>]> {
  let summary = "rows times a plain weight, or times its transpose";
  let description = [{
    `y[t, n] = sum_k x[t, k] w[n, k]`, as a linear computes it, and with
    `flipped`, as its gradient goes back, `y[t, k] = sum_n x[t, n] w[n, k]`. The
    sum is one chain of multiply-adds in order that begins with 0, whatever the
    number of rows (I5).

    The weight is a matrix of a checkpoint as it lies, which an optimizer
    changes. A task has some columns of the result: it copies the panels of the
    weight that make them, 256 of the sum's terms at a time, and passes all rows
    by each panel. So the weight is read once for however many rows there are.
    `tile` has the rows and columns of a register tile, and the panels of a
    task.

    Example:
    ```mlir
    %y = tenon.weight_product %x, %w : (tensor<?x64xf32>, tensor<128x64xf32>) -> tensor<?x128xf32>
    %dx = tenon.weight_product %dy, %w {flipped} : (tensor<?x128xf32>, tensor<128x64xf32>) -> tensor<?x64xf32>
    ```
  }];
  let arguments = (ins Tenon_Array:$input, Tenon_Array:$weight, Optional<AnyStridedMemRef>:$out,
                       UnitAttr:$flipped, OptionalAttr<Tenon_TileAttr>:$tile);
  let assemblyFormat = "$input `,` $weight (`into` $out^)? attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

#endif // TENON_DIALECT_TENON_IR_TENONLEARNINGOPS_TD
