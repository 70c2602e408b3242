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

    Where logits are rows times a weight, head and loss are one operation that
    never holds all logits (`tenon.head_loss`).

    A loop over layers stays a loop in both directions (I3). On the way forward
    it keeps what it carries into each trip, and the results of linears,
    attentions and mixtures that its way back reads; that counts the trips down,
    computes the rest of the layer again, which is cheap, and goes back through
    it. With `recompute=layer` all of the layer is computed again: a third more
    time, and of each layer only the memory of what it begins with. The gradients
    of values that a loop reads from outside are carried beside. A mixture of
    experts goes back through the body of each expert that has rows
    (`tenon.mixture_gradient`). Linears become products with the plain weight
    (`tenon.weight_product`), whose gradient lies as it does; `@forward` stays as
    it is, for what generates (tenon-lower-linears).

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
      %l, %dy = tenon.head_loss %n, %w, %targets into %gw {rows = 128 : i64} : ...
      %loss = tenon.reduce %l {dim = 0 : i64, kind = #tenon.reduction<sum>} : ...
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
    Errors, at the operation's place in the description: one without a rule; a
    loop that carries more than one value, or whose trips are not known; experts
    that read a value from outside that a weight is behind.
  }];
  let dependentDialects = ["::tenon::TenonDialect", "::mlir::arith::ArithDialect",
                           "::mlir::func::FuncDialect", "::mlir::scf::SCFDialect"];
  let options = [
    Option<"recompute", "recompute", "::tenon::RecomputePolicy", "::tenon::RecomputePolicy::Cheap",
           "What the way back through a loop computes again",
           [{::llvm::cl::values(
               clEnumValN(::tenon::RecomputePolicy::Cheap, "cheap", "All but linears, attentions and mixtures"),
               clEnumValN(::tenon::RecomputePolicy::Layer, "layer", "All of the body"))}]>,
  ];
  let statistics = [
    Statistic<"numHeads", "heads", "Number of heads that make losses without all logits">,
    Statistic<"numKept", "kept", "Number of values in loops that the way back reads and does not compute again">,
    Statistic<"numRules", "rules", "Number of operations that the way back went through">,
    Statistic<"numSkipped", "skipped", "Number of operations without a gradient: no weight is behind them, or the loss does not depend on them">,
    Statistic<"numLoops", "loops", "Number of loops with a way back">,
    Statistic<"numWeights", "weights", "Number of weights that learn">,
  ];
}

def TenonInsertAdapters : Pass<"tenon-insert-adapters", "::mlir::ModuleOp"> {
  let summary = "small weights that learn, beside weights that don't";
  let description = [{
    Low-rank adaptation (LoRA, arXiv:2106.09685): all weights of the model are
    frozen, and beside those of the linears that `targets` name, two small
    matrices learn:

    `y = x Wᵀ + alpha / rank (x Aᵀ) Bᵀ`, A `[rank, in]`, B `[out, rank]`

    A begins with random numbers, B with zeros, so that the model is at first
    what it was. A target is the name of a weight in the description ("wq") or of
    its module in the checkpoint ("q_proj"). The new weights have the names that
    PEFT gives them in a file, and come after all others: gradients and moments
    of what learns are one piece of memory.

    Before:
    ```mlir
    tenon.weight @block.wq : tensor<4x64x64xf32> from [#tenon.source<"layers.{i}.q_proj.weight", tensor<64x64xf32>>] stacked
    ...
    %w = tenon.weight_ref @block.wq[%i] : tensor<64x64xf32>
    %y = tenon.linear %x, %w : (tensor<?x64xf32>, tensor<64x64xf32>) -> tensor<?x64xf32>
    ```
    After, with rank 8 and alpha 16:
    ```mlir
    tenon.weight @block.wq : tensor<4x64x64xf32> from [...] stacked {tenon.frozen}
    tenon.weight @block.wq.lora_a : tensor<4x8x64xf32> from [
      #tenon.source<"base_model.model.layers.{i}.q_proj.lora_A.weight", tensor<8x64xf32>>] stacked {tenon.initial = "normal"}
    tenon.weight @block.wq.lora_b : tensor<4x64x8xf32> from [
      #tenon.source<"base_model.model.layers.{i}.q_proj.lora_B.weight", tensor<64x8xf32>>] stacked {tenon.initial = "zeros"}
    ...
    %y0 = tenon.linear %x, %w : (tensor<?x64xf32>, tensor<64x64xf32>) -> tensor<?x64xf32>
    %a = tenon.weight_ref @block.wq.lora_a[%i] : tensor<8x64xf32>
    %h = tenon.linear %x, %a : (tensor<?x64xf32>, tensor<8x64xf32>) -> tensor<?x8xf32>
    %b = tenon.weight_ref @block.wq.lora_b[%i] : tensor<64x8xf32>
    %d = tenon.linear %h, %b : (tensor<?x8xf32>, tensor<64x8xf32>) -> tensor<?x64xf32>
    %s = tenon.scale %d {factor = 2.0 : f32} : (tensor<?x64xf32>) -> tensor<?x64xf32>
    %y = tenon.add %y0, %s : (tensor<?x64xf32>, tensor<?x64xf32>) -> tensor<?x64xf32>
    ```
    With `kept` the new weights are places for adapters of which a program that
    computes takes one when it starts: they are zeros, `alpha` is part of B, and
    no weight is frozen, as none learns.

    Errors: a target that no linear reads; weights of experts; a weight that is
    no tensor of the checkpoint as it is.
  }];
  let dependentDialects = ["::tenon::TenonDialect"];
  let options = [
    Option<"rank", "rank", "int64_t", "8", "Rows of A, columns of B">,
    Option<"alpha", "alpha", "double", "16.0", "What the sum of both is scaled by, times the rank">,
    ListOption<"targets", "targets", "std::string", "Names of weights">,
    Option<"kept", "kept", "bool", "false", "Adapters of a program that computes: all are zeros, and nothing is frozen">,
  ];
  let statistics = [
    Statistic<"numAdapters", "adapters", "Number of linears that have an adapter">,
    Statistic<"numSkipped", "skipped", "Number of linears that no target names">,
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
