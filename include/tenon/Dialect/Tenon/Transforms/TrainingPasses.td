//===- TrainingPasses.td - passes that make a model learn ---*- tablegen -*-===//

#ifndef TENON_DIALECT_TENON_TRANSFORMS_TRAININGPASSES_TD
#define TENON_DIALECT_TENON_TRANSFORMS_TRAININGPASSES_TD

include "mlir/Pass/PassBase.td"

def TenonDifferentiate : Pass<"tenon-differentiate", "::mlir::ModuleOp"> {
  let summary = "a decoder's @forward becomes its loss, gradient and optimizer's step";
  let description = [{
    Adds three entry points to the `@forward` of a decoder, and removes all
    others:

    * `@gradient(tokens, targets)`: adds the gradient of the sum of all tokens'
      cross entropies to the weights' gradients, and returns that sum;
    * `@loss(tokens, targets)`: that sum alone;
    * `@update(numbers)`: a step of the optimizer for every weight, whose
      gradients are zero then; returns their norm. Matrices decay, vectors
      don't.

    The way back goes through the operations in reverse order, each of which
    builds its part (`DifferentiableOpInterface`). The rules are those of the
    primitive operations, as the description states them: the pass comes before
    fusion. Values that no weight is behind get no gradient.

    A loop over layers stays a loop in both directions (I3). On the way forward
    it keeps what it carries into each trip; the way back counts the trips down,
    computes the layer again from that, and goes back through it. Their linears
    become products with the plain weight, whose gradient lies as it does;
    `@forward` stays as it is, for what generates (tenon-lower-linears).

    Before:
    ```mlir
    func.func @forward(%tokens: tensor<?xi32>) -> tensor<?x97xf32> {
      %e = tenon.weight_ref @embed : tensor<97x32xf32>
      %x = tenon.embedding %tokens, %e : (tensor<?xi32>, tensor<97x32xf32>) -> tensor<?x32xf32>
      %y = scf.for %i = %c0 to %c3 step %c1 iter_args(%h = %x) -> (tensor<?x32xf32>) {
        ...
      }
      ...
    }
    ```
    After:
    ```mlir
    func.func @gradient(%tokens: tensor<?xi32>, %targets: tensor<?xi32>) -> tensor<1x1xf32> {
      ...
      %s = tenon.stash %x : tensor<?x32xf32> -> memref<3x?x32xf32>
      %y = scf.for %i = %c0 to %c3 step %c1 iter_args(%h = %x) -> (tensor<?x32xf32>) {
        %trip = ...
        tenon.keep %h in %s[%trip] : tensor<?x32xf32>, memref<3x?x32xf32>
        ...
      }
      %l = tenon.cross_entropy %logits, %targets : ...
      %loss = tenon.reduce %l {dim = 0 : i64, kind = #tenon.reduction<sum>} : ...
      %d = tenon.cross_entropy_gradient %logits, %targets : ...
      ...
      %dx = scf.for %j = %c0 to %c3 step %c1 iter_args(%dh = %dy) -> (tensor<?x32xf32>) {
        %trip = ... // counts down
        %h = tenon.kept %s[%trip] : memref<3x?x32xf32> -> tensor<?x32xf32>
        ...
      }
      %g = tenon.gradient @embed : memref<97x32xf32>
      tenon.embedding_gradient %tokens, %dx into %g : tensor<?xi32>, tensor<?x32xf32>, memref<97x32xf32>
      return %loss : tensor<1x1xf32>
    }
    ```
    Errors, at the operation's place in the description: one without a rule (a
    mixture of experts, for one); a value from outside of a loop that a weight is
    behind; a loop that carries more than one value, or whose trips are not
    known.
  }];
  let dependentDialects = ["::tenon::TenonDialect", "::mlir::arith::ArithDialect",
                           "::mlir::func::FuncDialect", "::mlir::scf::SCFDialect"];
  let statistics = [
    Statistic<"numRules", "rules", "Number of operations that the way back went through">,
    Statistic<"numSkipped", "skipped", "Number of operations without a gradient: no weight is behind them, or the loss does not depend on them">,
    Statistic<"numLoops", "loops", "Number of loops with a way back">,
    Statistic<"numWeights", "weights", "Number of weights that learn">,
  ];
}

def TenonLowerLinears : Pass<"tenon-lower-linears", "::mlir::ModuleOp"> {
  let summary = "linears become products with plain weights";
  let description = [{
    Kernels of linears read packed weights, which an optimizer doesn't write. So
    in a model that learns, what generates computes products instead: with them
    it reads the weights that learn, where they lie.

    Before:
    ```mlir
    %y = tenon.linear %x, %w, %b : (tensor<?x32xf32>, tensor<64x32xf32>, tensor<64xf32>) -> tensor<?x64xf32>
    ```
    After:
    ```mlir
    %t = tenon.transpose %w : tensor<64x32xf32> -> tensor<32x64xf32>
    %p = tenon.matmul %x, %t : (tensor<?x32xf32>, tensor<32x64xf32>) -> tensor<?x64xf32>
    %y = tenon.add %p, %b : (tensor<?x64xf32>, tensor<64xf32>) -> tensor<?x64xf32>
    ```
    An activation and a residual follow as operations. An error: a linear that
    is gated, which only fusion makes.
  }];
  let dependentDialects = ["::tenon::TenonDialect"];
  let statistics = [
    Statistic<"numLowered", "lowered", "Number of linears that became products">,
  ];
}

#endif // TENON_DIALECT_TENON_TRANSFORMS_TRAININGPASSES_TD
