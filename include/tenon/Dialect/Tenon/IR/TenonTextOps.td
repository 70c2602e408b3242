//===- TenonTextOps.td - several texts in one call ---------*- tablegen -*-===//
//
// What keeps texts that lie one after the other apart. Generated apart from
// the other operations: few files need them.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_DIALECT_TENON_IR_TENONTEXTOPS_TD
#define TENON_DIALECT_TENON_IR_TENONTEXTOPS_TD

include "mlir/Interfaces/ControlFlowInterfaces.td"
include "tenon/Dialect/Tenon/IR/TenonOps.td"

def Tenon_ForEachTextOp : Tenon_Op<"for_each_text", [SingleBlock, RecursiveMemoryEffects]> {
  let summary = "what sees a whole text, for each of several";
  let description = [{
    The inputs have the rows of N texts, one after the other: text n those from
    `ends[n - 1]` (0 for the first) up to `ends[n]`, one at least. The body sees
    the rows of one text only:
    `y[ends[n - 1] .. ends[n]] = body(inputs[ends[n - 1] .. ends[n]])`; or, if it
    gives a single row, `y[n] = body(inputs[ends[n - 1] .. ends[n]])`. Rows are
    the second dimension of what is split into heads, else the first. What a
    text gives does not depend on the others (I5).

    Example:
    ```mlir
    %o = tenon.for_each_text %q, %k, %v ends(%ends) {
    ^bb0(%q1: tensor<4x?x12xf32>, %k1: tensor<4x?x12xf32>, %v1: tensor<4x?x12xf32>):
      %a = tenon.attention %q1, %k1, %v1 {scale = 0.29 : f32}
        : (tensor<4x?x12xf32>, tensor<4x?x12xf32>, tensor<4x?x12xf32>) -> tensor<4x?x12xf32>
      tenon.text_yield %a : tensor<4x?x12xf32>
    } : (tensor<4x?x12xf32>, tensor<4x?x12xf32>, tensor<4x?x12xf32>, tensor<?xi32>) -> tensor<4x?x12xf32>
    ```
  }];
  let arguments = (ins Variadic<AnyRankedTensor>:$inputs, 1DTensorOf<[I32]>:$ends);
  let results = (outs AnyRankedTensor:$result);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = [{
    $inputs `ends` `(` $ends `)` $body attr-dict `:` functional-type(operands, results)
  }];
  let extraClassDeclaration = [{
    /// The dimension of a tensor that counts rows.
    static unsigned rowDim(::mlir::Type type) {
      return ::mlir::cast<::mlir::RankedTensorType>(type).getRank() == 3 ? 1 : 0;
    }
    /// Whether each text gives a single row.
    bool givesOneRow();
  }];
  let hasVerifier = 1;
  let hasRegionVerifier = 1;
}

def Tenon_TextYieldOp : Tenon_Op<"text_yield", [Pure, ReturnLike, Terminator, HasParent<"ForEachTextOp">]> {
  let summary = "what a text gives";
  let description = [{ Example: `tenon.text_yield %a : tensor<4x?x12xf32>` }];
  let arguments = (ins AnyRankedTensor:$value);
  let assemblyFormat = "$value attr-dict `:` type($value)";
}

#endif // TENON_DIALECT_TENON_IR_TENONTEXTOPS_TD
