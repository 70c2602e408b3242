//===- TenonInterfaces.td - the compute interface ----------*- tablegen -*-===//

#ifndef TENON_DIALECT_TENON_IR_TENONINTERFACES_TD
#define TENON_DIALECT_TENON_IR_TENONINTERFACES_TD

include "mlir/IR/OpBase.td"

def Tenon_ComputeOpInterface : OpInterface<"ComputeOpInterface"> {
  let cppNamespace = "::tenon";
  let description = [{
    An operation that computes one array from others, on tensors (one result)
    or on memrefs (`into`, no result). Reads all its operands but `into`.
  }];
  let methods = [
    InterfaceMethod<"The memref that is written, or null in tensor form.",
      "::mlir::Value", "getOut">,
    InterfaceMethod<[{Whether the result may be written over this operand:
      each element of the result depends on no other element of the operand.}],
      "bool", "canWriteInPlace", (ins "::mlir::OpOperand &":$operand), "",
      [{ return false; }]>,
  ];
  let extraSharedClassDeclaration = [{
    /// True if the operation is on memrefs.
    bool isBufferForm() { return $_op->getNumResults() == 0; }
    /// The tensor result or the memref written.
    ::mlir::Value getOutput() { return isBufferForm() ? $_op.getOut() : $_op->getResult(0); }
    ::mlir::ShapedType getOutputType() { return ::mlir::cast<::mlir::ShapedType>(getOutput().getType()); }
  }];
  let verify = [{ return ::tenon::detail::verifyComputeOp($_op); }];
}

#endif // TENON_DIALECT_TENON_IR_TENONINTERFACES_TD
