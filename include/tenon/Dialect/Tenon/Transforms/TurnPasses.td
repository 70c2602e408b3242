//===- TurnPasses.td - passes for processes that learn together -*- tablegen -*-===//

#ifndef TENON_DIALECT_TENON_TRANSFORMS_TURNPASSES_TD
#define TENON_DIALECT_TENON_TRANSFORMS_TURNPASSES_TD

include "mlir/Pass/PassBase.td"

def TenonDeferTables : Pass<"tenon-defer-tables", "::mlir::ModuleOp"> {
  let summary = "adds to the gradient of a table that something else adds to, too, in an entry point of its own";
  let description = [{
    A table that is embedding and head at once gets gradients at both ends of the
    way back. Sums over sequences are in order, so the next sequence could not
    begin its way back before the one at hand has ended its own: processes that
    learn together would wait for each other.

    So where something else adds to a table's gradient before, the rows of the
    table that a sequence has, which are few, are saved (`tenon.save_rows`), and
    the entry point `@row_gradients` adds them. The runtime calls it for each
    sequence of a group of so many (`Trainer::kGroup`), in order, when all of them
    have been through `@gradient`; in one process just as in several, as the order
    of a sum is its bits (I5).

    Before:
    ```mlir
    func.func @gradient(%tokens: tensor<?xi32>, %targets: tensor<?xi32>) -> tensor<1x1xf32> {
      %g = tenon.gradient @words : memref<97x32xf32>
      %l, %dy = tenon.head_loss %y, %w, %targets into %g {rows = 128 : i64} : ...
      ...
      tenon.embedding_gradient %tokens, %dx into %g : tensor<?xi32>, tensor<?x32xf32>, memref<97x32xf32>
      return %loss : tensor<1x1xf32>
    }
    ```
    After:
    ```mlir
    func.func @gradient(%tokens: tensor<?xi32>, %targets: tensor<?xi32>) -> tensor<1x1xf32> {
      %g = tenon.gradient @words : memref<97x32xf32>
      %l, %dy = tenon.head_loss %y, %w, %targets into %g {rows = 128 : i64} : ...
      ...
      tenon.save_rows %dx at 0 : tensor<?x32xf32>
      return %loss : tensor<1x1xf32>
    }
    func.func @row_gradients(%tokens: tensor<?xi32>, %targets: tensor<?xi32>) {
      %dx = tenon.saved_rows 0 like %tokens : tensor<?xi32> -> tensor<?x32xf32>
      %g = tenon.gradient @words : memref<97x32xf32>
      tenon.embedding_gradient %tokens, %dx into %g : tensor<?xi32>, tensor<?x32xf32>, memref<97x32xf32>
      return
    }
    ```
    The module then says in `tenon.row_numbers` how many numbers are saved of a
    token. The pass comes after what IR on tensors is checked by: that computes
    `@gradient` alone.
  }];
  let dependentDialects = ["::tenon::TenonDialect", "::mlir::func::FuncDialect"];
  let statistics = [
    Statistic<"numDeferred", "deferred", "Number of embeddings whose rows are saved">,
    Statistic<"numDeclined", "declined", "Number of embeddings of such tables that are in a loop, or whose ids are computed from what is not an input">,
  ];
}

def TenonInsertTurns : Pass<"tenon-insert-turns", "::mlir::ModuleOp"> {
  let summary = "sequences add to each gradient in turns";
  let description = [{
    Processes that learn together (`train --processes`) work on a sequence each,
    and add to the same gradients. In `@gradient` a weight's gradient, or that of a
    layer of it, is a section: before the first operation that adds to it the
    pass puts `tenon.await_turn`, and after the last one `tenon.pass_turn`. So a
    process follows the one with the sequence before at the distance of one
    operation, the sums are those of one process, and while one adds to the
    gradients of a layer, another is in the layer after it.

    Before:
    ```mlir
    %d = scf.for %i = %c0 to %c3 step %c1 iter_args(%dy = %d0) -> (tensor<?x32xf32>) {
      %layer = arith.subi %c2, %i : index
      %g = tenon.gradient @block.w[%layer] : memref<32x32xf32>
      tenon.weight_gradient %dy, %x into %g : tensor<?x32xf32>, tensor<?x32xf32>, memref<32x32xf32>
      ...
    }
    ```
    After:
    ```mlir
    %d = scf.for %i = %c0 to %c3 step %c1 iter_args(%dy = %d0) -> (tensor<?x32xf32>) {
      %layer = arith.subi %c2, %i : index
      %g = tenon.gradient @block.w[%layer] : memref<32x32xf32>
      tenon.await_turn 1[%i]
      tenon.weight_gradient %dy, %x into %g : tensor<?x32xf32>, tensor<?x32xf32>, memref<32x32xf32>
      tenon.pass_turn 1[%i]
      ...
    }
    ```
    In a loop a section belongs to a trip where each trip adds to another layer:
    where its index is a multiple of the trip, and what else is in it is less. A
    weight that several trips, or operations apart from one another, add to is one
    section from the first to the last of them. `tenon.head_loss` awaits its turn in
    its own loop; it gets the section as `tenon.turn`.

    Errors: a gradient that an operation without turns adds to; more than 65536
    sections.
  }];
  let dependentDialects = ["::tenon::TenonDialect"];
  let statistics = [
    Statistic<"numSections", "sections", "Number of sections: of weights, and of their layers">,
    Statistic<"numLong", "long", "Number of weights that are one section over a loop, whose trips other sequences wait for">,
  ];
}

#endif // TENON_DIALECT_TENON_TRANSFORMS_TURNPASSES_TD
