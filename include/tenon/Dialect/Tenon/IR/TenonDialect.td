//===- TenonDialect.td - the tenon dialect -----------------*- tablegen -*-===//
//
// The dialect itself, and the base class of its operations.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_DIALECT_TENON_IR_TENONDIALECT_TD
#define TENON_DIALECT_TENON_IR_TENONDIALECT_TD

include "mlir/IR/OpBase.td"

def Tenon_Dialect : Dialect {
  let name = "tenon";
  let cppNamespace = "::tenon";
  let summary = "Transformers, from the model's mathematics to the tiles of its kernels";
  let description = [{
    Activations are tensors `[T, C]` (T tokens, `?` or a static count) or head
    tensors `[H, T, D]`. Weights are symbols (`tenon.weight`), stacked over the
    layers, and are read by `tenon.weight_ref`.

    Every *compute* operation has two forms, as in `linalg`: on tensors it
    returns a value; on memrefs it has an `into` operand and no result, and
    writes there.
  }];
  let useDefaultAttributePrinterParser = 1;
  let useDefaultTypePrinterParser = 1;
  let dependentDialects = ["::mlir::arith::ArithDialect"];
}

class Tenon_Op<string mnemonic, list<Trait> traits = []>
    : Op<Tenon_Dialect, mnemonic, traits>;

#endif // TENON_DIALECT_TENON_IR_TENONDIALECT_TD
