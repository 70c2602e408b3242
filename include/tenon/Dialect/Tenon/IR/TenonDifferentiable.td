//===- TenonDifferentiable.td - the rules of derivatives ----*- tablegen -*-===//

#ifndef TENON_DIALECT_TENON_IR_TENONDIFFERENTIABLE_TD
#define TENON_DIALECT_TENON_IR_TENONDIFFERENTIABLE_TD

include "mlir/IR/OpBase.td"

def Tenon_DifferentiableOpInterface : OpInterface<"DifferentiableOpInterface"> {
  let cppNamespace = "::tenon";
  let description = [{
    An operation on tensors that tenon-differentiate can go back through. The
    rules are attached to operations of the dialect from outside
    (`registerGradients`), so that a rule for a fused operation is one more
    model, and nothing else changes.
  }];
  let methods = [
    InterfaceMethod<[{
        Builds what each operand that `adjoints.wants` gets of the gradient of
        the result, `adjoints.of(result)`, and hands it to `adjoints.add`. The
        operation stands on the way forward: its operands and results are the
        values to read. Fails with an error at the operation if there is no
        rule for this form of it.
      }],
      "::mlir::LogicalResult", "buildBackward",
      (ins "::mlir::OpBuilder &":$builder, "::tenon::Adjoints &":$adjoints)>,
  ];
}

#endif // TENON_DIALECT_TENON_IR_TENONDIFFERENTIABLE_TD
